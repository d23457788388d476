"""What happens to alerts, as facts."""

from typing import Any, ClassVar

import msgspec

from stationmaster.domain.alerts.nouns import Alert, Watch
from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant

__all__ = [
    "AlertAcknowledged",
    "AlertCleared",
    "AlertRaised",
    "AlertsAdvanced",
    "Growth",
    "alert_cleared",
    "alert_raised",
]


class AlertRaised(Fact, frozen=True, kw_only=True, gc=False):
    """A rule found something that it had not found before. That it goes on or happens again is not told anew."""

    event_type: ClassVar[str | None] = "alert.raised"

    id: str
    rule_id: str
    kind: str
    severity: str
    subject: str
    site_id: str | None
    evse_id: int | None
    summary: str
    details: dict[str, Any]
    count: int
    first_at: Instant
    last_at: Instant


class AlertAcknowledged(Fact, frozen=True, kw_only=True, gc=False):
    """Somebody knows."""

    event_type: ClassVar[str | None] = "alert.acknowledged"

    id: str
    kind: str
    severity: str
    summary: str
    acknowledged_at: Instant
    acknowledged_by: str
    comment: str | None


class AlertCleared(Fact, frozen=True, kw_only=True, gc=False):
    """An alert stands no more; `reason` as in `Cleared`."""

    event_type: ClassVar[str | None] = "alert.cleared"

    id: str
    rule_id: str
    kind: str
    severity: str
    subject: str
    summary: str
    cleared_at: Instant
    reason: str


class Growth(msgspec.Struct, frozen=True):
    """An alert that stands happened `count` times more."""

    alert_id: str
    count: int
    last_at: Instant


class AlertsAdvanced(Fact, frozen=True, kw_only=True, gc=False):
    """What goes with raised and cleared alerts in one transaction and is told to nobody.

    Outcome: it is a Conflict when `position_before` is not where the evaluation stands any more: then another node
    did it.
    """

    position_before: str | None
    position: str | None
    """None: it stays where it is."""
    grown: tuple[Growth, ...] = ()
    watched: tuple[Watch, ...] = ()
    unwatched: tuple[tuple[str, str, str], ...] = ()
    """(rule, subject, purpose)"""


def alert_raised(alert: Alert, now: Instant) -> AlertRaised:
    """The fact that a new alert stands."""
    shared = ("id", "rule_id", "kind", "severity", "subject", "site_id", "evse_id", "summary", "count")
    return AlertRaised(
        organisation_id=alert.organisation_id,
        station_id=alert.station_id,
        received_at=now,
        details=alert.facts,
        first_at=alert.first_at,
        last_at=alert.last_at,
        **{name: getattr(alert, name) for name in shared},
    )


def alert_cleared(alert: Alert, reason: str, now: Instant) -> AlertCleared:
    """The fact that an alert stands no more."""
    return AlertCleared(
        organisation_id=alert.organisation_id,
        station_id=alert.station_id,
        received_at=now,
        id=alert.id,
        rule_id=alert.rule_id,
        kind=alert.kind,
        severity=alert.severity,
        subject=alert.subject,
        summary=alert.summary,
        cleared_at=now,
        reason=reason,
    )
