"""What one step of the evaluation is about to change, gathered to become durable at once."""

from typing import Any, Final
from uuid import uuid4

import msgspec

from stationmaster.domain.alerts.facts import AlertsAdvanced, Growth, alert_cleared, alert_raised
from stationmaster.domain.alerts.nouns import Alert, Cleared, Purpose, Rule, Watch
from stationmaster.domain.alerts.words import sentence
from stationmaster.domain.facts import Fact
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant

__all__ = ["Key", "Sheet", "watch_of"]

_PURPOSES: Final = tuple(purpose.value for purpose in Purpose)
Key = tuple[str, str]
"""(rule, subject)"""


class Sheet:
    """The alerts and watches of some subjects as they are, and as they will be.

    One that is raised, cleared and raised again within one step is written as what it is in the end.
    """

    def __init__(self, standing: dict[Key, Alert], watches: dict[tuple[str, str, str], Watch], now: Instant) -> None:
        self._now = now
        self._before = standing
        self._standing = dict(standing)
        self._watched_before = watches
        self._watches = dict(watches)
        self._cleared: dict[str, tuple[Alert, str]] = {}

    def alert(self, rule: Rule, subject: str) -> Alert | None:
        """What stands by this rule about this subject."""
        return self._standing.get((rule.id, subject))

    def watch(self, rule: Rule, subject: str, purpose: Purpose) -> Watch | None:
        """What is waited for."""
        return self._watches.get((rule.id, subject, purpose.value))

    def put(self, watch: Watch) -> None:
        """Wait for something."""
        self._watches[watch.rule_id, watch.subject, watch.purpose] = watch

    def drop(self, rule_id: str, subject: str, purpose: Purpose) -> None:
        """Do not wait any more."""
        self._watches.pop((rule_id, subject, purpose.value), None)

    def drop_all(self, rule_id: str, subject: str) -> None:
        """Do not wait for anything of the subject any more."""
        if self._watches:
            for purpose in _PURPOSES:
                self._watches.pop((rule_id, subject, purpose), None)

    def happened(self, rule: Rule, watch: Watch, station: Station | None, site_id: str | None, at: Instant) -> None:
        """It is an alert, or one more of the same. `watch` carries subject, place and details."""
        key = (rule.id, watch.subject)
        known = self._standing.get(key)
        if known is not None:
            last_at = max(at, known.last_at)
            self._standing[key] = msgspec.structs.replace(known, count=known.count + watch.count, last_at=last_at)
            return
        details: dict[str, Any] = msgspec.json.decode(watch.details)
        details |= {name: value for name, value in rule.numbers.items() if name not in details}
        if station is not None and station.name:
            details["station_name"] = station.name
        self._standing[key] = Alert(
            id=str(uuid4()),
            organisation_id=rule.organisation_id,
            rule_id=rule.id,
            kind=rule.kind,
            severity=rule.severity,
            subject=watch.subject,
            station_id=watch.station_id,
            site_id=site_id if station is None else station.site_id,
            evse_id=watch.evse_id,
            summary=sentence(rule.kind, details, watch.station_id, watch.evse_id, "en"),
            details=msgspec.json.encode(details).decode(),
            count=watch.count,
            first_at=at,
            last_at=at,
        )

    def ended(self, rule_id: str, subject: str, reason: Cleared) -> None:
        """It is no alert any more."""
        known = self._standing.pop((rule_id, subject), None)
        if known is not None and (rule_id, subject) in self._before:
            before = self._before[rule_id, subject]
            if before.id == known.id:
                self._cleared[known.id] = (known, reason.value)

    def facts(self, position_before: str | None, position: str | None) -> list[Fact]:
        """Everything that has changed, and where the evaluation stands now."""
        told: list[Fact] = [alert_cleared(alert, reason, self._now) for alert, reason in self._cleared.values()]
        grown: list[Growth] = []
        for key, alert in self._standing.items():
            before = self._before.get(key)
            if before is None or before.id != alert.id:
                told.append(alert_raised(alert, self._now))
            elif before.count != alert.count:
                grown.append(Growth(alert.id, alert.count - before.count, alert.last_at))
        watched = [watch for key, watch in self._watches.items() if self._watched_before.get(key) != watch]
        advanced = AlertsAdvanced(
            organisation_id="",
            station_id="",
            received_at=self._now,
            position_before=position_before,
            position=position,
            grown=tuple(grown),
            watched=tuple(watched),
            unwatched=tuple(key for key in self._watched_before if key not in self._watches),
        )
        changed = told or grown or watched or advanced.unwatched or position != position_before
        return [*told, advanced] if changed else []


def watch_of(rule: Rule, signal: Any, purpose: Purpose, due_at: Instant) -> Watch:
    """What a signal makes a rule wait for."""
    return Watch(
        rule_id=rule.id,
        subject=signal.subject,
        purpose=purpose.value,
        organisation_id=rule.organisation_id,
        station_id=signal.station_id,
        evse_id=signal.evse_id,
        since=signal.at,
        due_at=due_at,
        details=msgspec.json.encode(signal.details).decode(),
    )
