"""The clock of the machine is set while commands are under way (handbook §1.6, §1.7): no wait changes."""

import asyncio

import pytest

from stationmaster.domain.facts import MessageLogged
from stationmaster.session.events import CallAnswered, CallFailed
from tests.gateway.asking import answered_by, clear_cache, heartbeat
from tests.gateway.conftest import StartWorld, World, until

HOUR_US = 3_600_000_000


async def set_clock(world: World, by_us: int) -> None:
    """It is set, and the gateway has had time to see it."""
    world.now += by_us
    seen = world.gateway._context.sweep.tick + 2
    await until(lambda: world.gateway._context.sweep.tick >= seen)


async def test_a_clock_that_goes_forward_ends_nothing_before_its_time(start_world: StartWorld) -> None:
    world = await start_world()
    station = await world.station()
    first, second = clear_cache(world, "a"), clear_cache(world, "b", expires_at=world.now + 60_000_000)
    await until(lambda: world.gateway.connection("CP1")._answers.keys() == {"a", "b"})  # type: ignore[union-attr]  # it is connected
    world.now += HOUR_US  # seen at once or not, it is the same
    third = clear_cache(world, "c")
    await set_clock(world, HOUR_US)
    for each in (first, second, third):
        await answered_by(station)
        assert isinstance(await each, CallAnswered)


async def test_a_clock_that_goes_back_lengthens_no_wait(start_world: StartWorld) -> None:
    world = await start_world()
    station = await world.station()
    first = clear_cache(world, "a", timeout_s=0.5)
    second = clear_cache(world, "b", expires_at=world.now + 500_000, timeout_s=0.5)
    third = clear_cache(world, "c")
    assert (await station.hear())[2] == "ClearCache"
    await set_clock(world, -HOUR_US)
    for each in (first, second):
        ended = await asyncio.wait_for(each, 5)
        assert isinstance(ended, CallFailed)
        assert ended.state in {"timeout", "expired"}
    await answered_by(station)
    assert isinstance(await third, CallAnswered)


@pytest.mark.parametrize("by_us", [HOUR_US, -HOUR_US])
async def test_what_is_noted_goes_by_the_clock_as_it_is_set(start_world: StartWorld, by_us: int) -> None:
    world = await start_world()
    station = await world.station()
    await set_clock(world, by_us)
    await station.call(heartbeat("1"))
    noted = world.directory.facts(MessageLogged)[-1]
    assert abs(noted.received_at - world.now) < HOUR_US / 60
    assert 0 <= noted.latency_us < HOUR_US / 60
