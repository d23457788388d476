"""SQL in the words of both databases: bulk statements made from the tables, and compiled Core.

The hot path never builds SQL: a bulk statement is text made once from the table's columns.
SQLite runs it once per row of a prepared statement, or inserts many rows at once; PostgreSQL
gets one array per column and unfolds them with `unnest`, one statement for any number of rows.
Everything else is SQLAlchemy Core, compiled with its values and run on the driver itself.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as postgresql_asyncpg
from sqlalchemy.sql import ClauseElement

from stationmaster.storage.errors import Refused

__all__ = [
    "SEVERAL",
    "Bulk",
    "Prepared",
    "Statement",
    "compile_postgresql",
    "compile_sqlite",
    "delete_by",
    "find_by",
    "insert_into",
    "is_quick",
    "select_by",
    "update_by",
]

_SQLITE: Final = sqlite.dialect(paramstyle="qmark")
_POSTGRESQL: Final[Any] = postgresql_asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects have no types

SEVERAL: Final = (64, 32, 16, 8, 4, 2)
"""How many rows one step can insert on SQLite: each step costs a hand-over of the interpreter's lock, twice."""

_NONE: Final[Mapping[int, str]] = {}

_GIVEN: Final = re.compile(r"(?<!:):(\w+)")

_ARRAY_TYPES: Final[dict[type[Any], str]] = {
    sa.BigInteger: "bigint[]",
    sa.Text: "text[]",
    sa.Boolean: "boolean[]",
    sa.Float: "double precision[]",
    sa.LargeBinary: "bytea[]",
}


class Bulk:
    """One statement for many rows; each row is a tuple of values in the order of `columns`.

    `returns` tells whether it gives rows back (a look-up). `sqlite_several` has the texts that insert so many rows
    at once, the most first; only an insert has them. `sqlite_all` looks up all rows at once, given as one JSON text.
    `quick`: stations wait for it.
    """

    __slots__ = ("columns", "postgresql", "quick", "returns", "sqlite", "sqlite_all", "sqlite_several")

    def __init__(
        self,
        sqlite: str,
        postgresql: str,
        columns: int,
        *,
        returns: bool,
        sqlite_several: Mapping[int, str] = _NONE,
        sqlite_all: str = "",
        quick: bool = True,
    ) -> None:
        """The text for each database and the number of values in a row."""
        self.sqlite = sqlite
        self.sqlite_several = sqlite_several
        self.sqlite_all = sqlite_all
        self.postgresql = postgresql
        self.columns = columns
        self.returns = returns
        self.quick = quick


def _name(table: sa.Table) -> str:
    return f'"{table.name}"'


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _unnest(table: sa.Table, columns: Sequence[str]) -> str:
    types = (_ARRAY_TYPES[type(table.c[name].type)] for name in columns)
    return "unnest(" + ", ".join(f"${i}::{kind}" for i, kind in enumerate(types, 1)) + ")"


def _on_conflict(
    columns: Sequence[str], keys: Sequence[str], changes: Mapping[str, str] | None, where: str | None
) -> str:
    if changes is None:
        changes = {name: f'excluded."{name}"' for name in columns if name not in keys}
    settings = ", ".join(f'"{name}" = {value}' for name, value in changes.items())
    condition = f" WHERE {where}" if where else ""
    return f" ON CONFLICT ({_names(keys)}) DO UPDATE SET {settings}{condition}"


class Prepared:
    """A Core statement that is compiled once for each database, for look-ups that come often.

    Its `bindparam`s are given as rows of values in the order of `names`; it is run once per row. What it changes
    it must return, or it is not known whether it changed anything. `quick`: stations wait for it.
    """

    __slots__ = ("_compiled", "_names", "_statement", "quick")

    def __init__(self, statement: ClauseElement, *names: str, quick: bool = True) -> None:
        """`names` are those of the `bindparam`s; other values in the statement stay as they are."""
        self.quick = quick
        self._statement = statement
        self._names = names
        self._compiled: dict[Any, tuple[str, list[tuple[int | None, Any]]]] = {}

    def sqlite(self, row: Sequence[Any]) -> tuple[str, list[Any]]:
        """The text for `sqlite3`, and the values in order."""
        return self._fill(_SQLITE, row)

    def postgresql(self, row: Sequence[Any]) -> tuple[str, list[Any]]:
        """The text for asyncpg, and the values in order."""
        return self._fill(_POSTGRESQL, row)

    def _fill(self, dialect: Any, row: Sequence[Any]) -> tuple[str, list[Any]]:
        known = self._compiled.get(dialect)
        if known is None:
            compiled: Any = self._statement.compile(dialect=dialect)
            order = {name: i for i, name in enumerate(self._names)}
            places = [(order.get(name), compiled.params[name]) for name in compiled.positiontup or ()]
            known = self._compiled[dialect] = (str(compiled), places)
        text, places = known
        return text, _checked([fixed if place is None else row[place] for place, fixed in places])


Statement: TypeAlias = Bulk | Prepared | ClauseElement


def is_quick(statement: Statement) -> bool:
    """Whether stations wait for it: it never queues behind what people search for and what the clock does."""
    return isinstance(statement, Bulk | Prepared) and statement.quick


