"""Jobs whose time is over (handbook §3.1): the clock's part in commands.

The rule that shapes this file: before a job is given up, the database is asked whether what it waited
for has happened all the same, since the message that should have told us may have been missed.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from stationmaster.domain.jobs import Awaits, Job, JobState, Progress, job_moved_on, progress_of
from stationmaster.domain.stations import Station
from stationmaster.domain.transactions import Transaction
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.waiting import WaitingJobs

__all__ = ["JobSweeper"]

GRACE_US = 60_000_000
"""How long after its last deadline a job may be without an end before its node counts as lost."""

ENDED_BY_THEIR_NODE_US = 10_000_000
"""How long the node that held a connection may take to end what was on its way when its station came in anew."""

_GIVEN_UP = {
    "transaction_start": ("no_transaction_started", "The station agreed to start, but no transaction began in time."),
    "transaction_end": ("no_transaction_end", "The station agreed to stop, but the transaction did not end in time."),
    "boot": ("no_boot", "The station agreed to reset, but did not boot in time."),
    "transfer": ("no_transfer_end", "The transfer did not end in time."),
}


class JobSweeper:
    """Ends jobs that nothing else will end."""

    def __init__(self, context: ServiceContext, waiting: WaitingJobs) -> None:
        self._storage = context.storage
        self._settings = context.settings
        self._waiting = waiting

    async def sweep(self, now: Instant) -> int:
        """End every job whose time is over; returns how many. Safe to run on several nodes."""
        ended = [job for each in await self._storage.jobs.unfinished() if (job := await self._judge(each, now))]
        known = {job.id for job in ended}
        # A node that lives ends them with the connection; one that died after its station had gone elsewhere cannot.
        outlived = await self._storage.jobs.outlived(now - ENDED_BY_THEIR_NODE_US)
        ended += [_lost(job, now) for job in outlived if not job.persistent and job.id not in known]
        if ended:
            for job in ended:
                self._waiting.changed(job)
            await self._storage.record([job_moved_on(job, now) for job in ended])
        return len(ended)

    async def node_lost(self, station_ids: Sequence[str], now: Instant) -> int:
        """The node that held these stations is gone, and its commands with it; returns how many jobs ended (§3.1).

        What stations agreed to may still happen, and commands that persist are looked after elsewhere.
        """
        held = frozenset(station_ids)
        on_their_way = [
            job
            for job in (await self._storage.jobs.unfinished() if held else [])
            if job.station_id in held and job.state in {JobState.QUEUED, JobState.SENT} and not job.persistent
        ]
        await self._storage.record([job_moved_on(_lost(job, now), now) for job in on_their_way])
        return len(on_their_way)

    async def _judge(self, job: Job, now: Instant) -> Job | None:
        """The job as it ends, or None while it may go on."""
        if job.persistent and job.state == JobState.QUEUED:
            return None  # It waits for its station: services.persistent_commands looks after it.
        if job.state != JobState.WAITING:
            return _lost(job, now) if now > self._last_moment(job) else None
        progress = progress_of(job)
        awaited = progress.awaits
        if awaited is None or awaited.deadline > now:
            return None
        happened = await self._happened(job, awaited)
        if happened is not None:
            return _end(job, JobState.DONE, None, happened, now)
        code, words = _GIVEN_UP.get(awaited.kind, ("timeout", "It did not happen in time."))
        return _end(job, JobState.TIMEOUT, {"code": code, "description": words, "details": {}}, progress, now)

    async def _happened(self, job: Job, awaited: Awaits) -> Progress | None:
        if awaited.kind == "boot":
            station: Station | None = await self._storage.stations.get(job.station_id)
            booted_at = None if station is None else station.last_boot_at
            return Progress() if booted_at is not None and booted_at >= (job.sent_at or job.queued_at) else None
        if awaited.kind == "transaction_end" and awaited.ocpp_id is not None:
            transaction: Transaction | None = await self._storage.transactions.by_ocpp_id(
                job.station_id, awaited.ocpp_id
            )
            closed = transaction is not None and transaction.stopped_at is not None
            return Progress(transaction_id=transaction.id) if transaction is not None and closed else None
        if awaited.kind == "transaction_start":
            page = await self._storage.transactions.find(job.organisation_id, station_id=job.station_id, limit=50)
            for started in page.items:
                if started.remote_start_job_id == job.id:
                    return Progress(transaction_id=started.id)
        return None

    def _last_moment(self, job: Job) -> Instant:
        """When a job that is on its way must have ended, whatever the station does."""
        expiry_us = round(self._settings.command_expiry_s * 1_000_000)
        sent_by = job.sent_at or job.expires_at or job.queued_at + expiry_us
        return sent_by + LONGEST_CALL_US + GRACE_US


LONGEST_CALL_US = 600 * 1_000_000


def _lost(job: Job, now: Instant) -> Job:
    code, words = "outcome_unknown", "The node that held the station stopped before the end; the outcome is unknown."
    if job.state == JobState.QUEUED:
        code, words = "not_sent", "The node that held the station stopped before it was sent."
    error = {"code": code, "description": words, "details": {}}
    return _end(job, JobState.NOT_DELIVERED, error, progress_of(job), now)


def _end(job: Job, state: JobState, error: dict[str, Any] | None, progress: Progress, now: Instant) -> Job:
    return msgspec.structs.replace(
        job,
        state=state,
        finished_at=now,
        error=None if error is None else msgspec.json.encode(error).decode(),
        progress=None if progress == Progress() else progress.as_json(),
    )
