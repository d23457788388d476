"""A gateway on a free port, with a directory in memory and handlers that a test can choose."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.facts import (
    HandshakeRefused,
    MessageLogged,
    OddityTolerated,
    StationConnected,
    StationDisconnected,
    StationSeen,
)
from stationmaster.domain.passwords import readings_of
from stationmaster.domain.stations import Station
from stationmaster.gateway.contract import Admission, Attempt, GateMemory, PasswordMatch, Surroundings
from stationmaster.gateway.server import Gateway
from stationmaster.gateway.settings import GatewaySettings, Listener
from stationmaster.instants import Instant, format_instant
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallAnsweredLate, CallReceived, PermitUsed
from tests.gateway.raw import RawStation

NOW: Instant = 1_740_832_496_000_000
PASSWORD = b"0123456789abcdef"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Stations are served on uvloop."""
    return {"uvloop": uvloop.new_event_loop}


class Directory:
    """Stations in memory, and everything the gateway has told of."""

    def __init__(self) -> None:
        self.stations: dict[str, Station] = {}
        self.told: list[Any] = []
        self.notes: list[Any] = []
        self.memory = GateMemory()
        self.admits_unknown = False
        self.lookup_waits: Callable[[], Awaitable[None]] | None = None
        self.connect_waits: Callable[[], Awaitable[None]] | None = None
        self.living_nodes: set[str] = set()

    def add(self, identity: str, **members: Any) -> Station:
        members.setdefault("security_profile", 0)
        self.stations[identity] = Station(id=identity, **members)
        return self.stations[identity]

    def facts(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in (*self.told, *self.notes) if isinstance(fact, kind)]

    async def lookup(self, identity: str) -> Station | None:
        if self.lookup_waits is not None:
            await self.lookup_waits()
        return self.stations.get(identity)

    async def unknown_seen(self, attempt: Attempt) -> Station | None:
        self.told.append(attempt)
        return self.add(attempt.identity) if self.admits_unknown else None

    async def gate_memory(self, record: Station) -> GateMemory:
        return self.memory

    async def connected(self, fact: StationConnected, admission: Admission) -> None:
        if self.connect_waits is not None:
            await self.connect_waits()
        self.told += [fact, admission]

    async def disconnected(self, fact: StationDisconnected) -> None:
        self.told.append(fact)

    async def refused(self, fact: HandshakeRefused) -> None:
        self.told.append(fact)

    async def identity_contested(self, record: Station, addresses: tuple[str, ...]) -> None:
        self.told.append(("contested", record.id))

    async def identity_moved(self, record: Station, addresses: tuple[str, str]) -> None:
        self.told.append(("moved", " -> ".join(addresses)))

    async def is_alive(self, node_id: str) -> bool:
        return node_id in self.living_nodes

    def log(self, fact: MessageLogged) -> None:
        self.notes.append(fact)

    def note(self, fact: OddityTolerated | StationSeen) -> None:
        self.notes.append(fact)

    def answered_late(self, connection: StationConnection, event: CallAnsweredLate) -> None:
        self.told.append(event)

    def permit_used(self, station_id: str, event: PermitUsed) -> None:
        self.told.append((station_id, event))


def check_password(record: Station, presented: bytes) -> PasswordMatch | None:
    """Passwords of tests are stored as they are."""
    for stored, match in (
        (record.password_hash, PasswordMatch.CURRENT),
        (record.pending_password_hash, PasswordMatch.PENDING),
    ):
        if stored is not None and stored in readings_of(presented):
            return match
    return None


def basic(identity: str, password: bytes = PASSWORD) -> str:
    """An `Authorization` header."""
    return "Basic " + base64.b64encode(identity.encode() + b":" + password).decode()


async def polite(connection: StationConnection, call: CallReceived) -> Answer:
    """A handler that answers everything with the least that is right."""
    return Answer(V16.check_outgoing_response(call.action, least(call.action)))


def least(action: str) -> dict[str, Any]:
    """The smallest right response to an action."""
    now = format_instant(NOW)
    accepted = {"idTagInfo": {"status": "Accepted"}}
    responses: dict[str, dict[str, Any]] = {
        "Heartbeat": {"currentTime": now},
        "BootNotification": {"currentTime": now, "interval": 300, "status": "Accepted"},
        "Authorize": accepted,
        "StartTransaction": {**accepted, "transactionId": 1},
        "DataTransfer": {"status": "UnknownVendorId"},
    }
    return responses.get(action, {})


class World:
    """A gateway and its surroundings. `handler` may be replaced at any time."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.bus = MemoryBus()
        self.handler: Callable[[StationConnection, CallReceived], Awaitable[Answer]] = polite
        self.commands: Callable[[StationConnection, bytes], Awaitable[bytes]] = self._echo
        self.now = NOW
        self.gateway: Gateway
        self.port = 0
        self.stations: list[RawStation] = []
        self.certificates: list[bytes] = []
        self.certificate_fault: str | None = None

    async def start(self, listener: dict[str, Any] | None = None, **settings: Any) -> None:
        surroundings = Surroundings(
            protocol=V16,
            clock=self.clock,
            directory=self.directory,
            handler=self._handle,
            commands=self._command,
            check_password=check_password,
            check_certificate=self._check_certificate,
            bus=self.bus,
            node_id="node-1",
        )
        settings.setdefault("resolution_s", 0.05)
        self.gateway = Gateway([Listener(port=0, **(listener or {}))], GatewaySettings(**settings), surroundings)
        await self.gateway.start()
        self.port = self.gateway.ports[0]

    def clock(self) -> Instant:
        """Every look at the clock is a millisecond later."""
        self.now += 1000
        return self.now

    async def stop(self) -> None:
        for station in self.stations:
            station.drop()
        await self.gateway.stop()
        await self.bus.close()

    async def raw(self, address: str | None = None) -> RawStation:
        """A TCP connection on which nothing was said yet, perhaps from a certain address."""
        station = await RawStation.connect(self.port, address)
        self.stations.append(station)
        return station

    async def station(self, identity: str = "CP1", **headers: str) -> RawStation:
        """A station that is connected and known to be; it is registered if it was not."""
        if identity not in self.directory.stations:
            self.directory.add(identity)
        station = await self.raw()
        before = len(self.directory.facts(StationConnected))
        await station.open(identity, **headers)
        await until(lambda: len(self.directory.facts(StationConnected)) > before)
        return station

    def _check_certificate(self, record: Station, certificate: bytes) -> str | None:
        self.certificates.append(certificate)
        return self.certificate_fault

    async def _handle(self, connection: StationConnection, call: CallReceived) -> Answer:
        return await self.handler(connection, call)

    async def _command(self, connection: StationConnection, message: bytes) -> bytes:
        return await self.commands(connection, message)

    async def _echo(self, connection: StationConnection, message: bytes) -> bytes:
        return f"{connection.connection_id}:".encode() + message


async def until(condition: Callable[[], object], within_s: float = 5.0) -> None:
    """Wait until something has become true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not condition():
        assert loop.time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.002)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world whose gateway runs with every setting at its default (but for a faster shared timer)."""
    world = World()
    await world.start()
    yield world
    await world.stop()


StartWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def start_world() -> AsyncIterator[StartWorld]:
    """Makes worlds with settings of the test's choice."""
    worlds: list[World] = []

    async def start(listener: dict[str, Any] | None = None, **settings: Any) -> World:
        world = World()
        worlds.append(world)
        await world.start(listener, **settings)
        return world

    yield start
    for world in worlds:
        await world.stop()
