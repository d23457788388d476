"""A node in the process of the tests, on free ports, and clients of its API.

The node is shared; each test has an organisation of its own, so it finds what it made and nothing else.
"""

import asyncio
import itertools
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from stationmaster.app.config import Settings
from stationmaster.app.config_sources import load_settings
from stationmaster.app.node import Node, running_node
from stationmaster.conformance.station import ScriptedStation
from stationmaster.storage.queries.access import Organisation
from tests.postgres import PostgresServer

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
PASSWORD = "a password of sixteen bytes"
_numbers = itertools.count(1)

T = TypeVar("T")


def new_id(prefix: str = "API") -> str:
    """An identity that no other test uses."""
    return f"{prefix}-{next(_numbers):05d}"


def settings_of(data: Path, database_url: str, **flags: Any) -> Settings:
    """Settings of a node for a test."""
    given = {
        "node.data": str(data),
        "node.host": "127.0.0.1",
        "database.url": database_url,
        "database.migrate": False,
        "ocpp.port": 0,
        "http.port": 0,
        "http.drain_timeout_s": 2,
        "http.event_heartbeat_s": 1,
        "security.password_memory_kib": 64,
        **{name.replace("__", "."): value for name, value in flags.items()},
    }
    return load_settings(flags=given).settings


class Client:
    """A client of a node's API, and what tests ask again and again."""

    def __init__(self, node: Node, key: str | None) -> None:
        self.node = node
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{node.http_port}", headers=headers, timeout=30, trust_env=False
        )

    async def ask(self, method: str, path: str, expected: int = 200, **options: Any) -> Any:
        """The JSON of an answer that must have this status."""
        answer = await self.http.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == expected, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def get(self, path: str, **query: Any) -> Any:
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, body: object = None, expected: int = 201, **query: Any) -> Any:
        return await self.ask("POST", path, expected, json=body, params=query)

    async def patch(self, path: str, body: object) -> Any:
        return await self.ask("PATCH", path, json=body)

    async def delete(self, path: str) -> Any:
        return await self.ask("DELETE", path, 204)

    async def problem(self, method: str, path: str, status: int, code: str, **options: Any) -> Any:
        """A problem document with this code; everything that a problem document must have is there."""
        answer = await self.http.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert problem["code"] == code, problem
        assert problem["type"] == f"urn:stationmaster:problem:{code}"
        assert problem["title"]
        assert problem["detail"]
        return problem

    async def station(self, **more: Any) -> str:
        """Register a station; its id."""
        identity = new_id()
        await self.post("/stations", {"id": identity, "password": PASSWORD, **more})
        return identity


@asynccontextmanager
async def client_of(node: Node, key: str | None) -> AsyncIterator[Client]:
    """A client with this key, or with none."""
    client = Client(node, key)
    try:
        yield client
    finally:
        await client.http.aclose()


class NodeThread:
    """A node that runs in a thread with a loop of its own, so that many tests may share it."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="node of the tests", daemon=True)
        self._thread.start()
        self._context = running_node(settings)
        self.node: Node = self.do(self._context.__aenter__())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the loop of the node."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def document(self) -> dict[str, Any]:
        """Its OpenAPI document."""
        answer = httpx.get(f"http://127.0.0.1:{self.node.http_port}/api/v1/openapi.json", trust_env=False)
        document: dict[str, Any] = answer.json()
        return document

    def stop(self) -> None:
        """End the node and its thread."""
        self.do(self._context.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def new_organisation(self) -> tuple[str, str]:
        """An organisation that has nothing yet, and a key that may do everything in it."""
        organisation_id = f"org-{next(_numbers)}"

        async def make() -> str:
            await self.node.storage.organisations.create(Organisation(id=organisation_id, name="of a test"))
            return (await self.node.services.api_keys.create(organisation_id, "test", "admin")).text

        return organisation_id, self.do(make())


@pytest.fixture(scope="session", params=DATABASES)
def node_thread(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeThread]:
    """A node for the tests of the API, once on each database."""
    data = tmp_path_factory.mktemp(f"api-{request.param}")
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("sqlite_template"), data)
        running = NodeThread(settings_of(data, f"sqlite:///{file}"))
        yield running
        running.stop()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create(request.getfixturevalue("postgres_template"))
    running = NodeThread(settings_of(data, server.url_of(name)))
    yield running
    running.stop()
    server.drop(name)


@pytest.fixture
async def api(node_thread: NodeThread) -> AsyncIterator[Client]:
    """A client that may do everything in an organisation of its own, in which there is nothing yet."""
    _, key = node_thread.new_organisation()
    async with client_of(node_thread.node, key) as client:
        yield client


@asynccontextmanager
async def with_role(api: Client, role: str, **more: Any) -> AsyncIterator[Client]:
    """A client with a key of this role."""
    made = await api.post("/api-keys", {"name": f"a {role}", "role": role, **more})
    async with client_of(api.node, made["key"]) as client:
        yield client


@asynccontextmanager
async def connected(api: Client, station_id: str | None = None) -> AsyncIterator[ScriptedStation]:
    """A station that is connected and has booted."""
    identity = station_id or await api.station()
    url = api.node.ocpp_url("127.0.0.1")
    async with ScriptedStation(url, identity, password=PASSWORD, patience_s=10) as station:
        answer = await station.call("BootNotification", {"chargePointVendor": "Tests", "chargePointModel": "One"})
        assert answer["status"] == "Accepted"
        yield station


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds, once it finds something."""
    async with asyncio.timeout(60):
        while not (found := await look()):  # noqa: ASYNC110 - the API has no event to wait for
            await asyncio.sleep(0.02)
    return found
