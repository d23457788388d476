"""Bringing a database to the schema of this program, or back.

The steps are Alembic's; this module opens the database, runs them in one transaction and
keeps two nodes from running them at once.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from stationmaster.storage.errors import SchemaMismatch, Unavailable
from stationmaster.storage.schema import REVISION
from stationmaster.storage.urls import is_sqlite, sqlite_path

__all__ = ["downgrade", "migrate", "revision_of"]

_SCRIPTS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x5A71_0000_0001
_CONNECT_TIMEOUT_S: Final = 10

T = TypeVar("T")


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at `url` (`sqlite:///PATH` or `postgresql://…`) up to `revision`.

    Raises `SchemaMismatch` when it is newer than this program, `Unavailable` when it cannot be reached.
    """
    await _run(url, lambda connection: _upgrade(connection, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to `revision`; "base" removes every table. Data of later steps is lost."""
    await _run(url, lambda connection: command.downgrade(_config(connection), revision))


async def revision_of(url: str) -> str | None:
    """The schema that the database has; None when it has none."""
    return await _run(url, lambda connection: MigrationContext.configure(connection).get_current_revision())


def _upgrade(connection: sa.Connection, revision: str) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found > REVISION:
        raise SchemaMismatch(f"the schema of the database is {found}; this version of the program knows {REVISION}")
    command.upgrade(_config(connection), revision)


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def _run(url: str, work: Callable[[sa.Connection], T]) -> T:
    try:
        if is_sqlite(url):
            return await asyncio.to_thread(_run_on_sqlite, sqlite_path(url), work)
        return await _run_on_postgresql(url, work)
    except CommandError as error:
        raise SchemaMismatch(f"the schema of the database is none of this program's: {error}") from error
    except (DBAPIError, OSError, TimeoutError) as error:
        reason = getattr(error, "orig", None) or error  # in the words of the server, without SQLAlchemy's around them
        raise Unavailable(f"the database cannot be changed: {reason}") from error


def _run_on_sqlite(path: Path, work: Callable[[sa.Connection], T]) -> T:
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def let_us_begin(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # The lock is taken before the first look, so that two nodes take turns.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


async def _run_on_postgresql(url: str, work: Callable[[sa.Connection], T]) -> T:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=sa.NullPool,
        # As it stands, so that its options mean the same here as for the driver.
        connect_args={"dsn": url, "timeout": _CONNECT_TIMEOUT_S},
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
