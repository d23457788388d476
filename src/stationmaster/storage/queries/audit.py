"""The audit log as it is read: page by page, or from end to end to prove it."""

from collections.abc import AsyncIterator

import sqlalchemy as sa

from stationmaster.domain.audit import AuditEntry, ChainHead
from stationmaster.instants import Instant
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.queries.base import Access, NounReader, contains, one_page, only
from stationmaster.storage.tables import audit_chain, audit_entry

__all__ = ["AuditQueries"]

_ENTRIES = NounReader(AuditEntry)
_SELECT = sa.select(*_ENTRIES.columns(audit_entry))
_HEADS = NounReader(ChainHead)
_PORTION = 1_000
_e = audit_entry.c


class AuditQueries:
    """Who did what."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str,
        *,
        actor: str | None = None,
        action: str | None = None,
        station_id: str | None = None,
        result: str | None = None,
        search: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """Entries, the newest first; `search` looks into actor, target and details."""
        wanted = {_e.actor: actor, _e.action: action, _e.station_id: station_id, _e.result: result}
        where = only({_e.organisation_id: organisation_id, **wanted})
        if search:
            where.append(sa.or_(*(contains(column, search) for column in (_e.actor, _e.target, _e.details))))
        if since is not None:
            where.append(_e.at >= since)
        if until is not None:
            where.append(_e.at < until)
        if cursor is not None:
            where.append(_e.sequence < read_cursor(cursor, int))
        rows = await self._access.read(_SELECT.where(*where).order_by(_e.sequence.desc()).limit(bounded(limit) + 1))
        return one_page(rows, _ENTRIES, limit, lambda found: found.sequence)

    async def heads(self, organisation_id: str | None = None) -> list[ChainHead]:
        """The head of each chain, in the order of the organisations."""
        c = audit_chain.c
        where = only({c.organisation_id: organisation_id})
        rows = await self._access.read(
            sa.select(*_HEADS.columns(audit_chain)).where(*where).order_by(c.organisation_id)
        )
        return _HEADS.many(rows)

    async def organisations(self) -> list[str]:
        """Every organisation of which there is an entry or a head."""
        statement = sa.union(sa.select(_e.organisation_id), sa.select(audit_chain.c.organisation_id))
        return sorted(row[0] for row in await self._access.read(statement))

    async def walk(self, organisation_id: str, *, until: int | None = None) -> AsyncIterator[list[AuditEntry]]:
        """All entries of an organisation from the first on, up to sequence `until`, in portions."""
        last = 0
        while True:
            where = [_e.organisation_id == organisation_id, _e.sequence > last]
            if until is not None:
                where.append(_e.sequence <= until)
            rows = await self._access.read(_SELECT.where(*where).order_by(_e.sequence).limit(_PORTION))
            if not rows:
                return
            portion = _ENTRIES.many(rows)
            yield portion
            last = portion[-1].sequence
