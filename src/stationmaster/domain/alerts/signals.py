"""What an event means to the rules: it begins something, ends it, or happens once more.

The rule that shapes this file: one small function for each type of event, in one table. It looks at nothing but
the event, whose members are those of its fact.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from stationmaster.domain.identity_contests import CONTESTED
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.instants import Instant, format_instant

__all__ = ["BEGINNINGS", "ENDED_KINDS", "READERS", "Signal", "Step", "signals_of"]


class Step(StrEnum):
    """What happened to the subject."""

    RAISE = "raise"
    """It is an alert at once, or one more of the same."""
    BEGIN = "begin"
    """It is an alert if it lasts."""
    TALLY = "tally"
    """It is an alert if it happens often."""
    END = "end"


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of one kind are told. `organisation_id` and `station_id` are those of the alert to be."""

    kind: str
    step: Step
    subject: str
    organisation_id: str
    station_id: str = ""
    site_id: str | None = None
    """Where there is no station."""
    evse_id: int | None = None
    at: Instant
    details: dict[str, Any] = {}


class Heard(msgspec.Struct, frozen=True):
    """An event as the readers here see it."""

    organisation_id: str
    station_id: str
    at: Instant
    data: Mapping[str, Any]

    def signal(self, kind: str, step: Step, subject: str | None = None, **more: Any) -> Signal:
        """A signal about the station of the event, unless another subject is given."""
        return Signal(
            kind=kind,
            step=step,
            subject=f"station:{self.station_id}" if subject is None else subject,
            organisation_id=more.pop("organisation_id", self.organisation_id),
            station_id=more.pop("station_id", self.station_id),
            at=self.at,
            **more,
        )


FAULTED: Final = "Faulted"
LIST_CONFLICT: Final = "LocalListConflict"
NO_ERROR: Final = "NoError"
UNKNOWN_AT_THE_DOOR: Final = "door:unknown"
ROUTINE: Final = frozenset({"FirmwareUpdated", "ResetOrReboot", "SettingSystemTime", "StartupOfTheDevice"})
"""Critical by the whitepaper's list, and part of every reboot of a healthy station."""
_FREE_AGAIN: Final = frozenset({"superseded", "revoked", "refused"})


def _connected(heard: Heard) -> list[Signal]:
    return [heard.signal("station_offline", Step.END)]


def _disconnected(heard: Heard) -> list[Signal]:
    details = {"reason": heard.data.get("reason")}
    return [heard.signal("station_offline", Step.BEGIN, details=details)]


def _refused(heard: Heard) -> list[Signal]:
    data = heard.data
    details = {name: data.get(name) for name in ("remote_address", "reason", "detail")}
    if data.get("known") and heard.organisation_id:
        return [heard.signal("repeated_refusals", Step.TALLY, details=details)]
    # Whoever makes up identities must not be able to make up alerts: all of them are one subject.
    details["identity"] = heard.station_id
    return [
        heard.signal(
            "repeated_refusals",
            Step.TALLY,
            UNKNOWN_AT_THE_DOOR,
            organisation_id=DEFAULT_ORGANISATION_ID,
            station_id="",
            details=details,
        )
    ]


def _identity_settled(heard: Heard) -> list[Signal]:
    return [heard.signal("identity_contested", Step.END)]


def _connector_status(heard: Heard) -> list[Signal]:
    data = heard.data
    evse_id = (data.get("location") or {}).get("evse_id")
    subject = f"connector:{heard.station_id}/{evse_id or 0}"
    if data.get("status") != FAULTED:
        return [heard.signal("connector_faulted", Step.END, subject, evse_id=evse_id), *_list_conflict(heard, evse_id)]
    details = {name: data.get(name) for name in ("error_code", "info", "vendor_error_code")}
    faulted = heard.signal("connector_faulted", Step.BEGIN, subject, evse_id=evse_id, details=details)
    return [faulted, *_list_conflict(heard, evse_id)]


