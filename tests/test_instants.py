"""Instants and their text. The oracle is the calendar of the standard library."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.instants import MICROSECONDS_PER_SECOND, format_instant, parse_instant

NOON = 1_740_832_496_000_000  # 2025-03-01T12:34:56Z


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-03-01T12:34:56Z", NOON),
        ("2025-03-01T12:34:56z", NOON),
        ("2025-03-01 12:34:56Z", NOON),
        ("2025-03-01T12:34:56", NOON),
        ("2025-03-01T13:34:56+01:00", NOON),
        ("2025-03-01T13:34:56+0100", NOON),
        ("2025-03-01T13:34:56+01", NOON),
        ("2025-03-01T04:04:56-08:30", NOON),
        ("2025-03-01T12:34:56.7Z", NOON + 700_000),
        ("2025-03-01T12:34:56.789Z", NOON + 789_000),
        ("2025-03-01T12:34:56.123456789Z", NOON + 123_456),
        ("2025-03-01T12:34:56.1234567890123Z", NOON + 123_456),
        ("2025-03-01T12:34Z", NOON - 56 * MICROSECONDS_PER_SECOND),
        ("2013-01-01T00:00Z", 1_356_998_400_000_000),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("2016-12-31T23:59:60.25Z", 1_483_228_800_250_000),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139_000_000),
    ],
)
def test_every_form_a_station_may_write_is_read(text: str, instant: int) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-03-01",
        "20250301T123456Z",
        "2025-W09-6T12:34:56Z",
        "2025-3-1T12:34:56Z",
        "2025-02-30T12:34:56Z",
        "2025-13-01T12:34:56Z",
        "0000-01-01T00:00:00Z",
        "2025-03-01T24:00:00Z",
        "2025-03-01T12:60:00Z",
        "2025-03-01T12:34:61Z",
        "2025-03-01T12:34:56,789Z",
        "2025-03-01T12:34:56.Z",
        "2025-03-01T12:34:56 Z",
        "2025-03-01T12:34:56+24:00",
        "2025-03-01T12:34:56+01:60",
        "2025-03-01t12:34:56Z",
        "2025-03-01T12:34:56Z\n",
        "٢٠٢٥-03-01T12:34:56Z",
        "2025-03-01T12:34:56." + "0" * 60 + "Z",
        "1740832496",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize(
    ("digits", "text"),
    [
        (0, "2025-03-01T12:34:56Z"),
        (1, "2025-03-01T12:34:56.7Z"),
        (3, "2025-03-01T12:34:56.789Z"),
        (6, "2025-03-01T12:34:56.789999Z"),
    ],
)
def test_digits_are_cut_off_and_never_rounded_up(digits: int, text: str) -> None:
    assert format_instant(NOON + 789_999, digits) == text


def test_three_digits_are_written_even_when_they_are_zero() -> None:
    assert format_instant(NOON) == "2025-03-01T12:34:56.000Z"


@pytest.mark.parametrize("digits", [-1, 7])
def test_a_number_of_digits_that_cannot_be_written_is_refused(digits: int) -> None:
    with pytest.raises(ValueError, match="fraction_digits"):
        format_instant(NOON, digits)


@pytest.mark.parametrize("instant", [10**18, -(10**18), 10**30])
def test_an_instant_beyond_the_calendar_is_refused(instant: int) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        format_instant(instant)


@given(st.datetimes(timezones=st.just(UTC)))
def test_text_and_instant_are_inverse(moment: datetime) -> None:
    instant = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert parse_instant(format_instant(instant, 6)) == instant
    assert format_instant(instant, 6) == f"{moment.replace(tzinfo=None).isoformat('T', 'microseconds')}Z"


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001
    st.integers(-1439, 1439),
)
def test_every_offset_counts(moment: datetime, offset_minutes: int) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    expected = (there - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert parse_instant(there.isoformat()) == expected