def insert_into(
    table: sa.Table,
    columns: Sequence[str] | None = None,
    *,
    ignore: bool = False,
    keys: Sequence[str] = (),
    changes: Mapping[str, str] | None = None,
    where: str | None = None,
    returning: Sequence[str] = (),
) -> Bulk:
    """Insert rows; what is there already is an error, ignored (`ignore`), or changed (`keys`).

    `returning` are columns of the rows as they are then.
    `changes` are SQL expressions over `excluded` and the table (default: every column that is
    no key takes the new value); `where` says when to change. No two rows may share the keys.
    """
    columns = [column.name for column in table.columns] if columns is None else columns
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    if keys:
        tail = _on_conflict(columns, keys, changes, where)
    if returning:
        tail += f" RETURNING {_names(returning)}"
    head = f"INSERT INTO {_name(table)} ({_names(columns)})"
    values = f"({', '.join('?' * len(columns))})"
    return Bulk(
        f"{head} VALUES {values}{tail}",
        f"{head} SELECT * FROM {_unnest(table, columns)}{tail}",  # noqa: S608 -- names come from the tables
        len(columns),
        returns=bool(returning),
        sqlite_several={count: f"{head} VALUES {', '.join([values] * count)}{tail}" for count in SEVERAL},
    )


def update_by(
    table: sa.Table,
    keys: Sequence[str],
    columns: Sequence[str],
    *,
    changes: Mapping[str, str] | None = None,
    where: str = "TRUE",
) -> Bulk:
    """Update `columns` of the row that `keys` name; a row of values is the keys, then the columns.

    `changes` replaces the new value of a column, or adds a column, by an SQL expression in which
    the table is `t` and a given value is `:name`; `where` is a further condition of the same kind.
    """
    names = [*keys, *columns]
    values = {name: f":{name}" for name in columns} | dict(changes or {})
    settings = ", ".join(f'"{name}" = {value}' for name, value in values.items())
    matches = " AND ".join(f't."{name}" = :{name}' for name in keys)
    # Every name comes from the tables and every expression from this package: nothing given becomes SQL.
    head = f"UPDATE {_name(table)} AS t SET {settings}"  # noqa: S608 -- names come from the tables
    tail = f" WHERE {matches} AND {where}"
    return Bulk(
        _numbered(head + tail, names),
        f"{_unfolded(head)} FROM {_unnest(table, names)} AS given ({_names(names)}){_unfolded(tail)}",
        len(names),
        returns=False,
    )


def delete_by(table: sa.Table, keys: Sequence[str]) -> Bulk:
    """Delete the rows that `keys` name."""
    head = f"DELETE FROM {_name(table)} AS t"  # noqa: S608 -- names come from the tables
    tail = " WHERE " + " AND ".join(f't."{name}" = :{name}' for name in keys)
    return Bulk(
        _numbered(head + tail, keys),
        f"{head} USING {_unnest(table, keys)} AS given ({_names(keys)}){_unfolded(tail)}",
        len(keys),
        returns=False,
    )


def select_by(table: sa.Table, keys: Sequence[str], columns: Sequence[str], *, where: str) -> Bulk:
    """Look up `columns` of the rows that match; in `where` the table is `t` and a given value is `:key`.

    A given value is named like the column of the table that has its type.
    """
    chosen = ", ".join(f't."{name}"' for name in columns)
    given = f"{_unnest(table, keys)} AS given ({_names(keys)})"
    return Bulk(
        _numbered(f"SELECT {chosen} FROM {_name(table)} AS t WHERE {where}", keys),  # noqa: S608 -- names come from the tables
        f"SELECT {chosen} FROM {given} JOIN {_name(table)} AS t ON {_unfolded(where)}",  # noqa: S608 -- names come from the tables
        len(keys),
        returns=True,
    )


def find_by(chosen: sa.Select[Any], *columns: sa.Column[Any], quick: bool = True) -> Bulk:
    """Make a select of Core a look-up by one or more columns, for any number of keys at once."""

    def text(condition: sa.ColumnElement[bool], dialect: Any) -> str:
        return str(chosen.where(condition).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    one = sa.and_(*(column == sa.literal_column(f"?{i}") for i, column in enumerate(columns, 1)))
    parts: list[Any] = [sa.literal_column(f"json_extract(value, '$[{i}]')") for i in range(len(columns))]
    given = sa.select(*parts).select_from(sa.text("json_each(?1)"))
    arrays: list[Any] = [
        sa.literal_column(f"${i}::{_ARRAY_TYPES[type(column.type)]}") for i, column in enumerate(columns, 1)
    ]
    if len(columns) == 1:
        postgresql = columns[0] == sa.any_(arrays[0])
    else:
        unfolded = sa.select(sa.text("*")).select_from(sa.func.unnest(*arrays))
        postgresql = sa.tuple_(*columns).in_(unfolded)
    return Bulk(
        text(one, _SQLITE),
        text(postgresql, _POSTGRESQL),
        len(columns),
        returns=True,
        sqlite_all=text(sa.tuple_(*columns).in_(given), _SQLITE),
        quick=quick,
    )


def _numbered(sql: str, names: Sequence[str]) -> str:
    return _GIVEN.sub(lambda match: f"?{names.index(match[1]) + 1}", sql)


def _unfolded(sql: str) -> str:
    return _GIVEN.sub(r'given."\1"', sql)


def compile_sqlite(statement: ClauseElement) -> tuple[str, list[Any]]:
    """The text of a Core statement for `sqlite3`, and its values in order."""
    return _compile(statement, _SQLITE)


def compile_postgresql(statement: ClauseElement) -> tuple[str, list[Any]]:
    """The text of a Core statement for asyncpg, and its values in order."""
    return _compile(statement, _POSTGRESQL)


def _compile(statement: ClauseElement, dialect: Any) -> tuple[str, list[Any]]:
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    given = compiled.construct_params()
    return str(compiled), _checked([given[name] for name in compiled.positiontup or ()])


def _checked(values: list[Any]) -> list[Any]:
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise Refused("a text with a NUL character can be neither stored nor found")
    return values
