"""Applying desired configuration: read first, change only what differs, read back, see a reset through.

The rule that shapes this file: where a job stands is in the database before the station is asked, and what is to be
done is worked out anew from what the station tells, so a node may stop at any moment. What a station said yes to and
did not do is told as such, and not tried for ever.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog

from stationmaster.domain.configuration_drift import key_name
from stationmaster.domain.configuration_orders import SoftResetOrder
from stationmaster.domain.desired_configuration import ConfigurationJob, FollowMode, JobStep, KeyState, RebootPolicy
from stationmaster.domain.errors import Conflict, DomainError, NotFound
from stationmaster.domain.jobs import ENDED, Job, JobState, job_changed
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.configuration_changes import (
    Applied,
    ConfigurationChanges,
    StationAway,
    StationLeft,
    Unreadable,
    needs,
)
from stationmaster.services.context import ServiceContext
from stationmaster.services.desired_configuration import DesiredConfiguration, Standing
from stationmaster.storage.errors import StorageError

__all__ = ["ACTION", "ConfigurationJobs", "Run"]

log = structlog.get_logger(__name__)

ACTION: Final = "ApplyConfiguration"
AUTOMATIC: Final = "desired_configuration"
"""Who asked, where the station's coming did."""
LIFETIME_US: Final = 7 * 86_400_000_000
LONGEST_LIFETIME_US: Final = 90 * 86_400_000_000
KEPT_US: Final = 30 * 86_400_000_000
"""How long it can be read what became of a run."""
MOST_ATTEMPTS: Final = 3
MOST_AT_ONCE: Final = 50
CLAIM_MARGIN_S: Final = 60
FIRST_PAUSE_US: Final = 900_000_000
"""How long a station that could not be read is left alone; doubled up to a day."""
LONGEST_PAUSE_US: Final = 86_400_000_000


class Run(msgspec.Struct, frozen=True):
    """Jobs that were begun together."""

    run_id: str
    jobs: tuple[ConfigurationJob, ...]
    busy: tuple[str, ...] = ()
    """Stations that were left out, since something is being applied to them already."""


