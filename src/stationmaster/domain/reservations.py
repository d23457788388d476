"""Reservations: what was asked of a station, what it answered, and how each one ends (handbook §3.8, §3.2.9).

The rule that shapes this file: the station decides. We know a reservation by its answers and statuses
and by our own clock, and each function returns the reservation as it is then.
"""

from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.domain.tokens import key_of
from stationmaster.instants import Instant

__all__ = [
    "LIVE",
    "CancelReservationOrder",
    "Reservation",
    "ReservationChanged",
    "ReservationState",
    "ReserveOrder",
    "Step",
    "after_status",
    "moved",
    "used_by",
]


class ReservationState(StrEnum):
    """The life of a reservation."""

    REQUESTED = "requested"
    ACTIVE = "active"
    REFUSED = "refused"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ENDED_BY_FAULT = "ended_by_fault"
    REPLACED = "replaced"
    ENDED_AT_STATION = "ended_at_station"


LIVE: Final = frozenset({ReservationState.REQUESTED, ReservationState.ACTIVE})
_ENDS_BY_FAULT: Final = frozenset({"Faulted", "Unavailable"})
_MOST_STEPS: Final = 50


class Step(msgspec.Struct, frozen=True, gc=False):
    """A state that a reservation came to, when, and why in a word."""

    at: Instant
    state: str
    why: str


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation. `evse_id` None: no specific connector. `answer` is the station's word when it refused."""

    organisation_id: str
    station_id: str
    reservation_id: int
    site_id: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    id_tag: str
    parent_id_tag: str | None = None
    expires_at: Instant
    state: str = ReservationState.REQUESTED
    answer: str | None = None
    job_id: str | None = None
    transaction_id: int | None = None
    cancelling: bool = False
    """CancelReservation is on its way or was accepted: the connector becoming free means cancelled."""
    created_at: Instant
    updated_at: Instant
    history: tuple[Step, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it may hold a connector."""
        return self.state in LIVE


class ReservationChanged(Fact, frozen=True, kw_only=True, gc=False):
    """A reservation came to be, or moved on: the whole of it as it is now."""

    event_type: ClassVar[str | None] = "reservation.changed"

    reservation: Reservation


class ReserveOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Have a station keep a connector (None: any) for a token."""

    reservation_id: int
    evse_id: int | None
    id_tag: str
    parent_id_tag: str | None
    expires_at: Instant


class CancelReservationOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Have a station give a reservation up."""

    reservation_id: int


def moved(
    reservation: Reservation,
    state: ReservationState,
    why: str,
    now: Instant,
    *,
    answer: str | None = None,
    transaction_id: int | None = None,
) -> Reservation:
    """The reservation in another state, with the step in its history."""
    history = (*reservation.history, Step(now, state, why))[-_MOST_STEPS:]
    return msgspec.structs.replace(
        reservation,
        state=state,
        answer=reservation.answer if answer is None else answer,
        transaction_id=reservation.transaction_id if transaction_id is None else transaction_id,
        updated_at=now,
        history=history,
    )


def after_status(
    reservation: Reservation, evse_id: int | None, before: str | None, status: str, now: Instant
) -> Reservation | None:
    """What a status of a connector (None: the station) makes of a live reservation; None: nothing."""
    if not reservation.is_live:
        return None
    unconfirmed = reservation.state == ReservationState.REQUESTED
    if unconfirmed and status == "Reserved" and evse_id is not None and evse_id == reservation.evse_id:
        return moved(reservation, ReservationState.ACTIVE, "confirmed", now)
    if status in _ENDS_BY_FAULT and (evse_id is None or evse_id == reservation.evse_id):
        return moved(reservation, ReservationState.ENDED_BY_FAULT, status, now)
    if evse_id is None or evse_id != reservation.evse_id or (before, status) != ("Reserved", "Available"):
        return None
    if reservation.expires_at <= now:
        return moved(reservation, ReservationState.EXPIRED, "expired_at_station", now)
    if reservation.cancelling:
        return moved(reservation, ReservationState.CANCELLED, "became_available", now)
    return moved(reservation, ReservationState.ENDED_AT_STATION, "became_available", now)


def used_by(
    live: tuple[Reservation, ...],
    named: int | None,
    evse_id: int | None,
    id_tag: str | None,
    parent_id_tag: str | None,
) -> Reservation | None:
    """The reservation that a start fulfils: the one it names, else one of this connector, else one of the station.

    Without a name the token must be the reserved one, or of the same group (§3.2.8 duty 5).
    """
    if named is not None:
        return next((each for each in live if each.reservation_id == named), None)
    for place in (evse_id, None):
        for each in live:
            if each.evse_id == place and each.state == ReservationState.ACTIVE and _is_for(each, id_tag, parent_id_tag):
                return each
    return None


def _is_for(reservation: Reservation, id_tag: str | None, parent_id_tag: str | None) -> bool:
    if id_tag is not None and key_of(id_tag) == key_of(reservation.id_tag):
        return True
    group = reservation.parent_id_tag
    return group is not None and parent_id_tag is not None and key_of(group) == key_of(parent_id_tag)
