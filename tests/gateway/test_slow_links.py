"""Links of a few kilobytes a second: slow is not silent (handbook §1.10, §1.12). Settings are short."""

import asyncio
import contextlib
import socket

import pytest

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.domain.facts import StationDisconnected
from stationmaster.gateway.connection import Connection
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallReceived
from tests.gateway.conftest import StartWorld, World, until
from tests.gateway.raw import CONTINUATION, RawStation, frame

LONG_MESSAGE = b'[2,"1","DataTransfer",{"vendorId":"x","data":"' + b"y" * 100_000 + b'"}]'
IN_ONE_FRAME = frame(LONG_MESSAGE)
FRAGMENTED = frame(LONG_MESSAGE[:10], fin=False) + frame(LONG_MESSAGE[10:], CONTINUATION)
"""Which is read in another way."""


@pytest.mark.parametrize("data", [IN_ONE_FRAME, FRAGMENTED], ids=["one frame", "fragments"])
async def test_a_long_frame_is_a_sign_of_life_while_it_comes(start_world: StartWorld, data: bytes) -> None:
    world = await start_world(ping_interval_s=0.1, resolution_s=0.02)
    station = await world.station()
    sweep, sent = world.gateway._context.sweep, 0
    long_after = sweep.tick + 10 * sweep.ticks(0.1)
    while sweep.tick < long_after:
        await station.send(data[sent : sent + 100])
        sent += 100
        await asyncio.sleep(0.002)
    assert sent < len(data)
    await station.send(data[sent:])
    assert (await station.hear())[:2] == [3, "1"]
    assert world.directory.facts(StationDisconnected) == []


async def test_a_frame_that_no_longer_comes_is_silence(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.2)
    station = await world.station()
    await station.send(IN_ONE_FRAME[:90_000])
    await until(lambda: world.directory.facts(StationDisconnected))
    assert world.directory.facts(StationDisconnected)[0].reason == "no sign of life"


async def test_a_station_that_reads_slowly_but_steadily_stays(start_world: StartWorld) -> None:
    world = await start_world(write_timeout_s=0.6, resolution_s=0.02, ping_interval_s=0)
    station = await _narrow_station(world)
    connection = world.gateway.connection("CP1")
    assert isinstance(connection, Connection)
    await until(lambda: connection._flow.is_paused)
    sweep = world.gateway._context.sweep
    long_after = sweep.tick + 3 * sweep.ticks(0.6)
    while sweep.tick < long_after:
        await station.reader.readexactly(2048)
        await asyncio.sleep(0.02)
    assert connection._flow.is_paused, "there was something to be read all the time"
    assert connection.is_open
    await until(lambda: world.directory.facts(StationDisconnected))  # it reads no more
    assert world.directory.facts(StationDisconnected)[0].reason == "the station does not read"


async def test_a_station_that_reads_by_drops_does_not_read(start_world: StartWorld) -> None:
    world = await start_world(write_timeout_s=0.2, resolution_s=0.02, ping_interval_s=0, least_bytes_per_s=1_000_000)
    station = await _narrow_station(world)
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            await station.reader.readexactly(1024)
            await asyncio.sleep(0.02)
    await until(lambda: world.directory.facts(StationDisconnected))
    assert world.directory.facts(StationDisconnected)[0].reason == "the station does not read"


async def _verbose(_connection: StationConnection, call: CallReceived) -> Answer:
    return Answer(V16.check_outgoing_response(call.action, {"status": "Accepted", "data": "y" * 200_000}))


async def _narrow_station(world: World) -> RawStation:
    """A connected station that has asked for more than fits on the way to it."""
    world.handler = _verbose
    world.directory.add("CP1")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", world.port))
    station = RawStation(*await asyncio.open_connection(sock=narrow, limit=8192))
    world.stations.append(station)
    await station.open()
    connection = world.gateway.connection("CP1")
    assert isinstance(connection, Connection)
    connection._socket._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)
    for number in range(4):
        await station.say([2, str(number), "DataTransfer", {"vendorId": "x"}])
    return station
