"""Profiles at the station: the worked examples of handbook §3.6.5, installation and clearing (§3.6.4, §3.3.5)."""

from typing import Any

import pytest

from stationmaster.conformance.life.smart_charging import Profiles
from stationmaster.instants import parse_instant

Periods = list[tuple[int, float]]


def profile(
    number: int, purpose: str, level: int, kind: str, periods: Periods, unit: str = "A", **more: Any
) -> dict[str, Any]:
    schedule: dict[str, Any] = {name: more.pop(name) for name in ("duration", "startSchedule") if name in more}
    schedule["chargingRateUnit"] = unit
    schedule["chargingSchedulePeriod"] = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **more,
    }


def composite(
    installed: list[tuple[int, dict[str, Any]]], at: str, duration_s: int, unit: str = "A", start: str | None = None
) -> Periods:
    profiles = Profiles()
    for connector, content in installed:
        assert profiles.install(connector, content)
    started_at = None if start is None else parse_instant(start)
    periods = profiles.composite(1, parse_instant(at), duration_s, unit, started_at)
    return [(period["startPeriod"], period["limit"]) for period in periods]


MAX, DEFAULT, TX = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"


def test_example_1_combining() -> None:
    most = profile(1, MAX, 0, "Absolute", [(0, 25)], startSchedule="2024-01-01T00:00:00Z")
    daily = profile(
        2,
        DEFAULT,
        0,
        "Recurring",
        [(0, 32), (28800, 16), (72000, 32)],
        recurrencyKind="Daily",
        startSchedule="2024-01-01T00:00Z",
        duration=86400,
    )
    assert composite([(0, most), (0, daily)], "2024-03-05T07:00:00Z", 14400) == [(0, 25), (3600, 16)]


def test_example_2_stacking() -> None:
    everyday = {"recurrencyKind": "Daily"}
    level_0 = profile(1, DEFAULT, 0, "Recurring", [(0, 16)], startSchedule="2024-01-01T00:00:00Z", **everyday)
    level_1 = profile(
        2, DEFAULT, 1, "Recurring", [(0, 32)], startSchedule="2024-01-01T23:00:00Z", duration=25200, **everyday
    )
    level_2 = profile(
        3,
        DEFAULT,
        2,
        "Absolute",
        [(0, 6), (3600, 10)],
        startSchedule="2024-03-06T00:00:00Z",
        duration=7200,
        validFrom="2024-03-06T00:00:00Z",
        validTo="2024-03-06T02:00:00Z",
    )
    assert composite([(0, level_0), (0, level_1), (0, level_2)], "2024-03-05T22:00:00Z", 36000) == [
        (0, 16),
        (3600, 32),
        (7200, 6),
        (10800, 10),
        (14400, 32),
        (28800, 16),
    ]


def test_example_3_a_transaction_and_both_units() -> None:
    most = profile(1, MAX, 0, "Absolute", [(0, 11040)], unit="W", startSchedule="2024-01-01T00:00:00Z")
    default = profile(2, DEFAULT, 0, "Absolute", [(0, 10)], startSchedule="2024-01-01T00:00:00Z")
    own = profile(3, TX, 0, "Relative", [(0, 20), (1800, 8)], duration=3600)
    installed = [(0, most), (0, default), (1, own)]
    assert composite(installed, "2024-03-05T10:10:00Z", 7200, start="2024-03-05T10:00:00Z") == [
        (0, 16),
        (1200, 8),
        (3000, 10),
    ]


@pytest.mark.parametrize(
    ("limit", "given", "wanted", "expected"),
    [(6000, "W", "A", 8.6), (16, "A", "W", 11040), (6, "A", "A", 6), (7400, "W", "W", 7400)],
)
def test_example_4_units(limit: float, given: str, wanted: str, expected: float) -> None:
    default = profile(1, DEFAULT, 0, "Absolute", [(0, limit)], unit=given, startSchedule="2024-01-01T00:00:00Z")
    assert composite([(0, default)], "2024-03-05T10:00:00Z", 60, wanted) == [(0, expected)]


def test_example_5_nothing_limits_in_the_gap() -> None:
    daily = profile(
        1,
        DEFAULT,
        0,
        "Recurring",
        [(0, 10)],
        recurrencyKind="Daily",
        startSchedule="2024-01-01T08:00:00Z",
        duration=36000,
    )
    assert composite([(0, daily)], "2024-03-05T20:00:00Z", 3600) == []
    assert composite([(0, daily)], "2024-03-05T12:00:00Z", 3600) == [(0, 10)]


def test_example_6_the_sample_of_the_specification() -> None:
    daily = profile(
        100,
        DEFAULT,
        0,
        "Recurring",
        [(0, 11000), (28800, 6000), (72000, 11000)],
        unit="W",
        recurrencyKind="Daily",
        startSchedule="2013-01-01T00:00Z",
        duration=86400,
    )
    whole_day = composite([(1, daily)], "2024-03-05T00:00:00Z", 86400, "W")
    assert whole_day == [(0, 11000), (28800, 6000), (72000, 11000)]


def test_a_profile_of_the_connector_goes_before_that_of_the_station_on_its_level() -> None:
    station = profile(1, DEFAULT, 0, "Absolute", [(0, 32)], startSchedule="2024-01-01T00:00:00Z")
    own = profile(2, DEFAULT, 0, "Absolute", [(0, 10)], startSchedule="2024-01-01T00:00:00Z")
    assert composite([(0, station), (1, own)], "2024-03-05T10:00:00Z", 60) == [(0, 10)]


def test_the_same_id_or_the_same_place_replaces() -> None:
    profiles = Profiles(most=2)
    absolute = {"startSchedule": "2024-01-01T00:00:00Z"}
    assert profiles.install(1, profile(1, DEFAULT, 0, "Absolute", [(0, 6)], **absolute))
    assert profiles.install(1, profile(2, DEFAULT, 0, "Absolute", [(0, 7)], **absolute))
    assert profiles.install(1, profile(2, DEFAULT, 3, "Absolute", [(0, 8)], **absolute))
    assert [one.content["chargingProfileId"] for one in profiles.installed] == [2]
    assert profiles.install(2, profile(3, DEFAULT, 0, "Absolute", [(0, 6)], **absolute))
    assert not profiles.install(0, profile(4, DEFAULT, 0, "Absolute", [(0, 6)], **absolute)), "there is no room"


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ({}, []),
        ({"id": 1}, [2, 3]),
        ({"id": 1, "connectorId": 2}, [2, 3]),
        ({"connectorId": 0}, [2, 3]),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, [1]),
        ({"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 5}, [1, 2]),
        ({"id": 9}, [1, 2, 3]),
    ],
)
def test_clearing(request_: dict[str, Any], left: list[int]) -> None:
    profiles = Profiles()
    absolute = {"startSchedule": "2024-01-01T00:00:00Z"}
    profiles.install(0, profile(1, MAX, 0, "Absolute", [(0, 6)], **absolute))
    profiles.install(1, profile(2, DEFAULT, 0, "Absolute", [(0, 6)], **absolute))
    profiles.install(1, profile(3, DEFAULT, 5, "Absolute", [(0, 6)], **absolute))
    assert profiles.clear(request_) == 3 - len(left)
    assert [one.content["chargingProfileId"] for one in profiles.installed] == left
