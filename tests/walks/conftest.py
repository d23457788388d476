"""A running node for each kind of database, shared by all walks of a test run; stations and tokens are new in each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.gateway.raw import RawStation
from tests.postgres import PostgresServer
from tests.walks.raw_stations import entered, served
from tests.walks.running import Api, NodeProcess


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that runs."""
    data = tmp_path_factory.mktemp(f"walks-{request.param}")
    if request.param == "sqlite":
        running = NodeProcess(data, f"sqlite:///{data / 'stationmaster.sqlite'}")
        running.start()
        yield running
        assert running.stop() == 0
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    running = NodeProcess(data, server.url_of(name))
    running.start()
    yield running
    assert running.stop() == 0
    server.drop(name)


@pytest.fixture
def mortal_node(empty_database_url: str, tmp_path: Path) -> Iterator[NodeProcess]:
    """A node of a test's own, which may kill it."""
    running = NodeProcess(tmp_path, empty_database_url)
    running.start()
    yield running
    running.kill()


@pytest.fixture
async def api(node: NodeProcess) -> AsyncIterator[Api]:
    """Its API."""
    async with node.api() as client:
        yield client


@pytest.fixture
async def neighbour(node: NodeProcess, api: Api) -> AsyncIterator[RawStation]:
    """Another station, which is served before and after."""
    async with entered(node, api) as (_, station):
        await served(station, "before")
        yield station
        await served(station, "after")
