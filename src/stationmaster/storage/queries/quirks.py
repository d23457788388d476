"""Reading and keeping quirk profiles."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.quirks import QuirkProfile, Quirks
from stationmaster.storage.errors import NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor, write_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, only
from stationmaster.storage.tables.provisioning import station
from stationmaster.storage.tables.quirks import quirk_profile

__all__ = ["QuirkProfileQueries"]

_read_quirks = msgspec.json.Decoder(Quirks).decode
_q = quirk_profile.c
_FIELDS = QuirkProfile.__struct_fields__
_SELECT = sa.select(*(_q[name] for name in _FIELDS))


class QuirkProfileQueries:
    """Quirk profiles by id."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, profile_id: str) -> QuirkProfile | None:
        """One profile."""
        rows = await self._access.read(_SELECT.where(_q.id == profile_id))
        return _noun(rows[0]) if rows else None

    async def everything(self) -> list[QuirkProfile]:
        """All profiles of all organisations."""
        return [_noun(row) for row in await self._access.read(_SELECT.order_by(_q.created_at, _q.id))]

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        vendor: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[QuirkProfile]:
        """Profiles by name; `vendor` in any case."""
        where = only({_q.organisation_id: organisation_id})
        if vendor is not None:
            where.append(sa.func.lower(_q.vendor) == vendor.lower())
        if cursor is not None:
            name, after = read_cursor(cursor, tuple[str, str])
            where.append(sa.or_(_q.name > name, sa.and_(_q.name == name, _q.id > after)))
        rows = await self._access.read(_SELECT.where(*where).order_by(_q.name, _q.id).limit(bounded(limit) + 1))
        items = [_noun(row) for row in rows[: bounded(limit)]]
        return Page(items, write_cursor((items[-1].name, items[-1].id)) if len(rows) > bounded(limit) else None)

    async def save(self, new: QuirkProfile) -> QuirkProfile:
        """Keep a profile, new or changed, under its id. Raises `NotFound` if it was deleted meanwhile."""
        now = self._access.clock()
        kept = msgspec.structs.replace(new, created_at=new.created_at or now, updated_at=now)
        values = msgspec.structs.asdict(kept) | {"quirks": msgspec.json.encode(kept.quirks).decode()}
        if not new.created_at:
            await self._access.write(execute, sa.insert(quirk_profile).values(values))
            return kept
        changes = {name: value for name, value in values.items() if name not in {"id", "organisation_id"}}
        done = await self._access.write(execute, sa.update(quirk_profile).where(_q.id == kept.id).values(changes))
        if not done.rowcount:
            raise NotFound(f"there is no quirk profile {kept.id}")
        return kept

    async def delete(self, profile_id: str) -> None:
        """Remove a profile; stations for which it was chosen have none then. Raises `NotFound`."""
        await self._access.write(_delete, profile_id)


def _delete(profile_id: str) -> Program[None]:
    done = yield from execute(sa.delete(quirk_profile).where(_q.id == profile_id))
    if not done.rowcount:
        raise NotFound(f"there is no quirk profile {profile_id}")
    chosen = station.c.quirk_profile_id == profile_id
    yield from execute(sa.update(station).where(chosen).values(quirk_profile_id=None))


def _noun(row: Sequence[Any]) -> QuirkProfile:
    values = dict(zip(_FIELDS, row, strict=True))
    return QuirkProfile(**(values | {"quirks": _read_quirks(values["quirks"])}))
