"""Commands that were declared persistent: they outlive a node, and wait for a station until their deadline (§1.6).

The rule that shapes this file: never late, and never twice. A command is claimed before it is sent, and whoever finds a
claim that was never settled knows that nobody knows: it is told so, and not sent again.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog

from stationmaster.domain.errors import Conflict, DomainError, FieldError, Invalid, NotFound
from stationmaster.domain.jobs import ENDED, Job, JobState, job_changed, job_moved_on
from stationmaster.domain.persistent_commands import PersistentCommand, Waiting
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext
from stationmaster.storage.errors import StorageError

__all__ = ["PersistentCommands"]

log = structlog.get_logger(__name__)

LIFETIME_US: Final = 86_400_000_000
"""How long a command waits unless somebody says otherwise."""
LONGEST_LIFETIME_US: Final = 90 * 86_400_000_000
MOST_PER_STATION: Final = 100
CLAIM_US: Final = 1_200_000_000
"""A delivery has ended by then: a command may wait 300 s in the queue of a connection, and 600 s for its answer."""
MARGIN_S: Final = 1.0
_PURPOSE: Final = "persistent command"


class PersistentCommands:
    """Keeps commands for stations that are away, and delivers them."""

    def __init__(self, context: ServiceContext, commands: Commands) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._settings = context.settings
        self._secrets = context.secrets
        self._commands = commands
        self._stations: set[str] = set()
        """Stations for which something waits, as far as this node knows; the clock finds the others."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(
        self,
        station: Station,
        action: str,
        payload: Mapping[str, Any],
        *,
        requested_by: str,
        wait_s: float,
        deadline: Instant | None = None,
        timeout_s: float | None = None,
        force: bool = False,
    ) -> Job:
        """Send a command now if the station is there, else when it comes; the job as it is after up to `wait_s`.

        Raises what `Commands.send` raises for the wish itself, Invalid for one that must not be late
        (`not_persistent`) and for a deadline out of range, Conflict when too many wait (`too_many_waiting`).
        """
        now = self._clock()
        until = deadline if deadline is not None else now + LIFETIME_US
        if not now < until <= now + LONGEST_LIFETIME_US:
            words = "A deadline lies in the future, at most 90 days away."
            raise Invalid("field_invalid", words, fields=(FieldError("deadline", "out_of_range", words),))
        encoded, shown = self._commands.to_keep(station, action, payload)
        if await self._storage.persistent_commands.count(station.id) >= MOST_PER_STATION:
            words = f"{MOST_PER_STATION} commands wait for `{station.id}` already."
            raise Conflict("too_many_waiting", words)
        job = Job(
            id=str(uuid4()),
            organisation_id=station.organisation_id,
            station_id=station.id,
            site_id=station.site_id,
            action=action,
            protocol=station.last_protocol,
            state=JobState.QUEUED,
            payload=shown,
            requested_by=requested_by,
            queued_at=now,
            expires_at=until,
            persistent=True,
        )
        waiting = Waiting(
            action=action, payload=encoded, requested_by=requested_by, timeout_s=timeout_s, send_anyway=force
        )
        kept = PersistentCommand(
            job_id=job.id,
            organisation_id=station.organisation_id,
            station_id=station.id,
            sealed=self._secrets.seal(_PURPOSE, msgspec.msgpack.encode(waiting)),
            deadline=until,
            created_at=now,
            claimed_until=now + CLAIM_US,
        )
        await self._storage.persistent_commands.create(kept)
        await self._storage.record([job_changed(job, now)])
        self._stations.add(station.id)
        if station.connected:
            await self._deliver(kept, wait_s)
        else:
            await self._storage.persistent_commands.update(job.id, {"claimed_until": 0})
        return await self._job(job.id) or job

    async def cancel(self, job_id: str) -> bool:
        """Call a command off that was not sent; False when there is none of this job, or it is on its way."""
        now = self._clock()
        if not await self._storage.persistent_commands.claim(job_id, now, now + CLAIM_US):
            return False
        await self._end(job_id, JobState.CANCELLED, "cancelled", "Somebody called it off before it was sent.")
        return True

    # What moves them on.

    async def load(self) -> None:
        """Learn for which stations something waits."""
        self._stations = {each.station_id for each in await self._storage.persistent_commands.all()}

    def wants(self, station_id: str) -> bool:
        """Whether something may wait for this station."""
        return station_id in self._stations

    async def came(self, station_id: str) -> None:
        """A station is there: what waits for it is delivered, the oldest first."""
        waiting = await self._storage.persistent_commands.all(station_id)
        if not waiting:
            self._stations.discard(station_id)
        for each in waiting:
            await self._take_up(each)

    async def advance(self, now: Instant) -> None:
        """Deliver what can be delivered, end what is too late. Safe to run on several nodes."""
        by_station: dict[str, list[PersistentCommand]] = {}
        for each in await self._storage.persistent_commands.due(now):
            by_station.setdefault(each.station_id, []).append(each)
        self._stations |= by_station.keys()
        await asyncio.gather(*(self._take_up_all(each) for each in by_station.values()))

    async def _take_up_all(self, waiting: list[PersistentCommand]) -> None:
        for each in waiting:
            await self._take_up(each)

    async def _take_up(self, kept: PersistentCommand) -> None:
        now = self._clock()
        try:
            if not await self._storage.persistent_commands.claim(kept.job_id, now, now + CLAIM_US):
                return
            if kept.attempted_at is not None:
                await self._lost(kept)
            elif now >= kept.deadline:
                words = "The station was not there before the deadline; nothing was sent."
                await self._end(kept.job_id, JobState.EXPIRED, "expired", words)
            else:
                await self._deliver(kept, None)
        except (DomainError, StorageError, ValueError):
            log.warning("persistent_commands.not_delivered", job_id=kept.job_id, exc_info=True)

    async def _deliver(self, kept: PersistentCommand, wait_s: float | None) -> None:
        """Hand a claimed command to the node that holds the station; that node settles it, or puts it back."""
        waiting = msgspec.msgpack.decode(self._secrets.unseal(_PURPOSE, kept.sealed), type=Waiting)
        usual_s = (waiting.timeout_s or self._settings.call_timeout_s) + MARGIN_S
        await self._storage.persistent_commands.update(kept.job_id, {"attempted_at": self._clock()})
        try:
            await self._commands.deliver(kept, waiting, usual_s if wait_s is None else wait_s)
        except (Invalid, NotFound) as error:
            await self._end(kept.job_id, JobState.ERROR, error.code, error.message)
        except DomainError:
            # It is not there, or not allowed now: nothing was sent.
            changes = {"attempted_at": None, "claimed_until": 0}
            await self._storage.persistent_commands.update(kept.job_id, changes)

    async def _lost(self, kept: PersistentCommand) -> None:
        """Its delivery began and nobody settled it: the node that did it is gone."""
        job = await self._job(kept.job_id)
        if job is None or job.state in ENDED:
            await self._storage.persistent_commands.delete(kept.job_id)
            return
        words = "The node that sent it stopped before the end; the outcome is unknown, and it is not sent again."
        await self._end(kept.job_id, JobState.NOT_DELIVERED, "outcome_unknown", words)

    async def _end(self, job_id: str, state: JobState, code: str, words: str) -> None:
        now = self._clock()
        job = await self._job(job_id)
        if job is not None and job.state not in ENDED:
            error = msgspec.json.encode({"code": code, "description": words, "details": {}}).decode()
            await self._storage.record(
                [job_moved_on(msgspec.structs.replace(job, state=state, error=error, finished_at=now), now)]
            )
        await self._storage.persistent_commands.delete(job_id)

    async def _job(self, job_id: str) -> Job | None:
        job: Job | None = await self._storage.jobs.get(job_id)
        return job
