"""Fixtures for every test: databases of both kinds and a NATS server.

A test that asks for a service which is not there is skipped, and fails where `tests.require_all` says so.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from stationmaster.storage.migration import migrate
from tests.nats_server import NatsServer
from tests.postgres import PostgresServer

pytest_plugins = ["pytester", "tests.require_all"]

# No test asserts a duration; examples that take long, to make or to try, do so because the machine is busy.
hypothesis.settings.register_profile(
    "stationmaster", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("stationmaster")

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this process among those that share the test run."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "gw0"))


@pytest.fixture(scope="session")
def postgres_server(worker: str) -> Iterator[PostgresServer]:
    """The PostgreSQL server of the tests; asking for it skips the test where none answers."""
    try:
        server = PostgresServer(worker)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL server answers: {error}")
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL database of this process, to be copied."""
    name = postgres_server.create()
    postgres_server.run(migrate(postgres_server.url_of(name)))
    yield name
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "stationmaster.sqlite"
    with ThreadPoolExecutor(1) as thread:  # the event loop of the tests is not ours to use
        thread.submit(asyncio.run, migrate(f"sqlite:///{path}")).result()
    return path


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database with all tables and nothing in them, once as an SQLite file and once on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path)}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create(request.getfixturevalue("postgres_template"))
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without tables, once as an SQLite file and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A NATS server for this test run: STATIONMASTER_TEST_NATS_URL, or one of our own on a free port."""
    if url := os.environ.get("STATIONMASTER_TEST_NATS_URL"):
        yield url
        return
    try:
        server = NatsServer(tmp_path_factory.mktemp("nats"))
    except FileNotFoundError as error:
        pytest.skip(str(error))
    yield server.url
    server.stop()
