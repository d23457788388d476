"""A profile of the library gets the start that it does not name."""

from zoneinfo import ZoneInfo

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
from stationmaster.services.profile_start import begun

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
    found = begun(profile, NOW, ZoneInfo(zone)).schedules[0].start_schedule
    assert (None if found is None else format_instant(found)) == start


def test_a_start_that_is_there_stays() -> None:
    schedule = msgspec.structs.replace(PROFILE.schedules[0], start_schedule=5)
    profile = msgspec.structs.replace(PROFILE, schedules=(schedule,))
    assert begun(profile, NOW, ZoneInfo("UTC")) == profile
