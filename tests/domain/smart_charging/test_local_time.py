"""Profiles by the wall clock: their start, whether they are in step, and the offsets of zones."""

import pytest

from stationmaster.domain.smart_charging.local_time import (
    UtcOffset,
    in_step,
    local_start,
    moved,
    next_change,
    offset_at,
    offsets_between,
)
from stationmaster.domain.smart_charging.profiles import ChargingProfile, Purpose, Recurrency
from tests.domain.smart_charging.builders import SECOND, at, profile

BERLIN = (
    UtcOffset(at("2024-01-01T00:00Z"), 3600),
    UtcOffset(at("2024-03-31T01:00Z"), 7200),
    UtcOffset(at("2024-10-27T01:00Z"), 3600),
)


WINTER_S, SUMMER_S = 3600, 7200
SEEN = at("2024-03-31T12:00Z")
"""Noon of the day on which the clocks went forward in Berlin."""


def recurring(start: str | None, recurrency: Recurrency = Recurrency.DAILY) -> ChargingProfile:
    return profile(Purpose.TX_DEFAULT, (0, "32"), (28_800, "16"), recurrency=recurrency, start=start)


@pytest.mark.parametrize(
    ("recurrency", "offset_s", "start"),
    [
        (Recurrency.DAILY, WINTER_S, "2024-03-30T23:00Z"),
        (Recurrency.DAILY, SUMMER_S, "2024-03-30T22:00Z"),
        (Recurrency.DAILY, -5 * 3600, "2024-03-31T05:00Z"),
        (Recurrency.DAILY, 14 * 3600, "2024-03-31T10:00Z"),
        (Recurrency.WEEKLY, SUMMER_S, "2024-03-24T22:00Z"),
        (Recurrency.WEEKLY, 12 * 3600 + 1, "2024-03-31T11:59:59Z"),
    ],
)
def test_the_start_is_the_latest_midnight_or_mondays_as_the_clocks_count_now(
    recurrency: Recurrency, offset_s: int, start: str
) -> None:
    assert local_start(recurrency, offset_s, SEEN) == at(start)
    assert local_start(recurrency, offset_s, at(start)) == at(start)


def test_a_profile_is_in_step_while_it_begins_anew_at_local_midnights() -> None:
    assert in_step(recurring("2024-01-01T23:00Z"), WINTER_S)
    assert not in_step(recurring("2024-01-01T23:00Z"), SUMMER_S)
    weekly = recurring("2024-01-07T23:00Z", Recurrency.WEEKLY)
    assert in_step(weekly, WINTER_S)
    assert not in_step(recurring("2024-01-08T23:00Z", Recurrency.WEEKLY), WINTER_S), "a Tuesday"
    assert not in_step(recurring(None), WINTER_S)
    assert not in_step(profile(Purpose.TX_DEFAULT, (0, "6"), start="2024-01-01T23:00Z"), WINTER_S), "not recurring"


def test_a_profile_moves_with_the_clocks_and_stays_when_it_is_in_step() -> None:
    winter = recurring("2024-01-01T23:00Z")
    summer = moved(winter, SUMMER_S, SEEN)
    assert summer == recurring("2024-03-30T22:00Z"), "all else is as it was"
    assert moved(winter, WINTER_S, SEEN) is winter
    absolute = profile(Purpose.TX_DEFAULT, (0, "6"), start="2024-01-01T23:00Z")
    assert moved(absolute, SUMMER_S, SEEN) is absolute


def test_offsets_are_looked_up_at_their_very_second() -> None:
    change = at("2024-03-31T01:00Z")
    assert [offset_at(BERLIN, instant) for instant in (0, change - 1, change)] == [3600, 3600, 7200]
    assert next_change(BERLIN, change) == at("2024-10-27T01:00Z")
    assert next_change(BERLIN, at("2024-11-01T00:00Z")) is None
    assert (offset_at((), 0), next_change((), 0)) == (0, None)


def test_a_table_is_read_from_a_zone_to_the_second() -> None:
    table = offsets_between(
        lambda instant: offset_at(BERLIN, instant), at("2024-02-01T00:00Z"), at("2025-01-01T00:00Z")
    )
    assert table[1:] == BERLIN[1:]
    assert table[0] == UtcOffset(at("2024-02-01T00:00Z"), 3600)
    assert table[1].since % SECOND == 0
