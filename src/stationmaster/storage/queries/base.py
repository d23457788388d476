"""What all query objects share: rows to nouns, pages, and look-ups gathered into one query.

Query objects answer with domain nouns. Reads go to the reading connections and see the latest
commit; writes go through the one writer like everything else.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase
from types import UnionType
from typing import Any, Final, Generic, Protocol, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.numbers import RowIds
from stationmaster.storage.paging import Page, bounded, write_cursor
from stationmaster.storage.programs import Program
from stationmaster.storage.statements import Statement

__all__ = ["Access", "Lookup", "NounReader", "contains", "one_page", "only"]

_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
"""What both databases do to letters: those beyond ASCII stay as they are."""

T = TypeVar("T")
K = TypeVar("K")


class Access(Protocol):
    """What a query object may do: read, and have a program written."""

    row_ids: RowIds
    clock: Callable[[], Instant]

    async def read(self, statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> list[Sequence[Any]]:
        """The rows of a query, as of the latest commit."""

    async def write(self, program: Callable[..., Program[T]], *arguments: Any) -> T:
        """Run a program durably."""


class NounReader(Generic[T]):
    """Makes nouns of rows that have the noun's fields in order."""

    def __init__(self, noun: type[T]) -> None:
        """`noun` is a msgspec Struct whose fields are the columns asked for."""
        self._noun = noun
        self.fields: tuple[str, ...] = noun.__struct_fields__  # type: ignore[attr-defined]  # msgspec sets it
        self._repairs = [
            (name, repair)
            for name, hint in get_type_hints(noun).items()
            if name in self.fields and (repair := _repair_of(hint)) is not None
        ]

    def one(self, row: Sequence[Any]) -> T:
        """The noun of a row."""
        values = dict(zip(self.fields, row, strict=True))
        for name, repair in self._repairs:
            if values[name] is not None:
                values[name] = repair(values[name])
        return self._noun(**values)

    def many(self, rows: Iterable[Sequence[Any]]) -> list[T]:
        """The nouns of rows."""
        return [self.one(row) for row in rows]

    def columns(self, table: sa.FromClause, computed: Mapping[str, sa.ColumnElement[Any]] | None = None) -> list[Any]:
        """What to select from `table` for this noun; `computed` replaces columns by expressions."""
        replaced = computed or {}
        return [replaced[name].label(name) if name in replaced else table.c[name] for name in self.fields]


def _repair_of(hint: Any) -> Callable[[Any], Any] | None:
    """What turns a column's value into that of a field: SQLite has no booleans, and lists are JSON."""
    kinds = set(get_args(hint)) if isinstance(hint, UnionType) else {hint}
    if bool in kinds:
        return bool
    if any(get_origin(kind) is tuple for kind in kinds):
        kind = next(kind for kind in kinds if get_origin(kind) is tuple)
        return msgspec.json.Decoder(kind).decode
    return None


def one_page(rows: list[Sequence[Any]], reader: NounReader[T], limit: int, key: Callable[[T], Any]) -> Page[T]:
    """A page of rows that were asked for one too many, to see whether there is a next page."""
    items = reader.many(rows[: bounded(limit)])
    more = len(rows) > bounded(limit)
    return Page(items, write_cursor(key(items[-1])) if more else None)


def only(wanted: Mapping[Any, Any]) -> list[sa.ColumnElement[bool]]:
    """Conditions column = value for each value that is given; a list means one of them."""
    return [
        column.in_(value) if isinstance(value, list | tuple | set | frozenset) else column == value
        for column, value in wanted.items()
        if value is not None
    ]


def contains(column: Any, part: str) -> sa.ColumnElement[bool]:
    """Whether a text holds `part`, whatever the case of A to Z; no character of it is special."""
    condition: sa.ColumnElement[bool] = sa.func.lower(column).contains(part.translate(_LOWER), autoescape=True)
    return condition


class Lookup(Generic[K, T]):
    """Looks things up by key: what is asked in one turn of the event loop becomes one query.

    While a query is under way the next one gathers.
    """

    def __init__(self, find: Callable[[list[K]], Any]) -> None:
        """`find` is an async function from keys to a mapping of those that exist."""
        self._find = find
        self._waiting: dict[K, asyncio.Future[T | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> T | None:
        """What the key stands for, or None."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._task is None:
                self._task = asyncio.create_task(self._work())
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)
            waiting, self._waiting = self._waiting, {}
            try:
                found = await self._find(list(waiting))
            except Exception as error:  # noqa: BLE001 -- each caller gets it
                for future in waiting.values():
                    future.set_exception(error)
                    future.exception()
            else:
                for key, future in waiting.items():
                    future.set_result(found.get(key))
        self._task = None