def _list_conflict(heard: Heard, evse_id: int | None) -> list[Signal]:
    """The station, with whatever status, says that its list contradicts our answers, or that all is well (§3.2.9)."""
    error_code = heard.data.get("error_code")
    if error_code == LIST_CONFLICT:
        told = {name: heard.data.get(name) for name in ("info", "vendor_error_code")}
        return [heard.signal("local_list_conflict", Step.RAISE, details=told | {"remedy": "send the full list"})]
    if error_code == NO_ERROR and not evse_id:
        return [heard.signal("local_list_conflict", Step.END)]
    return []


def _list_replaced(heard: Heard) -> list[Signal]:
    return [heard.signal("local_list_conflict", Step.END)]


def _transaction_started(heard: Heard) -> list[Signal]:
    outcome = heard.data.get("outcome") or {}
    kind = "transaction_without_energy"
    ended = [heard.signal(kind, Step.END, f"transaction:{each}") for each in outcome.get("superseded_ids", ())]
    number = outcome.get("id")
    if number is None or outcome.get("superseded_at") is not None:
        return ended
    evse_id = (heard.data.get("location") or {}).get("evse_id")
    details = {"transaction_id": str(number)}
    return [*ended, heard.signal(kind, Step.BEGIN, f"transaction:{number}", evse_id=evse_id, details=details)]


def _transaction_ended(heard: Heard) -> list[Signal]:
    number = (heard.data.get("outcome") or {}).get("id")
    return [heard.signal("transaction_without_energy", Step.END, f"transaction:{number}")]


def _transaction_tidied(heard: Heard) -> list[Signal]:
    if heard.data.get("what") != "closed":
        return []
    return [heard.signal("transaction_without_energy", Step.END, f"transaction:{heard.data.get('id')}")]


def _security_event(heard: Heard) -> list[Signal]:
    data = heard.data
    name = str(data.get("type"))
    details = {"type": name, "technical_info": data.get("technical_info")}
    if name == CONTESTED:
        return [heard.signal("identity_contested", Step.RAISE, details=details)]
    if name == "CertificateExpiring":
        return [heard.signal("certificate_expiring", Step.RAISE, details=details)]
    if name == "AuthorityExpiring":
        return [heard.signal("certificate_expiring", Step.RAISE, "authority", details=details)]
    if data.get("critical") and name not in ROUTINE:
        return [heard.signal("security_event", Step.RAISE, f"station:{heard.station_id}/{name}", details=details)]
    return []


def _certificate_changed(heard: Heard) -> list[Signal]:
    certificate = heard.data.get("certificate") or {}
    renewed = certificate.get("state") == "active" and certificate.get("alerted_at") is None
    gone = certificate.get("state") in _FREE_AGAIN and certificate.get("alerted_at") is not None
    return [heard.signal("certificate_expiring", Step.END)] if renewed or gone else []


_SITE_KINDS: Final[Mapping[str, str]] = {
    "limit_ignored": "limit_ignored",
    "limit_refused": "limit_ignored",
    "limit_unconfirmed": "limit_ignored",
    "limit_overruled": "limit_ignored",
    "limit_not_held": "site_limit_not_held",
    "limit_below_minimum": "site_limit_not_held",
    "phases_undeclared": "site_limit_not_held",
    "meter_silent": "site_meter_silent",
}
"""What the planners of sites tell of, by kind of rule. That a station is offline has a rule of its own."""


def _site_alert(heard: Heard, step: Step) -> list[Signal]:
    data = heard.data
    kind = _SITE_KINDS.get(str(data.get("kind")))
    if kind is None:
        return []
    location = data.get("location") or {}
    evse_id = location.get("evse_id")
    place = f"/{location.get('station_id') or heard.station_id}/{evse_id or 0}" if location else ""
    subject = f"site:{data.get('site_id')}{place}/{data.get('kind')}"
    details = {"message": data.get("message"), "site_id": data.get("site_id"), "reason": data.get("kind")}
    return [heard.signal(kind, step, subject, site_id=data.get("site_id"), evse_id=evse_id, details=details)]


def _site_alert_raised(heard: Heard) -> list[Signal]:
    return _site_alert(heard, Step.RAISE)


def _site_alert_cleared(heard: Heard) -> list[Signal]:
    return _site_alert(heard, Step.END)


