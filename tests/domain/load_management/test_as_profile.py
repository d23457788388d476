"""Limits as profiles: the composite schedule of what is installed is what the planner offered."""

import pytest

from stationmaster.domain.load_management.as_profile import profile_of
from stationmaster.domain.load_management.effects import SetLimit
from stationmaster.domain.load_management.offers import LimitStep
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.composite import CompositeQuestion, composite_schedule
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    InstalledProfile,
    Purpose,
    RateUnit,
    RunningTransaction,
)
from stationmaster.domain.smart_charging.rule import Draft
from stationmaster.domain.smart_charging.rules import blocks, validate
from tests.domain.smart_charging.builders import said

SECOND = 1_000_000
NOON = 1_709_640_000 * SECOND
HERE = Location.of_connector_number("CP7", 2)


def command(*steps: tuple[int, int], transaction_id: str | None = "17", phases: int = 3) -> SetLimit:
    return SetLimit(
        command_id=1,
        location=HERE,
        transaction_id=transaction_id,
        steps=tuple(LimitStep(NOON + second * SECOND, deciamps) for second, deciamps in steps),
        phases=phases,
    )


def as_profile(what: SetLimit, unit: RateUnit = RateUnit.AMPERE, max_periods: int | None = None) -> ChargingProfile:
    return profile_of(what, profile_id=9, stack_level=2, unit=unit, nominal_voltage_v=230, max_periods=max_periods)


def holds(what: ChargingProfile, unit: RateUnit = RateUnit.AMPERE) -> str:
    question = CompositeQuestion(location=HERE, now=NOON, duration_s=7200, unit=unit)
    running = RunningTransaction(transaction_id="17", evse_id=2, started_at=NOON)
    return said(composite_schedule(question, [InstalledProfile(location=HERE, profile=what)], [running]))


@pytest.mark.parametrize("transaction_id", ["17", None])
def test_what_is_installed_is_what_was_offered(transaction_id: str | None) -> None:
    profile = as_profile(command((0, 160), (3600, 80), (5400, 0), transaction_id=transaction_id))
    assert holds(profile) == "0→16, 3600→8, 5400→0"
    assert profile.purpose is (Purpose.TX if transaction_id else Purpose.TX_DEFAULT)
    assert profile.transaction_id == transaction_id


def test_power_is_current_times_voltage_times_phases() -> None:
    profile = as_profile(command((0, 160), phases=1), RateUnit.WATT)
    assert profile.schedule.periods[0].limit_tenths == 36_800
    assert holds(profile) == "0→16"


def test_a_station_whose_clock_is_late_finds_no_gap() -> None:
    assert as_profile(command((0, 160))).schedule.start_schedule == NOON - 60 * SECOND


@pytest.mark.parametrize(
    "most, expected", [(3, "0→16, 3600→8, 5400→0"), (2, "0→16, 3600→0"), (1, "0→16"), (None, "0→16, 3600→8, 5400→0")]
)
def test_a_station_that_takes_few_periods_gets_less_rather_than_more(most: int | None, expected: str) -> None:
    assert holds(as_profile(command((0, 160), (3600, 80), (5400, 0)), max_periods=most)) == expected


def test_no_hard_rule_speaks_against_it() -> None:
    running = (RunningTransaction(transaction_id="17", evse_id=2, started_at=NOON),)
    draft = Draft(profile=as_profile(command((0, 160))), now=NOON, location=HERE, transactions=running)
    assert blocks(validate(draft), send_anyway=True) == ()
