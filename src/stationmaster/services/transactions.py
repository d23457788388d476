"""Transactions begin and end (handbook §1.14, §3.2.8, §3.2.10).

The rule that shapes this file: it has already happened. Whatever a station says of a start or an
end is recorded and confirmed, and whether the token may charge is only an answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from stationmaster.domain.clocks import TIME_MISSING, TIME_UNREADABLE
from stationmaster.domain.facts import (
    Fact,
    StartUnanswered,
    TransactionEnded,
    TransactionEndStored,
    TransactionStarted,
    TransactionStored,
)
from stationmaster.domain.jobs import Job
from stationmaster.domain.locations import Location
from stationmaster.domain.tokens import Authorization
from stationmaster.domain.transactions import ANSWERED_UNKNOWN, STOP_INFERRED, Transaction
from stationmaster.instants import Instant
from stationmaster.services.authorization import Authorizer
from stationmaster.services.context import ServiceContext
from stationmaster.services.metering import Measured, Metering
from stationmaster.services.presence import KnownTransaction, PresentStation
from stationmaster.services.waiting import Beginning, WaitingJobs

__all__ = ["End", "Ended", "Start", "Started", "Transactions"]

_TIMELESS = frozenset({TIME_MISSING, TIME_UNREADABLE})
"""Flags of an end whose time is only that of its receipt: a repeat of it must not look like another end."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A station says that a transaction has begun. `id_tag` None: none that can be used."""

    location: Location
    id_tag: str | None
    usable_id_tag: bool
    """False for a tag that no token can have: it is kept and counts as unknown (§1.9)."""
    meter_start_wh: int | None
    started_at: Instant
    started_at_text: str | None
    received_at: Instant
    reservation_id: int | None = None
    flags: tuple[str, ...] = ()


class Started(msgspec.Struct, frozen=True):
    """The transaction that answers a start, and the job that asked for it and was waiting, if there is one."""

    transaction: TransactionStored
    remote_start: Job | None = None


class End(msgspec.Struct, frozen=True, kw_only=True):
    """A station says that a transaction has ended."""

    ocpp_id: str
    meter_stop_wh: int | None
    ended_at: Instant
    ended_at_text: str | None
    received_at: Instant
    reason: str
    id_tag: str | None = None
    usable_id_tag: bool = True
    measured: Sequence[Measured] = ()
    flags: tuple[str, ...] = ()


class Ended(msgspec.Struct, frozen=True):
    """What became of an end. `authorization` is that of the stopping token, if one was named."""

    transaction: TransactionEndStored
    authorization: Authorization | None
    ocpp_id: str
    """The id of the transaction, also if the station named none."""


