"""Commands to stations: every one is a job, from the wish to the answer (handbook §3.1).

Any node takes the wish (`send`); the node that holds the station's socket carries it out
(`run`). The rule that shapes this file: no local veto. What a station might refuse is sent all the
same; only what breaks the schema, a rule that the handbook calls a hard block, or an absent
station stops a command, and then nothing was sent and no job remains. Nothing is ever sent late
or twice.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

import msgspec
import structlog

from stationmaster.bus import BusError, BusTimeout, HandlerFailed, NoResponder
from stationmaster.bus.messages_v1 import CommandReply, CommandRequest, decode, encode
from stationmaster.bus.subjects import command_of
from stationmaster.domain.errors import DomainError, FieldError, Invalid, NotFound, Unavailable
from stationmaster.domain.facts import Fact
from stationmaster.domain.jobs import Awaits, Job, JobState, Progress, job_changed, job_moved_on
from stationmaster.domain.orders import Order
from stationmaster.domain.persistent_commands import PersistentCommand, Waiting
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.audit import PEOPLE, audit_fact
from stationmaster.services.command_refusals import offline, refusal_of
from stationmaster.services.context import ServiceContext
from stationmaster.services.waiting import WaitingJobs
from stationmaster.storage.errors import StorageError

__all__ = ["Catalogue", "CommandLink", "Commands", "OnSent", "Outcome", "Review", "Wish"]

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 600.0
LONGEST_TIMEOUT_S = 600.0
BUS_MARGIN_S = 5.0
"""How much longer than the wait the bus may take before the node counts as unreachable."""
RECORD_ATTEMPTS = 9
FIRST_PAUSE_S = 0.1
"""Pauses double from attempt to attempt: half a minute in all, longer than a database takes to restart."""


class Catalogue(Protocol):
    """What stations of one protocol version can be asked; the actions of that version give it."""

    def encode(self, action: str, payload: Mapping[str, Any]) -> bytes:
        """The payload as it will be written. Raises NotFound for an unknown action, Invalid for a broken payload."""

    def danger(self, action: str, payload: Mapping[str, Any]) -> str | None:
        """Why the command is dangerous, in words; None when it is not. Raises as `encode`."""

    def phrase(self, order: Order) -> tuple[str, dict[str, Any]]:
        """The action that carries an order, and its payload."""

    def why_not_later(self, action: str, payload: Mapping[str, Any]) -> str | None:
        """Why a command must not wait for a station that is away, in words; None when it may."""

    def shown(self, action: str, payload: bytes, hidden: frozenset[str]) -> str:
        """A payload as it may be kept and shown. `hidden` are configuration keys, in small letters, that are secret."""


class Wish(msgspec.Struct, frozen=True):
    """A command that can be sent. `message` is its typed form, `shown` its JSON without secrets."""

    action: str
    message: Any
    shown: str
    local_time_zone: str | None = None
    """The zone whose wall clock the profile in it follows."""


class Review(msgspec.Struct, frozen=True):
    """What is to be said before a command is sent: a hard block in words, and warnings."""

    block: str | None = None
    warnings: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended, and what follows. `response` is JSON without secrets; `awaits` makes the job wait."""

    state: str
    response: str | None = None
    result: str | None = None
    error: dict[str, Any] | None = None
    facts: tuple[Fact, ...] = ()
    awaits: Awaits | None = None
    file_name: str | None = None
    replaces: bool = False
    """The station dropped an older job of the same action for this one (`AcceptedCanceled`)."""


OnSent = Callable[[Instant, Awaits | None], None]
"""Told when a command goes out, with what its job will wait for if the station agrees."""


