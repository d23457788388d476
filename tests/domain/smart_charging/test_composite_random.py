"""The fast composite schedule against the slow one, over random stacks.

More of them with STATIONMASTER_TEST_STACKS, e.g. 20000.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.composite import CompositeQuestion, CompositeSchedule, composite_schedule
from stationmaster.domain.smart_charging.local_time import moved, next_change, offset_at, offsets_between
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    InstalledProfile,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
    RunningTransaction,
)
from stationmaster.instants import parse_instant
from tests.domain.smart_charging.builders import installed, profile, running
from tests.domain.smart_charging.reference import every_second
from tests.domain.smart_charging.stacks import NOW, STATION, stacks

SECOND = 1_000_000
WEEK_S = 7 * 86_400
STACKS = int(os.environ.get("STATIONMASTER_TEST_STACKS", "1000"))
Stack = tuple[list[InstalledProfile], list[RunningTransaction]]

many = settings(max_examples=STACKS, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ask(stack: Stack, number: int, duration_s: int, unit: RateUnit, now: int = NOW) -> CompositeSchedule:
    question = CompositeQuestion(
        location=Location.of_connector_number(STATION, number), now=now, duration_s=duration_s, unit=unit
    )
    return composite_schedule(question, *stack)


def spread(schedule: CompositeSchedule, grain_s: int = 1) -> list[int | None]:
    """The limit of each second, or of each grain."""
    limits: list[int | None] = []
    ends = [each.start_period_s for each in schedule.periods[1:]] + [schedule.duration_s]
    for period, end in zip(schedule.periods, ends, strict=True):
        assert period.start_period_s % grain_s == 0
        limits += [period.limit_tenths] * ((end - period.start_period_s) // grain_s)
    return limits


def reference(stack: Stack, number: int, seconds: range, unit: RateUnit, now: int = NOW) -> list[int | None]:
    return every_second(*stack, evse_id=number or None, now=now, seconds=seconds, unit=unit)


@many
@given(stacks(spread_s=60), st.sampled_from((0, 1, 2)), st.integers(1, 150), st.sampled_from(RateUnit))
def test_every_second_of_some_minutes(stack: Stack, number: int, duration_s: int, unit: RateUnit) -> None:
    answer = ask(stack, number, duration_s, unit)
    assert spread(answer) == reference(stack, number, range(duration_s), unit)
    assert answer.periods[0].start_period_s == 0
    assert all(
        one.limit_tenths != other.limit_tenths for one, other in zip(answer.periods, answer.periods[1:], strict=False)
    ), "neighbours differ"


@many
@given(stacks(spread_s=9 * 86_400, grain_s=21_600, max_size=14), st.sampled_from((0, 1, 2)), st.sampled_from(RateUnit))
def test_every_quarter_of_nine_days(stack: Stack, number: int, unit: RateUnit) -> None:
    """Everything is aligned to the quarters of a day, so that looking at each quarter sees each second."""
    duration_s = 9 * 86_400
    answer = ask(stack, number, duration_s, unit)
    assert spread(answer, 21_600) == reference(stack, number, range(0, duration_s, 21_600), unit)


weeks_of_change = pytest.mark.parametrize(
    "zone, monday",
    [
        ("Europe/Berlin", "2024-03-25T00:00Z"),
        ("Europe/Berlin", "2024-10-21T00:00Z"),
        ("America/New_York", "2024-03-04T00:00Z"),
        ("America/New_York", "2024-10-28T00:00Z"),
        ("Australia/Lord_Howe", "2024-04-01T00:00Z"),
    ],
)


@st.composite
def plans(draw: st.DrawFn) -> ChargingProfile:
    """Limits by the clock on the wall, as a recurring profile without a start."""
    recurrency = draw(st.sampled_from(Recurrency))
    quarter_hours = recurrency.length_s // 900
    starts = sorted({0, *draw(st.lists(st.integers(1, quarter_hours - 1), max_size=6))})
    periods = tuple(
        ChargingSchedulePeriod(start_period_s=start * 900, limit_tenths=60 + 10 * index)
        for index, start in enumerate(starts)
    )
    return ChargingProfile(
        profile_id=99,
        stack_level=5,
        purpose=Purpose.TX_DEFAULT,
        kind=Kind.RECURRING,
        recurrency=recurrency,
        schedules=(ChargingSchedule(unit=RateUnit.AMPERE, periods=periods, duration_s=recurrency.length_s),),
    )


def sent_over(plan: ChargingProfile, zone: ZoneInfo, monday: str) -> Iterator[tuple[int, int, ChargingProfile]]:
    """From when to when in the week which profile holds: it is sent anew when the offset changes."""

    def offset_s(instant: int) -> int:
        offset = datetime.fromtimestamp(instant // SECOND, UTC).astimezone(zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    now = parse_instant(monday)
    week_end = now + WEEK_S * SECOND
    offsets = offsets_between(offset_s, now - 86_400 * SECOND, week_end)
    assert len(offsets) == 2, "the clock changes once in this week"
    while now < week_end:
        sent = moved(plan, offset_at(offsets, now), now)
        until = min(next_change(offsets, now) or week_end, week_end)
        yield now, until, sent
        now = until


@weeks_of_change
@settings(max_examples=100, deadline=None)
@given(plan=plans())
def test_weeks_in_which_the_clock_changes(zone: str, monday: str, plan: ChargingProfile) -> None:
    """A plan by the wall clock, sent anew when the offset changes, always shows what the wall clock asks for."""
    local = ZoneInfo(zone)
    for now, until, sent in sent_over(plan, local, monday):
        stack: Stack = ([installed(1, sent)], [])
        duration_s = (until - now) // SECOND
        answer = ask(stack, 1, duration_s, RateUnit.AMPERE, now)
        assert spread(answer, 900) == reference(stack, 1, range(0, duration_s, 900), RateUnit.AMPERE, now)
        assert spread(answer, 900) == [
            _by_wall_clock(plan, datetime.fromtimestamp((now // SECOND) + second, UTC).astimezone(local))
            for second in range(0, duration_s, 900)
        ]


@weeks_of_change
@settings(max_examples=max(20, STACKS // 50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_stacks_in_weeks_in_which_the_clock_changes(zone: str, monday: str, data: st.DataObject) -> None:
    """The same plan among others, in amperes and watts, on one to three phases, whatever their purpose."""
    plan, unit = data.draw(plans()), data.draw(st.sampled_from(RateUnit))
    number = data.draw(st.sampled_from((0, 1, 2)))
    middle = parse_instant(monday) + WEEK_S // 2 // 900 * 900 * SECOND
    others, running_ones = data.draw(stacks(spread_s=WEEK_S // 2 // 900 * 900, grain_s=900, around=middle))
    for now, until, sent in sent_over(plan, ZoneInfo(zone), monday):
        began = [msgspec.structs.replace(each, started_at=min(each.started_at, now)) for each in running_ones]
        stack: Stack = ([*others, installed(1, sent)], began)
        duration_s = (until - now) // SECOND
        answer = ask(stack, number, duration_s, unit, now)
        assert spread(answer, 900) == reference(stack, number, range(0, duration_s, 900), unit, now)


def _by_wall_clock(plan: ChargingProfile, clock: datetime) -> int:
    second = clock.hour * 3600 + clock.minute * 60 + clock.second
    if plan.recurrency is Recurrency.WEEKLY:
        second += clock.weekday() * 86_400
    return [each.limit_tenths for each in plan.schedule.periods if each.start_period_s <= second][-1]


@pytest.mark.slow
def test_every_second_of_two_days() -> None:
    """A stack as real sites have it, second by second, with moments that fall on no grid."""
    daily, weekly = Recurrency.DAILY, Recurrency.WEEKLY
    entries = [
        installed(0, profile(Purpose.STATION_MAX, (0, "11040"), unit=RateUnit.WATT, start="2024-01-01T00:00Z")),
        installed(
            0,
            profile(
                Purpose.TX_DEFAULT, (0, "32"), (25_201, "9.7"), (72_001, "32"),
                recurrency=daily, start="2024-01-01T00:00:01Z", duration_s=80_000,
            ),
        ),
        installed(
            1,
            profile(
                Purpose.TX_DEFAULT, (0, "4000", 1), (7_777, "3500", 2),
                level=3, unit=RateUnit.WATT, recurrency=weekly, start="2024-01-03T11:11:11Z", duration_s=99_999,
            ),
        ),
        installed(1, profile(Purpose.TX, (0, "20"), (1_801, "8"), kind=Kind.RELATIVE, duration_s=60_003)),
    ]  # fmt: skip
    stack = (entries, [running(1, "2024-03-05T07:07:07Z", "1")])
    duration_s = 2 * 86_400
    answer = ask(stack, 1, duration_s, RateUnit.AMPERE)
    assert spread(answer) == reference(stack, 1, range(duration_s), RateUnit.AMPERE)
    assert len(answer.periods) >= 5
