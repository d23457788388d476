"""Currents from what meters tell: per phase, from power, split only where it cannot be split wrongly."""

from typing import Any

import pytest

from stationmaster.domain.facts import MeterSample
from stationmaster.domain.load_management.readings import Currents, currents_of


def current(value: float, phase: str | None = None, **more: Any) -> MeterSample:
    return MeterSample(raw=str(value), value=value, measurand="Current.Import", unit="A", phase=phase, **more)


def power(value: float, phase: str | None = None) -> MeterSample:
    return MeterSample(raw=str(value), value=value, measurand="Power.Active.Import", unit="W", phase=phase)


@pytest.mark.parametrize(
    ("samples", "phases", "told"),
    [
        ([current(16.04, "L1"), current(15.96, "L2"), current(0, "L3")], 3, (160, 160, 0)),
        ([current(6, "L1-N")], 3, (60, None, None)),
        ([power(3680, "L1"), power(2300, "L2"), power(0, "L3")], 3, (160, 100, 0)),
        ([power(9999, "L1"), current(10, "L1")], 3, (100, None, None)),
        ([current(10, "L1"), power(9999, "L1")], 3, (100, None, None)),
        ([power(3680)], 1, (160, None, None)),
        ([current(10)], 1, (100, None, None)),
        ([current(-3, "L1")], 3, (0, None, None)),
        ([power(11_040)], 3, None),
        ([current(16)], 3, None),
        ([current(5, "N")], 3, None),
        ([current(5, "L1", flags=("beyond_physical_limit",))], 3, None),
        ([current(5, "L1", location="EV")], 3, None),
        ([MeterSample(raw="12", value=12.0)], 3, None),
        ([], 3, None),
    ],
)
def test_what_is_told_counts_and_nothing_is_guessed(
    samples: list[MeterSample], phases: int, told: Currents | None
) -> None:
    assert currents_of(samples, phases, 230) == told


def test_direct_current_is_drawn_from_all_phases_alike() -> None:
    assert currents_of([power(34_500)], 3, 230, evenly=True) == (500, 500, 500)
    assert currents_of([power(9200)], 2, 230, evenly=True) == (200, 200, None)
