"""Rules, alerts, and what is waited for."""

from enum import StrEnum
from typing import Any, Final

import msgspec

from stationmaster.domain.stations import Station
from stationmaster.instants import Instant

__all__ = ["MINUTE_US", "Alert", "AlertState", "Cleared", "Purpose", "Rule", "Watch"]

MINUTE_US: Final = 60 * 1_000_000


class AlertState(StrEnum):
    """Whether somebody has to look."""

    OPEN = "open"
    """It stands, and nobody has said that they know."""
    ACKNOWLEDGED = "acknowledged"
    """It stands, and somebody has."""
    CLEARED = "cleared"
    """Its cause has ended."""


class Cleared(StrEnum):
    """Why an alert was cleared."""

    CAUSE_ENDED = "cause_ended"
    QUIET = "quiet"
    """It has not happened again for as long as its rule says."""
    RULE_CHANGED = "rule_changed"
    """The rule was switched off, removed, or does not look there any more."""
    STATION_REMOVED = "station_removed"
    BY_PERSON = "by_person"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation wants to be told of. `site_ids` None: everywhere; `recipient_ids` None: to all lists.

    `is_default` is the rule of its kind that every organisation has.
    """

    id: str
    organisation_id: str
    kind: str
    name: str
    enabled: bool
    severity: str
    parameters: str
    site_ids: tuple[str, ...] | None = None
    recipient_ids: tuple[str, ...] | None = None
    is_default: bool = False
    created_at: Instant = 0
    updated_at: Instant = 0

    @property
    def numbers(self) -> dict[str, int]:
        """The parameters by name."""
        return msgspec.json.decode(self.parameters, type=dict[str, int])

    def minutes(self, name: str) -> int | None:
        """A parameter in microseconds; None when the kind has no such parameter."""
        found = self.numbers.get(name)
        return None if found is None else found * MINUTE_US

    def looks_at(self, station: Station | None, site_id: str | None = None) -> bool:
        """Whether what happens there is the business of this rule."""
        if self.site_ids is None:
            return True
        return (site_id if station is None else station.site_id) in self.site_ids


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stands, or stood. `details` is JSON; `station_id` is "" when it is about none."""

    id: str
    organisation_id: str
    rule_id: str
    kind: str
    severity: str
    subject: str
    station_id: str
    site_id: str | None
    evse_id: int | None
    summary: str
    details: str
    count: int
    first_at: Instant
    last_at: Instant
    acknowledged_at: Instant | None = None
    acknowledged_by: str | None = None
    comment: str | None = None
    cleared_at: Instant | None = None
    cleared_reason: str | None = None

    @property
    def state(self) -> AlertState:
        """Where it stands."""
        if self.cleared_at is not None:
            return AlertState.CLEARED
        return AlertState.OPEN if self.acknowledged_at is None else AlertState.ACKNOWLEDGED

    @property
    def facts(self) -> dict[str, Any]:
        """The details, read."""
        return msgspec.json.decode(self.details, type=dict[str, Any])


class Purpose(StrEnum):
    """Why something is looked at when its time has come."""

    WAIT = "wait"
    """It becomes an alert unless it ends before."""
    TALLY = "tally"
    """It is counted until then."""
    QUIET = "quiet"
    """The alert clears unless it happens again before."""
    RECHECK = "recheck"
    """The alert stands; see whether its cause does."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A row with a due time: one rule waits for one subject."""

    rule_id: str
    subject: str
    purpose: str
    organisation_id: str
    station_id: str
    evse_id: int | None
    since: Instant
    due_at: Instant
    count: int = 1
    details: str = "{}"
