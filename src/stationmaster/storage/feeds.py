"""Reading every stored event once, in order, although nodes commit side by side.

The rule that shapes this file: the events of one node commit in the order of their ids, those of several nodes do
not. So a position is a floor under which nothing new can appear (`trails.SETTLED_US` ago), and above it how far
each node was read. On a database of one node the floor is the newest event.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.committed import StoredEvent
from stationmaster.storage.numbers import first_id_at, instant_of
from stationmaster.storage.queries.base import Access
from stationmaster.storage.queries.log import EVENT_COLUMNS, stored_event
from stationmaster.storage.tables import event, feed
from stationmaster.storage.trails import SETTLED_US

__all__ = ["FeedPage", "FeedQueries", "Position"]

_NODES: Final[Any] = sa.literal_column(str(first_id_at(1)))
_e = event.c


class Position(msgspec.Struct, frozen=True):
    """How far a reader has come: all ids up to `floor`, and of each node number all up to its own."""

    floor: int
    seen: dict[int, int] = {}

    @classmethod
    def read(cls, text: str) -> "Position":
        """As it was written."""
        return msgspec.json.decode(text, type=cls)

    def written(self) -> str:
        """As text."""
        return msgspec.json.encode(self).decode()

    def after(self, event_id: int) -> "Position":
        """The same once this event has been dealt with."""
        return Position(self.floor, self.seen | {instant_of(event_id)[1]: event_id})

    def settled(self, floor: int) -> "Position":
        """The same with a higher floor."""
        floor = max(floor, self.floor)
        return Position(floor, {node: last for node, last in self.seen.items() if last > floor})


class FeedPage(msgspec.Struct, frozen=True):
    """Some events, the oldest first; `end` is the position once all were dealt with."""

    events: list[StoredEvent]
    end: Position
    more: bool


class FeedQueries:
    """Positions by name, and the events behind them."""

    def __init__(self, access: Access, settled_us: int = SETTLED_US) -> None:
        """`settled_us` is 0 where only one node writes."""
        self._access = access
        self._settled_us = settled_us

    async def now(self) -> Position:
        """The position of who wants to hear only of what comes."""
        rows = await self._access.read(sa.select(sa.func.coalesce(sa.func.max(_e.id), 0)))
        newest = int(rows[0][0])
        return Position(newest) if not self._settled_us else Position(newest, {instant_of(newest)[1]: newest})

    async def position(self, name: str) -> str | None:
        """Where the reader of this name stands, as it was written; None: it never began."""
        rows = await self._access.read(sa.select(feed.c.position).where(feed.c.name == name))
        return str(rows[0][0]) if rows else None

    async def read(
        self,
        position: Position,
        now: Instant,
        *,
        types: tuple[str, ...] = (),
        prefixes: tuple[str, ...] = (),
        organisation_ids: tuple[str, ...] | None = None,
        limit: int = 500,
    ) -> FeedPage:
        """The next events of these types, or beginnings of types; of all when none are given."""
        bounds = await self._access.read(
            sa.select(_e.id % _NODES, sa.func.max(_e.id)).where(_e.id > position.floor).group_by(_e.id % _NODES)
        )
        newest = {int(node): int(last) for node, last in bounds}
        fresh = [last for node, last in newest.items() if last > position.seen.get(node, 0)]
        settled = first_id_at(now - self._settled_us) if self._settled_us else max(newest.values(), default=0)
        if not fresh:
            return FeedPage([], position.settled(min(settled, max(newest.values(), default=0))), more=False)
        where = [_e.id > position.floor, _e.id <= max(fresh)]
        where += [sa.or_(_e.id % _NODES != node, _e.id > last) for node, last in position.seen.items()]
        if organisation_ids is not None:
            where.append(_e.organisation_id.in_(organisation_ids))
        if types or prefixes:
            wanted = [_e.type.startswith(prefix, autoescape=True) for prefix in prefixes]
            where.append(sa.or_(_e.type.in_(types), *wanted))
        rows = await self._access.read(sa.select(*EVENT_COLUMNS).where(*where).order_by(_e.id).limit(limit + 1))
        events = [stored_event(row) for row in rows[:limit]]
        more = len(rows) > limit
        last = events[-1].id if more else max(newest.values())
        end = Position(position.floor, position.seen | _up_to(newest, last))
        for each in events:
            # One that was committed since the bounds were asked for may be among them.
            if each.id > end.seen.get(instant_of(each.id)[1], 0):
                end = end.after(each.id)
        return FeedPage(events, end.settled(min(settled, last)), more=more)


def _up_to(newest: dict[int, int], last: int) -> dict[int, int]:
    """How far each node was read when the page ended with `last`.

    Of a node whose newest event lies behind it, the ids up to `last` that were visible have been read; what it
    commits later has a higher id than its newest.
    """
    return {node: min(own, last) for node, own in newest.items()}
