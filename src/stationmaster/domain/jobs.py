"""Jobs: every command to a station is one, from the wish to the answer (handbook §3.1)."""

from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from stationmaster.domain.facts import JobChanged, JobMovedOn
from stationmaster.instants import Instant, format_instant, parse_instant

__all__ = ["ENDED", "Awaits", "Job", "JobState", "Progress", "awaits", "job_changed", "job_moved_on", "progress_of"]

Kind = TypeVar("Kind", bound=JobChanged)


class JobState(StrEnum):
    """The life of a job: queued, sent, then one of the ends; long jobs wait in between."""

    QUEUED = "queued"
    SENT = "sent"
    WAITING = "waiting"
    DONE = "done"
    ERROR = "error"
    INVALID_RESPONSE = "invalid_response"
    TIMEOUT = "timeout"
    NOT_DELIVERED = "not_delivered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


ENDED: Final = frozenset(JobState) - {JobState.QUEUED, JobState.SENT, JobState.WAITING}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as stored; `payload`, `response`, `progress` are JSON text, secrets masked."""

    id: str
    organisation_id: str
    station_id: str
    site_id: str | None
    action: str
    protocol: str | None
    state: str
    payload: str
    requested_by: str
    queued_at: Instant
    expires_at: Instant | None = None
    sent_at: Instant | None = None
    answered_at: Instant | None = None
    finished_at: Instant | None = None
    response: str | None = None
    result: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    persistent: bool = False
    progress: str | None = None


class Awaits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a long job waits for after the station has said yes, and until when (handbook §3.1).

    `kind` is "transaction_start" (of `id_tag`, on `evse_id` if given, with a profile that follows
    `local_time_zone`), "transaction_end" (of `ocpp_id`), "boot" or "transfer" (of `request_id`, if the
    station names one).
    """

    kind: str
    until: str
    id_tag: str | None = None
    evse_id: int | None = None
    ocpp_id: str | None = None
    request_id: int | None = None
    local_time_zone: str | None = None

    @property
    def deadline(self) -> Instant:
        """`until` as an instant."""
        return parse_instant(self.until)


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a long job has to tell; `Job.progress` is its JSON."""

    awaits: Awaits | None = None
    transaction_id: int | None = None
    transfer_status: str | None = None
    transfer_status_at: str | None = None
    file_name: str | None = None

    def as_json(self) -> str:
        """The text that is stored and shown."""
        return msgspec.json.encode(self).decode()


_PROGRESS: Final = msgspec.json.Decoder(Progress)


def progress_of(job: Job) -> Progress:
    """What a job has told so far; an empty progress when it told nothing, or nothing that is understood."""
    if not job.progress:
        return Progress()
    try:
        return _PROGRESS.decode(job.progress)
    except msgspec.MsgspecError:
        return Progress()


def awaits(kind: str, until: Instant, **what: Any) -> Awaits:
    """An `Awaits` whose time is over at `until`."""
    return Awaits(kind=kind, until=format_instant(until), **what)


def job_changed(job: Job, at: Instant) -> JobChanged:
    """The fact that the job is now as it is, however it was before."""
    return _fact(JobChanged, job, at)


def job_moved_on(job: Job, at: Instant) -> JobMovedOn:
    """The fact that the job is now as it is, unless it ended before."""
    return _fact(JobMovedOn, job, at)


def _fact(kind: type[Kind], job: Job, at: Instant) -> Kind:
    return kind(
        organisation_id=job.organisation_id,
        station_id=job.station_id,
        received_at=at,
        id=job.id,
        action=job.action,
        protocol=job.protocol,
        state=job.state,
        payload=job.payload,
        requested_by=job.requested_by,
        queued_at=job.queued_at,
        expires_at=job.expires_at,
        sent_at=job.sent_at,
        answered_at=job.answered_at,
        finished_at=job.finished_at,
        response=job.response,
        result=job.result,
        error=msgspec.json.decode(job.error) if job.error else None,
        warnings=job.warnings,
        persistent=job.persistent,
        progress=job.progress,
        site_id=job.site_id,
    )
