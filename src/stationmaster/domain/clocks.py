"""How far a station's clock may be trusted (handbook §2.2).

The rule that shapes this file: a message is never refused for its time. The station's own time is
kept as it was said, with a flag that warns people and programs.
"""

from collections.abc import Iterable
from typing import Final

from stationmaster.instants import Instant

__all__ = ["CLOCK_AHEAD", "CLOCK_UNSET", "TIME_MISSING", "TIME_UNREADABLE", "clock_flag", "is_doubtful"]

CLOCK_AHEAD: Final = "clock_ahead"
"""The station's time lies more than five minutes ahead of ours."""
CLOCK_UNSET: Final = "clock_unset"
"""The time lies before OCPP 1.6 was written: a station without a battery for its clock."""
TIME_MISSING: Final = "time_missing"
"""No time was given; the time of receipt stands in."""
TIME_UNREADABLE: Final = "time_unreadable"
"""A time was given that cannot be read; the time of receipt stands in."""

_DOUBTFUL: Final = frozenset({CLOCK_AHEAD, CLOCK_UNSET, TIME_MISSING, TIME_UNREADABLE})

_AHEAD_US: Final = 5 * 60 * 1_000_000
_EARLIEST: Final = 1_262_304_000_000_000
"""2010-01-01T00:00:00Z."""


def clock_flag(reported_at: Instant, received_at: Instant) -> str | None:
    """The flag that a reported time deserves, or None."""
    if reported_at > received_at + _AHEAD_US:
        return CLOCK_AHEAD
    if reported_at < _EARLIEST:
        return CLOCK_UNSET
    return None


def is_doubtful(flags: Iterable[str]) -> bool:
    """Whether a time with these flags tells nothing of the order of things: then that of receipt must do."""
    return not _DOUBTFUL.isdisjoint(flags)
