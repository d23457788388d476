"""Orders said in OCPP 1.6 (handbook §3.3.1, §3.3.8, §3.3.9, §3.3.12, §3.3.14, §3.3.18, §4.8)."""

from typing import Any

from stationmaster.actions.v16.configuration_orders import phrase_configuration
from stationmaster.actions.v16.security_orders import phrase_security
from stationmaster.domain.configuration_orders import ConfigurationOrder
from stationmaster.domain.local_lists import ListEntry, ListVersionOrder, SendListOrder
from stationmaster.domain.orders import Order
from stationmaster.domain.reservations import CancelReservationOrder, ReserveOrder
from stationmaster.domain.transfers import DiagnosticsOrder, LogOrder, Retrying, SignedUpdateOrder, UpdateOrder
from stationmaster.instants import Instant, format_instant

__all__ = ["phrase"]

_LOG_TYPES = {"diagnostics": "DiagnosticsLog", "security": "SecurityLog"}


def phrase(order: Order) -> tuple[str, dict[str, Any]]:
    """The action that carries an order, and its payload."""
    return phrase_configuration(order) if isinstance(order, ConfigurationOrder) else _phrase(order)


def _phrase(order: Any) -> tuple[str, dict[str, Any]]:
    match order:
        case UpdateOrder():
            when = format_instant(order.retrieve_at)
            return "UpdateFirmware", {"location": order.location, "retrieveDate": when, **_tries(order.retrying)}
        case SignedUpdateOrder():
            firmware = {
                "location": order.location,
                "retrieveDateTime": format_instant(order.retrieve_at),
                **_times(installDateTime=order.install_at),
                "signingCertificate": order.signing_certificate,
                "signature": order.signature,
            }
            payload = {"requestId": order.request_id, **_tries(order.retrying), "firmware": firmware}
            return "SignedUpdateFirmware", payload
        case ReserveOrder():
            place = {"connectorId": order.evse_id or 0, "expiryDate": format_instant(order.expires_at)}
            parent = {} if order.parent_id_tag is None else {"parentIdTag": order.parent_id_tag}
            token = {"idTag": order.id_tag, **parent, "reservationId": order.reservation_id}
            return "ReserveNow", place | token
        case CancelReservationOrder():
            return "CancelReservation", {"reservationId": order.reservation_id}
        case ListVersionOrder():
            return "GetLocalListVersion", {}
        case SendListOrder():
            return "SendLocalList", list_payload(order)
        case DiagnosticsOrder():
            window = _times(startTime=order.since, stopTime=order.until)
            return "GetDiagnostics", {"location": order.location, **_tries(order.retrying), **window}
        case LogOrder():
            window = _times(oldestTimestamp=order.since, latestTimestamp=order.until)
            payload = {
                "logType": _LOG_TYPES[order.log_type],
                "requestId": order.request_id,
                **_tries(order.retrying),
                "log": {"remoteLocation": order.location, **window},
            }
            return "GetLog", payload
        case _:
            return phrase_security(order)


def _tries(retrying: Retrying) -> dict[str, int]:
    told = {"retries": retrying.retries, "retryInterval": retrying.retry_interval_s}
    return {name: value for name, value in told.items() if value is not None}


def _times(**given: Instant | None) -> dict[str, str]:
    return {name: format_instant(value) for name, value in given.items() if value is not None}


def list_payload(order: SendListOrder) -> dict[str, Any]:
    """The payload of SendLocalList. An empty whole list is left out, which clears (§3.7)."""
    payload: dict[str, Any] = {
        "listVersion": order.version,
        "updateType": "Full" if order.full else "Differential",
    }
    if order.entries:
        payload["localAuthorizationList"] = [_entry_payload(entry) for entry in order.entries]
    return payload


def _entry_payload(entry: ListEntry) -> dict[str, Any]:
    if entry.status is None:
        return {"idTag": entry.id_tag}
    parent = {} if not entry.parent_id_tag else {"parentIdTag": entry.parent_id_tag}
    return {
        "idTag": entry.id_tag,
        "idTagInfo": {"status": entry.status, **_times(expiryDate=entry.expires_at), **parent},
    }
