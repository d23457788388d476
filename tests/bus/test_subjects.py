"""An identity becomes exactly one token, and no two become the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.bus.subjects import command_of, events_of, matches, token_of


@pytest.mark.parametrize(
    "station_id, subject",
    [
        ("CP7", "stationmaster.v1.station.CP7.command"),
        ("CP.7", "stationmaster.v1.station.CP%2E7.command"),
        ("*", "stationmaster.v1.station.%2A.command"),
        (">", "stationmaster.v1.station.%3E.command"),
        ("a|b+c=d@e", "stationmaster.v1.station.a%7Cb%2Bc%3Dd%40e.command"),
        ("Säule 1", "stationmaster.v1.station.S%C3%A4ule%201.command"),
    ],
)
def test_the_subject_of_a_station(station_id: str, subject: str) -> None:
    assert command_of(station_id) == subject


def test_the_subject_of_an_organisation() -> None:
    assert events_of("default") == "stationmaster.v1.events.default"


@given(st.text(), st.text())
def test_tokens_are_single_and_distinct(one: str, other: str) -> None:
    token = token_of(one)
    assert token
    assert not set(token) & set(".*> \t\r\n")
    assert (token == token_of(other)) == (one == other)


@pytest.mark.parametrize(
    "pattern, subject, expected",
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.b.c", "a.b", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.*.c", "a.b.c", True),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        ("*.b", "a.b", True),
        ("a.*", "x.b", False),
    ],
)
def test_patterns(pattern: str, subject: str, expected: bool) -> None:
    assert matches(pattern, subject) is expected
