"""The fixtures that every other test relies on: what they hand out is there, is empty and is gone afterwards."""

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from stationmaster.storage.tables import metadata
from tests.nats_server import NatsServer
from tests.postgres import PostgresServer


async def tables_of(url: str) -> set[str]:
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row["tablename"] for row in rows}


async def test_an_empty_database_can_be_opened_and_has_no_tables(empty_database_url: str) -> None:
    assert await tables_of(empty_database_url) == set()


async def test_a_database_has_every_table(database_url: str) -> None:
    assert await tables_of(database_url) >= set(metadata.tables)


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_has_a_database_of_its_own(database_url: str, turn: str) -> None:
    """Both turns make the same table: the second would fail if it found the first one's."""
    url = database_url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE TABLE only_here (turn text DEFAULT '{turn}')")
    await engine.dispose()


@pytest.mark.postgres
async def test_a_copy_has_what_its_template_had_and_is_dropped_with_connections_open(
    postgres_server: PostgresServer,
) -> None:
    template = postgres_server.create()
    connection = await asyncpg.connect(postgres_server.url_of(template))
    await connection.execute("CREATE TABLE station (id text)")
    await connection.close()

    copy = postgres_server.create(template)
    connection = await asyncpg.connect(postgres_server.url_of(copy))
    assert await connection.fetchval("SELECT count(*) FROM station") == 0

    postgres_server.drop(copy)
    postgres_server.drop(template)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await connection.fetchval("SELECT 1")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(postgres_server.url_of(copy))


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATIONMASTER_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:1/postgres")
    with pytest.raises(OSError, match="Connect"):
        PostgresServer("gw0")


@pytest.mark.nats
def test_the_nats_server_says_where_it_listens(nats_url: str) -> None:
    assert nats_url.startswith("nats://127.0.0.1:")


@pytest.mark.nats
def test_two_nats_servers_live_side_by_side(nats_url: str, tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    assert server.url != nats_url
    server.stop()
