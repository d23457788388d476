"""Jobs, configuration, oddities and what stations tell of themselves, as they are read."""

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from stationmaster.domain.jobs import Job, JobState
from stationmaster.instants import Instant
from stationmaster.storage.configuration import name_key
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.tables import (
    data_transfer,
    job,
    oddity,
    presence,
    security_event,
    station,
    transfer_status,
    variable,
)

__all__ = [
    "ConfigurationQueries",
    "DataTransfer",
    "JobQueries",
    "ListQueries",
    "Oddity",
    "OddityGroup",
    "OddityQueries",
    "SecurityEvent",
    "TransferStatus",
    "Variable",
]

T = TypeVar("T")

_JOBS = NounReader(Job)
_SELECT_JOBS = sa.select(*_JOBS.columns(job))
_j = job.c
_QUEUED_WHILE_COMING_IN_US: Final = 1_000_000
"""A command that is given in this moment may go out on the new connection."""


class JobQueries:
    """Commands to stations, from the wish to the answer (§3.1)."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def get(self, job_id: str) -> Job | None:
        """One job."""
        rows = await self._access.read(_SELECT_JOBS.where(_j.id == job_id))
        return _JOBS.one(rows[0]) if rows else None

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        station_id: str | None = None,
        action: str | Sequence[str] | None = None,
        state: str | Sequence[str] | None = None,
        requested_by: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Job]:
        """Jobs, the newest first; `since` and `until` bound the time at which they were asked for."""
        where = only(
            {
                _j.organisation_id: organisation_id,
                _j.site_id: site_ids,
                _j.station_id: station_id,
                _j.action: action,
                _j.state: state,
                _j.requested_by: requested_by,
            }
        )
        if since is not None:
            where.append(_j.queued_at >= since)
        if until is not None:
            where.append(_j.queued_at < until)
        if cursor is not None:
            queued_at, job_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_j.queued_at < queued_at, sa.and_(_j.queued_at == queued_at, _j.id < job_id)))
        statement = _SELECT_JOBS.where(*where).order_by(_j.queued_at.desc(), _j.id.desc())
        rows = await self._access.read(statement.limit(bounded(limit) + 1))
        return one_page(rows, _JOBS, limit, lambda found: (found.queued_at, found.id))

    async def latest(self, station_id: str, action: str | Sequence[str]) -> Job | None:
        """The newest job of an action at a station."""
        where = only({_j.station_id: station_id, _j.action: action})
        statement = _SELECT_JOBS.where(*where).order_by(_j.queued_at.desc(), _j.id.desc())
        rows = await self._access.read(statement.limit(1))
        return _JOBS.one(rows[0]) if rows else None

    async def unfinished(self, station_id: str | None = None) -> list[Job]:
        """Jobs that have not come to an end, the oldest first."""
        where = [_j.finished_at.is_(None), *only({_j.station_id: station_id})]
        return _JOBS.many(await self._access.read(_SELECT_JOBS.where(*where).order_by(_j.queued_at, _j.id)))

    async def outlived(self, before: Instant) -> list[Job]:
        """Jobs without an end whose station has come in anew since they were queued or sent, and before `before`."""
        came_in = presence.c.connected_at
        statement = _SELECT_JOBS.join_from(job, presence, presence.c.station_id == _j.station_id).where(
            _j.finished_at.is_(None),
            _j.state.in_((JobState.QUEUED, JobState.SENT)),
            sa.func.coalesce(_j.sent_at, _j.queued_at + _QUEUED_WHILE_COMING_IN_US) < came_in,
            came_in < before,
        )
        return _JOBS.many(await self._access.read(statement.order_by(_j.queued_at, _j.id)))


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration variable of a station. `readonly` None: never read. `write_status`: of the last change.

    `value` is in force, `pending_value` will be after the next boot; None: nothing waits.
    """

    organisation_id: str
    station_id: str
    component: str
    variable: str
    value: str | None
    pending_value: str | None
    readonly: bool | None
    supported: bool
    write_status: str | None
    read_at: Instant | None
    written_at: Instant | None


_VARIABLES = NounReader(Variable)


class ConfigurationQueries:
    """Configuration of stations as last read or set."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def of(self, station_id: str) -> list[Variable]:
        """All variables of a station in the order of their names."""
        v = variable.c
        statement = sa.select(*_VARIABLES.columns(variable)).where(v.station_id == station_id)
        return _VARIABLES.many(await self._access.read(statement.order_by(v.component, v.variable, v.variable_key)))

    async def get(self, station_id: str, component: str, name: str) -> Variable | None:
        """One variable, however its name is spelled."""
        v = variable.c
        where = (v.station_id == station_id, v.component == component, v.variable_key == name_key(name))
        rows = await self._access.read(sa.select(*_VARIABLES.columns(variable)).where(*where))
        return _VARIABLES.one(rows[0]) if rows else None


class Oddity(msgspec.Struct, frozen=True, kw_only=True):
    """A deviation that was tolerated, counted; `action` "" when there was none, `raw` the latest example."""

    organisation_id: str
    station_id: str
    kind: str
    action: str
    path: str
    raw: str
    count: int
    first_at: Instant
    last_at: Instant


_ODDITIES = NounReader(Oddity)


class OddityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What was tolerated at a station, or at all stations of a model or firmware; `station_id` None for these."""

    vendor: str | None
    model: str | None
    firmware: str | None
    station_id: str | None
    kind: str
    action: str
    path: str
    count: int
    stations: int
    raw: str
    first_at: Instant
    last_at: Instant


