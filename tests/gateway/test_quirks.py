"""Stations that do not answer pings (handbook §1.10), by quirk."""

import asyncio

import pytest

from stationmaster.domain.facts import StationDisconnected
from stationmaster.domain.quirks import Quirks
from tests.gateway.conftest import StartWorld, until


async def test_a_station_that_answers_no_pings_is_not_pinged_and_stays(start_world: StartWorld) -> None:
    world = await start_world(ping_interval_s=0.1, resolution_s=0.02)
    station = await world.station()
    connection = world.gateway.connection("CP1")
    assert connection is not None
    connection.adopt(Quirks(ignore_pings=True))
    with pytest.raises(TimeoutError):
        await station.frame(within_s=0.6)
    assert world.directory.facts(StationDisconnected) == []
    assert (await station.call([2, "1", "Heartbeat", {}]))[0] == 3
    connection.adopt(Quirks())
    await until(lambda: world.directory.facts(StationDisconnected))
    await asyncio.sleep(0)
