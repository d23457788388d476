"""What the storage asks of a database: run programs durably, and read.

Two implementations: `storage.sqlite` and `storage.postgres`. Only the wiring names them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from stationmaster.storage.programs import Program
from stationmaster.storage.statements import Statement

__all__ = ["Driver"]

T = TypeVar("T")


class Driver(Protocol):
    """A database. Every error that leaves it is a `StorageError`."""

    shared: bool
    """Whether other nodes may write to it at the same time."""

    async def open(self) -> None:
        """Connect; raises `SchemaMismatch` when the schema is not this program's."""

    async def close(self) -> None:
        """Let go of every connection."""

    async def run(self, make: Callable[[], Program[T]]) -> T:
        """Run the program that `make` gives in one database transaction; durable when it returns.

        One at a time. `make` is called again when a lost connection is found before the commit.
        """

    async def read(self, statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> list[Sequence[Any]]:
        """The rows of a Core `select` or of a bulk look-up, as of the latest commit."""