_GROUPS = NounReader(OddityGroup)
_KIND_OF_STATION = {
    "station": ("vendor", "model", "firmware", "station_id"),
    "firmware": ("vendor", "model", "firmware"),
    "model": ("vendor", "model"),
}
_NOTHING = sa.null()


class OddityQueries:
    """What was tolerated."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def of(self, station_id: str) -> list[Oddity]:
        """The oddities of a station, the most frequent first."""
        o = oddity.c
        statement = sa.select(*_ODDITIES.columns(oddity)).where(o.station_id == station_id)
        order = (o.count.desc(), o.kind, o.action, o.path)
        return _ODDITIES.many(await self._access.read(statement.order_by(*order)))

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str,
        *,
        site_ids: Sequence[str] | None = None,
        vendor: str | None = None,
        model: str | None = None,
        firmware: str | None = None,
        kind: str | None = None,
        group_by: str = "station",
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[OddityGroup]:
        """Oddities counted by station, model or firmware, the most frequent first."""
        skipped = 0 if cursor is None else read_cursor(cursor, int)
        statement = _grouped(group_by).where(oddity.c.organisation_id == organisation_id)
        s = station.c
        statement = statement.where(
            *only({s.vendor: vendor, s.model: model, s.firmware_version: firmware, oddity.c.kind: kind})
        )
        if site_ids is not None:
            statement = statement.where(s.site_id.in_(site_ids))
        rows = await self._access.read(statement.offset(max(0, skipped)).limit(bounded(limit) + 1))
        # Counts change while somebody turns pages, so a place in the list is all that a cursor can be.
        return one_page(rows, _GROUPS, limit, lambda _: skipped + bounded(limit))


def _grouped(group_by: str) -> sa.Select[Any]:
    o, s = oddity.c, station.c
    of_station = {"vendor": s.vendor, "model": s.model, "firmware": s.firmware_version, "station_id": o.station_id}
    keys = [of_station[name] for name in _KIND_OF_STATION[group_by]] + [o.kind, o.action, o.path]
    told = {name: column if name in _KIND_OF_STATION[group_by] else _NOTHING for name, column in of_station.items()}
    count = sa.func.sum(o.count)
    columns: dict[str, Any] = told | {
        "kind": o.kind,
        "action": o.action,
        "path": o.path,
        "count": sa.cast(count, sa.BigInteger),
        "stations": sa.func.count(sa.distinct(o.station_id)),
        "raw": sa.func.max(o.raw),
        "first_at": sa.func.min(o.first_at),
        "last_at": sa.func.max(o.last_at),
    }
    selected = sa.select(*(columns[name].label(name) for name in _GROUPS.fields))
    return (
        selected.select_from(oddity.join(station, s.id == o.station_id)).group_by(*keys).order_by(count.desc(), *keys)
    )


class TransferStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a firmware update or an upload."""

    id: int
    organisation_id: str
    station_id: str
    received_at: Instant
    transfer: str
    status: str
    request_id: int | None
    job_id: str | None


class SecurityEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A security event of a station, or of ours about it."""

    id: int
    organisation_id: str
    station_id: str
    received_at: Instant
    type: str
    occurred_at: Instant
    technical_info: str | None
    critical: bool
    source: str


class DataTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor message from a station and our answer."""

    id: int
    organisation_id: str
    station_id: str
    received_at: Instant
    vendor_id: str
    message_id: str | None
    data: str | None
    status: str


TABLES: dict[type[Any], sa.Table] = {
    TransferStatus: transfer_status,
    SecurityEvent: security_event,
    DataTransfer: data_transfer,
}


class ListQueries(Generic[T]):
    """Any of the lists above, filtered by the fields of its noun."""

    def __init__(self, access: Access, noun: type[T]) -> None:
        """`noun` is TransferStatus, SecurityEvent or DataTransfer."""
        self._access = access
        self._reader = NounReader(noun)
        self._table = TABLES[noun]

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        **filters: Any,
    ) -> Page[T]:
        """The newest first; a filter is a field of the noun, its value the one wanted or a list of them."""
        c = self._table.c
        unknown = sorted(set(filters) - set(self._reader.fields))
        if unknown:
            raise ValueError(f"no such filter: {', '.join(unknown)}")
        where = only({c.organisation_id: organisation_id, **{c[name]: value for name, value in filters.items()}})
        if since is not None:
            where.append(c.received_at >= since)
        if until is not None:
            where.append(c.received_at < until)
        if cursor is not None:
            where.append(c.id < read_cursor(cursor, int))
        statement = sa.select(*self._reader.columns(self._table)).where(*where)
        rows = await self._access.read(statement.order_by(c.id.desc()).limit(bounded(limit) + 1))
        return one_page(rows, self._reader, limit, lambda found: found.id)  # type: ignore[attr-defined]  # every noun of a report has an id
