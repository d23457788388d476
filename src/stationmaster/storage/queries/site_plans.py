"""Which node plans for which site, what its planner knows, and what has been decided so far.

The rule that shapes this file: a plan has one owner at a time. Ownership is taken and kept in the
database, in one statement; each change of owner has a new epoch, and only the owner of the present
epoch can write, so a node that was cut off finds out before it sends anything.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.load_management.facts import SiteDecided, SiteLoadSampled
from stationmaster.instants import Instant
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor, write_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, only
from stationmaster.storage.statements import find_by, update_by
from stationmaster.storage.tables import presence, site_decision, site_load, site_plan, site_release, transaction

__all__ = ["SitePlanQueries"]

_p, _l, _d, _r = site_plan.c, site_load.c, site_decision.c, site_release.c
_t = transaction.c
_CONNECTED = find_by(
    sa.select(presence.c.station_id).where(presence.c.connected.is_(sa.true())), presence.c.station_id, quick=False
)
_RUNNING = find_by(
    sa.select(_t.station_id, _t.evse_id, _t.ocpp_id, _t.started_at, _t.start_received_at).where(
        _t.state == "open", _t.evse_id.is_not(None), _t.start_received_at.is_not(None)
    ),
    _t.station_id,
    quick=False,
)
_KEEP = update_by(site_plan, ("organisation_id", "site_id", "epoch"), ("snapshot", "updated_at"))
_read_load = msgspec.json.Decoder(SiteLoadSampled).decode
_read_decision = msgspec.json.Decoder(SiteDecided).decode
_PORTION = 1000


class SitePlanQueries:
    """Plans, releases, history."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def take(
        self, organisation_id: str, site_id: str, owner: str, until: Instant
    ) -> tuple[int, str | None] | None:
        """Become the owner of a plan that has none (any more): its epoch and snapshot; None while somebody has it."""
        now = self._access.clock()
        return await self._access.write(_take, organisation_id, site_id, owner, until, now)

    async def take_left(
        self, organisation_id: str, site_id: str, owner: str, until: Instant
    ) -> tuple[int, str | None] | None:
        """The same for a plan that is there; None also where there is none."""
        here = sa.and_(_p.organisation_id == organisation_id, _p.site_id == site_id)
        if not await self._access.read(sa.select(_p.epoch).where(here)):
            return None
        return await self.take(organisation_id, site_id, owner, until)

    async def keys(self) -> list[tuple[str, str]]:
        """All plans there are: organisation and site."""
        return [(row[0], row[1]) for row in await self._access.read(sa.select(_p.organisation_id, _p.site_id))]

    async def renew(self, owner: str, until: Instant) -> set[tuple[str, str]]:
        """Stay the owner of everything one owns; returns what that is (organisation, site)."""
        return await self._access.write(_renew, owner, until)

    async def keep(self, organisation_id: str, site_id: str, epoch: int, snapshot: str) -> bool:
        """Write down what the planner knows. False: somebody else owns the plan now, and nothing was written."""
        kept = (organisation_id, site_id, epoch, snapshot, self._access.clock())
        return bool((await self._access.write(execute, _KEEP, [kept])).rowcount)

    async def let_go(self, organisation_id: str, site_id: str, epoch: int, snapshot: str | None) -> None:
        """Give a plan up for others to take; `snapshot` None leaves what is written."""
        here = sa.and_(_p.organisation_id == organisation_id, _p.site_id == site_id, _p.epoch == epoch)
        values: dict[str, Any] = {"owner": None, "owned_until": 0}
        if snapshot is not None:
            values |= {"snapshot": snapshot, "updated_at": self._access.clock()}
        await self._access.write(execute, sa.update(site_plan).where(here).values(values))

    async def forget(self, organisation_id: str, site_id: str, epoch: int) -> None:
        """Remove a plan: the site is not managed any more."""
        here = sa.and_(_p.organisation_id == organisation_id, _p.site_id == site_id, _p.epoch == epoch)
        await self._access.write(execute, sa.delete(site_plan).where(here))

    async def snapshot_of(self, organisation_id: str, site_id: str) -> tuple[str, Instant, str | None] | None:
        """What the planner knew last, when that was written, and which node plans; None without a plan."""
        here = sa.and_(_p.organisation_id == organisation_id, _p.site_id == site_id, _p.snapshot.is_not(None))
        rows = await self._access.read(sa.select(_p.snapshot, _p.updated_at, _p.owner).where(here))
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    # What a planner has to know of stations.

    async def connected(self, station_ids: Sequence[str]) -> set[str]:
        """Those of some stations that are connected."""
        return {str(row[0]) for row in await self._access.read(_CONNECTED, [(each,) for each in station_ids])}

    async def running(self, station_ids: Sequence[str]) -> list[tuple[str, int, str, Instant, Instant]]:
        """Their open transactions: station, EVSE, the station's name of it, when it began and when we heard of it."""
        rows = await self._access.read(_RUNNING, [(each,) for each in station_ids])
        return [(row[0], row[1], row[2], row[3] if row[3] is not None else row[4], row[4]) for row in rows]

    # What has to be cleared from stations.

    async def release(self, organisation_id: str, places: Sequence[tuple[str, int]]) -> None:
        """Remember that our profiles are to be removed from connectors (station, EVSE)."""
        await self._access.write(_release, organisation_id, places, self._access.clock())

    async def released(self, places: Sequence[tuple[str, int]]) -> None:
        """They are removed, or belong to a plan again."""
        await self._access.write(_released, places)

    async def to_release(self, limit: int = 500) -> list[tuple[str, str, int, Instant]]:
        """What is to be removed: organisation, station, EVSE, since when."""
        statement = sa.select(_r.organisation_id, _r.station_id, _r.evse_id, _r.created_at)
        rows = await self._access.read(statement.order_by(_r.created_at).limit(limit))
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    # History.

    async def loads(
        self, organisation_id: str, site_id: str, *, since: Instant, until: Instant, limit: int
    ) -> list[SiteLoadSampled]:
        """The load from `since` to `until`, oldest first, begun by the one that held at `since`."""
        here = sa.and_(_l.organisation_id == organisation_id, _l.site_id == site_id)
        before = await self._access.read(sa.select(_l.data).where(here, _l.at < since).order_by(_l.at.desc()).limit(1))
        rows = await self._access.read(
            sa.select(_l.data).where(here, _l.at >= since, _l.at < until).order_by(_l.at, _l.id).limit(limit)
        )
        return [_read_load(row[0]) for row in (*before, *rows)]

    async def decisions(
        self,
        organisation_id: str,
        site_id: str,
        *,
        station_id: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[SiteDecided]:
        """What was decided, the newest first."""
        where = only({_d.organisation_id: organisation_id, _d.site_id: site_id, _d.station_id: station_id})
        if since is not None:
            where.append(_d.at >= since)
        if until is not None:
            where.append(_d.at < until)
        if cursor is not None:
            where.append(_d.id < read_cursor(cursor, int))
        statement = sa.select(_d.id, _d.data).where(*where).order_by(_d.id.desc()).limit(bounded(limit) + 1)
        rows = await self._access.read(statement)
        shown = rows[: bounded(limit)]
        items = [_read_decision(row[1]) for row in shown]
        return Page(items, write_cursor(shown[-1][0]) if len(rows) > bounded(limit) else None)

    async def prune(self, before: Instant) -> int:
        """Remove history that is older, in portions; returns how many rows went."""
        removed = 0
        for table in (site_load, site_decision):
            while portion := await self._access.write(_prune, table, before):
                removed += portion
                if portion < _PORTION:
                    break
        return removed


def _take(
    organisation_id: str, site_id: str, owner: str, until: Instant, now: Instant
) -> Program[tuple[int, str | None] | None]:
    here = sa.and_(_p.organisation_id == organisation_id, _p.site_id == site_id)
    free = sa.or_(_p.owner.is_(None), _p.owner == owner, _p.owned_until <= now)
    taken = yield from execute(
        sa.update(site_plan).where(here, free).values(owner=owner, owned_until=until, epoch=_p.epoch + 1)
    )
    found = yield from execute(sa.select(_p.epoch, _p.snapshot).where(here))
    if taken.rowcount:
        return (int(found.rows[0][0]), found.rows[0][1])
    if found.rows:
        return None
    values = {"organisation_id": organisation_id, "site_id": site_id, "owner": owner, "owned_until": until}
    yield from execute(sa.insert(site_plan).values(values | {"epoch": 1, "snapshot": None, "updated_at": now}))
    return (1, None)


def _renew(owner: str, until: Instant) -> Program[set[tuple[str, str]]]:
    # Also when the time was over already: as long as nobody took it, it is still ours.
    yield from execute(sa.update(site_plan).where(_p.owner == owner).values(owned_until=until))
    found = yield from execute(sa.select(_p.organisation_id, _p.site_id).where(_p.owner == owner))
    return {(str(row[0]), str(row[1])) for row in found.rows}


def _release(organisation_id: str, places: Sequence[tuple[str, int]], now: Instant) -> Program[None]:
    yield from _released(places)
    for station_id, evse_id in places:
        values = {"station_id": station_id, "evse_id": evse_id, "organisation_id": organisation_id, "created_at": now}
        yield from execute(sa.insert(site_release).values(values))


def _released(places: Sequence[tuple[str, int]]) -> Program[None]:
    for station_id, evse_id in places:
        here = sa.and_(_r.station_id == station_id, _r.evse_id == evse_id)
        yield from execute(sa.delete(site_release).where(here))


def _prune(table: sa.Table, before: Instant) -> Program[int]:
    old = sa.select(table.c.id).where(table.c.at < before).order_by(table.c.id).limit(_PORTION)
    done = yield from execute(sa.delete(table).where(table.c.id.in_(old.scalar_subquery())))
    return done.rowcount
