"""Ours beside the station's: the stretches that differ, and what they mean."""

import pytest

from stationmaster.domain.smart_charging.comparison import (
    Difference,
    DifferenceKind,
    ReportedSchedule,
    UnitsDiffer,
    differences,
)
from stationmaster.domain.smart_charging.composite import CompositePeriod, CompositeSchedule
from stationmaster.domain.smart_charging.profiles import ChargingSchedulePeriod, RateUnit
from tests.domain.smart_charging.builders import at, place

START = "2024-03-05T10:00:00Z"


def ours(*periods: tuple[int, int | None]) -> CompositeSchedule:
    return CompositeSchedule(
        location=place(1),
        start=at(START),
        duration_s=3600,
        unit=RateUnit.AMPERE,
        periods=tuple(CompositePeriod(start_period_s=start, limit_tenths=limit) for start, limit in periods),
        certain=True,
    )


def told(*periods: tuple[int, int], start: str = START, duration_s: int | None = None) -> ReportedSchedule:
    return ReportedSchedule(
        start=at(start),
        unit=RateUnit.AMPERE,
        duration_s=duration_s,
        periods=tuple(ChargingSchedulePeriod(start_period_s=start, limit_tenths=limit) for start, limit in periods),
    )


def short(found: tuple[Difference, ...]) -> list[tuple[int, int, str]]:
    return [(each.start_s, each.end_s, each.kind.value) for each in found]


def test_equal_schedules_do_not_differ() -> None:
    assert differences(ours((0, 160), (600, 80)), told((0, 160), (600, 80))) == ()


def test_each_kind_of_difference() -> None:
    found = differences(
        ours((0, 160), (600, 80), (1200, None)), told((0, 100), (600, 320), (2400, 320), duration_s=3000)
    )
    assert short(found) == [
        (0, 600, "station_lower"),
        (600, 1200, "station_higher"),
        (1200, 2400, "station_has_maximum"),
        (2400, 3000, "station_has_maximum"),
    ]
    assert found[0] == Difference(
        start_s=0, end_s=600, kind=DifferenceKind.STATION_LOWER, ours_tenths=160, station_tenths=100
    )


def test_a_station_that_answers_for_a_shorter_time_is_silent_for_the_rest() -> None:
    assert short(differences(ours((0, 160)), told((0, 160), duration_s=900))) == [(900, 3600, "station_silent")]


def test_the_station_counts_from_its_own_start() -> None:
    answer = told((0, 160), (605, 80), start="2024-03-05T09:59:55Z")
    assert differences(ours((0, 160), (600, 80)), answer) == ()
    assert short(differences(ours((0, 160)), told((0, 160), start="2024-03-05T10:00:30Z"))) == [
        (0, 30, "station_silent")
    ]


def test_a_tolerance_forgives_rounding() -> None:
    assert differences(ours((0, 86)), told((0, 87)), tolerance_tenths=1) == ()


def test_different_units_are_not_compared() -> None:
    watts = ReportedSchedule(start=at(START), unit=RateUnit.WATT, periods=())
    with pytest.raises(UnitsDiffer, match="answered in W, ours is in A"):
        differences(ours((0, 160)), watts)
