"""Pings, silence, and peers that do not read (handbook §1.10, RELIABILITY R-10, R-11). Settings are short."""

import asyncio

import pytest

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.domain.facts import StationDisconnected, StationSeen
from stationmaster.gateway.connection import Connection
from stationmaster.instants import Instant
from stationmaster.session.events import CallReceived
from tests.gateway.conftest import NOW, StartWorld, World, polite, until
from tests.gateway.raw import PING, PONG, frame

HOUR_US = 3_600_000_000


async def test_the_server_pings(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.1)
    station = await world.station()
    for _ in range(3):
        assert await station.frame() == (PING, b"")
        await station.send(frame(b"", PONG))


async def test_a_half_open_connection_is_ended_after_two_silent_intervals(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.2)
    station = await world.station()  # which neither answers pings nor says anything
    assert (await station.closed())[0] == 1011
    await until(lambda: world.directory.facts(StationDisconnected))
    assert world.directory.facts(StationDisconnected)[0].reason == "no sign of life"
    assert world.gateway.connected_stations() == []


async def test_a_station_that_answers_pings_stays(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.1)
    station = await world.station()
    for _ in range(10):
        opcode, payload = await station.frame()
        assert opcode == PING
        await station.send(frame(payload, PONG))
    assert world.gateway.connected_stations() == ["CP1"]


async def test_a_station_that_ignores_pings_but_talks_stays(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.2)
    station = await world.station()
    for number in range(16):
        await station.say([2, str(number), "Heartbeat", {}])
        await asyncio.sleep(0.05)
    assert world.gateway.connected_stations() == ["CP1"]


async def test_pings_can_be_switched_off_and_then_silence_is_no_reason(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0)
    station = await world.station()
    with pytest.raises(TimeoutError):
        await station.frame(within_s=0.3)
    assert world.gateway.connected_stations() == ["CP1"]


async def test_a_station_may_have_an_interval_of_its_own(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=600)
    world.directory.add("CP1", ping_interval_s=1)
    station = await world.station()
    assert (await station.frame(within_s=3))[0] == PING


async def test_that_a_station_lives_is_noted_in_intervals(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.1)
    station = await world.station()
    for _ in range(5):
        await station.frame()
        await station.send(frame(b"", PONG))
    seen = world.directory.facts(StationSeen)
    assert 1 <= len(seen) <= 6
    assert seen[0].station_id == "CP1"


async def test_that_a_station_lives_is_noted_where_pings_are_off_too(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0, seen_interval_s=0.05)
    station = await world.station()
    number = 0
    async with asyncio.timeout(10):
        while len(world.directory.facts(StationSeen)) < 3:
            number += 1
            await station.call([2, str(number), "Heartbeat", {}])
    assert world.gateway.connected_stations() == ["CP1"]


@pytest.mark.parametrize("pings", [False, True])
async def test_a_station_was_seen_when_its_last_frame_came(start_world: StartWorld, *, pings: bool) -> None:
    """The hours pass here by hand: the timer never comes round."""
    ten_hours = {"ping_interval_s" if pings else "seen_interval_s": 36_000.0}
    world = await start_world(**{"ping_interval_s": 0.0, "resolution_s": 3600.0} | ten_hours)
    station = await world.station()
    connection = world.gateway.connection("CP1")
    assert isinstance(connection, Connection)
    sweep = world.gateway._context.sweep
    sweep.tick = 5
    await station.call([2, "1", "Heartbeat", {}])
    sweep.tick = 8
    assert connection.due(8) == 18
    assert [hours_ago(fact.received_at) for fact in world.directory.facts(StationSeen)] == [3]
    sweep.tick = 18
    assert connection.due(18) > 18
    assert len(world.directory.facts(StationSeen)) == 1, "nothing was heard since"
    sweep.tick = 20
    connection.close(1000, "enough")
    await until(lambda: world.directory.facts(StationDisconnected))
    assert hours_ago(world.directory.facts(StationDisconnected)[0].last_seen_at) == 15


def hours_ago(instant: Instant) -> int:
    return round((NOW - instant) / HOUR_US)


