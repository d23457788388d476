"""Which status may follow which: the table of handbook §3.2.9, written out once more as it stands there."""

import pytest

from stationmaster.domain.availability import STATUSES, is_legal_transition, status_flags

COLUMNS = [
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
]
TABLE = """
Available     - A2 A3 A4 A5 .  A7 A8 A9
Preparing     B1 - B3 B4 B5 B6 .  .  B9
Charging      C1 . -  C4 C5 C6 .  C8 C9
SuspendedEV   D1 . D3 -  D5 D6 .  D8 D9
SuspendedEVSE E1 . E3 E4 -  E6 .  E8 E9
Finishing     F1 F2 . .  .  -  .  F8 F9
Reserved      G1 G2 . .  .  .  -  G8 G9
Unavailable   H1 H2 H3 H4 H5 . .  -  H9
Faulted       I1 I2 I3 I4 I5 I6 I7 I8 -
"""
CELLS = [
    (row.split()[0], after, cell != ".")
    for row in TABLE.strip().splitlines()
    for after, cell in zip(COLUMNS, row.split()[1:], strict=True)
]


@pytest.mark.parametrize(("before", "after", "legal"), CELLS)
def test_the_table(before: str, after: str, legal: bool) -> None:
    assert is_legal_transition(before, after) is legal
    assert ("illegal_transition" in status_flags(before, after, "NoError")) is not legal


def test_the_table_has_every_status() -> None:
    assert set(COLUMNS) == STATUSES


def test_an_unknown_status_before_forbids_nothing() -> None:
    assert is_legal_transition("Dancing", "Charging")


@pytest.mark.parametrize(
    ("before", "status", "error", "whole_station", "flags"),
    [
        (None, "Charging", "NoError", False, ()),
        (None, "Dancing", "NoError", False, ("unknown_status",)),
        ("Available", "Charging", "NoError", True, ("no_status_of_a_station",)),
        ("Available", "Faulted", "GroundFailure", True, ()),
        (None, "Charging", "WeakSignal", False, ("error_but_not_faulted",)),
        ("Finishing", "Charging", "WeakSignal", False, ("illegal_transition", "error_but_not_faulted")),
    ],
)
def test_what_is_odd_about_a_report(
    before: str | None, status: str, error: str, whole_station: bool, flags: tuple[str, ...]
) -> None:
    assert status_flags(before, status, error, whole_station=whole_station) == flags