class CommandLink(Protocol):
    """A station's conversation as commands see it; the actions of its protocol version give it."""

    @property
    def site_id(self) -> str | None:
        """The site of the station."""

    @property
    def protocol(self) -> str:
        """The protocol in use."""

    def read(self, action: str, payload: bytes) -> Wish:
        """The wish in this protocol. Raises NotFound or Invalid."""

    async def review(self, wish: Wish, *, force: bool) -> Review:
        """Hard blocks and warnings. `force` lifts the one block that the handbook lets a test lift."""

    async def perform(self, wish: Wish, job: Job, timeout_s: float, expires_at: Instant, on_sent: OnSent) -> Outcome:
        """Send it and wait for the end. Never raises for what the station does or fails to do."""


def _none_but_the_usual(_organisation_id: str) -> frozenset[str]:
    return frozenset()


class Commands:
    """Sends commands and keeps their jobs. `secret_keys` are the configuration keys an organisation hides."""

    def __init__(
        self,
        context: ServiceContext,
        waiting: WaitingJobs,
        catalogues: Mapping[str, Catalogue],
        secret_keys: Callable[[str], frozenset[str]] = _none_but_the_usual,
    ) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._settings = context.settings
        self._waiting = waiting
        self._catalogues = catalogues
        self._secret_keys = secret_keys
        self._running: set[asyncio.Task[Job]] = set()

    # On any node.

    async def send(  # noqa: PLR0913 -- each is one choice of who asks, and all but the wish have names
        self,
        organisation_id: str,
        station_id: str,
        action: str,
        payload: Mapping[str, Any],
        *,
        requested_by: str,
        wait_s: float,
        timeout_s: float | None = None,
        expires_at: Instant | None = None,
        force: bool = False,
        job_id: str | None = None,
        local_time_zone: str | None = None,
    ) -> Job:
        """Send a command and wait up to `wait_s` for its answer; 0 returns the job as soon as it is queued.

        `payload` is in the words of the station's protocol, with exactly the members to be sent.
        The job is returned as it is then: ended, waiting for what the station agreed to, or still
        on its way. `job_id` is for a caller who has to know it before, `local_time_zone` for one who
        sends a profile that follows the wall clock of a zone.

        Raises:
            NotFound: no such station here, or no such action (`unknown_action`).
            Invalid: the payload breaks the schema (`payload_invalid`), or a figure is out of range.
            Offline: the station is not connected; nothing was sent.
            Conflict: a hard block forbids it now (`blocked`); nothing was sent.
            Unavailable: the node that holds the station cannot be reached.
        """
        _check_range("wait", wait_s, 0.0, LONGEST_WAIT_S)
        if timeout_s is not None:
            _check_range("timeout", timeout_s, 1.0, LONGEST_TIMEOUT_S)
        station: Station | None = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != organisation_id:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        encoded = self._catalogue_of(station).encode(action, payload)
        latest = self._clock() + _microseconds(self._settings.command_expiry_s)
        request = CommandRequest(
            job_id=job_id or str(uuid4()),
            organisation_id=organisation_id,
            station_id=station_id,
            action=action,
            payload=encoded,
            requested_by=requested_by,
            deadline=latest if expires_at is None else min(latest, expires_at),
            epoch=station.connection_epoch,
            wait_s=wait_s,
            timeout_s=timeout_s or station.call_timeout_s,
            expires_at=expires_at,
            send_anyway=force,
            local_time_zone=local_time_zone,
        )
        await self._ask(request)
        job: Job | None = await self._storage.jobs.get(request.job_id)
        if job is None:
            raise Unavailable("outcome_unknown", "The node that holds the station did not say what became of it.")
        return job

    def to_keep(self, station: Station, action: str, payload: Mapping[str, Any]) -> tuple[bytes, str]:
        """A command that is to wait for its station: what will be sent, and what may be shown of it.

        Raises NotFound and Invalid as `send` does, and Invalid (`not_persistent`) for one that must not be late.
        """
        catalogue = self._catalogue_of(station)
        encoded = catalogue.encode(action, payload)
        words = catalogue.why_not_later(action, payload)
        if words is not None:
            raise Invalid("not_persistent", words, fields=(FieldError("persistent", "not_persistent", words),))
        return encoded, catalogue.shown(action, encoded, self._secret_keys(station.organisation_id))

    async def deliver(self, kept: PersistentCommand, waiting: Waiting, wait_s: float) -> None:
        """Send a command that waited; returns when it has ended or `wait_s` is over. Raises as `send` does."""
        station: Station | None = await self._storage.stations.get(kept.station_id)
        job: Job | None = await self._storage.jobs.get(kept.job_id)
        if station is None or job is None:
            raise NotFound("station_unknown", f"There is no station `{kept.station_id}` any more.")
        latest = self._clock() + _microseconds(self._settings.command_expiry_s)
        await self._ask(
            CommandRequest(
                job_id=kept.job_id,
                organisation_id=kept.organisation_id,
                station_id=kept.station_id,
                action=waiting.action,
                payload=waiting.payload,
                requested_by=waiting.requested_by,
                deadline=min(latest, kept.deadline),
                epoch=station.connection_epoch,
                wait_s=wait_s,
                timeout_s=waiting.timeout_s or station.call_timeout_s,
                expires_at=kept.deadline,
                send_anyway=waiting.send_anyway,
                persistent=True,
                queued_at=job.queued_at,
            )
        )

    def danger(self, station: Station, action: str, payload: Mapping[str, Any]) -> str | None:
        """Why a command needs the permission for dangerous ones, in words; None when it does not.

        Raises NotFound and Invalid as `send` does.
        """
        return self._catalogue_of(station).danger(action, payload)

    def phrase(self, station: Station, order: Order) -> tuple[str, dict[str, Any]]:
        """An order in the words of a station: the action and the payload to send."""
        return self._catalogue_of(station).phrase(order)

    async def _ask(self, request: CommandRequest) -> None:
        """Hand the wish to the node that holds the station; returns when the job is recorded there."""
        try:
            answer = await self._bus.request(
                command_of(request.station_id), encode(request), request.wait_s + BUS_MARGIN_S, epoch=request.epoch
            )
        except NoResponder as error:
            raise offline(request.station_id) from error
        except (BusTimeout, HandlerFailed):
            log.warning("commands.no_reply", station_id=request.station_id, job_id=request.job_id, exc_info=True)
            return
        except BusError as error:
            raise Unavailable("node_unreachable", f"The command was not sent: {error}.") from error
        reply = decode(answer, CommandReply)
        if reply.refusal is not None:
            raise refusal_of(request, reply)

    def _catalogue_of(self, station: Station) -> Catalogue:
        """The catalogue of the protocol the station last spoke, else that of the first one we speak."""
        catalogue = self._catalogues.get(station.last_protocol or "")
        return catalogue if catalogue is not None else next(iter(self._catalogues.values()))

    # On the node that holds the station.

    async def run(self, request: CommandRequest, link: CommandLink) -> CommandReply:
        """Check, record and send; answers when the job has ended or begun to wait, or the wait is over."""
        try:
            read = link.read(request.action, request.payload)
        except DomainError as error:
            refusal = "unknown_action" if isinstance(error, NotFound) else "payload"
            path = error.fields[0]["field"] if error.fields else None
            return CommandReply(job_id=request.job_id, state="", refusal=refusal, detail=error.message, path=path)
        wish = msgspec.structs.replace(read, local_time_zone=request.local_time_zone)
        review = await link.review(wish, force=request.send_anyway)
        if review.block is not None:
            return CommandReply(job_id=request.job_id, state="", refusal="blocked", detail=review.block)
        now = self._clock()
        if now >= request.deadline:
            return CommandReply(job_id=request.job_id, state="", refusal="expired", detail="It came too late.")
        job = _new_job(request, link, wish, review, now)
        await self._storage.record([job_changed(job, now)])
        running = asyncio.create_task(self._perform(job, wish, link, request.timeout_s))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        if request.wait_s > 0:
            await asyncio.wait({running}, timeout=request.wait_s)
        state = running.result().state if running.done() and not running.cancelled() else job.state
        return CommandReply(job_id=job.id, state=state, warnings=review.warnings)

    async def answered_late(
        self,
        job_id: str,
        response: str,
        result: str | None,
        *,
        awaited: Callable[[Job], Awaits | None] | None = None,
        replaces: bool = False,
    ) -> Job | None:
        """Keep an answer that came after its time with its job, which stays as it ended; the job, if it is one.

        `awaited` tells what is still to come of the job; it `replaces` older ones of its kind if the station said so.
        """
        job: Job | None = await self._storage.jobs.get(job_id)
        if job is None or job.state != JobState.TIMEOUT or job.response is not None:
            return None
        now = self._clock()
        known = msgspec.structs.replace(job, response=response, result=result, answered_at=now)
        to_come = None if awaited is None else awaited(job)
        if to_come is not None:
            known = msgspec.structs.replace(known, progress=Progress(awaits=to_come).as_json())
        replaced = await self._replaced(known, now) if replaces else []
        await self._storage.record([job_changed(known, now), *replaced])
        return known

    async def close(self, patience_s: float = 5.0) -> None:
        """Let the jobs under way record their end; their connections have been closed before."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patience_s)
            for running in late:
                running.cancel()

    async def _perform(self, job: Job, wish: Wish, link: CommandLink, timeout_s: float | None) -> Job:
        current = job
        recording: asyncio.Task[None] | None = None

        def sent(at: Instant, awaited: Awaits | None) -> None:
            nonlocal current, recording
            current = msgspec.structs.replace(current, state=JobState.SENT, sent_at=at)
            if awaited is not None:
                self._waiting.begin(msgspec.structs.replace(current, progress=Progress(awaits=awaited).as_json()))
            was_sent = [job_moved_on(current, at)]
            recording = asyncio.create_task(self._record(lambda: was_sent, current))

        expires_at = job.expires_at or job.queued_at
        timeout_s = timeout_s or self._settings.call_timeout_s
        try:
            outcome = await link.perform(wish, job, timeout_s, expires_at, sent)
        except Exception:
            log.exception("commands.failed", station_id=job.station_id, job_id=job.id, action=job.action)
            outcome = Outcome(state=JobState.NOT_DELIVERED, error=_error("internal", "An error of ours; see the log."))
        return await self._settle(current, outcome, recording)

    async def _settle(self, job: Job, outcome: Outcome, recording: asyncio.Task[None] | None) -> Job:
        """Record the end of a command with what follows from it, or that it waits now.

        What the station agreed to may happen in the next moment, so the job waits before the first
        `await`; that it was sent is recorded before its end is.
        """
        now = self._clock()
        settled = _settled(job, outcome, now)
        if settled.state == JobState.WAITING:
            self._waiting.begin(settled)
        else:
            self._waiting.changed(settled)
        if recording is not None:
            await recording
        facts = [*outcome.facts, *_in_audit(settled, now)]
        waits_again = settled.state == JobState.QUEUED
        if outcome.replaces:
            facts += await self._replaced(settled, now)

        def facts_now() -> list[Fact]:
            # Meanwhile the station may have done what it agreed to; that is recorded already and must stay.
            current = self._waiting.as_it_is(settled) if settled.state == JobState.WAITING else settled
            # Another node may have ended it for ours, which it held for lost; one end is told, and it stays.
            return facts if current is None else [*facts, job_moved_on(current, now)]

        await self._record(facts_now, settled)
        self._waiting.stored(settled)
        if settled.persistent:
            await self._settle_kept(settled.id, waits_again=waits_again)
        if settled.state == JobState.WAITING:
            await self._waiting.tell_others(settled)
        await self._waiting.agreed(settled)
        return settled

    async def _settle_kept(self, job_id: str, *, waits_again: bool) -> None:
        """A delivery of a persistent command is over: it waits again if the station has not heard of it."""
        kept = self._storage.persistent_commands
        try:
            if waits_again:
                await kept.update(job_id, {"attempted_at": None, "claimed_until": 0})
            else:
                await kept.delete(job_id)
        except StorageError:
            log.exception("commands.not_settled", job_id=job_id)

    async def _replaced(self, job: Job, now: Instant) -> list[Fact]:
        facts: list[Fact] = []
        for older in await self._waiting.of_station(job.station_id, job.organisation_id):
            if older.action == job.action and older.id != job.id:
                error = _error("replaced", f"The station dropped it for job {job.id}.")
                ended = _ended(older, JobState.CANCELLED, error, now)
                self._waiting.changed(ended)
                facts.append(job_moved_on(ended, now))
        return facts

    async def _record(self, facts: Callable[[], Sequence[Fact]], job: Job) -> None:
        """Record what must not be lost for a database that is away for a moment: at each attempt what it is then."""
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            try:
                await self._storage.record(facts())
                return
            except StorageError:
                if attempt == RECORD_ATTEMPTS:
                    log.exception("commands.unrecorded", job_id=job.id, state=job.state)
                    return
                await asyncio.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))


def _new_job(request: CommandRequest, link: CommandLink, wish: Wish, review: Review, now: Instant) -> Job:
    return Job(
        id=request.job_id,
        organisation_id=request.organisation_id,
        station_id=request.station_id,
        site_id=link.site_id,
        action=request.action,
        protocol=link.protocol,
        state=JobState.QUEUED,
        payload=wish.shown,
        requested_by=request.requested_by,
        queued_at=request.queued_at or now,
        expires_at=request.expires_at if request.persistent else request.deadline,
        warnings=review.warnings,
        persistent=request.persistent,
    )


def _in_audit(job: Job, now: Instant) -> list[Fact]:
    """What somebody asked of a station and what it answered, for the audit log; our own doings are in the jobs."""
    if not job.requested_by.startswith(PEOPLE) or job.state == JobState.QUEUED:
        return []
    state = {"job_id": job.id, "state": str(job.state), "result": job.result, "warnings": list(job.warnings)}
    answered = job.state in (JobState.DONE, JobState.WAITING)
    return [
        audit_fact(
            job.organisation_id,
            job.requested_by,
            job.action,
            now,
            result="ok" if answered else "failed",
            station_id=job.station_id,
            target=f"/jobs/{job.id}",
            details={**state, "payload": msgspec.json.decode(job.payload)},
        )
    ]


def _settled(job: Job, outcome: Outcome, now: Instant) -> Job:
    if job.persistent and _was_not_sent(job, outcome) and now < (job.expires_at or now):
        return msgspec.structs.replace(job, state=JobState.QUEUED)
    progress = Progress(awaits=outcome.awaits, file_name=outcome.file_name)
    return msgspec.structs.replace(
        job,
        state=JobState.WAITING if outcome.awaits is not None else outcome.state,
        answered_at=now if outcome.response is not None or outcome.state == JobState.ERROR else None,
        finished_at=None if outcome.awaits is not None else now,
        response=outcome.response,
        result=outcome.result,
        error=None if outcome.error is None else msgspec.json.encode(outcome.error).decode(),
        progress=None if progress == Progress() else progress.as_json(),
    )


def _was_not_sent(job: Job, outcome: Outcome) -> bool:
    unsent = outcome.state in {JobState.NOT_DELIVERED, JobState.EXPIRED, JobState.CANCELLED}
    return unsent and job.sent_at is None and (outcome.error or {}).get("code") != "outcome_unknown"


def _ended(job: Job, state: JobState, error: dict[str, Any], now: Instant) -> Job:
    return msgspec.structs.replace(job, state=state, finished_at=now, error=msgspec.json.encode(error).decode())


def _error(code: str, description: str) -> dict[str, Any]:
    return {"code": code, "description": description, "details": {}}


def _check_range(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        words = f"`{name}` is {lowest:g} to {highest:g} seconds."
        raise Invalid("field_invalid", words, fields=(FieldError(name, "out_of_range", words),))


def _microseconds(seconds: float) -> Instant:
    return round(seconds * 1_000_000)
