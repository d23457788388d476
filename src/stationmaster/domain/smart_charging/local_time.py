"""Schedules in local time, turned into schedules that stations can run.

The rule that shapes this file: stations count elapsed seconds, people read clocks. A schedule is
right for the offset from UTC that holds when it is sent, and its maker says when the offset
changes, so that it is sent again with a new start (handbook §3.6.3, [S 3.13.7]). The offsets are
data: reading a time zone is not done here.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.smart_charging.profiles import (
    ChargingSchedule,
    ChargingSchedulePeriod,
    RateUnit,
    Recurrency,
)
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["LocalPlan", "LocalSchedule", "UtcOffset", "local_schedule", "next_change", "offset_at", "offsets_between"]

_SECOND: Final = MICROSECONDS_PER_SECOND
_PROBE_US: Final = 6 * 3600 * _SECOND
"""No time zone has changed its offset twice within so little time since there are charging stations."""
_EPOCH_WEEKDAY_S: Final = 3 * 86_400
"""1970-01-01 was a Thursday: so far into a week that begins on Monday."""


class UtcOffset(msgspec.Struct, frozen=True):
    """From `since` on, local clocks show UTC plus `offset_s`. The first of a table also holds before."""

    since: Instant
    offset_s: int


def offset_at(offsets: Sequence[UtcOffset], instant: Instant) -> int:
    """Seconds that local clocks are ahead of UTC; an empty table is UTC."""
    if not offsets:
        return 0
    return offsets[max(bisect_right(offsets, instant, key=lambda each: each.since) - 1, 0)].offset_s


def next_change(offsets: Sequence[UtcOffset], instant: Instant) -> Instant | None:
    """When the offset next becomes another one, after `instant`; None when the table knows of none."""
    present = offset_at(offsets, instant)
    return next((each.since for each in offsets if each.since > instant and each.offset_s != present), None)


def offsets_between(read: Callable[[Instant], int], start: Instant, end: Instant) -> tuple[UtcOffset, ...]:
    """The table of a time zone for some time, from a function that tells the offset in seconds at an instant.

    Changes are found to the second, by bisection between probes six hours apart.
    """
    offsets = [UtcOffset(start, read(start))]
    at = start
    while at < end:
        following = min(at + _PROBE_US, end)
        if read(following) != offsets[-1].offset_s:
            before, after = at, following
            while after - before > _SECOND:
                middle = before + (after - before) // (2 * _SECOND) * _SECOND
                if read(middle) == offsets[-1].offset_s:
                    before = middle
                else:
                    after = middle
            offsets.append(UtcOffset(after, read(after)))
        at = following
    return tuple(offsets)


class LocalPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Limits by the clock on the wall: (seconds since local midnight, or since Monday's midnight; tenths).

    The first entry is at 0, the entries are in order and within the recurrence.
    """

    recurrency: Recurrency
    unit: RateUnit
    limits: tuple[tuple[int, int], ...]
    number_phases: int | None = None


class LocalSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule for a recurring profile, and when it has to be sent anew (None: not within the table)."""

    schedule: ChargingSchedule
    renew_at: Instant | None


def local_schedule(plan: LocalPlan, offsets: Sequence[UtcOffset], now: Instant) -> LocalSchedule:
    """The schedule that follows the wall clock from `now` until `renew_at`.

    Its start is the latest midnight (or Monday) as counted by today's offset, so it lies in the
    past and leaves no gap. Raises ValueError for a plan that is not in order.
    """
    starts = [start_s for start_s, _ in plan.limits]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] >= plan.recurrency.length_s:
        raise ValueError(f"a {plan.recurrency} plan begins at 0 s and goes on in order within its recurrence")
    offset_us = offset_at(offsets, now) * _SECOND
    shift_us = _EPOCH_WEEKDAY_S * _SECOND if plan.recurrency is Recurrency.WEEKLY else 0
    start = now - (now + offset_us + shift_us) % (plan.recurrency.length_s * _SECOND)
    periods = tuple(
        ChargingSchedulePeriod(start_period_s=start_s, limit_tenths=limit_tenths, number_phases=plan.number_phases)
        for start_s, limit_tenths in plan.limits
    )
    return LocalSchedule(
        schedule=ChargingSchedule(
            unit=plan.unit, periods=periods, duration_s=plan.recurrency.length_s, start_schedule=start
        ),
        renew_at=next_change(offsets, now),
    )
