"""Where jobs stand that outlive a node: applications of configuration, and commands that wait for their station."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.desired_configuration import ConfigurationJob, JobStep
from stationmaster.domain.persistent_commands import PersistentCommand
from stationmaster.instants import Instant
from stationmaster.storage.programs import Execute, Program, execute
from stationmaster.storage.queries.base import Access, NounReader, only
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import configuration_job, persistent_command, presence

__all__ = ["ConfigurationJobQueries", "PersistentCommandQueries"]

_JOBS = NounReader(ConfigurationJob)
_COMMANDS = NounReader(PersistentCommand)
_j, _p = configuration_job.c, persistent_command.c
_SELECT_JOBS = sa.select(*_JOBS.columns(configuration_job))
_SELECT_COMMANDS = sa.select(*_COMMANDS.columns(persistent_command))
_INSERT_JOBS = insert_into(configuration_job, _JOBS.fields)


class ConfigurationJobQueries:
    """Applications of desired configuration."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, job_id: str) -> ConfigurationJob | None:
        """One of them."""
        rows = await self._access.read(_SELECT_JOBS.where(_j.job_id == job_id))
        return _JOBS.one(rows[0]) if rows else None

    async def unfinished(self, station_id: str | None = None) -> list[ConfigurationJob]:
        """Those under way, the oldest first."""
        where = [_j.finished_at.is_(None), *only({_j.station_id: station_id})]
        return _JOBS.many(await self._access.read(_SELECT_JOBS.where(*where).order_by(_j.created_at, _j.job_id)))

    async def due(self, now: Instant) -> list[ConfigurationJob]:
        """Those under way that may go on: their station is there, or their time is over."""
        here = sa.select(presence.c.station_id).where(presence.c.connected.is_(sa.true()))
        may_go_on = sa.or_(_j.deadline <= now, _j.station_id.in_(here), _j.step == JobStep.COME_BACK.value)
        where = (_j.finished_at.is_(None), _j.claimed_until <= now, may_go_on)
        return _JOBS.many(await self._access.read(_SELECT_JOBS.where(*where).order_by(_j.created_at, _j.job_id)))

    async def of_run(self, run_id: str) -> list[ConfigurationJob]:
        """Those that were begun together, by station."""
        return _JOBS.many(await self._access.read(_SELECT_JOBS.where(_j.run_id == run_id).order_by(_j.station_id)))

    async def create(self, jobs: Sequence[ConfigurationJob]) -> None:
        """Begin."""
        await self._access.write(_create, jobs)

    async def claim(self, job_id: str, step: str, now: Instant, until: Instant) -> bool:
        """Take the right to do the next step; False when another node has it, or the step was done."""
        free = (_j.job_id == job_id, _j.step == step, _j.finished_at.is_(None), _j.claimed_until <= now)
        statement = sa.update(configuration_job).where(*free).values(claimed_until=until)
        return bool((await self._access.write(execute, statement)).rowcount)

    async def update(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """Move one on."""
        values = dict(changes)
        if "changed" in values:
            values["changed"] = msgspec.json.encode(values["changed"]).decode()
        await self._access.write(execute, sa.update(configuration_job).where(_j.job_id == job_id).values(values))

    async def end(self, job_id: str, result: str, at: Instant) -> bool:
        """One has ended; False when it had before."""
        open_one = (_j.job_id == job_id, _j.finished_at.is_(None))
        values = {"result": result, "finished_at": at, "claimed_until": 0}
        statement = sa.update(configuration_job).where(*open_one).values(values)
        return bool((await self._access.write(execute, statement)).rowcount)

    async def forget(self, before: Instant) -> None:
        """Remove those that ended long ago."""
        await self._access.write(execute, sa.delete(configuration_job).where(_j.finished_at < before))


class PersistentCommandQueries:
    """Commands that wait for their station."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def all(self, station_id: str | None = None) -> list[PersistentCommand]:
        """Those that wait, the oldest first."""
        where = only({_p.station_id: station_id})
        statement = _SELECT_COMMANDS.where(*where).order_by(_p.created_at, _p.job_id)
        return _COMMANDS.many(await self._access.read(statement))

    async def due(self, now: Instant) -> list[PersistentCommand]:
        """Those that can be delivered, for their station is there, and those whose time is over."""
        here = sa.select(presence.c.station_id).where(presence.c.connected.is_(sa.true()))
        where = (_p.claimed_until <= now, sa.or_(_p.deadline <= now, _p.station_id.in_(here)))
        statement = _SELECT_COMMANDS.where(*where).order_by(_p.created_at, _p.job_id)
        return _COMMANDS.many(await self._access.read(statement))

    async def count(self, station_id: str) -> int:
        """How many wait for a station."""
        statement = sa.select(sa.func.count()).where(_p.station_id == station_id)
        return int((await self._access.read(statement))[0][0])

    async def create(self, new: PersistentCommand) -> None:
        """Have one wait."""
        await self._access.write(execute, sa.insert(persistent_command).values(msgspec.structs.asdict(new)))

    async def claim(self, job_id: str, now: Instant, until: Instant) -> bool:
        """Take the right to deliver one, or to end it; False when somebody else has it, or it is gone."""
        free = (_p.job_id == job_id, _p.claimed_until <= now)
        statement = sa.update(persistent_command).where(*free).values(claimed_until=until)
        return bool((await self._access.write(execute, statement)).rowcount)

    async def update(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """Change one."""
        await self._access.write(execute, sa.update(persistent_command).where(_p.job_id == job_id).values(**changes))

    async def delete(self, job_id: str) -> None:
        """It waits no more."""
        await self._access.write(execute, sa.delete(persistent_command).where(_p.job_id == job_id))


def _create(jobs: Sequence[ConfigurationJob]) -> Program[None]:
    rows = [
        tuple(
            msgspec.json.encode(value).decode() if isinstance(value, tuple) else value
            for value in (getattr(job, name) for name in _JOBS.fields)
        )
        for job in jobs
    ]
    yield Execute(_INSERT_JOBS, rows)
