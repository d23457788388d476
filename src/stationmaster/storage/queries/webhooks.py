"""Webhooks and what became of their deliveries."""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.webhooks import Delivery, Webhook
from stationmaster.instants import Instant
from stationmaster.storage.committed import StoredEvent
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.queries.log import EVENT_COLUMNS, stored_event
from stationmaster.storage.statements import Prepared
from stationmaster.storage.tables import event, webhook, webhook_delivery

__all__ = ["WebhookQueries"]

_WEBHOOKS = NounReader(Webhook)
_SELECT = sa.select(*_WEBHOOKS.columns(webhook))
_DELIVERIES = NounReader(Delivery)
_w = webhook.c
_now: "sa.BindParameter[int]" = sa.bindparam("now", type_=sa.BigInteger())
_DUE = Prepared(
    _SELECT.where(
        _w.enabled.is_(sa.true()),
        _w.next_at <= _now,
        sa.or_(_w.claimed_by == sa.bindparam("node"), _w.claimed_until <= _now),
    ).order_by(_w.next_at, _w.id),
    "node",
    "now",
    quick=False,
)
_d = webhook_delivery.c


class WebhookQueries:
    """Webhooks by id."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, webhook_id: str) -> Webhook | None:
        """One webhook."""
        rows = await self._access.read(_SELECT.where(_w.id == webhook_id))
        return _WEBHOOKS.one(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str,
        *,
        enabled: bool | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Webhook]:
        """Webhooks, the oldest first."""
        where = only({_w.organisation_id: organisation_id})
        if enabled is not None:
            where.append(_w.enabled.is_(sa.true() if enabled else sa.false()))
        if cursor is not None:
            created_at, webhook_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_w.created_at > created_at, sa.and_(_w.created_at == created_at, _w.id > webhook_id)))
        chosen = _SELECT.where(*where).order_by(_w.created_at, _w.id).limit(bounded(limit) + 1)
        rows = await self._access.read(chosen)
        return one_page(rows, _WEBHOOKS, limit, lambda found: (found.created_at, found.id))

    async def due(self, node_id: str, now: Instant) -> list[Webhook]:
        """Webhooks that may be told something now and that no other node has in hand."""
        return _WEBHOOKS.many(await self._access.read(_DUE, [(node_id, now)]))

    async def create(self, made: Webhook) -> None:
        """Add a webhook."""
        values = msgspec.structs.asdict(made) | {"event_types": msgspec.json.encode(made.event_types).decode()}
        await self._access.write(execute, sa.insert(webhook).values(values))

    async def change(self, webhook_id: str, changes: Mapping[str, Any]) -> bool:
        """Change members; tells whether it is there."""
        values = dict(changes)
        if "event_types" in values:
            values["event_types"] = msgspec.json.encode(values["event_types"]).decode()
        done = await self._access.write(execute, sa.update(webhook).where(_w.id == webhook_id).values(values))
        return bool(done.rowcount)

    async def delete(self, webhook_id: str) -> bool:
        """Remove a webhook and its deliveries; tells whether it was there."""
        return await self._access.write(_delete, webhook_id)

    async def claim(self, known: Webhook, node_id: str, now: Instant, until: Instant) -> bool:
        """Take a webhook in hand, or keep it; tells whether it is ours, and still as it was when it was read."""
        free = sa.or_(_w.claimed_by == node_id, _w.claimed_until <= now)
        where = (_w.id == known.id, _w.enabled.is_(sa.true()), _w.updated_at == known.updated_at, free)
        claimed = {"claimed_by": node_id, "claimed_until": until}
        done = await self._access.write(execute, sa.update(webhook).where(*where).values(claimed))
        return bool(done.rowcount)

    async def settle(self, known: Webhook, node_id: str, changes: Mapping[str, Any], tried: Delivery | None) -> bool:
        """Keep what came of an attempt, if the webhook is still ours; tells whether it is.

        What its operator did meanwhile counts: where it stands and when it is tried next are not overwritten then.
        """
        return await self._access.write(_settle, known, node_id, changes, tried)

    async def note(self, tried: Delivery) -> None:
        """Keep what came of an attempt that moves nothing on."""
        await self._access.write(execute, sa.insert(webhook_delivery).values(msgspec.structs.asdict(tried)))

    async def deliveries(
        self, webhook_id: str, *, state: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> Page[Delivery]:
        """Attempts, the newest first."""
        where = only({_d.webhook_id: webhook_id, _d.state: state})
        if cursor is not None:
            where.append(_d.id < read_cursor(cursor, int))
        chosen = sa.select(*_DELIVERIES.columns(webhook_delivery)).where(*where).order_by(_d.id.desc())
        rows = await self._access.read(chosen.limit(bounded(limit) + 1))
        return one_page(rows, _DELIVERIES, limit, lambda found: found.id)

    async def delivery(self, webhook_id: str, delivery_id: int) -> Delivery | None:
        """One attempt."""
        chosen = sa.select(*_DELIVERIES.columns(webhook_delivery))
        rows = await self._access.read(chosen.where(_d.id == delivery_id, _d.webhook_id == webhook_id))
        return _DELIVERIES.one(rows[0]) if rows else None

    async def event(self, event_id: int) -> StoredEvent | None:
        """The event of an attempt, while it is kept."""
        rows = await self._access.read(sa.select(*EVENT_COLUMNS).where(event.c.id == event_id))
        return stored_event(rows[0]) if rows else None

    async def prune(self, before: Instant) -> int:
        """Remove attempts of long ago; returns how many."""
        return int((await self._access.write(execute, sa.delete(webhook_delivery).where(_d.at < before))).rowcount)


def _settle(known: Webhook, node_id: str, changes: Mapping[str, Any], tried: Delivery | None) -> Program[bool]:
    ours = (_w.id == known.id, _w.claimed_by == node_id)
    as_known = (_w.position == known.position,) if "position" in changes else (_w.next_at == known.next_at,)
    done = yield from execute(sa.update(webhook).where(*ours, *as_known).values(**changes))
    if tried is not None:
        yield from execute(sa.insert(webhook_delivery).values(msgspec.structs.asdict(tried)))
    if not done.rowcount:
        yield from execute(sa.update(webhook).where(*ours).values(claimed_until=0))
    return bool(done.rowcount)


def _delete(webhook_id: str) -> Program[bool]:
    yield from execute(sa.delete(webhook_delivery).where(_d.webhook_id == webhook_id))
    done = yield from execute(sa.delete(webhook).where(_w.id == webhook_id))
    return bool(done.rowcount)