class Transactions:
    """Records starts and ends."""

    def __init__(
        self, context: ServiceContext, authorizer: Authorizer, metering: Metering, waiting: WaitingJobs
    ) -> None:
        self._storage = context.storage
        self._authorizer = authorizer
        self._metering = metering
        self._waiting = waiting

    async def start(self, station: PresentStation, start: Start) -> Started:
        """Record a start. Returns when it is durable; a repeat returns the transaction it made before."""
        authorization = await self._authorizer.authorize(
            station, start.id_tag, start.received_at, "start", usable=start.usable_id_tag
        )
        return await self._begin(station, start, authorization)

    async def end(self, station: PresentStation, end: End) -> Ended:
        """Record an end with the values that came along. Returns when it is durable."""
        authorization = None
        if end.id_tag is not None:
            authorization = await self._authorizer.authorize(
                station, end.id_tag, end.received_at, "stop", usable=end.usable_id_tag
            )
        known = named = await self._metering.transaction_of(station, end.ocpp_id)
        number = known.id if known is not None else await self._storage.draw_transaction_id()
        if known is None:
            known = KnownTransaction(number, end.ocpp_id)
        elif known.ended_at is not None and _TIMELESS.intersection(end.flags):
            end = msgspec.structs.replace(end, ended_at=known.ended_at)
        facts: list[Fact] = [_ended(station, end, number, authorization)]
        facts += self._metering.facts(station, end.measured, known, None, end.received_at)
        stored = (await self._storage.record(facts, unheard=lambda outcomes: _end_known(known, end, outcomes[0])))[0]
        if not isinstance(stored, TransactionEndStored):
            raise TypeError(f"the end of a transaction has the outcome {stored!r}")
        _end_known(known, end, stored)
        if named is None and STOP_INFERRED in stored.flags:
            return Ended(stored, authorization, await self._inferred(station, stored.id, end))
        return Ended(stored, authorization, end.ocpp_id)

    def never_answered(self, station: PresentStation, stored: TransactionStored) -> None:
        """The station does not know that its start was stored, nor its id: a stop without one may be of it."""
        self._storage.note(
            StartUnanswered(
                organisation_id=station.organisation_id,
                station_id=station.station_id,
                received_at=self._storage.clock(),
                transaction_id=stored.id,
            )
        )

    async def answered_unknown(self, stored: TransactionStored) -> None:
        """Its token was kept from a station that had been guessing: whoever wonders at the refusal finds out why."""
        found: Transaction | None = await self._storage.transactions.get(stored.id)
        if found is not None and ANSWERED_UNKNOWN not in found.flags:
            await self._storage.transactions.update(stored.id, {"flags": (*found.flags, ANSWERED_UNKNOWN)})

    @contextmanager
    def to_be_answered(self, station: PresentStation, stored: TransactionStored) -> Iterator[None]:
        """From the commit to the answer: what fails here becomes an error, and no answer."""
        try:
            yield
        except BaseException:
            self.never_answered(station, stored)
            raise

    async def _inferred(self, station: PresentStation, number: int, end: End) -> str:
        """The id of the transaction that a stop without an id was taken to end."""
        for known in (station.transactions or {}).values():
            if known.id == number:
                known.is_open, known.ended_at = False, end.ended_at
        found: Transaction | None = await self._storage.transactions.get(number)
        return end.ocpp_id if found is None else found.ocpp_id

    async def _begin(self, station: PresentStation, start: Start, authorization: Authorization) -> Started:
        number = await self._storage.draw_transaction_id()
        remote_start = await self._remote_start(station, start, number)
        token = authorization.token
        fact = TransactionStarted(
            organisation_id=station.organisation_id,
            station_id=station.station_id,
            received_at=start.received_at,
            id=number,
            protocol=station.protocol,
            location=start.location,
            id_tag=start.id_tag,
            token_id=None if token is None else token.id,
            parent_id_tag=authorization.parent_id_tag,
            meter_start_wh=start.meter_start_wh,
            started_at=start.started_at,
            started_at_text=start.started_at_text,
            authorization_status=authorization.status,
            authorization_expires_at=authorization.expires_at,
            reservation_id=start.reservation_id,
            site_id=station.site_id,
            flags=start.flags,
            remote_start_job_id=None if remote_start is None else remote_start.id,
            max_active_transactions=None if token is None else token.max_active_transactions,
        )

        def stored_unheard(outcomes: list[Any]) -> None:
            """The answer took too long and is an error; the facts were in the writer's hands all the same (§1.7)."""
            if not outcomes[0].resend:
                self._remember(station, fact, outcomes[0])
            self.never_answered(station, outcomes[0])

        began = False
        try:
            stored = (await self._storage.record([fact], unheard=stored_unheard))[0]
            if not isinstance(stored, TransactionStored):
                raise TypeError(f"the start of a transaction has the outcome {stored!r}")
            began = not stored.resend
        finally:
            if remote_start is not None and not began:
                self._waiting.release(remote_start)
        if not began:
            with self.to_be_answered(station, stored):
                return Started(stored, await self._unfinished_remote_start(station, stored))
        self._remember(station, fact, stored)
        return Started(stored, remote_start)

    async def _remote_start(self, station: PresentStation, start: Start, number: int) -> Job | None:
        if not self._waiting.any_of(station.station_id):
            return None
        beginning = Beginning(
            number=number, id_tag=start.id_tag, evse_id=start.location.evse_id, received_at=start.received_at
        )
        return await self._waiting.take_start(station, beginning)

    async def _unfinished_remote_start(self, station: PresentStation, stored: TransactionStored) -> Job | None:
        """That of a start whose answer was lost: nothing has followed from it yet (§1.14)."""
        if not self._waiting.any_of(station.station_id):
            return None
        known: Transaction | None = await self._storage.transactions.get(stored.id)
        if known is None or known.remote_start_job_id is None:
            return None
        return await self._waiting.take_again(station, known.remote_start_job_id, stored.id)

    def _remember(self, station: PresentStation, fact: TransactionStarted, stored: TransactionStored) -> None:
        for known in (station.transactions or {}).values():
            if known.id in stored.superseded_ids:
                known.is_open = False
                known.ended_at = fact.started_at
        started = station.remember(
            KnownTransaction(stored.id, stored.ocpp_id, fact.location.evse_id, fact.started_at, fact.meter_start_wh)
        )
        if stored.superseded_at is not None:
            started.is_open, started.ended_at = False, stored.superseded_at


def _end_known(known: KnownTransaction, end: End, stored: TransactionEndStored) -> None:
    known.is_open = False
    if stored.result == "closed" or known.ended_at is None:  # one that was superseded ended before the next began
        known.ended_at = end.ended_at


def _ended(station: PresentStation, end: End, number: int, authorization: Authorization | None) -> TransactionEnded:
    token = None if authorization is None else authorization.token
    return TransactionEnded(
        organisation_id=station.organisation_id,
        station_id=station.station_id,
        received_at=end.received_at,
        protocol=station.protocol,
        ocpp_id=end.ocpp_id,
        orphan_id=number,
        meter_stop_wh=end.meter_stop_wh,
        ended_at=end.ended_at,
        ended_at_text=end.ended_at_text,
        reason=end.reason,
        id_tag=end.id_tag,
        token_id=None if token is None else token.id,
        flags=end.flags,
    )
