"""Write programs: what is to be done in a database transaction, without doing it.

A program is a generator. It yields `Execute` and is sent the `Result`; its return value is
the outcome. It never waits, never meets a driver and never commits, so the same program runs
on the `sqlite3` thread and on asyncpg, alone or as a part of a bigger one (`yield from`).
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant
from stationmaster.storage.numbers import RowIds
from stationmaster.storage.statements import Statement

__all__ = ["Batch", "Execute", "Owners", "Program", "Result", "execute"]

T = TypeVar("T")


class Execute:
    """One statement to run: a `Bulk` or `Prepared` over rows of values, or a Core statement that carries its own."""

    __slots__ = ("rows", "statement")

    def __init__(self, statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> None:
        """`rows` is not for Core statements."""
        self.statement = statement
        self.rows = rows


class Result:
    """What a statement gave: the rows, and how many rows it touched."""

    __slots__ = ("rowcount", "rows")

    def __init__(self, rows: list[Sequence[Any]], rowcount: int) -> None:
        """Rows are sequences in the order of the columns asked for."""
        self.rows = rows
        self.rowcount = rowcount


Program: TypeAlias = Generator[Execute, Result, T]


def execute(statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> Program[Result]:
    """The program of a single statement."""
    return (yield Execute(statement, rows))


class Owners:
    """Which station a transaction belongs to, and which transaction a station means: facts that never change.

    A bounded memory of the writer, so that a set of samples costs no look-up after the first.
    It learns only what was committed.
    """

    __slots__ = ("_limit", "_stations", "_transactions")

    def __init__(self, limit: int = 20_000) -> None:
        """`limit` is how many transactions are remembered; the oldest are forgotten first."""
        self._limit = limit
        self._stations: dict[int, str] = {}
        self._transactions: dict[tuple[str, str], int] = {}

    def station_of(self, transaction_id: int) -> str | None:
        """The station whose transaction it is, if that is remembered."""
        return self._stations.get(transaction_id)

    def transaction_of(self, station_id: str, ocpp_id: str) -> int | None:
        """Our number of what the station calls `ocpp_id`, if that is remembered."""
        return self._transactions.get((station_id, ocpp_id))

    def learn(self, owned: Iterable[tuple[int, str, str]]) -> None:
        """Remember (our number, station, the station's number)."""
        for transaction_id, station_id, ocpp_id in owned:
            self._stations[transaction_id] = station_id
            self._transactions[station_id, ocpp_id] = transaction_id
        _forget(self._stations, self._limit)
        _forget(self._transactions, self._limit)


def _forget(memory: dict[Any, Any], limit: int) -> None:
    while len(memory) > limit:
        del memory[next(iter(memory))]


class Batch:
    """What the programs of one batch share: the time, fresh ids, and what became of drawn numbers.

    `transactions` maps a station's number that was drawn for a transaction or an orphan in this
    batch to the transaction that it turned out to be, so that samples recorded beside it find
    their way.
    `evses` has the EVSE of each transaction that the ends of this batch found, for samples that came with them.
    `amended` has the facts of which the database decided something, by the `id` of the fact that was given.
    `learned` is what `owners` may remember once the batch is durable. `messages` and `events` count the rows
    that await their entry in a trail.
    """

    __slots__ = (
        "_row_ids",
        "amended",
        "events",
        "evses",
        "learned",
        "messages",
        "now",
        "owners",
        "transactions",
    )

    def __init__(self, row_ids: RowIds, now: Instant, owners: Owners) -> None:
        """One for each attempt to write a batch."""
        self._row_ids = row_ids
        self.now = now
        self.owners = owners
        self.amended: dict[int, Fact] = {}
        self.evses: dict[int, int | None] = {}
        self.learned: list[tuple[int, str, str]] = []
        self.transactions: dict[tuple[str, int], int] = {}
        self.messages = 0
        self.events = 0

    def take_ids(self, count: int) -> range:
        """Row ids that nobody else has, in order."""
        return self._row_ids.take(count, self.now)
