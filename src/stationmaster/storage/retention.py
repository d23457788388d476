"""Forgetting: what grows with traffic is bounded by age and, for the message log, by size.

Rows go in small portions, the oldest first, each portion a write of its own, so that stations
are answered in between. Transactions and measured values are never removed here.
"""

from typing import Final

import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.message_log import HOUR_US
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access
from stationmaster.storage.tables import (
    connection,
    connection_attempt,
    message_volume,
    oddity,
    unknown_token,
)
from stationmaster.storage.trails import EVENTS, MESSAGES, TRAILS, Trail, extend_trail, remove_rows

__all__ = ["Retention"]

_PORTION: Final = 1_000


class Retention:
    """Removes what is old, and keeps the trails of the logs short."""

    def __init__(self, access: Access, *, settled_us: int) -> None:
        """`settled_us`: after this long no row with an older id is committed any more."""
        self._access = access
        self._settled_us = settled_us

    async def extend_trails(self) -> int:
        """Enter all rows of messages and events in their trails; returns how many there were."""
        entered = 0
        for trail in TRAILS:
            while rows := await self.extend_trail(trail):
                entered += rows
        return entered

    async def extend_trail(self, trail: Trail) -> int:
        """Enter the next rows of one trail, at most `STRIDE`; returns how many there were."""
        now = self._access.clock()
        if not await self._any_waits(trail, now):  # and no commit has to wait for nothing
            return 0
        return int(await self._access.write(extend_trail, trail, now, self._settled_us))

    async def _any_waits(self, trail: Trail, now: Instant) -> bool:
        return bool(await self._access.read(trail.waiting, [(first_id_at(now - self._settled_us),)]))

    async def prune_messages(self, *, before: Instant | None = None, max_bytes: int | None = None) -> int:
        """Remove frames that are older than `before` or do not fit into `max_bytes`; returns how many."""
        end = 0 if before is None else first_id_at(before)
        if max_bytes is not None:
            end = max(end, first_id_at(await self._fits_from(max_bytes)))
        return await self._remove(MESSAGES, end)

    async def prune_events(self, *, before: Instant) -> int:
        """Remove events that are older than `before`; returns how many."""
        return await self._remove(EVENTS, first_id_at(before))

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

    async def _remove(self, trail: Trail, end: int) -> int:
        removed = 0
        while end:
            portion = await self._access.write(remove_rows, trail, end, _PORTION)
            removed += portion
            if portion < _PORTION:
                break
        return removed


def _remove_seen(before: Instant) -> Program[int]:
    removed = 0
    for table in (connection_attempt, unknown_token, oddity):
        result = yield from execute(sa.delete(table).where(table.c.last_at < before))
        removed += result.rowcount
    result = yield from execute(sa.delete(connection).where(connection.c.disconnected_at < before))
    return removed + result.rowcount
