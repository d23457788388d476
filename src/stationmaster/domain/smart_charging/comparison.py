"""Our composite schedule beside the station's own, and where they differ.

The rule that shapes this file: it is a diagnostic, never a decision. What the station answered is
shown as it is; a limit of the station where we compute none is likely its built-in maximum
(handbook §3.3.6, §3.6.5 step 6).
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from stationmaster.domain.smart_charging.composite import CompositeSchedule
from stationmaster.domain.smart_charging.profiles import ChargingSchedulePeriod, RateUnit
from stationmaster.domain.smart_charging.step_functions import Steps
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["Difference", "DifferenceKind", "ReportedSchedule", "UnitsDiffer", "differences"]


class UnitsDiffer(ValueError):
    """The two schedules speak different units: ask the station for the unit of ours."""


class DifferenceKind(StrEnum):
    """What it probably means."""

    STATION_LOWER = "station_lower"
    STATION_HIGHER = "station_higher"
    """The station allows more than we think: a profile of the mirror is not there, or not obeyed."""
    STATION_HAS_MAXIMUM = "station_has_maximum"
    """We know no limit, the station names one: likely its built-in maximum."""
    STATION_SILENT = "station_silent"
    """The station's answer does not cover this time."""


class ReportedSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """The composite schedule as a station reported it."""

    start: Instant
    unit: RateUnit
    periods: tuple[ChargingSchedulePeriod, ...]
    duration_s: int | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """From `start_s` to before `end_s` after the start of ours; limits in tenths, None is no limit."""

    start_s: int
    end_s: int
    kind: DifferenceKind
    ours_tenths: int | None
    station_tenths: int | None


def differences(
    ours: CompositeSchedule, reported: ReportedSchedule, tolerance_tenths: int = 0
) -> tuple[Difference, ...]:
    """The stretches in which the two differ by more than a tolerance. Raises UnitsDiffer."""
    if reported.unit is not ours.unit:
        raise UnitsDiffer(f"the station answered in {reported.unit}, ours is in {ours.unit}")
    here: Steps = [(each.start_period_s, each.limit_tenths) for each in ours.periods]
    there = _station_steps(ours, reported)
    found: list[Difference] = []
    for start_s, end_s, own, told in _stretches(here, there, ours.duration_s):
        kind = _kind(own, told, tolerance_tenths)
        if kind is not None:
            found.append(Difference(start_s=start_s, end_s=end_s, kind=kind, ours_tenths=own, station_tenths=told))
    return tuple(found)


def _kind(ours: int | None, theirs: int | None, tolerance: int) -> DifferenceKind | None:
    if theirs is None:
        return None if ours is None else DifferenceKind.STATION_SILENT
    if ours is None:
        return DifferenceKind.STATION_HAS_MAXIMUM
    if abs(ours - theirs) <= tolerance:
        return None
    return DifferenceKind.STATION_LOWER if theirs < ours else DifferenceKind.STATION_HIGHER


def _station_steps(ours: CompositeSchedule, reported: ReportedSchedule) -> Steps:
    """The station's periods on our seconds."""
    shift_s = -((ours.start - reported.start) // MICROSECONDS_PER_SECOND)
    steps: Steps = [(0, None)]
    for period in sorted(reported.periods, key=lambda each: each.start_period_s):
        steps.append((max(period.start_period_s + shift_s, 0), period.limit_tenths))
    if reported.duration_s is not None:
        steps.append((max(reported.duration_s + shift_s, 0), None))
    return steps


def _stretches(here: Steps, there: Steps, duration_s: int) -> Sequence[tuple[int, int, int | None, int | None]]:
    moments = sorted({second for second, _ in (*here, *there) if second < duration_s})
    ends = [*moments[1:], duration_s]
    return [
        (start_s, end_s, _value(here, start_s), _value(there, start_s))
        for start_s, end_s in zip(moments, ends, strict=True)
    ]


def _value(steps: Steps, second: int) -> int | None:
    return [value for start_s, value in steps if start_s <= second][-1]