def _drifted(heard: Heard) -> list[Signal]:
    keys = [str(each.get("key")) for each in heard.data.get("keys", ())]
    details = {"count": len(keys), "keys": ", ".join(keys)}
    return [heard.signal("configuration_drift", Step.RAISE, details=details)]


def _in_step(heard: Heard) -> list[Signal]:
    return [heard.signal("configuration_drift", Step.END)]


def _campaign_changed(heard: Heard) -> list[Signal]:
    data = heard.data
    subject = f"campaign:{data.get('campaign_id')}"
    details = {"name": data.get("name"), "campaign_id": data.get("campaign_id")}
    step = Step.RAISE if data.get("state") == "stopped" else Step.END
    return [heard.signal("firmware_campaign_stopped", step, subject, details=details)]


def _webhook_disabled(heard: Heard) -> list[Signal]:
    data = heard.data
    details = {name: data.get(name) for name in ("webhook_id", "name", "reason")}
    return [heard.signal("webhook_disabled", Step.RAISE, f"webhook:{data.get('webhook_id')}", details=details)]


def _webhook_enabled(heard: Heard) -> list[Signal]:
    return [heard.signal("webhook_disabled", Step.END, f"webhook:{heard.data.get('webhook_id')}")]


def _email_failed(heard: Heard) -> list[Signal]:
    data = heard.data
    details = {name: data.get(name) for name in ("recipient_id", "recipient_name", "error")}
    return [heard.signal("email_undeliverable", Step.RAISE, f"recipient:{data.get('recipient_id')}", details=details)]


def _email_sent(heard: Heard) -> list[Signal]:
    return [heard.signal("email_undeliverable", Step.END, f"recipient:{heard.data.get('recipient_id')}")]


def _database_was_away(heard: Heard) -> list[Signal]:
    data = heard.data
    since, until = int(data["away_since"]), int(data["back_at"])
    details = {
        "node_id": data["node_id"],
        "since": format_instant(since),
        "until": format_instant(until),
        "seconds": math.ceil((until - since) / 1_000_000),
    }
    return [heard.signal("database_unavailable", Step.RAISE, f"node:{data['node_id']}", details=details)]


def _disk_space(heard: Heard) -> list[Signal]:
    data = heard.data
    details = {name: data[name] for name in ("node_id", "free_mib", "total_mib")}
    step = Step.RAISE if data["low"] else Step.END
    return [heard.signal("disk_nearly_full", step, f"node:{data['node_id']}", details=details)]


READERS: Final[Mapping[str, Callable[[Heard], list[Signal]]]] = {
    "station.connected": _connected,
    "station.disconnected": _disconnected,
    "station.refused": _refused,
    "station.identity_settled": _identity_settled,
    "connector.status": _connector_status,
    "local_list.replaced": _list_replaced,
    "transaction.started": _transaction_started,
    "transaction.ended": _transaction_ended,
    "transaction.tidied": _transaction_tidied,
    "security.event": _security_event,
    "certificate.changed": _certificate_changed,
    "site.alert_raised": _site_alert_raised,
    "site.alert_cleared": _site_alert_cleared,
    "configuration.drifted": _drifted,
    "configuration.in_step": _in_step,
    "firmware_campaign.changed": _campaign_changed,
    "webhook.disabled": _webhook_disabled,
    "webhook.enabled": _webhook_enabled,
    "email.failed": _email_failed,
    "email.sent": _email_sent,
    "node.database_was_away": _database_was_away,
    "node.disk_space": _disk_space,
}
"""By type of event."""

BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = {"connector.status": (FAULTED, LIST_CONFLICT)}
"""Types that come often and mean something only with one of these words in their data; else they end `ENDED_KINDS`."""
ENDED_KINDS: Final = ("connector_faulted", "local_list_conflict")


def signals_of(type: str, organisation_id: str, station_id: str, at: Instant, data: Mapping[str, Any]) -> list[Signal]:
    """What an event means to the rules; nothing for most."""
    reader = READERS.get(type)
    return [] if reader is None else reader(Heard(organisation_id, station_id, at, data))
