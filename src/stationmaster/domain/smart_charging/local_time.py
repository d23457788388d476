"""Local time: the offsets of time zones, and recurring profiles that follow the clock on the wall.

The rule that shapes this file: stations count elapsed seconds, people read clocks. A schedule is
right for the offset from UTC that holds when it is sent, and when the offset has changed it is sent
again with a new start (handbook §3.6.3, [S 3.13.7]). The offsets are data: reading a time zone is
not done here.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.smart_charging.profiles import ChargingProfile, Kind, Recurrency
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = [
    "UtcOffset",
    "in_step",
    "local_start",
    "moved",
    "next_change",
    "offset_at",
    "offsets_between",
]

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


def local_start(recurrency: Recurrency, offset_s: int, now: Instant) -> Instant:
    """The latest midnight (of a weekly recurrency: Monday's) as local clocks count now.

    On the day of a change that is not the midnight that there was: from now on each recurrence begins
    at a midnight. It lies in the past, which leaves no gap.
    """
    return now - _since_beginning_us(recurrency, offset_s, now)


def in_step(profile: ChargingProfile, offset_s: int) -> bool:
    """Whether a recurring profile begins anew at local midnights (Monday's) while clocks are so far ahead of UTC."""
    start = profile.schedule.start_schedule
    if profile.kind is not Kind.RECURRING or profile.recurrency is None or start is None:
        return False
    return _since_beginning_us(profile.recurrency, offset_s, start) == 0


def moved(profile: ChargingProfile, offset_s: int, now: Instant) -> ChargingProfile:
    """A recurring profile with the start that local clocks ask for now; one that is in step stays as it is."""
    if profile.recurrency is None or in_step(profile, offset_s):
        return profile
    start = local_start(profile.recurrency, offset_s, now)
    schedules = tuple(msgspec.structs.replace(each, start_schedule=start) for each in profile.schedules)
    return msgspec.structs.replace(profile, schedules=schedules)


def _since_beginning_us(recurrency: Recurrency, offset_s: int, instant: Instant) -> int:
    shift_s = _EPOCH_WEEKDAY_S if recurrency is Recurrency.WEEKLY else 0
    return (instant + (offset_s + shift_s) * _SECOND) % (recurrency.length_s * _SECOND)
