"""When a profile speaks, and with which value: windows of activity, painted from the top of the stack down.

The rule that shapes this file: the profile on top is painted first, and each lower one only into
the gaps that are left. So a stack costs its windows plus what is seen of it, not everything that
is hidden (handbook §3.6.3, §3.6.5 steps 2 and 3).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from stationmaster.domain.smart_charging.profiles import ChargingProfile, ChargingSchedulePeriod, Kind
from stationmaster.domain.smart_charging.step_functions import Steps
from stationmaster.domain.smart_charging.units import Conversion
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["Horizon", "paint"]

_SECOND: Final = MICROSECONDS_PER_SECOND
_Piece = tuple[int, int, int | None]
"""From this second, to before that one, this value."""


class Horizon(msgspec.Struct, frozen=True):
    """The whole seconds 0 to `duration_s` after `now`; second k is the instant `now` + k seconds."""

    now: Instant
    duration_s: int

    def second(self, instant: Instant) -> int:
        """The first second at or after an instant, clipped to the horizon."""
        return min(max(self.unclipped(instant), 0), self.duration_s)

    def unclipped(self, instant: Instant) -> int:
        """The first second at or after an instant, also before and after the horizon."""
        return -((self.now - instant) // _SECOND)


class _Window(msgspec.Struct, frozen=True, gc=False):
    """Seconds `first` to before `end` in which a profile is active; its schedule began at second `begun`."""

    first: int
    end: int
    begun: int


def paint(stack: Sequence[ChargingProfile], horizon: Horizon, origin: Instant, conversion: Conversion) -> Steps:
    """The value of the first profile of `stack` that is active, at each second; None where none is.

    `origin` is what relative schedules count from: the start of the transaction, or the present
    when none runs, as if one began.
    """
    pieces: list[_Piece] = []
    gaps = [(0, horizon.duration_s)]
    for profile in stack:
        if not gaps:
            break
        gaps = _paint_gaps(profile, horizon, origin, conversion, gaps, pieces)
    pieces += [(first, end, None) for first, end in gaps]
    pieces.sort(key=lambda piece: piece[0])
    return [(first, value) for first, _, value in pieces]


def _paint_gaps(
    profile: ChargingProfile,
    horizon: Horizon,
    origin: Instant,
    conversion: Conversion,
    gaps: list[tuple[int, int]],
    pieces: list[_Piece],
) -> list[tuple[int, int]]:
    """Paint a profile into the gaps; return what is still bare."""
    painter = _Painter(profile, conversion)
    windows = _windows(profile, horizon, origin)
    window = next(windows, None)
    bare: list[tuple[int, int]] = []
    for first, end in gaps:
        at = first
        while window is not None and window.first < end:
            if window.end > at:
                start = max(window.first, at)
                painted = painter.paint(window, start, min(window.end, end), pieces)
                if painted > at:
                    bare.append((at, painted))
                at = min(window.end, end)
            if window.end > end:
                break
            window = next(windows, None)
        if at < end:
            bare.append((at, end))
    return bare


class _Painter:
    """The periods of one profile, in order and on the scale of the result."""

    def __init__(self, profile: ChargingProfile, conversion: Conversion) -> None:
        schedule = profile.schedule
        periods: Sequence[ChargingSchedulePeriod] = sorted(schedule.periods, key=lambda each: each.start_period_s)
        self._starts = [period.start_period_s for period in periods]
        self._values = [conversion.scaled(period, schedule.unit) for period in periods]

    def paint(self, window: _Window, first: int, end: int, pieces: list[_Piece]) -> int:
        """Append the pieces of `first` to `end`; return from where on there is a value.

        That is later than `first` only where a broken schedule has no period at its start.
        """
        begun, starts, values = window.begun, self._starts, self._values
        current = bisect_right(starts, first - begun) - 1
        if current < 0:
            current = 0
            first = min(begun + starts[0], end)
        at = first
        for index in range(current, len(starts) - 1):
            if at >= end:
                return first
            following = begun + starts[index + 1]
            if following > at:
                pieces.append((at, min(following, end), values[index]))
                at = following
        if at < end:
            pieces.append((at, end, values[-1]))
        return first


def _windows(profile: ChargingProfile, horizon: Horizon, relative_origin: Instant) -> Iterator[_Window]:
    """When the schedule runs and the profile is valid, in order, within the horizon."""
    schedule = profile.schedule
    valid_first = 0 if profile.valid_from is None else horizon.second(profile.valid_from)
    valid_end = horizon.duration_s if profile.valid_to is None else horizon.second(profile.valid_to)
    # An absolute schedule without a start counts as relative; so does a recurring one.
    origin = schedule.start_schedule
    if profile.kind is Kind.RELATIVE or origin is None:
        origin = relative_origin
    recurs = profile.recurrency if profile.kind is Kind.RECURRING else None
    runs_s = schedule.duration_s
    if recurs is not None:
        runs_s = recurs.length_s if runs_s is None else min(runs_s, recurs.length_s)
        # Not backwards: a recurring schedule is silent before its first start.
        passed = max((horizon.now - origin) // (recurs.length_s * _SECOND), 0)
        origin += passed * recurs.length_s * _SECOND
    while True:
        end = horizon.duration_s if runs_s is None else horizon.second(origin + runs_s * _SECOND)
        first = max(horizon.second(origin), valid_first)
        end = min(end, valid_end)
        if first < end:
            yield _Window(first, end, horizon.unclipped(origin))
        if recurs is None or horizon.second(origin) >= valid_end:
            return
        origin += recurs.length_s * _SECOND
