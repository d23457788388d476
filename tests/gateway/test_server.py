"""Starting, draining and stopping a gateway."""

import asyncio
import socket

import pytest

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.domain.facts import StationConnected, StationDisconnected
from stationmaster.gateway.server import Gateway, PortUnavailable
from stationmaster.gateway.settings import GatewaySettings, Listener
from stationmaster.session.events import CallReceived
from tests.gateway.conftest import StartWorld, World, polite, until
from tests.gateway.raw import RawStation, upgrade


async def test_a_drain_says_goodbye_to_all_and_records_every_end(world: World) -> None:
    stations = [await world.station(f"CP{number}") for number in range(45)]
    await world.gateway.drain(within_s=1)
    for station in stations:
        assert await station.closed() == (1001, "the node is shutting down")
    assert len(world.directory.facts(StationDisconnected)) == 45
    assert world.gateway.connected_stations() == []


async def test_a_drain_lets_what_is_being_answered_finish(world: World) -> None:
    release = asyncio.Event()

    async def slow(connection: StationConnection, call: CallReceived) -> Answer:
        await release.wait()
        return await polite(connection, call)

    world.handler = slow
    station = await world.station()
    await station.say([2, "1", "Heartbeat", {}])
    await asyncio.sleep(0.02)
    draining = asyncio.create_task(world.gateway.drain(within_s=5, code=1012, reason="restart"))
    await asyncio.sleep(0.02)
    release.set()
    assert (await station.hear())[:2] == [3, "1"]
    assert await station.closed() == (1012, "restart")
    await draining


async def test_a_drain_does_not_wait_for_ever(world: World) -> None:
    async def hangs(connection: StationConnection, call: CallReceived) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    world.handler = hangs
    station = await world.station()
    await station.say([2, "1", "Heartbeat", {}])
    await asyncio.sleep(0.02)
    draining = asyncio.create_task(world.gateway.drain(within_s=0.2))
    assert (await station.closed())[0] == 1001
    await world.gateway.stop()
    await draining


async def test_after_a_stop_the_port_is_free_and_sockets_are_closed(world: World) -> None:
    station = await world.station()
    silent = await world.raw()
    await world.gateway.stop()
    assert (await station.closed())[0] == 1001
    assert await silent.reader.read() == b""
    with socket.create_server(("127.0.0.1", world.port)):
        pass


async def test_a_stop_leaves_no_task_behind(start_world: StartWorld) -> None:
    before = len(asyncio.all_tasks())
    world = await start_world()
    for number in range(5):
        await world.station(f"CP{number}")
    await world.gateway.drain(within_s=0.5)
    await world.stop()
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_an_idle_station_has_no_task(world: World) -> None:
    before = len(asyncio.all_tasks())
    for number in range(20):
        station = await world.station(f"CP{number}")
        await station.call([2, "1", "Heartbeat", {}])
    await until(lambda: len(asyncio.all_tasks()) == before)


async def test_a_port_that_is_taken_is_an_error_and_none_is_kept(world: World) -> None:
    surroundings = world.gateway._context.surroundings
    listeners = [Listener(port=0), Listener(port=world.port)]
    gateway = Gateway(listeners, GatewaySettings(), surroundings)
    with pytest.raises(PortUnavailable, match=r"(?i)address already in use"):
        await gateway.start()
    assert gateway.ports == ()


async def test_several_listeners_share_one_hub(world: World) -> None:
    world.directory.add("CP1")
    surroundings = world.gateway._context.surroundings
    gateway = Gateway([Listener(port=0), Listener(port=0)], GatewaySettings(), surroundings)
    await gateway.start()
    first, second = [await RawStation.connect(port) for port in gateway.ports]
    world.stations += [first, second]
    for station in (first, second):
        assert (await station.request(upgrade())).status == 101
    assert await first.closed() == (1008, "replaced")
    await until(lambda: len(world.directory.facts(StationConnected)) == 2)
    await gateway.drain(within_s=0.5)
    await gateway.stop()
