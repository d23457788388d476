"""The composite schedule: which limit holds at a place, second by second, from all profiles together.

The rule that shapes this file: a limit changes only at a few moments, so it is computed from
breakpoints and never second by second. For each purpose the highest active level of the stack
prevails; the purposes of one layer give way to each other instant by instant; the layers are
combined by their minimum (handbook §3.6.5, §8 A-6, A-15, A-16; slice of 2.0.1 §4.5).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.occurrences import Horizon, paint
from stationmaster.domain.smart_charging.profiles import (
    Certainty,
    InstalledProfile,
    Purpose,
    RateUnit,
    RunningTransaction,
)
from stationmaster.domain.smart_charging.step_functions import Steps, least, total
from stationmaster.domain.smart_charging.units import Conversion
from stationmaster.instants import Instant

__all__ = ["LONGEST_S", "CompositePeriod", "CompositeQuestion", "CompositeSchedule", "composite_schedule"]

LONGEST_S: Final = 366 * 86_400
"""The longest horizon that is computed: a leap year."""

_SHARED_LAYERS: Final[tuple[tuple[Purpose, ...], ...]] = ((Purpose.STATION_EXTERNAL,), (Purpose.STATION_MAX,))
"""Layers whose limit is one for all connectors of their place together."""
_TRANSACTION_LAYER: Final[tuple[Purpose, ...]] = (Purpose.TX, Purpose.TX_DEFAULT)
"""First purpose first: the next fills the instants in which it is silent (A-6)."""


class CompositeQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: the limit at `location` from `now` on, for `duration_s`, in `unit`.

    A location without an EVSE asks for what the station as a whole may draw from the grid.
    `nominal_voltage_v` is that of one phase, not measured; None (direct current without a
    configured voltage) computes in one unit only. `unit` None takes what the profiles speak.
    """

    location: Location
    now: Instant
    duration_s: int
    unit: RateUnit | None = None
    nominal_voltage_v: int | None = 230


class CompositePeriod(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit from `start_period_s` after the schedule's start; `limit_tenths` None is no limit at all."""

    start_period_s: int
    limit_tenths: int | None


class CompositeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: neighbours differ, the first period starts at 0, the last one ends with the duration.

    `certain` is False when one of the profiles that count may not be installed after all.
    """

    location: Location
    start: Instant
    duration_s: int
    unit: RateUnit
    periods: tuple[CompositePeriod, ...]
    certain: bool


def composite_schedule(
    question: CompositeQuestion,
    installed: Sequence[InstalledProfile],
    transactions: Sequence[RunningTransaction] = (),
) -> CompositeSchedule:
    """Combine everything installed at a station into the limit at one place.

    `transactions` are those that run at the station; they are taken to run on. Raises ValueError
    for a duration outside 1 to LONGEST_S or a voltage below 1, and ConversionImpossible when
    units must be converted without a voltage.
    """
    if not 1 <= question.duration_s <= LONGEST_S:
        raise ValueError(f"the duration is {question.duration_s} s, not 1 to {LONGEST_S} s")
    evse_id = question.location.evse_id
    asked = [each for each in transactions if evse_id is None or each.evse_id == evse_id]
    relevant = [each for each in installed if _reaches(each, evse_id, asked)]
    unit = question.unit or _spoken_unit(relevant)
    conversion = Conversion(unit, question.nominal_voltage_v)
    station = _Station(question, relevant, conversion)
    shared = [station.layer(purposes, evse_id, asked[0] if evse_id and asked else None) for purposes in _SHARED_LAYERS]
    if evse_id is None:
        own = total([station.layer(_TRANSACTION_LAYER, each.evse_id, each) for each in asked])
    else:
        own = station.layer(_TRANSACTION_LAYER, evse_id, asked[0] if asked else None)
    return CompositeSchedule(
        location=question.location,
        start=question.now,
        duration_s=question.duration_s,
        unit=unit,
        periods=_periods(least([*shared, own]), conversion),
        certain=all(each.certainty is Certainty.KNOWN for each in relevant),
    )


class _Station:
    """The profiles of one question, ready to be asked layer by layer."""

    def __init__(
        self, question: CompositeQuestion, installed: Sequence[InstalledProfile], conversion: Conversion
    ) -> None:
        self._horizon = Horizon(question.now, question.duration_s)
        self._installed = installed
        self._conversion = conversion

    def layer(
        self, purposes: tuple[Purpose, ...], evse_id: int | None, transaction: RunningTransaction | None
    ) -> Steps:
        """The limit of some purposes at a place over the horizon, earlier purposes first."""
        stack: list[InstalledProfile] = []
        for purpose in purposes:
            if purpose is Purpose.TX and transaction is None:
                continue
            transaction_id = transaction.transaction_id if transaction else None
            stack += _stack(self._installed, purpose, evse_id, transaction_id)
        origin = transaction.started_at if transaction else self._horizon.now
        return paint([each.profile for each in stack], self._horizon, origin, self._conversion)


def _stack(
    installed: Iterable[InstalledProfile], purpose: Purpose, evse_id: int | None, transaction_id: str | None
) -> list[InstalledProfile]:
    """The profiles of a purpose that apply at a place, the one that prevails first.

    A level that the place has taken for itself hides the station's profile of that level, active
    or not. Of equals, which a mirror in doubt may hold, the later installed prevails.
    """
    matching = [each for each in installed if each.profile.purpose is purpose and _matches(each, transaction_id)]
    own = [each for each in matching if each.location.evse_id == evse_id]
    taken = {each.profile.stack_level for each in own}
    wide = [
        each
        for each in matching
        if evse_id is not None and each.location.evse_id is None and each.profile.stack_level not in taken
    ]
    ordered = sorted([*wide, *own], key=lambda each: each.profile.stack_level)
    return ordered[::-1]


def _matches(each: InstalledProfile, transaction_id: str | None) -> bool:
    return each.profile.transaction_id in {None, transaction_id} or each.profile.purpose is not Purpose.TX


def _reaches(each: InstalledProfile, evse_id: int | None, asked: Sequence[RunningTransaction]) -> bool:
    """Whether a profile has any part in the answer."""
    if not each.profile.schedules or not each.profile.schedule.periods:
        return False
    if evse_id is None:
        if each.profile.purpose not in _TRANSACTION_LAYER:
            return each.location.evse_id is None
        places: set[int | None] = {transaction.evse_id for transaction in asked}
    else:
        places = {evse_id}
    if each.profile.purpose is Purpose.TX and not any(_matches(each, other.transaction_id) for other in asked):
        return False
    if each.location.evse_id is None:
        return each.profile.purpose is not Purpose.TX and bool(places)
    return each.location.evse_id in places


def _spoken_unit(installed: Sequence[InstalledProfile]) -> RateUnit:
    units = {each.profile.schedule.unit for each in installed}
    return RateUnit.WATT if units == {RateUnit.WATT} else RateUnit.AMPERE


def _periods(steps: Steps, conversion: Conversion) -> tuple[CompositePeriod, ...]:
    """Round down to tenths, and join what has become equal."""
    periods: list[CompositePeriod] = []
    for second, value in steps:
        limit = None if value is None else conversion.tenths(value)
        if not periods or periods[-1].limit_tenths != limit:
            periods.append(CompositePeriod(start_period_s=second, limit_tenths=limit))
    return tuple(periods)
