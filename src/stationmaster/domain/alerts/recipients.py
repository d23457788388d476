"""Who is told by e-mail, of what, and when not: lists of addresses with quiet hours.

The rule that shapes this file: a list is told of what its rule, severity and sites let through. Quiet hours never
lose anything; they hold it back.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from stationmaster.domain.alerts.kinds import is_at_least
from stationmaster.domain.smart_charging.local_time import UtcOffset, offset_at
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["DAYS", "QuietHours", "Recipient", "minute_of"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_S: Final = 86_400
_THURSDAY: Final = 3
"""1970-01-01."""


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """From `start` to `end`, minutes after midnight in `time_zone`; over midnight if `end` is not later.

    `days` are those on which they begin, as in `DAYS`. `except_critical`: critical alerts come all the same.
    """

    time_zone: str
    start: int
    end: int
    days: tuple[str, ...] = DAYS
    except_critical: bool = True

    def until(self, now: Instant, offsets: Sequence[UtcOffset]) -> Instant | None:
        """When the quiet hours end in which `now` lies; None: it lies in none. `offsets` is the zone's table."""
        length_s = ((self.end - self.start) % (24 * 60) or 24 * 60) * 60
        local_s = now // MICROSECONDS_PER_SECOND + offset_at(offsets, now)
        today = local_s // _DAY_S
        for day in (today, today - 1):
            began_s = day * _DAY_S + self.start * 60
            if DAYS[(day + _THURSDAY) % 7] in self.days and began_s <= local_s < began_s + length_s:
                return _instant_at(began_s + length_s, now, offsets)
        return None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A list of addresses. `site_ids` None: every site, and what belongs to none. `quiet_hours` is JSON."""

    id: str
    organisation_id: str
    name: str
    enabled: bool
    addresses: tuple[str, ...]
    language: str
    minimum_severity: str
    site_ids: tuple[str, ...] | None = None
    tell_cleared: bool = False
    quiet_hours: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0

    @property
    def quiet(self) -> QuietHours | None:
        """The quiet hours, read."""
        return None if self.quiet_hours is None else msgspec.json.decode(self.quiet_hours, type=QuietHours)

    def wants(self, severity: str, site_id: str | None, recipient_ids: tuple[str, ...] | None) -> bool:
        """Whether it is to be told of an alert. `recipient_ids` are those of its rule; None: all lists."""
        if not self.enabled or (recipient_ids is not None and self.id not in recipient_ids):
            return False
        if self.site_ids is not None and site_id not in self.site_ids:
            return False
        return is_at_least(severity, self.minimum_severity)


def minute_of(text: str) -> int | None:
    """Minutes after midnight of `HH:MM`; None when it is no such time."""
    hours, colon, minutes = text.partition(":")
    if not colon or len(text) != len("00:00") or not (hours + minutes).isascii() or not (hours + minutes).isdecimal():
        return None
    if int(hours) >= 24 or int(minutes) >= 60:  # noqa: PLR2004 - hours and minutes
        return None
    return int(hours) * 60 + int(minutes)


def _instant_at(local_s: int, near: Instant, offsets: Sequence[UtcOffset]) -> Instant:
    """The moment at which clocks of the zone show `local_s`; `near` is less than a day away."""
    guess = (local_s - offset_at(offsets, near)) * MICROSECONDS_PER_SECOND
    return (local_s - offset_at(offsets, guess)) * MICROSECONDS_PER_SECOND
