"""A node without sockets: real storage, real bus, real services, and a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from stationmaster.actions.v16 import CATALOGUE, Actions16
from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID, Station
from stationmaster.instants import Instant
from stationmaster.services.bundle import Services
from stationmaster.services.certificates import CertificateAuthority
from stationmaster.services.context import ServiceContext, ServiceSettings
from stationmaster.services.data_transfer import VendorPlugin
from stationmaster.services.presence import PresentStation
from stationmaster.services.secrets import SecretKeeper
from stationmaster.services.stations import NewStation
from stationmaster.services.tokens import NewToken
from stationmaster.storage import Storage
from stationmaster.storage.postgres import PostgresDriver
from stationmaster.storage.sqlite import SqliteDriver

__all__ = ["ORGANISATION", "SECOND", "START", "Clock", "Node", "open_node", "until"]

START: Instant = 1_740_832_496_000_000
"""2025-03-01T12:34:56Z."""
SECOND: Instant = 1_000_000
ORGANISATION = DEFAULT_ORGANISATION_ID


class Clock:
    """The present, as the test has it."""

    def __init__(self, now: Instant = START) -> None:
        self.now = now

    def __call__(self) -> Instant:
        return self.now

    def pass_s(self, seconds: float) -> Instant:
        """Let time pass; returns the new present."""
        self.now += round(seconds * SECOND)
        return self.now


class Node:
    """Everything of a node but its sockets and its API."""

    def __init__(
        self,
        storage: Storage,
        bus: MemoryBus,
        clock: Clock,
        settings: ServiceSettings,
        plugins: Iterable[VendorPlugin],
        certificates: CertificateAuthority | None,
    ) -> None:
        self.storage = storage
        self.bus = bus
        self.clock = clock
        # Passwords are hashed quickly here: what makes them slow is not what these tests are about.
        settings = msgspec.structs.replace(settings, password_memory_kib=64)
        self.context = ServiceContext(storage, bus, clock, settings, SecretKeeper(b"pepper for tests"))
        self.services = Services(self.context, {"ocpp1.6": CATALOGUE}, plugins, certificates)
        self.actions = Actions16(self.services)
        self.at_the_end: list[Callable[[], None]] = []
        """What ends before the services do, as a gateway would end it."""

    async def station(self, station_id: str = "CP7", **words: Any) -> Station:
        """Register a station; profile 0 unless said otherwise."""
        new = NewStation(id=station_id, **{"security_profile": 0, **words})
        return (await self.services.stations.create(ORGANISATION, new)).station

    async def present(self, station_id: str = "CP7", **words: Any) -> PresentStation:
        """Register a station that is connected here."""
        station = await self.station(station_id, **words)
        return self.services.presence.arrived(
            PresentStation(station.organisation_id, station.id, station.site_id, "ocpp1.6", self.clock())
        )

    async def token(self, id_tag: str, **words: Any) -> int:
        """Register a token; returns its number."""
        authorizer = self.services.authorizer
        changes = authorizer._changes
        made = await self.services.tokens.create(ORGANISATION, NewToken(value=id_tag, **words))

        async def heard() -> bool:  # this node hears of its own changes too, after what was said before them
            return authorizer._changes >= changes + 2

        await until(heard)
        return made.id


async def until(said: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come of itself in moments."""
    async with asyncio.timeout(5):
        while not await said():  # noqa: ASYNC110 -- the thing awaited has no event to offer
            await asyncio.sleep(0.002)


@asynccontextmanager
async def open_node(
    url: str,
    *,
    settings: ServiceSettings | None = None,
    plugins: Iterable[VendorPlugin] = (),
    certificates: CertificateAuthority | None = None,
    bus: MemoryBus | None = None,
    clock: Clock | None = None,
    node_id: str = "node-a",
) -> AsyncIterator[Node]:
    """A node on the database at `url`; several may share a bus and a database."""
    clock = clock or Clock()
    driver = SqliteDriver(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else PostgresDriver(url)
    storage = Storage(driver, node_id, clock)
    own_bus = bus or MemoryBus()
    await storage.open()
    try:
        node = Node(storage, own_bus, clock, settings or ServiceSettings(), plugins, certificates)
        async with node.services.running():
            yield node
            for end in node.at_the_end:
                end()
    finally:
        if bus is None:
            await own_bus.close()
        await storage.close()
