"""Composite jobs of security: rotate a password, raise a profile, renew a certificate (handbook §4.5-§4.7).

The rule that shapes this file: where a job stands is in the database before the station is asked, and how it
ends is read from what is known of the station, its password, profile and certificates, not from memory. So a
node may stop at any moment, and a station may come back with the old or with the new.
"""

import asyncio
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog

from stationmaster.domain.certificates import CertificateState
from stationmaster.domain.errors import Conflict, DomainError, NotFound, Offline
from stationmaster.domain.jobs import Job, JobState, job_changed
from stationmaster.domain.orders import Order
from stationmaster.domain.security_jobs import SecurityJob, SecurityJobKind, SecurityWish, Step
from stationmaster.domain.security_orders import (
    HardResetOrder,
    OperatorNameOrder,
    PasswordOrder,
    ProfileOrder,
    SigningOrder,
)
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext
from stationmaster.services.security import Security
from stationmaster.services.security_events import security_event
from stationmaster.storage.errors import StorageError

__all__ = ["SecurityJobs"]

log = structlog.get_logger(__name__)

LIFETIME_US: Final = 7 * 86_400 * 1_000_000
"""How long a job waits for a station that is away."""
ALARM_US: Final = 86_400 * 1_000_000
"""A station that has not used its higher profile for so long is told about (§4.6)."""
REQUEST_WAIT_US: Final = 600 * 1_000_000
MOST_ATTEMPTS: Final = 3
CLAIM_MARGIN_S: Final = 60
HIGHEST_PROFILE: Final = 3
TLS_BASIC: Final = 2
_AGREED: Final = frozenset({"Accepted", "RebootRequired"})
_REFUSED: Final = frozenset({"Rejected", "NotSupported", "NotImplemented"})
_DELIVERED: Final = frozenset({JobState.DONE, JobState.WAITING})