class ConfigurationJobs:
    """Begins applications and moves them on."""

    def __init__(self, context: ServiceContext, desired: DesiredConfiguration, changes: ConfigurationChanges) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._settings = context.settings
        self._desired = desired
        self._changes = changes
        self._stations: set[str] = set()
        """Stations that may have a job, as far as this node knows; the clock finds the others."""
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._again: set[str] = set()
        """Stations that came while their job was under way."""
        self._tasks: set[asyncio.Task[Any]] = set()

    # What people ask for.

    async def begin(
        self,
        station: Station,
        actor: str,
        *,
        template_id: str | None = None,
        deadline: Instant | None = None,
        wait_s: float = 0,
    ) -> Job:
        """Apply what is desired of a station, or what one template wants; the job as it is after up to `wait_s`.

        A station that is away is waited for until the deadline. Raises Conflict when the station is not followed so
        far (`not_followed`), or something is being applied to it already (`configuration_job_running`).
        """
        followed = await self._desired.followed(station)
        if FollowMode(followed.mode) not in {FollowMode.ON_DEMAND, FollowMode.ON_CONNECT}:
            words = (
                f"The desired configuration of `{station.id}` is `{followed.mode}`: nothing is sent to it before it is "
                "`on_demand` or `on_connect`."
            )
            raise Conflict("not_followed", words)
        run = await self._begin([station], actor, template_id, deadline, persons=True)
        if run.busy:
            raise Conflict("configuration_job_running", "A configuration is being applied to this station already.")
        begun = run.jobs[0]
        task = self._start(begun)
        if wait_s > 0:
            await asyncio.wait({task}, timeout=wait_s)
        return await self._job(begun.job_id)

    async def begin_all(
        self, stations: Sequence[Station], actor: str, template_id: str, deadline: Instant | None = None
    ) -> Run:
        """Apply a template to many stations; those that are not followed so far are left out."""
        chosen: list[Station] = []
        for station in stations:
            standing = await self._desired.standing(station)
            if any(each.template.id == template_id and needs(each.mode, persons=True) for each in standing.wanted):
                chosen.append(station)
        run = await self._begin(chosen, actor, template_id, deadline, persons=True)
        for each in run.jobs:
            self._start(each)
        return run

    async def agree(self, station: Station) -> Job:
        """Somebody agrees to the reset that a station's new values wait for. Raises Conflict when none is wanted."""
        for under_way in await self._storage.configuration_jobs.unfinished(station.id):
            if under_way.step == JobStep.CONSENT:
                await self._to(under_way, JobStep.IDLE)
                self._start(msgspec.structs.replace(under_way, step=JobStep.IDLE.value))
                return await self._job(under_way.job_id)
        raise Conflict("no_reset_wanted", "No new value of this station waits for somebody to agree to a reset.")

    async def cancel(self, job_id: str) -> None:
        """Give up; what was changed stays changed. Raises Conflict when it has ended."""
        under_way = await self._storage.configuration_jobs.get(job_id)
        if under_way is None or under_way.finished_at is not None:
            raise Conflict("job_ended", "The job has ended already.")
        await self._end(under_way, JobState.CANCELLED, "cancelled", "Somebody called it off.")

    async def run(self, organisation_id: str, run_id: str) -> Run:
        """What became of jobs that were begun together. Raises NotFound."""
        jobs = await self._storage.configuration_jobs.of_run(run_id)
        if not jobs or jobs[0].organisation_id != organisation_id:
            raise NotFound("run_unknown", "There is no such run, or it ended long ago.")
        return Run(run_id, tuple(jobs))

    # What moves jobs on.

    async def load(self) -> None:
        """Learn which stations have jobs."""
        self._stations = {each.station_id for each in await self._storage.configuration_jobs.unfinished()}

    def wants(self, station_id: str) -> bool:
        """Whether the coming of a station may be a reason to do something."""
        return station_id in self._stations or self._desired.follows(station_id)

    async def came(self, station_id: str) -> None:
        """A station is connected and accepted: what waits for it goes on, and what it should have is applied."""
        under_way = await self._storage.configuration_jobs.unfinished(station_id)
        if not under_way:
            self._stations.discard(station_id)
            under_way = await self._begin_by_itself(station_id)
        moved = [await self._move_on(each) for each in under_way]
        if not all(moved):
            # It came back while its job was under way, which may be about to end without having seen this.
            self._come_again(station_id)

    async def advance(self, now: Instant) -> None:
        """Move every job on that can go on. Safe to run on several nodes."""
        under_way = await self._storage.configuration_jobs.due(now)
        self._stations |= {each.station_id for each in under_way}
        await asyncio.gather(*(self._move_on(each) for each in under_way))

    async def forget_old(self, now: Instant) -> None:
        """Forget what became of runs long ago."""
        await self._storage.configuration_jobs.forget(now - KEPT_US)

    async def close(self) -> None:
        """Let go of what is under way; the database knows where it stands."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, under_way: ConfigurationJob) -> asyncio.Task[bool]:
        task = asyncio.create_task(self._move_on(under_way))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _begin_by_itself(self, station_id: str) -> list[ConfigurationJob]:
        """The job of a station that came, if it is to be brought into step then and there may be reason to."""
        standing = await self._desired.compare(station_id)
        if standing is None or standing.station.reported_state not in {None, "Accepted"}:
            return []
        wanted = any(each.mode is FollowMode.ON_CONNECT for each in standing.wanted)
        if not wanted or standing.followed.not_before > self._clock():
            return []
        run = await self._begin([standing.station], AUTOMATIC, None, None, persons=False)
        return list(run.jobs)

    async def _begin(
        self,
        stations: Sequence[Station],
        actor: str,
        template_id: str | None,
        deadline: Instant | None,
        *,
        persons: bool,
    ) -> Run:
        now = self._clock()
        latest = now + LONGEST_LIFETIME_US
        run_id, jobs, begun, busy = uuid4().hex, [], [], []
        for station in stations:
            if await self._storage.configuration_jobs.unfinished(station.id):
                busy.append(station.id)
                continue
            job = _new_job(station, actor, template_id, now, min(deadline or now + LIFETIME_US, latest))
            jobs.append(job)
            begun.append(
                ConfigurationJob(
                    job_id=job.id,
                    organisation_id=station.organisation_id,
                    station_id=station.id,
                    site_id=station.site_id,
                    run_id=run_id,
                    template_id=template_id,
                    persons=persons,
                    step=JobStep.ASK.value,
                    step_at=now,
                    deadline=job.expires_at or now,
                    created_at=now,
                )
            )
        if begun:
            await self._storage.record([job_changed(job, now) for job in jobs])
            await self._storage.configuration_jobs.create(begun)
            self._stations |= {each.station_id for each in begun}
        return Run(run_id, tuple(begun), tuple(busy))

    def _come_again(self, station_id: str) -> None:
        if station_id in self._again:
            return
        self._again.add(station_id)
        task = asyncio.create_task(self._came_again(station_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _came_again(self, station_id: str) -> None:
        await asyncio.sleep(self._settings.arrival_settle_s)
        self._again.discard(station_id)
        try:
            station: Station | None = await self._storage.stations.get(station_id)
            if station is not None and station.connected:
                await self.came(station_id)
        except (DomainError, StorageError):
            log.warning("configuration_jobs.not_advanced", station_id=station_id, exc_info=True)

    async def _move_on(self, under_way: ConfigurationJob) -> bool:
        """Do what can be done now; False when somebody else does."""
        async with self._room:
            now = self._clock()
            if not await self._storage.configuration_jobs.claim(
                under_way.job_id, under_way.step, now, now + self._claim_us()
            ):
                return False
            try:
                await self._step(under_way, now)
            except (DomainError, StorageError, ValueError):
                log.warning("configuration_jobs.not_advanced", job_id=under_way.job_id, exc_info=True)
            finally:
                await self._storage.configuration_jobs.update(under_way.job_id, {"claimed_until": 0})
        await self._desired.compare(under_way.station_id)
        return True

    async def _step(self, under_way: ConfigurationJob, now: Instant) -> None:
        station: Station | None = await self._storage.stations.get(under_way.station_id)
        if station is None:
            await self._end(under_way, JobState.CANCELLED, "station_removed", "The station was removed.")
        elif now >= under_way.deadline:
            await self._out_of_time(under_way)
        elif under_way.step == JobStep.ASK:
            if station.connected:
                await self._apply(under_way, station)
        elif (station.last_boot_at or 0) > under_way.step_at:
            if station.connected:
                await self._after_boot(under_way, station)
        elif under_way.step == JobStep.IDLE:
            if station.connected:
                await self._reset_when_idle(under_way, station)
        elif under_way.step == JobStep.COME_BACK and now - under_way.step_at > self._settings.reset_wait_s * 1_000_000:
            await self._end(under_way, JobState.TIMEOUT, "no_boot", "The station agreed to a reset and did not boot.")

    async def _out_of_time(self, under_way: ConfigurationJob) -> None:
        if under_way.step == JobStep.ASK:
            words = "The station was not there before the deadline; nothing was changed."
            await self._end(under_way, JobState.EXPIRED, "expired", words)
        else:
            words = "The new values were set, and the station was not reset before the deadline."
            await self._end(under_way, JobState.TIMEOUT, "reboot_pending", words)

    # Reading and changing.

    async def _apply(self, under_way: ConfigurationJob, station: Station) -> None:
        standing = await self._desired.compare(station.id)
        names = _scope(standing, under_way)
        if standing is None or not names:
            await self._end(under_way, JobState.DONE, "nothing_desired", None)
            return
        try:
            done = await self._changes.apply(under_way, standing, names, self._progress(under_way, len(names)))
        except StationAway:
            return
        except StationLeft:
            await self._left(under_way, station)
            return
        except Unreadable as error:
            await self._not_readable(under_way, station, str(error))
            return
        await self._desired.was_read(station)
        await self._go_on(under_way, station, names, done)

    async def _go_on(self, under_way: ConfigurationJob, station: Station, names: Sequence[str], done: Applied) -> None:
        """What follows when all that could be changed was: a reset if values wait for one, else the end."""
        standing = await self._desired.compare(station.id, done.answers)
        pending = _pending(standing, names)
        if standing is None or not pending:
            await self._conclude(under_way, standing, names)
            return
        by_key = {key_name(each.key): each.template.reboot for each in standing.wanted}
        policies = {by_key[name] for name in pending}
        if RebootPolicy.WHEN_IDLE in policies:
            await self._to(under_way, JobStep.IDLE, changed=tuple(pending), attempts=0)
            await self._reset_when_idle(
                msgspec.structs.replace(under_way, step=JobStep.IDLE.value, changed=tuple(pending), attempts=0), station
            )
        elif RebootPolicy.ASK in policies:
            await self._to(under_way, JobStep.CONSENT, changed=tuple(pending), attempts=0)
        else:
            await self._conclude(under_way, standing, names)

    async def _reset_when_idle(self, under_way: ConfigurationJob, station: Station) -> None:
        page = await self._storage.transactions.find(
            station.organisation_id, station_id=station.id, state="open", limit=1
        )
        if page.items:
            return
        # Before it is asked: its boot may be here before its answer is.
        await self._to(under_way, JobStep.COME_BACK)
        attempts = under_way.attempts + 1
        try:
            sent = await self._changes.send(under_way, station, SoftResetOrder())
        except StationAway:
            await self._to(under_way, JobStep.IDLE)
            return
        except StationLeft:
            return  # It may have heard of it: the boot tells, or the time that a boot may take.
        if sent.result == "Accepted" or sent.state == JobState.TIMEOUT:
            return
        if attempts < MOST_ATTEMPTS:
            await self._to(under_way, JobStep.IDLE, attempts=attempts)
            return
        words = f"The station answered {sent.result or 'with an error'} to a reset; its new values wait for a boot."
        await self._end(under_way, JobState.ERROR, "reset_refused", words)

    async def _after_boot(self, under_way: ConfigurationJob, station: Station) -> None:
        standing = await self._desired.compare(station.id)
        names = _scope(standing, under_way)
        if standing is None:
            return
        try:
            answers = await self._changes.read_back(under_way, standing, [n for n in under_way.changed if n in names])
        except (StationAway, StationLeft):
            return
        except Unreadable as error:
            await self._not_readable(under_way, station, str(error))
            return
        await self._conclude(under_way, await self._desired.compare(station.id, answers), names)

    async def _left(self, under_way: ConfigurationJob, station: Station) -> None:
        """The station went in the middle: it is begun anew when it comes, but not for ever."""
        attempts = under_way.attempts + 1
        if attempts < MOST_ATTEMPTS:
            await self._to(under_way, JobStep.ASK, attempts=attempts)
            return
        await self._not_readable(under_way, station, "The station left in the middle of it each time.")

    async def _not_readable(self, under_way: ConfigurationJob, station: Station, words: str) -> None:
        followed = await self._desired.followed(station)
        pause_us = min(FIRST_PAUSE_US << min(followed.failures, 10), LONGEST_PAUSE_US)
        await self._desired.failed_to_read(station, self._clock() + pause_us)
        await self._end(under_way, JobState.ERROR, "unreadable", words)

    async def _conclude(self, under_way: ConfigurationJob, standing: Standing | None, names: Sequence[str]) -> None:
        states = {} if standing is None else {each.key_name: each.state for each in standing.records}
        found = {states[name] for name in names if name in states}
        if found <= {KeyState.IN_STEP}:
            result = "in_step"
        else:
            result = "reboot_pending" if found <= {KeyState.IN_STEP, KeyState.REBOOT_PENDING} else "drifted"
        await self._end(under_way, JobState.DONE, result, None)

    # Jobs.

    def _claim_us(self) -> int:
        return round((self._settings.call_timeout_s * 3 + CLAIM_MARGIN_S) * 1_000_000)

    def _progress(self, under_way: ConfigurationJob, keys: int) -> Any:
        """Tells how far the changes have come, and keeps the claim alive while they go on."""

        async def tell(done: int, key: str | None) -> None:
            until = self._clock() + self._claim_us()
            await self._storage.configuration_jobs.update(under_way.job_id, {"claimed_until": until})
            await self._tell(under_way, {"step": under_way.step, "keys": keys, "changed": done, "key": key})

        return tell

    async def _to(self, under_way: ConfigurationJob, step: JobStep, **changes: Any) -> None:
        values = {"step": step.value, "step_at": self._clock(), **changes}
        await self._storage.configuration_jobs.update(under_way.job_id, values)
        waiting = list(changes.get("changed", under_way.changed))
        await self._tell(under_way, {"step": step.value, "waiting_for_reboot": waiting})

    async def _tell(self, under_way: ConfigurationJob, progress: dict[str, Any]) -> None:
        job = await self._job(under_way.job_id)
        if job.state not in ENDED:
            text = msgspec.json.encode(progress).decode()
            told = msgspec.structs.replace(job, progress=text, sent_at=job.sent_at or self._clock())
            await self._storage.record([job_changed(told, self._clock())])

    async def _end(self, under_way: ConfigurationJob, state: JobState, result: str, words: str | None) -> None:
        now = self._clock()
        if not await self._storage.configuration_jobs.end(under_way.job_id, result, now):
            return
        self._stations.discard(under_way.station_id)
        job = await self._job(under_way.job_id)
        error = None
        if words is not None:
            error = msgspec.json.encode({"code": result, "description": words, "details": {}}).decode()
        ended = msgspec.structs.replace(job, state=state, result=result, error=error, finished_at=now, progress=None)
        await self._storage.record([job_changed(ended, now)])

    async def _job(self, job_id: str) -> Job:
        job: Job | None = await self._storage.jobs.get(job_id)
        if job is None:
            raise NotFound("job_unknown", "The job is gone.")
        return job


def _new_job(station: Station, actor: str, template_id: str | None, now: Instant, deadline: Instant) -> Job:
    return Job(
        id=str(uuid4()),
        organisation_id=station.organisation_id,
        station_id=station.id,
        site_id=station.site_id,
        action=ACTION,
        protocol=station.last_protocol,
        state=JobState.WAITING,
        payload=msgspec.json.encode({} if template_id is None else {"template_id": template_id}).decode(),
        requested_by=actor,
        queued_at=now,
        expires_at=deadline,
        persistent=True,
        progress=msgspec.json.encode({"step": JobStep.ASK.value}).decode(),
    )


def _scope(standing: Standing | None, under_way: ConfigurationJob) -> list[str]:
    """The keys that a job is about, in small letters."""
    if standing is None:
        return []
    return [
        key_name(each.key)
        for each in standing.wanted
        if needs(each.mode, persons=under_way.persons) and under_way.template_id in {None, each.template.id}
    ]


def _pending(standing: Standing | None, names: Sequence[str]) -> list[str]:
    """The keys among these whose values wait for a boot."""
    if standing is None:
        return []
    return [
        each.key_name for each in standing.records if each.state == KeyState.REBOOT_PENDING and each.key_name in names
    ]
