"""The fixtures that every other test relies on: what they hand out is there, is empty and is gone afterwards."""

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.nats_server import NatsServer
from tests.postgres import PostgresServer


async def test_an_empty_database_can_be_opened_and_has_no_tables(empty_database_url: str) -> None:
    if empty_database_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(empty_database_url.removeprefix("sqlite:///"))) as database:
            assert database.execute("SELECT * FROM sqlite_master").fetchall() == []
        return
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetch("SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
    await connection.close()


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
