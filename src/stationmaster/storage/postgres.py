"""The storage on PostgreSQL: one connection that writes, a pool that reads.

A batch is a handful of prepared statements with one array per column, between BEGIN and
COMMIT. A connection that breaks is opened anew for the next batch; a batch that was under way
is repeated only when it certainly was not committed.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy.sql import ClauseElement

from stationmaster.storage.errors import Conflict, Refused, StorageError, Unavailable
from stationmaster.storage.programs import Execute, Program, Result
from stationmaster.storage.schema import check_revision
from stationmaster.storage.statements import Bulk, Prepared, Statement, compile_postgresql, is_quick

__all__ = ["PostgresDriver"]

T = TypeVar("T")

_READERS: Final = 4
_QUICK_READERS: Final = 2
_CONNECT_TIMEOUT_S: Final = 5.0
_COMMAND_TIMEOUT_S: Final = 30.0
_ATTEMPTS: Final = 3

_SETTINGS: Final = {
    "application_name": "stationmaster",
    "synchronous_commit": "on",
    # Longer than an answer may take (§1.7): what waits for a lock is stored when that is gone, and found by a resend.
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    # Compiling a plan costs more than any of these statements.
    "jit": "off",
}

_DOWN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalServerError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class _NotStored(Exception):
    """The connection broke before the commit, or two nodes stood in each other's way: nothing is stored."""


class _Reader(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that only reads leaves nothing behind to be reset."""

    def get_reset_query(self) -> str:
        return ""


class PostgresDriver:
    """A PostgreSQL database."""

    shared: bool = True

    def __init__(self, url: str, *, readers: int = _READERS, connect_timeout_s: float = _CONNECT_TIMEOUT_S) -> None:
        """`url` is `postgresql://user:password@host:port/database`."""
        self._url = url
        self._max_readers = readers
        self._connect_timeout_s = connect_timeout_s
        self._writer: asyncpg.Connection | None = None
        self._prepared: dict[str, Any] = {}
        self._readers: asyncpg.Pool | None = None
        self._quick_readers: asyncpg.Pool | None = None
        self._closed = False

    async def open(self) -> None:
        """Connect; see `Driver.open`."""
        self._closed = False
        try:
            check_revision(await _revision_of(await self._connect()))
            self._readers = await self._pool(self._max_readers)
            # What stations wait for never queues behind what people search for.
            self._quick_readers = await self._pool(_QUICK_READERS)
        except Exception as error:
            await self._drop_writer()
            raise _translate(error) from error

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        await self._drop_writer()
        pools = [pool for pool in (self._readers, self._quick_readers) if pool is not None]
        self._readers = self._quick_readers = None
        for pool in pools:
            try:
                await asyncio.wait_for(pool.close(), self._connect_timeout_s)
            except Exception:  # noqa: BLE001 -- whatever keeps it open, it is over
                pool.terminate()

    async def _pool(self, max_size: int) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=max_size,
            timeout=self._connect_timeout_s,
            command_timeout=_COMMAND_TIMEOUT_S,
            server_settings=_SETTINGS,
            connection_class=_Reader,
        )

    async def run(self, make: Callable[[], Program[T]]) -> T:
        """Run a program on the writing connection; see `Driver.run`."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(_NotStored):
                return await self._transact(await self._connect(), make())
        try:
            return await self._transact(await self._connect(), make())
        except _NotStored as error:
            raise Unavailable(f"the database does not take the batch: {error.__cause__}") from error

    async def read(self, statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> list[Sequence[Any]]:
        """Read on a connection of the pool; see `Driver.read`."""
        queries = _queries(statement, rows)
        readers = self._quick_readers if is_quick(statement) else self._readers
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if readers is None:
                    raise Unavailable("the database is closed")
                async with readers.acquire(timeout=self._connect_timeout_s) as connection:
                    found: list[Sequence[Any]] = []
                    for sql, values in queries:
                        found += await connection.fetch(sql, *values)
                    return found
            except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError) as error:
                # A pooled connection may have been dead for long; a fresh one tells the truth.
                if attempt == _ATTEMPTS or isinstance(error, ValueError):
                    raise _translate(error) from error
            except Exception as error:
                raise _translate(error) from error
        raise AssertionError

    async def _connect(self) -> asyncpg.Connection:
        if self._closed:
            raise Unavailable("the database is closed")
        if self._writer is not None and not self._writer.is_closed():
            return self._writer
        self._prepared.clear()
        try:
            self._writer = await asyncpg.connect(
                self._url,
                timeout=self._connect_timeout_s,
                command_timeout=_COMMAND_TIMEOUT_S,
                server_settings=_SETTINGS,
            )
        except Exception as error:
            # Whatever the reason: nothing was asked yet that the database could find fault with.
            raise Unavailable(f"no connection to the database: {type(error).__name__}: {error}") from error
        return self._writer

    async def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        self._prepared.clear()
        if writer is not None and not writer.is_closed():
            with suppress(Exception):
                await writer.close(timeout=self._connect_timeout_s)

    async def _transact(self, connection: asyncpg.Connection, program: Program[T]) -> T:
        committing = False
        try:
            await connection.execute("BEGIN")
            try:
                step = next(program)
                while True:
                    step = program.send(await self._step(connection, step))
            except StopIteration as end:
                committing = True
                await connection.execute("COMMIT")
                outcome: T = end.value
                return outcome
        except BaseException as error:
            await self._abandon(connection)
            lost = not committing and connection.is_closed() and not isinstance(error, StorageError)
            if lost or isinstance(error, asyncpg.TransactionRollbackError):
                raise _NotStored from error
            if isinstance(error, Exception):
                raise _translate(error) from error
            raise
        finally:
            program.close()

    async def _abandon(self, connection: asyncpg.Connection) -> None:
        """Undo the transaction; a connection on which that fails is given up."""
        try:
            await connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 -- asyncpg has many words for a connection that is beyond use
            connection.terminate()

    async def _step(self, connection: asyncpg.Connection, step: Execute) -> Result:
        found: list[Sequence[Any]] = []
        touched = 0
        for sql, values in _queries(step.statement, step.rows):
            prepared = self._prepared.get(sql)
            if prepared is None:
                prepared = await connection.prepare(sql)
                if not isinstance(step.statement, ClauseElement):
                    self._prepared[sql] = prepared
            found += await prepared.fetch(*values)
            touched += int(prepared.get_statusmsg().rpartition(" ")[2])
        return Result(found, touched)


def _queries(statement: Statement, rows: Sequence[Sequence[Any]]) -> list[tuple[str, Sequence[Any]]]:
    """The texts to run, each with its values: one for all rows of a `Bulk`, one per row of a `Prepared`."""
    if isinstance(statement, Bulk):
        return [(statement.postgresql, list(zip(*rows, strict=True)))]
    if isinstance(statement, Prepared):
        return [statement.postgresql(row) for row in rows]
    return [compile_postgresql(statement)]


async def _revision_of(connection: asyncpg.Connection) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return found


def _translate(error: Exception) -> StorageError:
    if isinstance(error, StorageError):
        return error
    translated: StorageError
    if isinstance(error, asyncpg.UniqueViolationError):
        translated = Conflict(str(error))
    elif isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError):
        translated = Unavailable(f"the connection to the database broke: {error}")
    elif isinstance(error, _DOWN):
        translated = Unavailable(f"{type(error).__name__}: {error}")
    else:
        translated = Refused(f"{type(error).__name__}: {error}")
    translated.__cause__ = error
    return translated
