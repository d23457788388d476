"""Points in time: one integer, and its ISO 8601 text.

The rule that shapes this file: inside the program a point in time is a plain integer, the
microseconds since 1970-01-01T00:00:00Z. Text appears only at the borders. This is the one
module of the pure layers that uses `datetime`, as a calendar and never as a clock.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

__all__ = ["MICROSECONDS_PER_SECOND", "Instant", "format_instant", "parse_instant"]

Instant = int
"""Microseconds since the Unix epoch, UTC."""

MICROSECONDS_PER_SECOND: Final = 1_000_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_TEXT: Final = 64
_MOST_FRACTION_DIGITS: Final = 6
_LEAP_SECOND: Final = 60
_MINUTES_PER_HOUR: Final = 60
_MINUTES_PER_DAY: Final = 24 * _MINUTES_PER_HOUR
_SHAPE: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
    r"(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)


def format_instant(instant: Instant, fraction_digits: int = 3) -> str:
    """Write an instant as we send it: UTC, suffix `Z`, e.g. `2025-03-01T12:34:56.789Z`.

    `fraction_digits` is 0 to 6; further digits are cut off, not rounded, so that the text
    never lies in the future of the instant. Raises ValueError outside the years 1 to 9999
    and for any other number of digits. Source: handbook 2.2.
    """
    if not 0 <= fraction_digits <= _MOST_FRACTION_DIGITS:
        raise ValueError(f"fraction_digits is {fraction_digits}, not 0 to 6")
    try:
        text = (_EPOCH + instant * _MICROSECOND).isoformat(timespec="microseconds")
    except OverflowError as error:
        raise ValueError(f"{instant} lies outside the years 1 to 9999") from error
    return f"{text[: 20 + fraction_digits] if fraction_digits else text[:19]}Z"


@lru_cache(maxsize=4096)
def parse_instant(text: str) -> Instant:
    """Read a date and time as stations write it.

    Accepts `T` or a blank as separator, minutes without seconds, any number of fraction
    digits (microseconds are kept), `Z`, `z`, `+hh:mm`, `+hhmm`, `+hh`; a missing offset means
    UTC. Second 60 is the first moment of the next minute. Raises ValueError for anything else.
    Remembered, because a timestamp is read once when it is checked and again when it is used.
    Source: handbook 2.2.
    """
    match = _SHAPE.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError("not an ISO 8601 date and time")
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL
    minute_of_day = _minutes(hour, minute)
    offset = _minutes(offset_hours or "0", offset_minutes or "0")
    seconds = int(second or "0")
    if seconds > _LEAP_SECOND:
        raise ValueError("not a time of day")
    utc_minutes = days * _MINUTES_PER_DAY + minute_of_day + (offset if sign == "-" else -offset)
    whole_seconds = utc_minutes * 60 + seconds
    microseconds = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return whole_seconds * MICROSECONDS_PER_SECOND + microseconds


def _minutes(hours: str, minutes: str) -> int:
    total = int(hours) * _MINUTES_PER_HOUR + int(minutes)
    if int(minutes) >= _MINUTES_PER_HOUR or total >= _MINUTES_PER_DAY:
        raise ValueError("not a time of day")
    return total
