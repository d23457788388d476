"""An open storage on either database, and looks behind its back."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from stationmaster.instants import Instant
from stationmaster.storage import Storage
from stationmaster.storage.driver import Driver
from stationmaster.storage.postgres import PostgresDriver
from stationmaster.storage.sqlite import SqliteDriver
from stationmaster.storage.tables import metadata, organisations
from tests.conftest import DATABASES
from tests.postgres import PostgresServer
from tests.storage.facts import at


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.now: Instant = at(0)

    def __call__(self) -> Instant:
        return self.now

    def forward(self, seconds: float) -> None:
        """Move on."""
        self.now += round(seconds * 1_000_000)


def path_of(url: str) -> Path:
    """The file of an SQLite URL."""
    return Path(url.removeprefix("sqlite:///"))


def driver_of(url: str) -> Driver:
    """The driver for a URL, impatient."""
    if url.startswith("sqlite:"):
        return SqliteDriver(path_of(url), busy_timeout_ms=200)
    return PostgresDriver(url, connect_timeout_s=2)


@asynccontextmanager
async def opened(
    url: str, clock: Callable[[], Instant] | None = None, node_id: str = "node-1"
) -> AsyncIterator[Storage]:
    """An open storage."""
    storage = Storage(driver_of(url), node_id, clock or Clock())
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


async def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query says past the storage."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(path_of(url))) as database:
            return database.execute(query).fetchall()
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def emptied_postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """One PostgreSQL database for all tests of the storage: emptying it takes a tenth of copying one."""
    name = postgres_server.create(postgres_template)
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and nothing in them, once as an SQLite file and once on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return f"sqlite:///{shutil.copy(template, tmp_path)}"
    url: str = request.getfixturevalue("emptied_postgres_url")
    request.getfixturevalue("postgres_server").run(empty(url))
    return url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The same, an SQLite file only."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"


@pytest.fixture
def postgres_url(emptied_postgres_url: str, postgres_server: PostgresServer) -> str:
    """The same, on PostgreSQL only."""
    postgres_server.run(empty(emptied_postgres_url))
    return emptied_postgres_url


async def empty(url: str) -> None:
    """Remove every row but the default organisation."""
    connection = await asyncpg.connect(url)
    try:
        # The database itself refuses to empty the audit log.
        await connection.execute("SET session_replication_role = replica")
        others = [table.name for table in reversed(metadata.sorted_tables) if table is not organisations]
        for name in others:
            await connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - our own tables
        await connection.execute("DELETE FROM organisation WHERE id <> 'default'")
        await connection.execute("UPDATE organisation SET name = 'Default'")
    finally:
        await connection.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def storage(database_url: str, clock: Clock) -> AsyncIterator[Storage]:
    async with opened(database_url, clock) as storage:
        yield storage
