"""ReserveNow and CancelReservation (handbook §3.3.1, §3.3.12, §3.8).

The rule that shapes this file: a reservation is what the station answered. Nothing is refused because
our mirror says that the connector is busy.
"""

from stationmaster.actions.v16.command import Asking, Command, Settled, warn_of_unknown_connector, was_never_sent
from stationmaster.domain.reservations import Reservation
from stationmaster.instants import parse_instant
from stationmaster.ocpp.v16.reservations import (
    CancelReservationRequest,
    CancelReservationResponse,
    ReserveNowRequest,
    ReserveNowResponse,
)
from stationmaster.session.events import CallFailed

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


async def _reserve_answered(asking: Asking, message: ReserveNowRequest, response: ReserveNowResponse) -> Settled:
    await asking.context.services.reservations.answered(_wanted(asking, message), response.status, asking.now())
    return Settled()


async def _reserve_failed(asking: Asking, message: ReserveNowRequest, failed: CallFailed) -> None:
    reservations = asking.context.services.reservations
    if failed.state in {"error", "invalid_response"}:
        await reservations.answered(_wanted(asking, message), failed.code, asking.now())
    elif not was_never_sent(failed):
        await reservations.unanswered(_wanted(asking, message), asking.now())


def _wanted(asking: Asking, message: ReserveNowRequest) -> Reservation:
    place = message.connector_id or None
    now = asking.now()
    return Reservation(
        organisation_id=asking.organisation_id,
        station_id=asking.station_id,
        reservation_id=message.reservation_id,
        site_id=asking.connection.record.site_id,
        evse_id=place,
        connector_id=None if place is None else 1,
        id_tag=message.id_tag,
        parent_id_tag=message.parent_id_tag,
        expires_at=parse_instant(message.expiry_date),
        created_at=now,
        updated_at=now,
    )


async def _about_to_cancel(asking: Asking, message: CancelReservationRequest) -> None:
    await asking.context.services.reservations.set_cancelling(
        asking.station_id, message.reservation_id, asking.now(), cancelling=True
    )


async def _cancel_answered(
    asking: Asking, message: CancelReservationRequest, response: CancelReservationResponse
) -> Settled:
    await asking.context.services.reservations.cancel_answered(
        asking.station_id, message.reservation_id, response.status, asking.now()
    )
    return Settled()


async def _cancel_failed(asking: Asking, message: CancelReservationRequest, failed: CallFailed) -> None:
    if was_never_sent(failed):
        await asking.context.services.reservations.set_cancelling(
            asking.station_id, message.reservation_id, asking.now(), cancelling=False
        )


CANCEL_RESERVATION = Command(before=_about_to_cancel, settle=_cancel_answered, unsettled=_cancel_failed)
RESERVE_NOW = Command(
    warnings=(warn_of_unknown_connector, _warn_of_past_expiry, _warn_of_busy_connector, _warn_of_connector_zero),
    settle=_reserve_answered,
    unsettled=_reserve_failed,
)
