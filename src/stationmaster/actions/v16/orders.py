"""Orders to fetch and to bring files, said in OCPP 1.6 (handbook §3.3.8, §3.3.18, §4.8)."""

from typing import Any

from stationmaster.domain.transfers import DiagnosticsOrder, LogOrder, Order, Retrying, SignedUpdateOrder, UpdateOrder
from stationmaster.instants import Instant, format_instant

__all__ = ["phrase"]

_LOG_TYPES = {"diagnostics": "DiagnosticsLog", "security": "SecurityLog"}


def phrase(order: Order) -> tuple[str, dict[str, Any]]:
    """The action that carries an order, and its payload."""
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


def _tries(retrying: Retrying) -> dict[str, int]:
    told = {"retries": retrying.retries, "retryInterval": retrying.retry_interval_s}
    return {name: value for name, value in told.items() if value is not None}


def _times(**given: Instant | None) -> dict[str, str]:
    return {name: format_instant(value) for name, value in given.items() if value is not None}
