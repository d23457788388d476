"""Forgetting: what grows with traffic is bounded by age and, for the message log, by size.

Rows go in small portions, the oldest first, each portion a write of its own, so that stations
are answered in between. Transactions and measured values are never removed here.
"""

from typing import Any, Final

import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.message_log import HOUR_US, ROW_OVERHEAD_BYTES
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access
from stationmaster.storage.tables import (
    connection,
    connection_attempt,
    message,
    message_volume,
    oddity,
    unknown_token,
)
from stationmaster.storage.trails import EVENTS, MESSAGES, STRIDE, TRAILS, Trail, extend_trail, oldest_rows

__all__ = ["Retention"]

_PORTION: Final = 1_000


class Retention:
    """Removes what is old, and keeps the trails of the logs short."""

    def __init__(self, access: Access, *, settled_us: int) -> None:
        """`settled_us`: after this long no row with an older id is committed any more."""
        self._access = access
        self._settled_us = settled_us

    async def extend_trails(self, *, at_least: int = 1) -> int:
        """Enter the rows of messages and events in their trails where `at_least` so many wait; returns how many."""
        settled = self._access.clock() - self._settled_us
        entered = 0
        for trail in TRAILS:
            while await self._waiting(trail, settled) >= at_least:
                entered += await self._access.write(extend_trail, trail, settled)
        return entered

    async def _waiting(self, trail: Trail, settled: Instant) -> int:
        t = trail.table.c
        fresh = sa.select(t.id).where(t.id > trail.end, t.id < first_id_at(settled)).limit(STRIDE).subquery()
        return int((await self._access.read(sa.select(sa.func.count()).select_from(fresh)))[0][0])

    async def prune_messages(self, *, before: Instant | None = None, max_bytes: int | None = None) -> int:
        """Remove frames that are older than `before` or do not fit into `max_bytes`; returns how many."""
        end = 0 if before is None else first_id_at(before)
        if max_bytes is not None:
            end = max(end, first_id_at(await self._fits_from(max_bytes)))
        return await self._remove(_remove_messages, end)

    async def prune_events(self, *, before: Instant) -> int:
        """Remove events that are older than `before`; returns how many."""
        return await self._remove(_remove_events, first_id_at(before))

    async def prune_seen(self, *, before: Instant) -> int:
        """Remove refused handshakes, unknown tokens, oddities and closed connections last seen before `before`."""
        return int(await self._access.write(_remove_seen, before))

    async def message_bytes(self) -> int:
        """About how large the message log is."""
        total = sa.select(sa.func.coalesce(sa.func.sum(message_volume.c.bytes), 0))
        return int((await self._access.read(total))[0][0])

    async def _fits_from(self, max_bytes: int) -> Instant:
        """The time from which on the frames take no more than `max_bytes`."""
        v = message_volume.c
        room = max_bytes
        for hour, size in await self._access.read(sa.select(v.hour, v.bytes).order_by(v.hour.desc())):
            if size > room:
                begin = int(hour) * HOUR_US
                span = min(HOUR_US, max(0, self._access.clock() - begin))
                return begin + span - span * room // int(size)
            room -= int(size)
        return 0

    async def _remove(self, program: Any, end: int) -> int:
        removed = 0
        while end:
            portion = await self._access.write(program, end)
            removed += portion
            if portion < _PORTION:
                break
        return removed


def _remove_rows(trail: Trail, last: int) -> Program[None]:
    t, i = trail.table.c, trail.index.c
    old = sa.select(t.station_id, t.id).where(t.id <= last)
    yield from execute(sa.delete(trail.index).where(sa.tuple_(i.station_id, i.id).in_(old)))
    yield from execute(sa.delete(trail.table).where(t.id <= last))


def _remove_events(end: int) -> Program[int]:
    last, count = (yield from execute(oldest_rows(EVENTS, end, _PORTION))).rows[0]
    if last is not None:
        yield from _remove_rows(EVENTS, last)
    return int(count)


def _remove_messages(end: int) -> Program[int]:
    last, count = (yield from execute(oldest_rows(MESSAGES, end, _PORTION))).rows[0]
    if last is None:
        return 0
    hour = message.c.id / sa.literal_column(str(first_id_at(HOUR_US)))
    length = sa.func.length(message.c.frame) + sa.func.coalesce(sa.func.length(message.c.answer), 0)
    size = sa.func.sum(length + ROW_OVERHEAD_BYTES)
    chosen = sa.select(hour, sa.func.count(), size).where(message.c.id <= last).group_by(hour)
    v = message_volume.c
    for of_hour, messages, size_bytes in (yield from execute(chosen)).rows:
        smaller = {"messages": v.messages - int(messages), "bytes": v.bytes - int(size_bytes)}
        yield from execute(sa.update(message_volume).where(v.hour == int(of_hour)).values(smaller))
    yield from execute(sa.delete(message_volume).where(v.messages <= 0))
    yield from _remove_rows(MESSAGES, last)
    return int(count)


def _remove_seen(before: Instant) -> Program[int]:
    removed = 0
    for table in (connection_attempt, unknown_token, oddity):
        result = yield from execute(sa.delete(table).where(table.c.last_at < before))
        removed += result.rowcount
    result = yield from execute(sa.delete(connection).where(connection.c.disconnected_at < before))
    return removed + result.rowcount
