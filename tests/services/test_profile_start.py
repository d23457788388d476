"""A profile of the library gets the start that it does not name."""

import msgspec
import pytest

from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
)
from stationmaster.instants import format_instant, parse_instant
from stationmaster.services.profile_start import Begun, begun

# A Wednesday; in Berlin it is Thursday already, in summer time.
NOW = parse_instant("2026-07-01T22:30:00Z")
PROFILE = ChargingProfile(
    profile_id=0,
    stack_level=0,
    purpose=Purpose.TX_DEFAULT,
    kind=Kind.ABSOLUTE,
    schedules=(
        ChargingSchedule(
            unit=RateUnit.AMPERE, periods=(ChargingSchedulePeriod(start_period_s=0, limit_tenths=60),), duration_s=None
        ),
    ),
)


@pytest.mark.parametrize(
    ("kind", "recurrency", "zone", "start"),
    [
        (Kind.ABSOLUTE, None, "UTC", "2026-07-01T00:00:00.000Z"),
        (Kind.ABSOLUTE, None, "Europe/Berlin", "2026-07-01T22:00:00.000Z"),
        (Kind.RECURRING, Recurrency.DAILY, "Europe/Berlin", "2026-07-01T22:00:00.000Z"),
        (Kind.RECURRING, Recurrency.WEEKLY, "Europe/Berlin", "2026-06-28T22:00:00.000Z"),
        (Kind.RELATIVE, None, "Europe/Berlin", None),
    ],
)
def test_a_start_that_is_missing_is_midnight_where_the_station_stands(
    kind: Kind, recurrency: Recurrency | None, zone: str, start: str | None
) -> None:
    profile = msgspec.structs.replace(PROFILE, kind=kind, recurrency=recurrency)
    made = begun(profile, NOW, zone)
    found = made.profile.schedules[0].start_schedule
    assert (None if found is None else format_instant(found)) == start
    assert made.local_time_zone == (zone if kind is Kind.RECURRING else None)


def test_a_start_that_is_there_stays() -> None:
    schedule = msgspec.structs.replace(PROFILE.schedules[0], start_schedule=5)
    profile = msgspec.structs.replace(PROFILE, schedules=(schedule,))
    for kind in Kind:
        profile = msgspec.structs.replace(profile, kind=kind)
        assert begun(profile, NOW, "Europe/Berlin") == Begun(profile)


@pytest.mark.parametrize(
    ("kind", "recurrency", "start"),
    [
        (Kind.RECURRING, Recurrency.DAILY, "2026-03-28T22:00:00.000Z"),
        (Kind.RECURRING, Recurrency.WEEKLY, "2026-03-22T22:00:00.000Z"),
        (Kind.ABSOLUTE, None, "2026-03-28T23:00:00.000Z"),
    ],
)
def test_after_a_change_of_the_same_day_what_recurs_begins_as_the_clocks_count_now(
    kind: Kind, recurrency: Recurrency | None, start: str
) -> None:
    noon = parse_instant("2026-03-29T10:00:00Z")
    profile = msgspec.structs.replace(PROFILE, kind=kind, recurrency=recurrency)
    found = begun(profile, noon, "Europe/Berlin").profile.schedules[0].start_schedule
    assert found is not None
    assert format_instant(found) == start
