"""Schedules by the wall clock: their start, their renewal, and what is not a plan."""

import pytest

from stationmaster.domain.smart_charging.local_time import (
    LocalPlan,
    UtcOffset,
    local_schedule,
    next_change,
    offset_at,
    offsets_between,
)
from stationmaster.domain.smart_charging.profiles import RateUnit, Recurrency
from tests.domain.smart_charging.builders import SECOND, at

BERLIN = (
    UtcOffset(at("2024-01-01T00:00Z"), 3600),
    UtcOffset(at("2024-03-31T01:00Z"), 7200),
    UtcOffset(at("2024-10-27T01:00Z"), 3600),
)


def plan(*limits: tuple[int, int], recurrency: Recurrency = Recurrency.DAILY) -> LocalPlan:
    return LocalPlan(recurrency=recurrency, unit=RateUnit.AMPERE, limits=limits, number_phases=1)


def test_the_start_is_the_latest_local_midnight_and_changes_with_the_clock() -> None:
    winter = local_schedule(plan((0, 320), (28_800, 160)), BERLIN, at("2024-03-30T12:00Z"))
    assert winter.schedule.start_schedule == at("2024-03-29T23:00Z")
    assert winter.renew_at == at("2024-03-31T01:00Z")
    summer = local_schedule(plan((0, 320), (28_800, 160)), BERLIN, winter.renew_at)
    assert summer.schedule.start_schedule == at("2024-03-30T22:00Z")
    assert summer.renew_at == at("2024-10-27T01:00Z")


def test_a_week_begins_on_monday() -> None:
    weekly = local_schedule(plan((0, 320), recurrency=Recurrency.WEEKLY), BERLIN, at("2024-03-05T10:00Z"))
    assert weekly.schedule.start_schedule == at("2024-03-03T23:00Z"), "Monday 00:00 in Berlin"
    assert weekly.schedule.duration_s == 604_800


def test_the_schedule_says_what_the_plan_says() -> None:
    schedule = local_schedule(plan((0, 320), (28_800, 160)), (), at("2024-03-05T10:00Z")).schedule
    assert [(each.start_period_s, each.limit_tenths, each.number_phases) for each in schedule.periods] == [
        (0, 320, 1),
        (28_800, 160, 1),
    ]
    assert schedule.start_schedule == at("2024-03-05T00:00Z"), "an empty table is UTC"


@pytest.mark.parametrize(
    "limits", [(), ((1, 60),), ((0, 60), (0, 70)), ((0, 1), (9, 1), (5, 1)), ((0, 1), (86_400, 1))]
)
def test_what_is_not_in_order_is_not_a_plan(limits: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="daily plan begins at 0 s"):
        local_schedule(plan(*limits), BERLIN, at("2024-03-05T10:00Z"))


def test_offsets_are_looked_up_at_their_very_second() -> None:
    change = at("2024-03-31T01:00Z")
    assert [offset_at(BERLIN, instant) for instant in (0, change - 1, change)] == [3600, 3600, 7200]
    assert next_change(BERLIN, change) == at("2024-10-27T01:00Z")
    assert next_change(BERLIN, at("2024-11-01T00:00Z")) is None
    assert (offset_at((), 0), next_change((), 0)) == (0, None)


def test_a_table_is_read_from_a_zone_to_the_second() -> None:
    table = offsets_between(
        lambda instant: offset_at(BERLIN, instant), at("2024-02-01T00:00Z"), at("2025-01-01T00:00Z")
    )
    assert table[1:] == BERLIN[1:]
    assert table[0] == UtcOffset(at("2024-02-01T00:00Z"), 3600)
    assert table[1].since % SECOND == 0
