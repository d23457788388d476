"""The newest connection of a station wins, in whatever order things happen (handbook §1.11, RELIABILITY R-17)."""

import asyncio
import random
from typing import Any

import pytest

from stationmaster.bus.contract import NoResponder
from stationmaster.bus.subjects import command_of
from stationmaster.domain.facts import HandshakeRefused, StationConnected, StationDisconnected
from stationmaster.gateway.context import ConnectionContext
from stationmaster.gateway.contract import Surroundings
from stationmaster.gateway.door import Door, DoorKeeper
from stationmaster.gateway.settings import GatewaySettings, Listener
from stationmaster.gateway.socket import StationSocket
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallFailed
from tests.gateway.asking import clear_cache
from tests.gateway.conftest import PASSWORD, World, basic, check_password, polite, until
from tests.gateway.raw import CLOSE, RawStation, upgrade

REPLACED = b"\x88\x0a\x03\xf0replaced"


# Over real sockets


async def test_a_second_connection_replaces_the_first_one(world: World) -> None:
    old = await world.station()
    new = await world.station()
    assert await old.closed() == (1008, "replaced")
    assert (await new.call([2, "1", "Heartbeat", {}]))[0] == 3
    await until(lambda: world.directory.facts(StationDisconnected))
    (gone,) = world.directory.facts(StationDisconnected)
    first, second = world.directory.facts(StationConnected)
    assert gone.connection_id == first.connection_id
    assert first.epoch < second.epoch
    assert await world.bus.request(command_of("CP1"), b"", 1) == f"{second.connection_id}:".encode()


async def test_a_half_open_connection_does_not_keep_the_station_out(world: World) -> None:
    await world.station()  # never reads again
    new = await world.station()
    assert (await new.call([2, "1", "Heartbeat", {}]))[0] == 3


async def test_a_newcomer_without_the_password_replaces_nobody(world: World) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD)
    real = await world.station("CP1", Authorization=basic("CP1"))
    for authorization in (None, basic("CP1", b"guess")):
        impostor = await world.raw()
        assert (await impostor.request(upgrade(Authorization=authorization))).status == 401
    assert (await real.call([2, "1", "Heartbeat", {}]))[0] == 3


async def test_what_was_in_flight_on_the_old_connection_is_not_delivered(world: World) -> None:
    old = await world.station()
    asking = clear_cache(world)
    await old.hear()
    await world.station()
    outcome = await asking
    assert isinstance(outcome, CallFailed)
    assert (outcome.state, outcome.code) == ("not_delivered", "outcome_unknown")


async def test_devices_that_share_an_identity_raise_one_alarm_and_are_throttled(world: World) -> None:
    world.directory.add("CP1")
    for _ in range(7):
        await world.station()
    assert world.directory.told.count(("contested", "CP1")) == 1
    station = await world.raw()
    response = await station.request(upgrade())
    assert response.status == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    await until(lambda: world.directory.facts(HandshakeRefused))
    assert world.directory.facts(HandshakeRefused)[0].reason == "contested"
    newest = world.stations[-2]
    newest.drop()
    await until(lambda: world.gateway.connected_stations() == [])
    await world.station()  # with the place empty, there is nothing to contest


@pytest.mark.parametrize("seed", range(10))
async def test_any_order_over_real_sockets_leaves_the_newest_in_command(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.directory.add("CP1")
    stations: list[RawStation] = []
    for _ in range(5):
        station = await world.raw()
        await station.open()
        stations.append(station)
        if chance.random() < 0.5:
            chance.choice(stations[:-1] or stations).drop() if len(stations) > 1 else None
        await asyncio.sleep(chance.choice([0, 0, 0.001]))
    await until(lambda: len(world.directory.facts(StationConnected)) == 5)
    await until(lambda: len(world.directory.facts(StationDisconnected)) == 4)
    newest = max(world.directory.facts(StationConnected), key=lambda fact: fact.epoch)
    assert await world.bus.request(command_of("CP1"), b"", 1) == f"{newest.connection_id}:".encode()
    assert (await stations[-1].call([2, "1", "Heartbeat", {}]))[0] == 3


# All interleavings, over transports in memory


class MemoryTransport(asyncio.Transport):
    """A TCP connection that is not there. `drop` is the peer hanging up."""

    def __init__(self, socket: StationSocket) -> None:
        super().__init__()
        self.socket = socket
        self.written = bytearray()
        self._closing = False
        socket.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 40000) if name == "peername" else default

    def write(self, data: Any) -> None:
        assert not self._closing, "written to a closed transport"
        self.written += data

    def is_closing(self) -> bool:
        return self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.drop()

    def abort(self) -> None:
        self.drop()

    def close(self) -> None:
        self.drop()

    def drop(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self.socket.connection_lost, None)

    @property
    def accepted(self) -> bool:
        return self.written.startswith(b"HTTP/1.1 101")


