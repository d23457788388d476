"""Reading and keeping sites, their schedules, and how connectors are wired."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.site import Policy, Settings, SiteLimit
from stationmaster.domain.sites import LimitSchedule, MeterOfSite, Site, Wiring
from stationmaster.storage.errors import Conflict, NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor, write_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, contains, only
from stationmaster.storage.tables import site, site_schedule, wiring

__all__ = ["SiteQueries"]

_s, _h, _w = site.c, site_schedule.c, wiring.c
_FIELDS = Site.__struct_fields__
_SELECT = sa.select(*(_s[name] for name in _FIELDS))
_encode = msgspec.json.Encoder().encode
_JSON = {
    "phases": msgspec.json.Decoder(tuple[Phase, ...]).decode,
    "limits": msgspec.json.Decoder(tuple[SiteLimit, ...]).decode,
    "meter": msgspec.json.Decoder(MeterOfSite).decode,
    "settings": msgspec.json.Decoder(Settings).decode,
}
_read_entries = msgspec.json.Decoder(tuple[SiteLimit, ...]).decode
_read_wiring = msgspec.json.Decoder(Wiring).decode


class SiteQueries:
    """Sites by organisation and id."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def names(self, organisation_id: str, site_ids: Sequence[str]) -> dict[str, str]:
        """What these sites are called; those that do not exist are left out."""
        if not site_ids:
            return {}
        asked = sa.select(_s.id, _s.name).where(_s.organisation_id == organisation_id, _s.id.in_(site_ids))
        return {row[0]: row[1] for row in await self._access.read(asked)}

    async def get(self, organisation_id: str, site_id: str) -> Site | None:
        """One site."""
        rows = await self._access.read(_SELECT.where(_s.organisation_id == organisation_id, _s.id == site_id))
        return _site(rows[0]) if rows else None

    async def everything(self) -> list[Site]:
        """All sites of all organisations."""
        return [_site(row) for row in await self._access.read(_SELECT.order_by(_s.organisation_id, _s.id))]

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Site]:
        """Sites by name; `search` looks into id, name and address."""
        where = only({_s.organisation_id: organisation_id})
        if site_ids is not None:
            where.append(_s.id.in_(site_ids))
        if search:
            where.append(sa.or_(*(contains(each, search) for each in (_s.id, _s.name, _s.address))))
        if cursor is not None:
            name, after = read_cursor(cursor, tuple[str, str])
            where.append(sa.or_(_s.name > name, sa.and_(_s.name == name, _s.id > after)))
        rows = await self._access.read(_SELECT.where(*where).order_by(_s.name, _s.id).limit(bounded(limit) + 1))
        items = [_site(row) for row in rows[: bounded(limit)]]
        return Page(items, write_cursor((items[-1].name, items[-1].id)) if len(rows) > bounded(limit) else None)

    async def save(self, new: Site) -> Site:
        """Keep a site, new or changed. Raises `Conflict` for a new one whose id is taken, `NotFound` if it is gone."""
        now = self._access.clock()
        kept = msgspec.structs.replace(new, created_at=new.created_at or now, updated_at=now)
        values = _values(kept)
        if not new.created_at:
            try:
                await self._access.write(execute, sa.insert(site).values(values))
            except Conflict as error:
                raise Conflict(f"there is a site {kept.id} already") from error
            return kept
        changes = {name: value for name, value in values.items() if name not in {"id", "organisation_id"}}
        here = sa.and_(_s.organisation_id == kept.organisation_id, _s.id == kept.id)
        done = await self._access.write(execute, sa.update(site).where(here).values(changes))
        if not done.rowcount:
            raise NotFound(f"there is no site {kept.id}")
        return kept

    async def delete(self, organisation_id: str, site_id: str) -> None:
        """Remove a site and its schedules; the stations keep the text. Raises `NotFound`."""
        await self._access.write(_delete, organisation_id, site_id)

    # Schedules.

    async def schedules_of(self, organisation_id: str, site_id: str) -> list[LimitSchedule]:
        """The schedules of a site by source."""
        statement = sa.select(_h.organisation_id, _h.site_id, _h.source, _h.entries, _h.updated_at)
        here = sa.and_(_h.organisation_id == organisation_id, _h.site_id == site_id)
        rows = await self._access.read(statement.where(here).order_by(_h.source))
        return [
            LimitSchedule(
                organisation_id=row[0], site_id=row[1], source=row[2], entries=_read_entries(row[3]), updated_at=row[4]
            )
            for row in rows
        ]

    async def save_schedule(self, new: LimitSchedule) -> LimitSchedule:
        """Keep a schedule in the place of the one of the same source."""
        kept = msgspec.structs.replace(new, updated_at=self._access.clock())
        await self._access.write(_save_schedule, kept)
        return kept

    async def delete_schedule(self, organisation_id: str, site_id: str, source: str) -> None:
        """Remove a schedule. Raises `NotFound`."""
        here = sa.and_(_h.organisation_id == organisation_id, _h.site_id == site_id, _h.source == source)
        done = await self._access.write(execute, sa.delete(site_schedule).where(here))
        if not done.rowcount:
            raise NotFound(f"there is no schedule of {source}")

    # Wiring.

    async def wirings_of(self, station_ids: Sequence[str]) -> list[Wiring]:
        """What was declared of the connectors of some stations."""
        statement = sa.select(_w.data).where(_w.station_id.in_(station_ids)).order_by(_w.station_id, _w.evse_id)
        return [_read_wiring(row[0]) for row in await self._access.read(statement)]

    async def save_wiring(self, new: Wiring) -> Wiring:
        """Keep the electrical data of a connector."""
        kept = msgspec.structs.replace(new, updated_at=self._access.clock())
        await self._access.write(_save_wiring, kept)
        return kept

    async def delete_wiring(self, station_id: str, evse_id: int) -> None:
        """Forget the electrical data of a connector. Raises `NotFound`."""
        here = sa.and_(_w.station_id == station_id, _w.evse_id == evse_id)
        done = await self._access.write(execute, sa.delete(wiring).where(here))
        if not done.rowcount:
            raise NotFound(f"nothing is declared of connector {evse_id} of {station_id}")


