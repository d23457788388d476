"""Who the stations are, for the gateway, and who is told about their connections."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog

from stationmaster.actions.contract import StationConnection
from stationmaster.app.figures import NodeFigures
from stationmaster.domain.errors import DomainError
from stationmaster.domain.facts import (
    HandshakeRefused,
    MessageLogged,
    OddityTolerated,
    StationConnected,
    StationDisconnected,
    StationSeen,
)
from stationmaster.domain.jobs import JobState
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID, Station
from stationmaster.gateway.contract import Admission, Attempt, GateMemory, PasswordMatch
from stationmaster.instants import Instant
from stationmaster.jobs.presence import is_alive
from stationmaster.services.bundle import Services
from stationmaster.services.security_events import security_event
from stationmaster.services.stations import NewStation
from stationmaster.session.events import CallAnsweredLate, PermitUsed
from stationmaster.session.gate import ACCEPTED, PERMIT_US, TRIGGERED, Permit, permit_in

__all__ = ["Directory"]

log = structlog.get_logger(__name__)

_REQUESTED: Final = ("SignedUpdateFirmware", "GetLog")
_UNNUMBERED: Final = ("UpdateFirmware", "GetDiagnostics")
_JOBS_REMEMBERED: Final = 100
_SECURITY_EVENTS: Final = {
    "tls_failed": "StationTlsFailed",
    "certificate_missing": "StationCertificateRefused",
    "certificate_mismatch": "StationCertificateRefused",
}
"""Refusals that are security events, too (handbook §1.2 rows 1 and 7, §4.4), by their reasons."""
_TOLD_AGAIN_AFTER_US: Final = 3_600_000_000
_REFUSALS_REMEMBERED: Final = 10_000
_USES_REMEMBERED: Final = 10_000


class Directory:
    """The gateway's `StationDirectory`, on storage and services."""

    def __init__(self, services: Services, figures: NodeFigures, *, accept_unknown: bool, log_messages: bool) -> None:
        self._services = services
        self._storage = services.context.storage
        self._figures = figures
        self._accept_unknown = accept_unknown
        self._log_messages = log_messages
        self.take_late_answer: Callable[[StationConnection, CallAnsweredLate], Awaitable[None]] | None = None
        """What is done with an answer that came after its time; set by the wiring."""
        self._taking: set[asyncio.Task[None]] = set()
        self._refusals_told: OrderedDict[tuple[str, str, str], Instant] = OrderedDict()
        self._permits_used: OrderedDict[tuple[str, Permit], Instant] = OrderedDict()
        """When a station last used a permit, the longest ago first."""
        self._unsettled: set[str] = set()
        """Stations at the door of which something is to be settled when they come in."""

    async def lookup(self, identity: str) -> Station | None:
        """See `StationDirectory.lookup`."""
        station = await self._storage.stations.lookup(identity)
        if station is not None:
            if _is_unsettled(station):
                self._unsettled.add(station.id)
            else:
                self._unsettled.discard(station.id)
        return station

    async def unknown_seen(self, attempt: Attempt) -> Station | None:
        """Admit an unknown station only where the operator said so; the refusal is recorded by `refused`."""
        # Over TLS it would be refused all the same, for it has no secret yet that is known here: so it is only seen.
        if not self._accept_unknown or attempt.security_profile > 1:
            return None
        try:
            registered = await self._services.stations.create(
                DEFAULT_ORGANISATION_ID, NewStation(id=attempt.identity, security_profile=0)
            )
        except DomainError as error:
            log.info("directory.not_admitted", station_id=attempt.identity, reason=error.message)
            return None
        log.warning("directory.unknown_admitted", station_id=attempt.identity, remote_address=attempt.remote_address)
        return registered.station

    async def gate_memory(self, record: Station) -> GateMemory:
        """See `StationDirectory.gate_memory`."""
        request_ids: set[int] = set()
        for action in _REQUESTED:
            jobs = await self._storage.jobs.find(
                record.organisation_id, station_id=record.id, action=action, limit=_JOBS_REMEMBERED
            )
            request_ids.update(_request_ids([job.payload for job in jobs.items]))
        job_sent_at: dict[str, Instant] = {}
        for action in _UNNUMBERED:
            job = await self._storage.jobs.latest(record.id, action)
            if job is not None and job.sent_at is not None:
                job_sent_at[action] = job.sent_at
        return GateMemory(frozenset(request_ids), job_sent_at, await self._permits(record))

    async def _permits(self, record: Station) -> dict[Permit, Instant]:
        """What the station agreed to send less than 120 s ago, and has not sent yet where it may come once."""
        jobs = await self._storage.jobs.find(
            record.organisation_id,
            station_id=record.id,
            action=tuple(TRIGGERED),
            state=JobState.DONE,
            limit=_JOBS_REMEMBERED,
        )
        now = self._services.context.clock()
        permits: dict[Permit, Instant] = {}
        for job in jobs.items:
            until = (job.answered_at or 0) + PERMIT_US
            if job.result == ACCEPTED and until > now:
                permit = permit_in(job.action, msgspec.json.decode(job.payload))
                # What came between the trigger and the record of the answer was let in by it, too.
                if (job.sent_at or job.queued_at) > self._permits_used.get((record.id, permit), 0):
                    permits[permit] = max(until, permits.get(permit, until))
        return permits

    def permit_used(self, station_id: str, event: PermitUsed) -> None:
        """See `StationDirectory.permit_used`."""
        used = self._permits_used
        used[station_id, event.permit] = event.at
        used.move_to_end((station_id, event.permit))
        while len(used) > _USES_REMEMBERED or next(iter(used.values())) < event.at - PERMIT_US:
            used.popitem(last=False)

    async def connected(self, fact: StationConnected, admission: Admission) -> None:
        """See `StationDirectory.connected`."""
        await self._storage.record([fact])
        # Read anew: of two connections in a row, the older may be told of after the newer was looked up.
        station = await self._storage.stations.lookup(fact.station_id) if fact.station_id in self._unsettled else None
        if station is not None and _is_unsettled(station):
            password = None if admission.password is None else admission.password.value
            await self._services.security.came_in(station, admission.security_profile, password)
        if admission.certificate is not None:
            record = await self._storage.stations.lookup(fact.station_id)
            if record is not None:
                await self._services.certificates.came_in(record, admission.certificate)
        self._services.security_jobs.nudge(fact.station_id)
        self._services.arrivals.connected(fact.station_id)

    async def disconnected(self, fact: StationDisconnected) -> None:
        """See `StationDirectory.disconnected`."""
        await self._storage.record([fact])

    async def refused(self, fact: HandshakeRefused) -> None:
        """See `StationDirectory.refused`."""
        self._figures.refused(fact.reason)
        event = _SECURITY_EVENTS.get(fact.reason)
        if event is None or not self._is_news(fact):
            await self._storage.record([fact])
            return
        organisation_id = fact.organisation_id or DEFAULT_ORGANISATION_ID
        words = f"A connection from {fact.remote_address} was refused: {fact.detail}"
        await self._storage.record(
            [fact, security_event(organisation_id, fact.station_id, event, words, fact.received_at)]
        )

    def _is_news(self, refused: HandshakeRefused) -> bool:
        """Whether this has not been told of the same one within the hour: some try every few seconds, for ever."""
        key = (refused.station_id, refused.remote_address, refused.reason)
        told_at = self._refusals_told.get(key)
        if told_at is not None and refused.received_at - told_at < _TOLD_AGAIN_AFTER_US:
            return False
        self._refusals_told[key] = refused.received_at
        self._refusals_told.move_to_end(key)
        if len(self._refusals_told) > _REFUSALS_REMEMBERED:
            self._refusals_told.popitem(last=False)
        return True

    async def identity_contested(self, record: Station, addresses: tuple[str, ...]) -> None:
        """See `StationDirectory.identity_contested`."""
        await self._services.identity_contests.replacing(record, addresses)

    async def identity_moved(self, record: Station, addresses: tuple[str, str]) -> None:
        """See `StationDirectory.identity_moved`."""
        await self._services.identity_contests.moved(record.id, addresses)

    async def is_alive(self, node_id: str) -> bool:
        """See `StationDirectory.is_alive`."""
        return await is_alive(self._storage, node_id, self._services.context.clock())

    def log(self, fact: MessageLogged) -> None:
        """See `StationDirectory.log`; what is measured is measured here."""
        self._figures.message(fact)
        if self._log_messages:
            self._storage.note(fact)

    def note(self, fact: OddityTolerated | StationSeen) -> None:
        """See `StationDirectory.note`."""
        if isinstance(fact, OddityTolerated):
            self._figures.oddity(fact.kind)
        self._storage.note(fact)

    def answered_late(self, connection: StationConnection, event: CallAnsweredLate) -> None:
        """The job has ended as a timeout; that the station did act may matter to whoever looks for it."""
        log.warning(
            "directory.answered_late",
            station_id=connection.station_id,
            action=event.action,
            job_id=event.key,
            latency_s=event.latency_us / 1_000_000,
        )
        if self.take_late_answer is not None:
            taking = asyncio.ensure_future(self._take(connection, event))
            self._taking.add(taking)
            taking.add_done_callback(self._taking.discard)

    async def _take(self, connection: StationConnection, event: CallAnsweredLate) -> None:
        try:
            if self.take_late_answer is not None:
                await self.take_late_answer(connection, event)
        except Exception:
            log.exception("directory.late_answer_lost", station_id=connection.station_id, job_id=event.key)

    def check_password(self, record: Station, presented: bytes) -> PasswordMatch | None:
        """The gateway's `PasswordCheck`."""
        match = self._services.security.which_password(record, presented)
        return None if match is None else PasswordMatch(match)


def _is_unsettled(station: Station) -> bool:
    return station.pending_password_hash is not None or station.pending_security_profile is not None


def _request_ids(payloads: list[str]) -> set[int]:
    found: set[int] = set()
    for payload in payloads:
        members: Any = msgspec.json.decode(payload)
        if isinstance(members, dict) and isinstance(members.get("requestId"), int):
            found.add(members["requestId"])
    return found