class Stage:
    """A door without a port, whose directory answers after a random number of steps of the event loop."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        world = World()
        self.directory, self.bus = world.directory, world.bus
        self.directory.add("CP1")
        self.directory.lookup_waits = self.directory.connect_waits = self.steps
        surroundings = Surroundings(
            protocol=V16,
            clock=world.clock,
            directory=self.directory,
            handler=polite,
            commands=world.commands,
            check_password=check_password,
            check_certificate=world._check_certificate,
            bus=self.bus,
            node_id="node",
        )
        self.context = ConnectionContext(GatewaySettings(takeovers_per_minute=1000), surroundings)
        self.keeper = DoorKeeper(self.context)
        self.keeper.connection_limit = 100
        self.door = Door(self.keeper, Listener())
        self.transports: list[MemoryTransport] = []

    async def steps(self) -> None:
        for _ in range(self.chance.randrange(6)):
            await asyncio.sleep(0)

    def newcomer(self) -> None:
        transport = MemoryTransport(self.door.new_socket())
        self.transports.append(transport)
        transport.socket.data_received(upgrade())

    def answer_close(self, transport: MemoryTransport) -> None:
        if transport.written.endswith(REPLACED) and not transport.is_closing():
            transport.socket.data_received(b"\x88\x82\0\0\0\0\x03\xf0")

    def check(self) -> None:
        """What must hold at every moment."""
        holder = self.keeper.hub.get("CP1")
        connected = self.directory.facts(StationConnected)
        if holder is not None:
            assert holder.is_open
            assert all(fact.epoch <= holder.epoch for fact in connected)
        open_sockets = [
            transport
            for transport in self.transports
            if transport.accepted and not transport.is_closing() and REPLACED not in transport.written
        ]
        assert len(open_sockets) <= 1

    async def settle(self) -> None:
        while self.context.tasks:
            await asyncio.wait(set(self.context.tasks))
        await asyncio.sleep(0)


@pytest.mark.parametrize("seeds", [range(first, first + 125) for first in range(0, 1000, 125)], ids=str)
async def test_in_every_order_the_newest_holds_the_place_and_each_end_is_recorded_once(seeds: range) -> None:
    for seed in seeds:
        stage = Stage(seed)
        chance = stage.chance
        newcomers = chance.randrange(2, 6)
        deeds = ["newcomer"] * newcomers + ["drop"] * chance.randrange(newcomers) + ["answer"] * newcomers
        chance.shuffle(deeds)
        for deed in deeds:
            if deed == "newcomer":
                stage.newcomer()
            elif stage.transports:
                transport = chance.choice(stage.transports)
                transport.drop() if deed == "drop" else stage.answer_close(transport)
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
                stage.check()
        await stage.settle()
        stage.check()
        connected = {fact.connection_id for fact in stage.directory.facts(StationConnected)}
        ends = [fact.connection_id for fact in stage.directory.facts(StationDisconnected)]
        holder = stage.keeper.hub.get("CP1")
        assert len(ends) == len(set(ends)), seed
        assert connected - set(ends) == ({holder.connection_id} if holder is not None else set()), seed
        if holder is None:
            with pytest.raises(NoResponder):
                await stage.bus.request(command_of("CP1"), b"", 1)
        else:
            assert holder.epoch == max(fact.epoch for fact in stage.directory.facts(StationConnected))
            answer = await stage.bus.request(command_of("CP1"), b"", 1)
            assert answer == f"{holder.connection_id}:".encode(), seed
        for transport in stage.transports:
            transport.drop()
        await stage.settle()
        await asyncio.sleep(0)
        assert len(stage.keeper.hub) == 0
        assert not stage.keeper.sockets


async def test_a_newer_connection_on_another_node_closes_this_one(world: World) -> None:
    station = await world.station()

    async def elsewhere(message: bytes) -> bytes:
        return b"elsewhere"

    (fact,) = world.directory.facts(StationConnected)
    async with world.bus.serve(command_of("CP1"), elsewhere, epoch=fact.epoch + 1):
        assert (await station.frame()) == (CLOSE, b"\x03\xf0replaced")
        assert await world.bus.request(command_of("CP1"), b"", 1) == b"elsewhere"
        await until(lambda: world.gateway.connected_stations() == [])
        assert await world.bus.request(command_of("CP1"), b"", 1) == b"elsewhere"
