"""Reservations follow what stations answer and report, and our clock (handbook §3.8).

The rule that shapes this file: whoever sent ReserveNow, the reservation is known here. Which stations have
live ones is kept in memory, so that a status of any other station costs nothing.
"""

from collections.abc import Mapping

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.jobs import Job
from stationmaster.domain.reservations import (
    CancelReservationOrder,
    Reservation,
    ReservationChanged,
    ReservationState,
    ReserveOrder,
    Step,
    after_status,
    moved,
    used_by,
)
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext
from stationmaster.services.in_turn import in_turn

__all__ = ["RESERVATIONS", "NewReservation", "Reservations"]

RESERVATIONS = "reservations"
"""The kind of `Invalidate` that says: the live reservations of this station were changed on another node."""
LONGEST_TAG = 20
LARGEST_ID = 2**31 - 1


class NewReservation(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation that somebody wants. Without an id one is drawn; `fill_in_parent` takes the token's group."""

    evse_id: int | None
    id_tag: str
    expires_at: Instant
    reservation_id: int | None = None
    parent_id_tag: str | None = None
    fill_in_parent: bool = True


class Reservations:
    """Makes, follows and ends reservations."""

    def __init__(self, context: ServiceContext, commands: Commands) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._commands = commands
        self._live: dict[str, dict[int, Reservation]] = {}

    @in_turn
    async def load(self) -> None:
        """Learn which stations have live reservations: at the start, and after messages may have been missed."""
        found: dict[str, dict[int, Reservation]] = {}
        for each in await self._storage.reservations.live():
            found.setdefault(each.station_id, {})[each.reservation_id] = each
        self._live = found

    @in_turn
    async def reload(self, station_id: str) -> None:
        """Those of one station were changed on another node."""
        found = {each.reservation_id: each for each in await self._storage.reservations.live(station_id)}
        self._live.pop(station_id, None)
        if found:
            self._live[station_id] = found

    def any_of(self, station_id: str) -> bool:
        """Whether a station has live reservations."""
        return station_id in self._live

    # What people ask for.

    async def make(self, station: Station, new: NewReservation, *, requested_by: str, wait_s: float) -> Job:
        """Have a station reserve. Raises Invalid, and what `Commands.send` raises."""
        id_tag = check_text("id_tag", new.id_tag, LONGEST_TAG) or ""
        if not id_tag:
            raise _invalid("id_tag", "A reservation is for a token.")
        number = new.reservation_id or await self._storage.reservations.draw_id()
        if not 1 <= number <= LARGEST_ID:
            raise _invalid("reservation_id", f"An id is 1 to {LARGEST_ID}.")
        parent = new.parent_id_tag
        if parent is None and new.fill_in_parent:
            token = await self._storage.tokens.lookup(station.organisation_id, id_tag)
            parent = None if token is None else token.parent_id_tag
        order = ReserveOrder(
            reservation_id=number,
            evse_id=new.evse_id,
            id_tag=id_tag,
            parent_id_tag=parent if parent and len(parent) <= LONGEST_TAG else None,
            expires_at=new.expires_at,
        )
        action, payload = self._commands.phrase(station, order)
        return await self._commands.send(
            station.organisation_id, station.id, action, payload, requested_by=requested_by, wait_s=wait_s
        )

    async def cancel(self, station: Station, reservation_id: int, *, requested_by: str, wait_s: float) -> Job:
        """Have a station give a reservation up. Raises NotFound, Conflict, and what `Commands.send` raises."""
        known = await self._storage.reservations.get(station.id, reservation_id)
        if known is None:
            raise NotFound("reservation_unknown", f"There is no reservation {reservation_id} at `{station.id}`.")
        if not known.is_live:
            raise Conflict("reservation_over", f"The reservation is over: {known.state}.")
        action, payload = self._commands.phrase(station, CancelReservationOrder(reservation_id=reservation_id))
        return await self._commands.send(
            station.organisation_id, station.id, action, payload, requested_by=requested_by, wait_s=wait_s
        )

    # What stations answer and report.

    async def answered(self, wanted: Reservation, status: str, now: Instant) -> None:
        """A station answered a request to reserve."""
        accepted = status == "Accepted"
        before = await self._storage.reservations.get(wanted.station_id, wanted.reservation_id)
        history: tuple[Step, ...] = ()
        if before is not None:
            ended = moved(before, ReservationState.REPLACED, "same_id", now) if accepted and before.is_live else before
            history = ended.history
            if not accepted and before.is_live:
                # The station keeps what it had: a refusal replaces nothing.
                return
        fresh = msgspec.structs.replace(wanted, history=(*history, Step(now, ReservationState.REQUESTED, "asked")))
        state = ReservationState.ACTIVE if accepted else ReservationState.REFUSED
        await self._keep([moved(fresh, state, "answered", now, answer=status)], now)

    async def unanswered(self, wanted: Reservation, now: Instant) -> None:
        """A station heard a request to reserve and did not answer: it may hold the connector, until it shows (§1.7)."""
        before = await self._storage.reservations.get(wanted.station_id, wanted.reservation_id)
        history = () if before is None else before.history
        fresh = moved(msgspec.structs.replace(wanted, history=history), ReservationState.REQUESTED, "no_answer", now)
        statuses = {each.evse_id: each.status for each in await self._storage.connectors.of(wanted.station_id)}
        shown = wanted.evse_id and after_status(fresh, wanted.evse_id, None, statuses.get(wanted.evse_id) or "", now)
        await self._keep([shown or fresh], now)

    async def cancel_answered(self, station_id: str, reservation_id: int, status: str, now: Instant) -> None:
        """A station answered a cancellation: either way it has the reservation no more."""
        known = self._live.get(station_id, {}).get(reservation_id)
        if known is None:
            return
        accepted = status == "Accepted"
        state = ReservationState.CANCELLED if accepted else ReservationState.ENDED_AT_STATION
        await self._keep([moved(known, state, "cancel_answered", now, answer=status)], now)

    async def set_cancelling(self, station_id: str, reservation_id: int, now: Instant, *, cancelling: bool) -> None:
        """A cancellation is on its way, or never reached the station."""
        known = self._live.get(station_id, {}).get(reservation_id)
        if known is not None:
            await self._keep([msgspec.structs.replace(known, cancelling=cancelling, updated_at=now)], now)

    async def status(self, station_id: str, evse_id: int | None, before: str | None, status: str, now: Instant) -> None:
        """A connector, or the station itself, reported a status."""
        live = self._live.get(station_id, {})
        changed = [after_status(each, evse_id, before, status, now) for each in list(live.values())]
        await self._keep([each for each in changed if each is not None], now)

    async def started(
        self,
        station_id: str,
        named: int | None,
        evse_id: int | None,
        tag: tuple[str | None, str | None],
        transaction_id: int,
        now: Instant,
    ) -> None:
        """A transaction began: it fulfils the reservation that it names, or one for its `tag` (token, group)."""
        live = tuple(self._live.get(station_id, {}).values())
        found = used_by(live, named, evse_id, *tag)
        if found is not None:
            why = "named" if named == found.reservation_id else "matched"
            used = moved(found, ReservationState.USED, why, now, transaction_id=transaction_id)
            await self._keep([used], now)

    async def expire(self, now: Instant) -> int:
        """End those whose time is over by our clock; returns how many. Safe to run on several nodes."""
        over = [each for each in await self._storage.reservations.live() if each.expires_at <= now]
        await self._keep([moved(each, ReservationState.EXPIRED, "expired", now) for each in over], now)
        return len(over)

    async def clean_up(self, station_id: str) -> int:
        """Forget the live ones of a station; returns how many there were."""
        now = self._clock()
        live = await self._storage.reservations.live(station_id)
        await self._keep([moved(each, ReservationState.ENDED_AT_STATION, "cleaned_up", now) for each in live], now)
        return len(live)

    async def _keep(self, changed: list[Reservation], now: Instant) -> None:
        if not changed:
            return
        await self._storage.record(
            [
                ReservationChanged(
                    organisation_id=each.organisation_id,
                    station_id=each.station_id,
                    received_at=now,
                    reservation=each,
                )
                for each in changed
            ]
        )
        told: dict[str, str] = {}
        for each in changed:
            self._remember(each)
            told[each.station_id] = each.organisation_id
        await self._tell(told)

    def _remember(self, reservation: Reservation) -> None:
        here = self._live.setdefault(reservation.station_id, {})
        if reservation.is_live:
            here[reservation.reservation_id] = reservation
        else:
            here.pop(reservation.reservation_id, None)
        if not here:
            del self._live[reservation.station_id]

    async def _tell(self, stations: Mapping[str, str]) -> None:
        for station_id, organisation_id in stations.items():
            message = Invalidate(kind=RESERVATIONS, key=station_id, organisation_id=organisation_id)
            await self._bus.publish(INVALIDATE, encode(message))


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "out_of_range", words),))
