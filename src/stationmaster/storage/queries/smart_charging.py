"""Reading what stations hold, and the library of charging profiles."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.smart_charging.installed import Mirror
from stationmaster.domain.smart_charging.library import LibraryProfile
from stationmaster.domain.smart_charging.profiles import ChargingProfile
from stationmaster.storage.errors import NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor, write_cursor
from stationmaster.storage.programs import execute
from stationmaster.storage.queries.base import Access, contains, only
from stationmaster.storage.statements import find_by
from stationmaster.storage.tables.smart_charging import charging_profile, installed_profiles

__all__ = ["ChargingProfileQueries"]

_read_mirror = msgspec.json.Decoder(Mirror).decode
_read_profile = msgspec.json.Decoder(ChargingProfile).decode
_i = installed_profiles.c
_MIRRORS = find_by(sa.select(_i.station_id, _i.mirror), _i.station_id, quick=False)
_c = charging_profile.c
_SELECT = sa.select(_c.id, _c.organisation_id, _c.name, _c.profile, _c.site_id, _c.note, _c.created_at, _c.updated_at)


class ChargingProfileQueries:
    """Mirrors by station, and the library by id."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def mirror_of(self, station_id: str) -> Mirror:
        """What a station holds as far as we know."""
        i = installed_profiles.c
        rows = await self._access.read(sa.select(i.mirror).where(i.station_id == station_id))
        return _read_mirror(rows[0][0]) if rows else ()

    async def mirrors_of(self, station_ids: Sequence[str]) -> dict[str, Mirror]:
        """What some stations hold as far as we know; those that hold nothing are left out."""
        rows = await self._access.read(_MIRRORS, [(each,) for each in station_ids])
        return {str(row[0]): _read_mirror(row[1]) for row in rows}

    async def get(self, profile_id: str) -> LibraryProfile | None:
        """A profile of the library."""
        rows = await self._access.read(_SELECT.where(_c.id == profile_id))
        return _noun(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[LibraryProfile]:
        """The library, by name."""
        where = only({_c.organisation_id: organisation_id})
        if site_ids is not None:
            where.append(sa.or_(_c.site_id.is_(None), _c.site_id.in_(site_ids)))
        if search:
            where.append(contains(_c.name, search))
        if cursor is not None:
            name, after = read_cursor(cursor, tuple[str, str])
            where.append(sa.or_(_c.name > name, sa.and_(_c.name == name, _c.id > after)))
        rows = await self._access.read(_SELECT.where(*where).order_by(_c.name, _c.id).limit(bounded(limit) + 1))
        items = [_noun(row) for row in rows[: bounded(limit)]]
        more = len(rows) > bounded(limit)
        return Page(items, write_cursor((items[-1].name, items[-1].id)) if more else None)

    async def save(self, new: LibraryProfile) -> LibraryProfile:
        """Keep a profile, new or changed, under its id."""
        now = self._access.clock()
        kept = msgspec.structs.replace(new, created_at=new.created_at or now, updated_at=now)
        values = msgspec.structs.asdict(kept) | {"profile": msgspec.json.encode(kept.profile).decode()}
        if new.created_at:
            changes = {name: value for name, value in values.items() if name not in {"id", "organisation_id"}}
            await self._access.write(execute, sa.update(charging_profile).where(_c.id == kept.id).values(changes))
        else:
            await self._access.write(execute, sa.insert(charging_profile).values(values))
        return kept

    async def delete(self, profile_id: str) -> None:
        """Remove a profile from the library; what stations hold stays. Raises `NotFound`."""
        done = await self._access.write(execute, sa.delete(charging_profile).where(_c.id == profile_id))
        if not done.rowcount:
            raise NotFound(f"there is no charging profile {profile_id}")


def _noun(row: Sequence[Any]) -> LibraryProfile:
    profile_id, organisation_id, name, profile, site_id, note, created_at, updated_at = row
    return LibraryProfile(
        id=profile_id,
        organisation_id=organisation_id,
        name=name,
        profile=_read_profile(profile),
        site_id=site_id,
        note=note,
        created_at=created_at,
        updated_at=updated_at,
    )
