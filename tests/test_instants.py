"""Instants and their text. The oracle is the calendar of the standard library."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

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
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("9999-12-31T22:59:59.999999-01:00", 253_402_300_799_999_999),
        ("9999-12-31T23:58:60.25Z", 253_402_300_740_250_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("0001-01-01T01:00:00+01:00", -62_135_596_800_000_000),
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
        # These name a moment before the year 1 or after 9999 in UTC, which nothing can write.
        "0001-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01 00:59:59.999999+0100",
        "9999-12-31T23:59:59.999999-00:01",
        "9999-12-31T23:59-14",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:60.25Z",
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


FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond of the years 1 to 9999."""


@given(st.one_of(st.integers(), st.integers(FIRST - 10**9, FIRST + 10**9), st.integers(LAST - 10**9, LAST + 10**9)))
def test_an_instant_beyond_the_calendar_is_written_as_its_nearest_end(instant: int) -> None:
    nearest = min(max(instant, FIRST), LAST)

    assert format_instant(instant, 6) == format_instant(nearest, 6)
    assert parse_instant(format_instant(instant, 6)) == nearest
    assert format_instant(instant) == f"{format_instant(instant, 6)[:23]}Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_text_and_instant_are_inverse(moment: datetime) -> None:
    instant = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert parse_instant(format_instant(instant, 6)) == instant
    assert format_instant(instant, 6) == f"{moment.replace(tzinfo=None).isoformat('T', 'microseconds')}Z"


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001 -- UTC is meant
    st.integers(-1439, 1439),
)
def test_every_offset_counts(moment: datetime, offset_minutes: int) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    expected = (there - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert parse_instant(there.isoformat()) == expected


DAYS = st.one_of(st.dates(), st.sampled_from([date(1, 1, 1), date(9999, 12, 31)]))
CLOCKS = st.builds(
    "{:02}:{:02}{}{}".format,
    st.integers(0, 23),
    st.integers(0, 59),
    st.one_of(st.just(""), st.integers(0, 60).map(":{:02}".format)),
    st.sampled_from(["", ".5", ".999", ".999999", ".0000001"]),
)
OFFSETS = st.one_of(
    st.sampled_from(["", "Z", "z"]),
    st.builds("{}{:02}{}".format, st.sampled_from("+-"), st.integers(0, 23), st.sampled_from(["", ":00", "59"])),
)


@given(st.builds("{}{}{}{}".format, DAYS, st.sampled_from("T "), CLOCKS, OFFSETS))
def test_whatever_is_read_can_be_written_and_read_again(text: str) -> None:
    try:
        instant = parse_instant(text)
    except ValueError:
        # Refused is only what lies within a day of an end, or a fraction of a minute.
        assert text.startswith(("0001-01-01", "9999-12-31")) or re.search(r"\d\d:\d\d\.", text)
        return

    assert FIRST <= instant <= LAST
    assert parse_instant(format_instant(instant, 6)) == instant
