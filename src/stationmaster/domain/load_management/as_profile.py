"""A limit of the planner as a charging profile.

The rule that shapes this file: load management only produces profiles of the known purposes
(handbook §3.6.6). The schedule starts a little in the past, so that a station whose clock is late
finds no gap, and has no end, so that nothing is ever released by time.
"""

from stationmaster.domain.load_management.effects import SetLimit
from stationmaster.domain.load_management.offers import LimitStep
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    Kind,
    Purpose,
    RateUnit,
)
from stationmaster.instants import MICROSECONDS_PER_SECOND

__all__ = ["profile_of"]


def profile_of(
    command: SetLimit,
    *,
    profile_id: int,
    stack_level: int,
    unit: RateUnit,
    nominal_voltage_v: int,
    clock_margin_s: int = 60,
    max_periods: int | None = None,
) -> ChargingProfile:
    """The profile to install at `command.location`: for the transaction it names, or as its default.

    `unit` must be WATT exactly for connectors that are declared `by_power`. A station that takes
    fewer periods than there are falls ahead gets the lowest of those that do not fit at the first
    of them; one that takes a single period gets what holds now.
    """
    first = command.steps[0]
    start = first.since - clock_margin_s * MICROSECONDS_PER_SECOND
    tenths_per_deciamp = nominal_voltage_v * command.phases if unit is RateUnit.WATT else 1
    periods = tuple(
        ChargingSchedulePeriod(
            start_period_s=0 if step is first else (step.since - start) // MICROSECONDS_PER_SECOND,
            limit_tenths=step.deciamps * tenths_per_deciamp,
            number_phases=command.phases,
        )
        for step in _no_more_than(command.steps, max_periods)
    )
    return ChargingProfile(
        profile_id=profile_id,
        stack_level=stack_level,
        purpose=Purpose.TX_DEFAULT if command.transaction_id is None else Purpose.TX,
        kind=Kind.ABSOLUTE,
        transaction_id=command.transaction_id,
        schedules=(ChargingSchedule(unit=unit, periods=periods, start_schedule=start),),
    )


def _no_more_than(steps: tuple[LimitStep, ...], most: int | None) -> tuple[LimitStep, ...]:
    if most is None or len(steps) <= most:
        return steps
    if most <= 1:
        return steps[:1]
    return (*steps[: most - 1], LimitStep(steps[most - 1].since, steps[-1].deciamps))
