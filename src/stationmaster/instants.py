"""Points in time: one integer, and its ISO 8601 text.

The rule that shapes this file: inside the program a point in time is a plain integer, the
microseconds since 1970-01-01T00:00:00Z. Text appears only at the borders. This is the one
module of the pure layers that uses `datetime`, as a calendar and never as a clock. What text can
tell ends with the years 1 and 9999: nothing beyond is read, and any instant can be written.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

__all__ = ["MICROSECONDS_PER_SECOND", "Instant", "format_instant", "names_zone", "parse_instant"]

Instant = int
"""Microseconds since the Unix epoch, UTC."""

MICROSECONDS_PER_SECOND: Final = 1_000_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a text without an offset means UTC
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_SECONDS_PER_DAY: Final = 86_400
_MOST_FRACTION_DIGITS: Final = 6
_LONGEST_TEXT: Final = 64
_DATE_LENGTH: Final = 10
# `datetime` reads more forms than stations may write, and in newer versions of Python more still.
_SHAPE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|(60))(?:\.\d+)?)?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?",
    re.ASCII,
)
# What nearly every station writes; the second is read apart from the minute.
_USUAL: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:)([0-5]\d)(?:\.(\d{3}))?Z", re.ASCII)


def format_instant(instant: Instant, fraction_digits: int = 3) -> str:
    """Write an instant as we send it: UTC, suffix `Z`, e.g. `2025-03-01T12:34:56.789Z`.

    `fraction_digits` is 0 to 6; further digits are cut off, not rounded, so that the text
    never lies in the future of the instant. What lies before the year 1 or after 9999 is written
    as that end: such instants come of sums, like a wait that begins on the last day, and one of
    them must not spoil the list it is told in. Raises ValueError for any other number of digits.
    Source: handbook 2.2.
    """
    if not 0 <= fraction_digits <= _MOST_FRACTION_DIGITS:
        raise ValueError(f"fraction_digits is {fraction_digits}, not 0 to 6")
    try:
        text = (_EPOCH + instant * _MICROSECOND).isoformat(timespec="microseconds")
    except OverflowError:
        return format_instant(_FIRST if instant < 0 else _LAST, fraction_digits)
    return f"{text[: 20 + fraction_digits] if fraction_digits else text[:19]}Z"


@lru_cache(maxsize=4096)
def parse_instant(text: str) -> Instant:
    """Read a date and time as stations write it.

    Accepts `T` or a blank as separator, minutes without seconds, any number of fraction
    digits (microseconds are kept), `Z`, `z`, `+hh:mm`, `+hhmm`, `+hh`; a missing offset means
    UTC. Second 60 is the first moment of the next minute. Raises ValueError for anything else,
    and for what an offset or second 60 puts outside the years 1 to 9999 in UTC.
    Remembered, because a timestamp is read once when it is checked and again when it is used.
    Source: handbook 2.2.
    """
    if (usual := _USUAL.fullmatch(text)) is not None:
        minute, seconds, milliseconds = usual.groups()
        return _start_of_minute(minute) + int(seconds) * MICROSECONDS_PER_SECOND + int(milliseconds or 0) * 1000
    return _parse_any(text)


def names_zone(text: str) -> bool:
    """Whether a date and time that `parse_instant` reads says how far it is from UTC."""
    return text[-1:] in "Zz" or "+" in text or "-" in text[_DATE_LENGTH:]


@lru_cache(maxsize=1024)
def _start_of_minute(text: str) -> Instant:
    """The clocks of a fleet agree about the minute, so that it is nearly always read once for all of them."""
    return _parse_any(f"{text}00Z")


def _parse_any(text: str) -> Instant:
    match = _SHAPE.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError("not an ISO 8601 date and time")
    if match[1] is not None:
        start, end = match.span(1)
        return _in_calendar(parse_instant(f"{text[:start]}59{text[end:]}") + MICROSECONDS_PER_SECOND)
    moment = datetime.fromisoformat(text[:-1] + "Z" if text.endswith("z") else text)
    since = moment - (_EPOCH_WITHOUT_ZONE if moment.tzinfo is None else _EPOCH)
    seconds = since.days * _SECONDS_PER_DAY + since.seconds
    return _in_calendar(seconds * MICROSECONDS_PER_SECOND + since.microseconds)


def _in_calendar(instant: Instant) -> Instant:
    if not _FIRST <= instant <= _LAST:
        raise ValueError("outside the years 1 to 9999 in UTC")
    return instant
