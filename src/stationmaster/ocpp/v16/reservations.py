"""ReserveNow and CancelReservation. Source: handbook 3.3.1, 3.3.12."""

from typing import Literal

from stationmaster.ocpp.fields import ConnectorOrStation, Identifier, IdToken, Maybe, Message, Timestamp

ReservationStatus = Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]
CancelReservationStatus = Literal["Accepted", "Rejected"]


class ReserveNowRequest(Message, frozen=True, kw_only=True):
    """Keep a connector, or with 0 any one, for a token until `expiry_date`."""

    connector_id: ConnectorOrStation
    expiry_date: Timestamp
    id_tag: IdToken
    parent_id_tag: Maybe[IdToken] = None
    reservation_id: Identifier


class ReserveNowResponse(Message, frozen=True, kw_only=True):
    """Whether the connector is kept."""

    status: ReservationStatus


class CancelReservationRequest(Message, frozen=True, kw_only=True):
    """Give up a reservation; any id may be sent."""

    reservation_id: Identifier


class CancelReservationResponse(Message, frozen=True, kw_only=True):
    """`Rejected` means that there is no such reservation."""

    status: CancelReservationStatus
