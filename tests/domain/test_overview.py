"""The state of a station in one word, energy over hours, and the power that values tell."""

from typing import Any

import pytest

from stationmaster.domain.facts import MeterSample
from stationmaster.domain.overview import HOUR_US, PlacedStation, Session, hours_of, power_of

NOW = 500_000 * HOUR_US + 1
"""Just after an hour has begun."""


def station(*statuses: str, connected: bool = True, known: bool = True, wanted: str = "Accepted") -> PlacedStation:
    return PlacedStation(
        id="CP1",
        name=None,
        site_id=None,
        latitude=None,
        longitude=None,
        operator_state=wanted,
        connected=connected,
        known=known,
        statuses=statuses,
    )


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (station(known=False, connected=False), "new"),
        (station("Faulted", connected=False), "offline"),
        (station("Available", wanted="Pending"), "pending"),
        (station("Available", "Charging", "Faulted"), "faulted"),
        (station("Available", "SuspendedEV"), "charging"),
        (station("Reserved", "Available"), "available"),
        (station("Reserved", "Unavailable"), "reserved"),
        (station("Unavailable"), "unavailable"),
        (station(), "unavailable"),
    ],
)
def test_what_matters_most_is_the_state(told: PlacedStation, state: str) -> None:
    assert told.state == state


def test_energy_is_spread_over_the_hours_it_took() -> None:
    hours = hours_of([Session("s", 499_998, 499_999, 10_000, 2)], NOW, 3)
    assert [(each.energy_wh, each.started) for each in hours] == [(5_000, 2), (5_000, 0), (0, 0)]
    assert hours[-1].at == 500_000 * HOUR_US


def test_what_began_earlier_counts_with_what_lies_in_the_hours_shown() -> None:
    hours = hours_of([Session(None, 499_997, None, 4_000, 1)], NOW, 2)
    assert [(each.energy_wh, each.started) for each in hours] == [(1_000, 0), (1_000, 0)]


def test_a_clock_that_was_set_back_loses_no_energy() -> None:
    hours = hours_of([Session(None, 500_000, 499_990, 4_000, 1)], NOW, 2)
    assert [each.energy_wh for each in hours] == [0, 4_000]


def power(watts: float | None, phase: str | None = None, **more: Any) -> MeterSample:
    return MeterSample(raw=str(watts), value=watts, measurand="Power.Active.Import", unit="W", phase=phase, **more)


def test_power_is_the_whole_or_its_phases() -> None:
    assert power_of([power(3_000, "L1"), power(2_000, "L2"), power(5_100)]) == 5_100
    assert power_of([power(3_000, "L1"), power(2_000, "L2")]) == 5_000
    assert power_of([power(0)]) == 0
    assert power_of([power(0, context="Transaction.Begin"), power(5_100)]) == 5_100
    assert power_of([MeterSample(raw="7", value=7.0), power(None)]) is None
    assert power_of([power(9e9, flags=("beyond_physical_limit",))]) is None