async def test_silence_is_no_reason_where_pings_are_off_however_long_it_is(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.0, seen_interval_s=36_000.0, resolution_s=3600.0)
    station = await world.station()
    connection = world.gateway.connection("CP1")
    assert isinstance(connection, Connection)
    tick = 1
    while tick < 100:
        tick = world.gateway._context.sweep.tick = connection.due(tick)
    assert (await station.call([2, "1", "Heartbeat", {}]))[0] == 3


async def test_pings_of_many_stations_are_spread(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=1, resolution_s=0.05)
    for number in range(40):
        await world.station(f"CP{number}")
    due = [connection.due_tick for connection in world.gateway._hub]
    assert len(set(due)) > 10


async def test_a_station_that_does_not_read_costs_little_and_is_cut_off(start_world: StartWorld) -> None:
    world = await start_world(write_timeout_s=0.3, frames_per_s=0)
    neighbour = await world.station("neighbour")
    station = await world.station()
    station.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
    question = frame(b'[2,"%d","Nonsense",{}]')

    async def flood() -> None:
        while True:
            await station.send(question * 1000)

    flooding = asyncio.create_task(flood())
    connection = world.gateway.connection("CP1")
    assert isinstance(connection, Connection)
    transport = connection._socket._transport
    while connection.is_open:
        assert transport.get_write_buffer_size() < 2_000_000
        await asyncio.sleep(0.005)
    with pytest.raises(ConnectionError):
        await flooding
    assert (await neighbour.call([2, "1", "Heartbeat", {}]))[0] == 3
    fact = world.directory.facts(StationDisconnected)[0]
    assert fact.reason == "the station does not read"


async def test_a_station_that_reads_again_in_time_stays_and_misses_nothing(start_world: StartWorld) -> None:
    world = await start_world(write_timeout_s=5, frames_per_s=0)
    station = await world.station()
    station.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
    number = 0

    async def flood() -> None:
        nonlocal number
        while True:
            await station.say([2, f"{number:0>200}", "Nonsense", {}])
            number += 1

    connection = world.gateway.connection("CP1")
    assert isinstance(connection, Connection)
    flooding = asyncio.create_task(flood())
    await until(lambda: connection._flow.is_paused, within_s=20)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)
    station.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a socket's transport has it
    for expected in range(number):
        assert int((await station.hear())[1]) == expected
    assert not connection._flow.is_paused


async def test_a_station_that_talks_too_fast_is_slowed_down_and_nothing_is_lost(start_world: StartWorld) -> None:
    world = await start_world(frames_per_s=200, frames_burst=20)
    station = await world.station()
    for number in range(60):
        await station.say([2, str(number), "Heartbeat", {}])
        await asyncio.sleep(0)
    assert [(await station.hear())[1] for _ in range(60)] == [str(number) for number in range(60)]
    assert world.gateway.connected_stations() == ["CP1"]


async def test_while_a_station_is_left_unread_its_silence_is_no_reason(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.1, calls_waiting=2)
    release = asyncio.Event()

    async def waits(connection: StationConnection, call: CallReceived) -> Answer:
        await release.wait()
        return await polite(connection, call)

    world.handler = waits
    station = await world.station()
    for number in range(10):
        await station.say([2, str(number), "Heartbeat", {}])
    await asyncio.sleep(0.5)
    release.set()
    assert [(await station.hear())[1] for _ in range(10)] == [str(number) for number in range(10)]


@pytest.mark.parametrize("chunk", [1, 7])
async def test_a_frame_that_never_ends_is_no_sign_of_life(start_world: StartWorld, chunk: int) -> None:
    world = await start_world(ping_interval_s=0.1, least_bytes_per_s=2000)
    station = await world.station()
    await station.send(frame(length=100_000)[:-1])

    async def drip() -> None:
        while True:
            await station.send(b"x" * chunk)
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    await until(lambda: world.gateway.connected_stations() == [])
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)


async def test_the_world_serves_while_nothing_happens(world: World) -> None:
    station = await world.station()
    await asyncio.sleep(0.2)
    assert (await station.call([2, "1", "Heartbeat", {}]))[0] == 3
