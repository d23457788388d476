"""Long jobs: the station said yes, and what it agreed to is still to happen (handbook §3.1).

The rule that shapes this file: the database knows the jobs, a node only knows which stations have
some, so that the hot path asks the database for nothing when nothing is awaited. Nodes tell each
other on the bus; what such a message misses, the sweep at the deadline finds. What a node remembers
of a job itself lasts only until it is stored, for the station may go on at another node. A remote start belongs
to one transaction: it is taken here, before anything is awaited, and nobody else gets it.
"""

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.jobs import Awaits, Job, JobState, Progress, job_moved_on, progress_of
from stationmaster.domain.tokens import key_of
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation
from stationmaster.storage.errors import StorageError

log = structlog.get_logger(__name__)

__all__ = ["JOBS", "Beginning", "WaitingJobs"]

JOBS = "jobs"
"""The kind of `Invalidate` that says: this station has jobs that wait."""

MOST_PER_STATION = 100


Keep = Callable[[Job], Awaitable[None]]
"""What follows when a job that waits is fulfilled."""


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that begins, as remote starts see it. `number` is ours."""

    number: int
    id_tag: str | None
    evse_id: int | None
    received_at: Instant


class WaitingJobs:
    """Jobs in state `waiting`, found by what they wait for."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._stations: set[str] = set()
        self._here: dict[str, dict[str, Job]] = {}
        """By station: jobs that wait and of which the database does not know it yet, and such as will if the
        station says yes: what they wait for may come before the answer (§1.6)."""
        self._kept: dict[str, Keep] = {}
        """What is to be done for a job that was fulfilled before its station said yes, by its id."""
        self._taken: dict[str, dict[str, int]] = {}
        """By station: the remote starts that a transaction has taken, and the number of that transaction."""
        self._readings: dict[object, set[str]] = {}
        """For each look into the database that is under way: the jobs that were finished since it began."""

    async def load(self) -> None:
        """Learn which stations have jobs that wait: at the start, and after messages may have been missed."""
        for job in await self._storage.jobs.unfinished():
            if job.state == JobState.WAITING:
                self._stations.add(job.station_id)

    def expect(self, station_id: str) -> None:
        """A station has a job that waits, begun on another node."""
        self._stations.add(station_id)

    def begin(self, job: Job) -> None:
        """A job begins to wait, or will if its station agrees; the database does not know it yet."""
        self._stations.add(job.station_id)
        self._here.setdefault(job.station_id, {})[job.id] = job

    def stored(self, job: Job) -> None:
        """That a job waits is in the database now, or will never be: what is remembered of it here is over."""
        here = self._here.get(job.station_id)
        if here is not None and here.pop(job.id, None) is not None and not here:
            del self._here[job.station_id]

    def changed(self, job: Job) -> None:
        """A job that was waiting is now like this."""
        if job.state != JobState.WAITING:
            self.stored(job)
            self._tell_readings(job)
        elif job.id in self._here.get(job.station_id, {}):
            self._here[job.station_id][job.id] = job

    def as_it_is(self, job: Job) -> Job | None:
        """A job that began to wait here as it is now; None when it has ended since."""
        return self._here.get(job.station_id, {}).get(job.id)

    def any_of(self, station_id: str) -> bool:
        """Whether the station may have jobs that wait."""
        return station_id in self._stations

    async def tell_others(self, job: Job) -> None:
        """Tell every node that a station has a job that waits."""
        message = Invalidate(kind=JOBS, key=job.station_id, organisation_id=job.organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))

    async def of_station(self, station_id: str, organisation_id: str) -> list[Job]:
        """The jobs of a station that wait, oldest first."""
        if station_id not in self._stations:
            return []
        here, taken = dict(self._here.get(station_id, {})), set(self._taken.get(station_id, ()))
        reading, finished = object(), set[str]()
        self._readings[reading] = finished
        try:
            page = await self._storage.jobs.find(
                organisation_id, station_id=station_id, state=JobState.WAITING, limit=MOST_PER_STATION
            )
        finally:
            del self._readings[reading]
        # One that was here when the look began, and is in neither place now, was stored in between.
        jobs = here | {job.id: job for job in page.items} | self._here.get(station_id, {})
        for job_id in finished.intersection(jobs):
            del jobs[job_id]
        for job_id in taken.difference(jobs):
            self._release(station_id, job_id)
        if not jobs:
            self._stations.discard(station_id)
        return sorted(jobs.values(), key=lambda job: job.queued_at)

    async def take_start(self, station: PresentStation, beginning: Beginning) -> Job | None:
        """The remote start that this transaction fulfils (§3.3.10), the oldest first; it is nobody else's now.

        When it began by the station's time does not matter: one that is told late looks like one of a clock that is
        hours behind, as where local time is written as UTC, and such a station's starts must count.
        """
        if beginning.id_tag is None:
            return None
        wanted = key_of(beginning.id_tag)
        for job, awaited in await self._awaiting("transaction_start", station, beginning.received_at):
            if key_of(awaited.id_tag or "") != wanted or awaited.evse_id not in {None, beginning.evse_id}:
                continue
            if self._take(job, beginning.number):
                return job
        return None

    async def take_again(self, station: PresentStation, job_id: str, number: int) -> Job | None:
        """The remote start that a transaction named when it began, if what follows from that is still to come."""
        for job in await self.of_station(station.station_id, station.organisation_id):
            if job.id == job_id and self._take(job, number):
                return job
        return None

    def release(self, job: Job) -> None:
        """No transaction came of the start that took this job: another may take it."""
        self._release(job.station_id, job.id)

    async def ends_of(self, station: PresentStation, ocpp_id: str, at: Instant) -> list[Job]:
        """The remote stops that the end of this transaction fulfils (§3.2.10 duty 6)."""
        waiting = await self._awaiting("transaction_end", station, at)
        return [job for job, awaited in waiting if awaited.ocpp_id == ocpp_id]

    async def boots_of(self, station: PresentStation, at: Instant) -> list[Job]:
        """The resets that a boot fulfils (§3.3.13)."""
        return [job for job, _ in await self._awaiting("boot", station, at)]

    async def transfer_of(
        self, station: PresentStation, action: str, request_id: int | None, at: Instant
    ) -> Job | None:
        """The newest transfer of this kind that waits and, if the station names a request, is of that request."""
        for job, awaited in reversed(await self._awaiting("transfer", station, at)):
            if job.action == action and request_id in {None, awaited.request_id}:
                return job
        return None

    async def fulfil(self, job: Job, keep: Keep) -> None:
        """What a job waits for has happened: `keep` what it promised, but not before its station has said yes."""
        now: Job | None = self.as_it_is(job)
        if now is None and job.state == JobState.SENT:
            now = await self._storage.jobs.get(job.id)
        elif now is None:
            now = job
        if now is None or now.state not in {JobState.SENT, JobState.WAITING}:
            self.release(job)
        elif now.state == JobState.SENT:
            self._kept[job.id] = keep
        else:
            await keep(now)

    async def agreed(self, job: Job) -> None:
        """The answer to a command is stored; if the station said yes, what had happened before counts now."""
        keep = self._kept.pop(job.id, None)
        if job.state != JobState.WAITING:
            self.release(job)
        elif keep is not None:
            try:
                await keep(job)
            except StorageError:
                log.warning("waiting.not_kept", station_id=job.station_id, job_id=job.id, exc_info=True)

    async def finish(self, job: Job, at: Instant, progress: Progress, *, result: str | None = None) -> None:
        """What the job waited for has happened."""
        done = msgspec.structs.replace(
            job,
            state=JobState.DONE,
            finished_at=at,
            result=job.result if result is None else result,
            progress=progress.as_json(),
        )
        self.changed(done)
        await self._storage.record([job_moved_on(done, at)])
        self._tell_readings(job)
        self.release(job)

    def _tell_readings(self, job: Job) -> None:
        for finished in self._readings.values():
            finished.add(job.id)

    def _take(self, job: Job, number: int) -> bool:
        """Whether a job is now taken by this transaction."""
        return self._taken.setdefault(job.station_id, {}).setdefault(job.id, number) == number

    def _release(self, station_id: str, job_id: str) -> None:
        taken = self._taken.get(station_id, {})
        if taken.pop(job_id, None) is not None and not taken:
            del self._taken[station_id]

    async def _awaiting(self, kind: str, station: PresentStation, at: Instant) -> list[tuple[Job, Awaits]]:
        """The jobs of a station that wait for something of this kind, and whose time is not over."""
        found: list[tuple[Job, Awaits]] = []
        for job in await self.of_station(station.station_id, station.organisation_id):
            awaited = progress_of(job).awaits
            if awaited is not None and awaited.kind == kind and awaited.deadline >= at:
                found.append((job, awaited))
        return found