def _delete(organisation_id: str, site_id: str) -> Program[None]:
    done = yield from execute(sa.delete(site).where(_s.organisation_id == organisation_id, _s.id == site_id))
    if not done.rowcount:
        raise NotFound(f"there is no site {site_id}")
    here = sa.and_(_h.organisation_id == organisation_id, _h.site_id == site_id)
    yield from execute(sa.delete(site_schedule).where(here))


def _save_schedule(kept: LimitSchedule) -> Program[None]:
    key = {"organisation_id": kept.organisation_id, "site_id": kept.site_id, "source": kept.source}
    values = {"entries": _encode(kept.entries).decode(), "updated_at": kept.updated_at}
    here = sa.and_(*(_h[name] == value for name, value in key.items()))
    done = yield from execute(sa.update(site_schedule).where(here).values(values))
    if not done.rowcount:
        yield from execute(sa.insert(site_schedule).values(key | values))


def _save_wiring(kept: Wiring) -> Program[None]:
    values = {"organisation_id": kept.organisation_id, "data": _encode(kept).decode(), "updated_at": kept.updated_at}
    here = sa.and_(_w.station_id == kept.station_id, _w.evse_id == kept.evse_id)
    done = yield from execute(sa.update(wiring).where(here).values(values))
    if not done.rowcount:
        yield from execute(sa.insert(wiring).values(values | {"station_id": kept.station_id, "evse_id": kept.evse_id}))


def _values(kept: Site) -> dict[str, Any]:
    values = msgspec.structs.asdict(kept) | {"policy": kept.policy.value}
    for name in _JSON:
        value = getattr(kept, name)
        values[name] = None if value is None else _encode(value).decode()
    return values


def _site(row: Sequence[Any]) -> Site:
    values = dict(zip(_FIELDS, row, strict=True))
    values["policy"] = Policy(values["policy"])
    for name, read in _JSON.items():
        values[name] = None if values[name] is None else read(values[name])
    return Site(**values)
