"""The storage on an SQLite file: one thread that writes, a few that read.

SQLite lets one writer in at a time, so there is exactly one: a thread with its connection,
which gets a whole batch, commits once and wakes the event loop once. WAL lets the readers go
on meanwhile; `synchronous=FULL` makes each commit survive a power failure.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import msgspec

from stationmaster.storage.errors import Conflict, Refused, StorageError, Unavailable
from stationmaster.storage.programs import Program, Result
from stationmaster.storage.schema import check_revision
from stationmaster.storage.statements import Bulk, Prepared, Statement, compile_sqlite, is_quick

__all__ = ["SqliteDriver"]

T = TypeVar("T")

_BUSY_TIMEOUT_MS: Final = 10_000
"""As the `lock_timeout` of PostgreSQL: longer than an answer may take (§1.7). A write that waits for another program is
stored when that lets go, although the station was told of an error; what it says again is found."""
_CACHE_KIB: Final = 64 * 1024
_CHECKPOINT_PAGES: Final = 4_000
_CACHED_STATEMENTS: Final = 512
_READERS: Final = 3

_MAX_WAL_BYTES: Final = 64 * 1024 * 1024

_DUPLICATE: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_DOWN: Final = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""Errors of the file, the disk or a lock; every other error is one of what was asked."""

# What has no adapter is asked in two more ways whether it can be adapted, at three times the price of binding a number.
sqlite3.register_adapter(type(None), {}.get)  # type: ignore[arg-type]  # the one with a single argument gives None
sqlite3.register_adapter(bool, int)

_Job = tuple[Callable[[], Program[Any]], "asyncio.Future[Any]"]


class SqliteDriver:
    """An SQLite database file."""

    shared: bool = False

    def __init__(self, path: Path | str, *, readers: int = _READERS, busy_timeout_ms: int = _BUSY_TIMEOUT_MS) -> None:
        """`busy_timeout_ms` is how long a write waits for another program that holds the file."""
        self._path = str(path)
        self._busy_timeout_ms = busy_timeout_ms
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(readers, "storage-reader", initializer=self._open_reader)
        # What stations wait for never queues behind what people search for.
        self._quick_reader = ThreadPoolExecutor(1, "storage-quick-reader", initializer=self._open_reader)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Open the file and start the writer thread."""
        self._loop = asyncio.get_running_loop()
        ready = self._loop.create_future()
        self._thread = threading.Thread(target=self._write, args=(ready,), name="storage-writer", daemon=True)
        self._thread.start()
        await ready

    async def close(self) -> None:
        """Finish what was handed over, then close the connections."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None
        for readers in (self._readers, self._quick_reader):
            readers.shutdown(wait=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    async def run(self, make: Callable[[], Program[T]]) -> T:
        """Run a program on the writer thread; see `Driver.run`."""
        if self._loop is None or self._thread is None:
            raise Unavailable("the database is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((make, future))
        return await future

    async def read(self, statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> list[Sequence[Any]]:
        """Read on one of the reader threads; see `Driver.read`."""
        executor = self._quick_reader if is_quick(statement) else self._readers
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, self._read, statement, rows)
        except RuntimeError as error:
            raise Unavailable("the database is closed") from error

    # The writer thread

    def _write(self, ready: "asyncio.Future[None]") -> None:
        try:
            connection = self._connect()
        except sqlite3.Error as error:
            self._settle(ready, None, _translate(error))
            return
        with closing(connection):
            try:
                check_revision(_revision_of(connection))
            except (sqlite3.Error, StorageError) as error:
                self._settle(ready, None, _translate(error))
                return
            self._settle(ready, None, None)
            while (job := self._jobs.get()) is not None:
                self._do(connection, *job)

    def _do(self, connection: sqlite3.Connection, make: Callable[[], Program[T]], future: "asyncio.Future[T]") -> None:
        outcome, failure = None, None
        try:
            outcome = _transact(connection, make())
        except Exception as error:  # noqa: BLE001 -- whatever a program does wrong, the thread goes on
            failure = _translate(error)
        self._settle(future, outcome, failure)

    def _settle(self, future: "asyncio.Future[Any]", outcome: Any, failure: StorageError | None) -> None:
        def settle() -> None:
            if future.done():
                return
            if failure is None:
                future.set_result(outcome)
            else:
                future.set_exception(failure)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)

    # The reader threads

    def _open_reader(self) -> None:
        self._local.connection = None

    def _read(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        try:
            connection = self._local.connection
            if connection is None:
                connection = self._local.connection = self._connect()
                connection.execute("PRAGMA query_only = ON")
                self._connections.append(connection)
            return _run(connection.cursor(), statement, rows).rows
        except Exception as error:
            raise _translate(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=_CACHED_STATEMENTS
        )
        for setting in (
            f"busy_timeout = {self._busy_timeout_ms}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"cache_size = -{_CACHE_KIB}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
            f"journal_size_limit = {_MAX_WAL_BYTES}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {setting}")
        return connection


def _transact(connection: sqlite3.Connection, program: Program[T]) -> T:
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        step = next(program)
        while True:
            step = program.send(_run(cursor, step.statement, step.rows))
    except StopIteration as end:
        cursor.execute("COMMIT")
        outcome: T = end.value
        return outcome
    finally:
        program.close()
        if connection.in_transaction:
            cursor.execute("ROLLBACK")


def _run(cursor: sqlite3.Cursor, statement: Statement, rows: Sequence[Sequence[Any]]) -> Result:
    if isinstance(statement, Bulk):
        if not statement.returns:
            return Result([], _run_many(cursor, statement, rows))
        if statement.sqlite_all and len(rows) > 1:
            return _run_each(cursor, [(statement.sqlite_all, (msgspec.json.encode(rows).decode(),))])
        return _run_each(cursor, [(statement.sqlite, row) for row in rows])
    if isinstance(statement, Prepared):
        return _run_each(cursor, [statement.sqlite(row) for row in rows])
    cursor.execute(*compile_sqlite(statement))
    return Result(cursor.fetchall(), cursor.rowcount)


def _run_many(cursor: sqlite3.Cursor, statement: Bulk, rows: Sequence[Sequence[Any]]) -> int:
    """Run a statement for all rows, as many at once as it takes; returns how many rows were touched."""
    touched = done = 0
    for count, sql in statement.sqlite_several.items():
        while len(rows) - done >= count:
            values = tuple(chain.from_iterable(rows[done : done + count]))
            touched += cursor.execute(sql, values).rowcount
            done += count
    if done < len(rows):
        touched += cursor.executemany(statement.sqlite, rows[done:]).rowcount
    return touched


def _run_each(cursor: sqlite3.Cursor, queries: Sequence[tuple[str, Sequence[Any]]]) -> Result:
    found: list[Sequence[Any]] = []
    for sql, values in queries:
        found += cursor.execute(sql, values).fetchall()
    return Result(found, len(found))


def _revision_of(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return None if row is None else str(row[0])


def _translate(error: Exception) -> StorageError:
    if isinstance(error, StorageError):
        return error
    translated: StorageError
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    if code in _DUPLICATE:
        translated = Conflict(str(error))
    elif code & 0xFF in _DOWN:
        translated = Unavailable(f"{error} ({getattr(error, 'sqlite_errorname', code)})")
    else:
        translated = Refused(f"{type(error).__name__}: {error}")
    translated.__cause__ = error
    return translated
