"""Jobs: every command to a station is one, from the wish to the answer (handbook §3.1)."""

from enum import StrEnum

import msgspec

from stationmaster.instants import Instant


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


ENDED = frozenset(JobState) - {JobState.QUEUED, JobState.SENT, JobState.WAITING}


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
