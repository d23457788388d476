"""Files on their way: firmware to a station, diagnostics and logs from it (handbook §3.2.4, §3.2.5, §4.9, §4.10).

The rule that shapes this file: every report is recorded and confirmed, in any order and however
often, whether or not a job of ours is behind it. The job takes the newest report for its
progress, and ends with the first report that is an end.
"""

import msgspec

from stationmaster.domain.facts import Fact, TransferStatusReported
from stationmaster.domain.jobs import Job, JobState, job_changed, job_moved_on, progress_of
from stationmaster.instants import Instant, format_instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation
from stationmaster.services.waiting import WaitingJobs

__all__ = ["Report", "Transfers"]

IDLE = "Idle"
"""The status that a station without a transfer tells when asked; it says nothing about a job."""

_LATE_ENDS = frozenset({JobState.TIMEOUT, JobState.NOT_DELIVERED})
"""Ends that we declared ourselves; what the station says afterwards wins (§4.10)."""


class Report(msgspec.Struct, frozen=True):
    """What a station reports. `transfer` names its kind, `action` the command that begins such a transfer."""

    transfer: str
    action: str
    status: str
    is_end: bool
    request_id: int | None = None


class Transfers:
    """Records reports and moves their jobs on."""

    def __init__(self, context: ServiceContext, waiting: WaitingJobs) -> None:
        self._storage = context.storage
        self._waiting = waiting

    async def report(self, station: PresentStation, report: Report, now: Instant) -> None:
        """Record a report. Returns when it is durable."""
        job = None if report.status == IDLE else await self._job_of(station, report, now)
        facts: list[Fact] = [
            TransferStatusReported(
                organisation_id=station.organisation_id,
                station_id=station.station_id,
                received_at=now,
                transfer=report.transfer,
                status=report.status,
                request_id=report.request_id,
                job_id=None if job is None else job.id,
            )
        ]
        if job is not None and (job.state == JobState.WAITING or job.state in _LATE_ENDS):
            moved_on = _moved_on(job, report, now)
            self._waiting.changed(moved_on)
            # An end that we declared gives way to what the station says; any other stays.
            facts.append(job_changed(moved_on, now) if job.state in _LATE_ENDS else job_moved_on(moved_on, now))
        await self._storage.record(facts)

    async def _job_of(self, station: PresentStation, report: Report, now: Instant) -> Job | None:
        """The job that waits for this, else the latest of its kind (a job that we gave up on may still succeed)."""
        job = await self._waiting.transfer_of(station, report.action, report.request_id, now)
        if job is not None:
            return job
        latest: Job | None = await self._storage.jobs.latest(station.station_id, report.action)
        # The answer to the command may have come in the same breath as this report, a moment before it.
        job = await self._waiting.transfer_of(station, report.action, report.request_id, now)
        if job is not None:
            return job
        if latest is None or report.request_id is None:
            return latest
        awaited = progress_of(latest).awaits
        return latest if awaited is not None and awaited.request_id == report.request_id else None


def _moved_on(job: Job, report: Report, now: Instant) -> Job:
    progress = msgspec.structs.replace(
        progress_of(job), transfer_status=report.status, transfer_status_at=format_instant(now)
    )
    if not report.is_end:
        return msgspec.structs.replace(job, progress=progress.as_json())
    return msgspec.structs.replace(
        job,
        state=JobState.DONE,
        finished_at=now,
        result=report.status,
        error=None,
        progress=progress.as_json(),
    )
