"""What an operator sees first, on both databases."""

from stationmaster.domain.energy import LEAST_US_PER_WH, MARGIN_WH
from stationmaster.domain.facts import MeterSample
from stationmaster.domain.overview import HOUR_US, Session
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID as HERE
from stationmaster.storage import Storage
from stationmaster.storage.numbers import scramble
from tests.storage.facts import at, ended, register, sampled, started

HOUR_S = 3_600


async def test_energy_is_added_up_by_site_and_hours(storage: Storage) -> None:
    await storage.record(
        [
            started(1, "CP1", site_id="north"),
            started(2, "CP2", site_id="north", seconds=60),
            started(3, "CP3", seconds=HOUR_S),
        ]
    )
    await storage.record(
        [
            ended(str(scramble(1)), 101, "CP1", seconds=2 * HOUR_S, meter_stop_wh=8_000),
            ended(str(scramble(2)), 102, "CP2", seconds=2 * HOUR_S + 60, meter_stop_wh=2_000),
        ]
    )
    noon = at(0) // HOUR_US
    found = sorted(await storage.overview.sessions(HERE, None, at(0)), key=lambda each: each.from_hour)
    assert found == [Session("north", noon, noon + 2, 8_000, 2), Session(None, noon + 1, None, 0, 1)]
    assert await storage.overview.sessions(HERE, ["south"], at(0)) == []
    assert await storage.overview.sessions("another", None, at(0)) == []
    # What was over before is left out, what still goes on is not.
    assert [each.count for each in await storage.overview.sessions(HERE, None, at(3 * HOUR_S))] == [1]


async def test_the_busiest_come_first(storage: Storage) -> None:
    await storage.record(
        [
            started(1, "CP1"),
            started(2, "CP2"),
        ]
    )
    await storage.record(
        [
            ended(str(scramble(1)), 101, "CP1", meter_stop_wh=3_000),
            ended(str(scramble(2)), 102, "CP2", meter_stop_wh=9_000),
            started(3, "CP2", seconds=4_000),
        ]
    )
    found = await storage.overview.busiest(HERE, None, at(0), 10)
    assert [(each.station_id, each.energy_wh, each.started) for each in found] == [("CP2", 8_000, 2), ("CP1", 2_000, 1)]
    assert [each.station_id for each in await storage.overview.busiest(HERE, None, at(0), 1)] == ["CP2"]


async def test_of_what_goes_on_the_newest_values_count(storage: Storage) -> None:
    power = MeterSample(raw="7000", value=7_000.0, measurand="Power.Active.Import", unit="W")
    await storage.record([started(1, "CP1"), started(2, "CP2")])
    await storage.record(
        [
            sampled(1, register(1_000), seconds=10),
            sampled(1, register(3_000), power, seconds=70),
            sampled(1, register(9_000), connector=0, seconds=71),
        ]
    )
    values = await storage.overview.newest_values(HERE, None, at(0))
    assert sorted(values, key=lambda each: each is None) == [(register(3_000), power), None]
    assert await storage.overview.newest_values(HERE, None, at(71)) == [None, None]
    (session,) = await storage.overview.sessions(HERE, None, at(0))
    assert (session.energy_wh, session.count) == (2_000, 2)


async def test_more_than_can_have_gone_through_is_no_energy_so_far(storage: Storage) -> None:
    """As when it is billed: within 70 s, and the margin."""
    most = 1_000 + 70 * 1_000_000 // LEAST_US_PER_WH + MARGIN_WH
    await storage.record([started(1, "CP1"), started(2, "CP2")])
    await storage.record([sampled(1, register(900_000_000), seconds=70)])
    await storage.record([sampled(2, register(most), station_id="CP2", seconds=70)])
    (session,) = await storage.overview.sessions(HERE, None, at(0))
    assert (session.energy_wh, session.count) == (most - 1_000, 2)
    await storage.record([sampled(2, register(900), station_id="CP2", seconds=71)])
    (session,) = await storage.overview.sessions(HERE, None, at(0))
    assert session.energy_wh == 0
