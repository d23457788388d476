"""ReserveNow and CancelReservation as plain commands (handbook §3.3.1, §3.3.12, §3.8)."""

from stationmaster.actions.v16.command import Asking, Command, warn_of_unknown_connector
from stationmaster.instants import parse_instant
from stationmaster.ocpp.v16.reservations import ReserveNowRequest

__all__ = ["CANCEL_RESERVATION", "RESERVE_NOW"]


async def _warn_of_past_expiry(asking: Asking, message: ReserveNowRequest) -> str | None:
    if parse_instant(message.expiry_date) > asking.now():
        return None
    return "The reservation has expired before it begins."


async def _warn_of_busy_connector(asking: Asking, message: ReserveNowRequest) -> str | None:
    for connector in await asking.connectors():
        if connector.evse_id == message.connector_id and connector.status not in {"Available", None}:
            return f"Connector {message.connector_id} is {connector.status}."
    return None


async def _warn_of_connector_zero(asking: Asking, message: ReserveNowRequest) -> str | None:
    if message.connector_id != 0:
        return None
    supported = await asking.value_of("ReserveConnectorZeroSupported")
    if supported is None or supported.strip().lower() == "true":
        return None
    return "The station reserves single connectors only."


CANCEL_RESERVATION = Command()
RESERVE_NOW = Command(
    warnings=(warn_of_unknown_connector, _warn_of_past_expiry, _warn_of_busy_connector, _warn_of_connector_zero)
)