class SecurityJobs:
    """Begins composite jobs and moves them on."""

    def __init__(self, context: ServiceContext, commands: Commands, security: Security) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        self._settings = context.settings
        self._commands = commands
        self._security = security
        self._stations: set[str] = set()
        """Stations that may have a job, as far as this node knows; the clock finds the others."""
        self._tasks: set[asyncio.Task[None]] = set()

    # What people ask for.

    async def begin(
        self, organisation_id: str, station_id: str, kind: SecurityJobKind, wish: SecurityWish, actor: str
    ) -> Job:
        """Begin, and do the first step if the station is connected; the job as it is then.

        Raises NotFound, or Conflict when it cannot be done or another such job is under way.
        """
        station = await self._station(organisation_id, station_id)
        _check(station, kind, wish)
        now = self._clock()
        shown = msgspec.json.encode(wish).decode()
        job = Job(
            id=str(uuid4()),
            organisation_id=organisation_id,
            station_id=station_id,
            site_id=station.site_id,
            action=kind.value,
            protocol=station.last_protocol,
            state=JobState.WAITING,
            payload=shown,
            requested_by=actor,
            queued_at=now,
            warnings=await self._warnings(station, kind, wish),
            persistent=True,
            progress=_progress(Step.ASK),
        )
        under_way = SecurityJob(
            job_id=job.id,
            organisation_id=organisation_id,
            station_id=station_id,
            kind=kind.value,
            step=Step.ASK.value,
            wish=shown,
            attempts=0,
            secret_hash=None,
            step_at=now,
            deadline=now + LIFETIME_US,
            claimed_until=now + CLAIM_MARGIN_S * 1_000_000,
        )
        if not await self._storage.security_jobs.create(under_way):
            raise Conflict("security_job_running", "Another job about secrets or certificates is under way here.")
        await self._storage.record([job_changed(job, now)])
        await self._storage.security_jobs.update(job.id, {"claimed_until": 0})
        self._stations.add(station_id)
        await self._move_on(under_way)
        return await self._job(job.id) or job

    async def cancel(self, organisation_id: str, station_id: str) -> Job:
        """Give up; a profile that was not used yet counts no more. Raises NotFound."""
        await self._station(organisation_id, station_id)
        found = await self._storage.security_jobs.of_station(station_id)
        if not found:
            raise NotFound("job_unknown", "No job about secrets or certificates is under way here.")
        if found[0].kind == SecurityJobKind.RAISE_PROFILE:
            await self._security.profile_refused(station_id)
        await self._end(found[0], JobState.CANCELLED, "cancelled", "An operator called it off.")
        ended = await self._job(found[0].job_id)
        if ended is None:
            raise NotFound("job_unknown", "The job is gone.")
        return ended

    # What moves jobs on.

    async def load(self) -> None:
        """Learn which stations have jobs."""
        self._stations = {each.station_id for each in await self._storage.security_jobs.all()}

    def nudge(self, station_id: str) -> None:
        """Something has happened at a station: it came in, or sent a request."""
        if station_id in self._stations:
            task = asyncio.create_task(self._nudged(station_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def advance(self, _now: Instant) -> None:
        """Move every job on. Safe to run on several nodes."""
        under_way = await self._storage.security_jobs.all()
        self._stations |= {each.station_id for each in under_way}
        await asyncio.gather(*(self._move_on(each) for each in under_way))

    async def close(self) -> None:
        """Let go of what is under way; the database knows where it stands."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _nudged(self, station_id: str) -> None:
        try:
            found = await self._storage.security_jobs.of_station(station_id)
            if not found:
                self._stations.discard(station_id)
            for each in found:
                await self._move_on(each)
        except (StorageError, DomainError):
            log.warning("security_jobs.not_advanced", station_id=station_id, exc_info=True)

    async def _move_on(self, under_way: SecurityJob) -> None:
        """Do what can be done now, if nobody else does."""
        now = self._clock()
        until = now + round((self._settings.call_timeout_s * 3 + CLAIM_MARGIN_S) * 1_000_000)
        if not await self._storage.security_jobs.claim(under_way.job_id, under_way.step, now, until):
            return
        try:
            await self._step(under_way, now)
        except (DomainError, StorageError):
            log.warning("security_jobs.not_advanced", job_id=under_way.job_id, exc_info=True)
        finally:
            await self._storage.security_jobs.update(under_way.job_id, {"claimed_until": 0})

    async def _step(self, under_way: SecurityJob, now: Instant) -> None:
        station: Station | None = await self._storage.stations.get(under_way.station_id)
        if station is None:
            await self._end(under_way, JobState.CANCELLED, "station_removed", "The station was removed.")
            return
        if now >= under_way.deadline:
            await self._end(under_way, JobState.TIMEOUT, "timeout", "It did not come to its end in time.")
            return
        match SecurityJobKind(under_way.kind):
            case SecurityJobKind.ROTATE_PASSWORD:
                await self._rotate(under_way, station)
            case SecurityJobKind.RAISE_PROFILE:
                await self._raise(under_way, station, now)
            case SecurityJobKind.RENEW_CERTIFICATE:
                await self._renew(under_way, station, now)

    # Rotate a password.

    async def _rotate(self, under_way: SecurityJob, station: Station) -> None:
        if under_way.step == Step.SETTLE:
            await self._settle_password(under_way, station)
            return
        if not station.connected:
            return
        raw = self._secrets.new_password()
        # Before the station hears of it: if we stop here, what the station comes in with decides.
        await self._to(under_way, Step.SETTLE, secret_hash=self._secrets.password_hash(station.id, raw))
        sent = await self._send(under_way, station, PasswordOrder(raw))
        if sent is None or sent.state in {JobState.EXPIRED, JobState.CANCELLED}:
            await self._to(under_way, Step.ASK, secret_hash=None)
        elif sent.result == "Accepted":
            await self._end(under_way, JobState.DONE, "Accepted", None)
        elif sent.result in {"Rejected", "NotSupported"} and sent.state in _DELIVERED:
            words = f"The station answered {sent.result}: it keeps its password."
            await self._end(under_way, JobState.ERROR, sent.result, words)

    async def _settle_password(self, under_way: SecurityJob, station: Station) -> None:
        if under_way.secret_hash is not None and station.password_hash == under_way.secret_hash:
            await self._end(under_way, JobState.DONE, "Accepted", None)
        elif station.pending_password_hash is None and under_way.attempts + 1 >= MOST_ATTEMPTS:
            words = "The station came back with its old password each time."
            await self._end(under_way, JobState.ERROR, "password_kept", words)
        elif station.pending_password_hash is None:
            await self._to(under_way, Step.ASK, secret_hash=None, attempts=under_way.attempts + 1)

    # Raise a profile.

    async def _raise(self, under_way: SecurityJob, station: Station, now: Instant) -> None:
        wish = _wish(under_way)
        wanted = wish.security_profile or 0
        if station.security_profile >= wanted:
            await self._end(under_way, JobState.DONE, "Accepted", None)
        elif under_way.step == Step.ASK:
            if station.connected:
                await self._ask_for_profile(under_way, station, wish)
        elif under_way.step == Step.RESET:
            await self._to(under_way, Step.COME_BACK)
            await self._send(under_way, station, HardResetOrder())
        elif station.pending_security_profile is None:
            words = "The higher profile was taken back before the station used it."
            await self._end(under_way, JobState.ERROR, "profile_taken_back", words)
        elif now - under_way.step_at > ALARM_US and not under_way.attempts:
            words = f"The station agreed to security profile {wanted} a day ago and has not used it."
            await self._storage.record(
                [security_event(station.organisation_id, station.id, "SecurityProfileNotUsed", words, now)]
            )
            await self._storage.security_jobs.update(under_way.job_id, {"attempts": 1})

    async def _ask_for_profile(self, under_way: SecurityJob, station: Station, wish: SecurityWish) -> None:
        sent = await self._send(under_way, station, ProfileOrder(wish.security_profile or 0))
        if sent is None:
            return
        if sent.result in _REFUSED:
            words = f"The station answered {sent.result} to the higher profile: see what it needs for it."
            await self._end(under_way, JobState.ERROR, sent.result, words)
        elif sent.state == JobState.ERROR:
            words = "The station answered with an error to the higher profile."
            await self._end(under_way, JobState.ERROR, sent.result or "error", words)
        elif sent.result in _AGREED or sent.state in {JobState.TIMEOUT, JobState.INVALID_RESPONSE}:
            await self._to(under_way, Step.COME_BACK)
            if wish.reset and sent.result in _AGREED:
                await self._to(under_way, Step.RESET)
                await self._raise(msgspec.structs.replace(under_way, step=Step.RESET.value), station, self._clock())

    # Renew a certificate.

    async def _renew(self, under_way: SecurityJob, station: Station, now: Instant) -> None:
        if under_way.step == Step.ASK:
            if station.connected:
                await self._ask_for_request(under_way, station)
            return
        made = await self._storage.certificates.of_station(station.id)
        newest = next((each for each in made if each.created_at >= under_way.step_at), None)
        if newest is None:
            if now - under_way.step_at > REQUEST_WAIT_US:
                words = "The station agreed to send a signing request, and none came that could be signed."
                await self._end(under_way, JobState.TIMEOUT, "no_request", words)
            return
        taken = newest.state == CertificateState.ISSUED and newest.state_reason is not None
        if newest.state == CertificateState.ACTIVE or (taken and station.security_profile < HIGHEST_PROFILE):
            await self._end(under_way, JobState.DONE, "Accepted", None)
        elif newest.state in {CertificateState.REFUSED, CertificateState.REVOKED}:
            await self._end(under_way, JobState.ERROR, "Rejected", "The station did not take the certificate.")

    async def _ask_for_request(self, under_way: SecurityJob, station: Station) -> None:
        if _wish(under_way).set_operator_name:
            await self._send(under_way, station, OperatorNameOrder(self._settings.certificates.operator_name))
        # The request may be here before the answer of the command is: what counts is made after this moment.
        await self._to(under_way, Step.REQUEST)
        sent = await self._send(under_way, station, SigningOrder())
        if sent is None:
            await self._to(under_way, Step.ASK)
        elif sent.result in _REFUSED or sent.state == JobState.ERROR:
            words = f"The station answered {sent.result or 'with an error'} when it was asked for a signing request."
            await self._end(under_way, JobState.ERROR, sent.result or "error", words)

    # Inside.

    async def _send(self, under_way: SecurityJob, station: Station, order: Order) -> Job | None:
        """Ask the station; the job of the command, or None when the station has not heard of it."""
        job = await self._job(under_way.job_id)
        action, payload = self._commands.phrase(station, order)
        wait_s = (station.call_timeout_s or self._settings.call_timeout_s) + 1
        try:
            sent = await self._commands.send(
                station.organisation_id,
                station.id,
                action,
                payload,
                requested_by="system" if job is None else job.requested_by,
                wait_s=wait_s,
            )
        except (Offline, Conflict):
            return None
        never = sent.state == JobState.NOT_DELIVERED and (sent.error is None or "outcome_unknown" not in sent.error)
        return None if never else sent

    async def _to(self, under_way: SecurityJob, step: Step, **changes: Any) -> None:
        now = self._clock()
        await self._storage.security_jobs.update(under_way.job_id, {"step": step.value, "step_at": now, **changes})
        job = await self._job(under_way.job_id)
        if job is not None and job.finished_at is None:
            await self._storage.record([job_changed(msgspec.structs.replace(job, progress=_progress(step)), now)])

    async def _end(self, under_way: SecurityJob, state: JobState, result: str, words: str | None) -> None:
        now = self._clock()
        job = await self._job(under_way.job_id)
        if job is not None and job.finished_at is None:
            error = None
            if words is not None:
                error = msgspec.json.encode({"code": result, "description": words, "details": {}}).decode()
            ended = msgspec.structs.replace(
                job, state=state, result=result, error=error, finished_at=now, progress=None
            )
            await self._storage.record([job_changed(ended, now)])
        await self._storage.security_jobs.delete(under_way.job_id)
        self._stations.discard(under_way.station_id)

    async def _warnings(self, station: Station, kind: SecurityJobKind, wish: SecurityWish) -> tuple[str, ...]:
        """What the station will ask for, as far as we know of it (§4.6). Sent all the same."""
        if kind is not SecurityJobKind.RAISE_PROFILE:
            return ()
        wanted, found = wish.security_profile or 0, []
        if wanted < HIGHEST_PROFILE and station.password_hash is None:
            found.append("The station has no password that we know of.")
        if wanted >= TLS_BASIC and not await self._storage.certificates.roots_of(station.id):
            found.append("The station has not told of any root of ours that it trusts.")
        good = {CertificateState.ISSUED, CertificateState.ACTIVE}
        certificates = await self._storage.certificates.of_station(station.id)
        if wanted == HIGHEST_PROFILE and not any(each.state in good for each in certificates):
            found.append("The station has no client certificate that we know of.")
        return tuple(found)

    async def _job(self, job_id: str) -> Job | None:
        job: Job | None = await self._storage.jobs.get(job_id)
        return job

    async def _station(self, organisation_id: str, station_id: str) -> Station:
        station: Station | None = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != organisation_id:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        return station


def _check(station: Station, kind: SecurityJobKind, wish: SecurityWish) -> None:
    if kind is SecurityJobKind.RAISE_PROFILE and (wish.security_profile or 0) <= station.security_profile:
        words = f"The security profile is {station.security_profile} and may only rise (whitepaper A00.FR.005)."
        raise Conflict("profile_not_higher", words)


def _wish(under_way: SecurityJob) -> SecurityWish:
    return msgspec.json.decode(under_way.wish, type=SecurityWish)


def _progress(step: Step) -> str:
    return msgspec.json.encode({"step": step.value}).decode()
