"""Reading every stored event once, in order, although nodes commit side by side.

The rule that shapes this file: the events of one node commit in the order of their ids, those of several nodes do
not. So a position is a floor under which nothing new can appear (`trails.SETTLED_US` ago), and above it how far
each node was read. On a database of one node the floor is the newest event.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.committed import StoredEvent
from stationmaster.storage.numbers import first_id_at, instant_of
from stationmaster.storage.queries.base import Access
from stationmaster.storage.queries.log import EVENT_COLUMNS, stored_event
from stationmaster.storage.statements import Prepared
from stationmaster.storage.tables import event, feed
from stationmaster.storage.trails import SETTLED_US

__all__ = ["FeedPage", "FeedQueries", "Position", "Wanted"]

_e = event.c
_node = _e.id % sa.literal_column(str(first_id_at(1)))


def _given(name: str) -> "sa.BindParameter[int]":
    return sa.bindparam(name, type_=sa.BigInteger())


_above = _e.id > _given("after")
_POSITION: Final = Prepared(sa.select(feed.c.position).where(feed.c.name == sa.bindparam("name")), "name", quick=False)
_NEWEST_OF_EACH: Final = Prepared(
    sa.select(_node, sa.func.max(_e.id)).where(_above).group_by(_node), "after", quick=False
)
_NEWEST: Final = Prepared(
    sa.select(sa.literal_column("0"), _e.id).where(_above).order_by(_e.id.desc()).limit(1), "after", quick=False
)
"""The same where all events are as of one node."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The events of these types, or beginnings of types; all when none are given.

    `organisation_ids` None: of all. `words`: pairs of a type and words of which one must be in the data of its events.
    """

    types: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    organisation_ids: tuple[str, ...] | None = None
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()


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
        rows = await self._access.read(_POSITION, [(name,)])
        return str(rows[0][0]) if rows else None

    async def read(self, position: Position, now: Instant, wanted: Wanted, *, limit: int = 500) -> FeedPage:
        """The next events of those that are wanted."""
        if not self._settled_us:
            position = Position(max(position.floor, *position.seen.values(), 0))
        newest = await self._newest(position.floor)
        read = {node: position.seen.get(node, position.floor) for node in newest}
        fresh = [node for node, last in newest.items() if last > read[node]]
        top = max(newest.values(), default=0)
        settled = min(top, first_id_at(now - self._settled_us)) if self._settled_us else top
        if not fresh:
            return FeedPage([], position.settled(settled), more=False)
        after, until = min(read[node] for node in fresh), max(newest[node] for node in fresh)
        ahead = {node: last for node, last in position.seen.items() if last > after}
        given = (after, until, limit + 1, *chain.from_iterable(ahead.items()))
        rows = await self._access.read(_page(wanted, len(ahead)), [given])
        more = len(rows) > limit
        last = int(rows[limit - 1][0]) if more else top
        # What was committed since the newest were asked for is left for the next page.
        events = [stored_event(row) for row in rows[:limit] if row[0] <= newest.get(self._node_of(row[0]), 0)]
        seen = position.seen | {node: max(read[node], min(own, last)) for node, own in newest.items()}
        return FeedPage(events, Position(position.floor, seen).settled(min(settled, last)), more=more)

    async def _newest(self, floor: int) -> dict[int, int]:
        """The newest event of each node that has one above the floor."""
        rows = await self._access.read(_NEWEST_OF_EACH if self._settled_us else _NEWEST, [(floor,)])
        return {int(node): int(last) for node, last in rows}

    def _node_of(self, event_id: int) -> int:
        return instant_of(event_id)[1] if self._settled_us else 0


@lru_cache(maxsize=256)
def _page(wanted: Wanted, ahead: int) -> Prepared:
    """The events between two ids, but for those that `ahead` nodes, each given with how far, were read already."""
    where: list[sa.ColumnElement[bool]] = [_above, _e.id <= _given("until")]
    where += [sa.or_(_node != _given(f"node{i}"), _e.id > _given(f"seen{i}")) for i in range(ahead)]
    for each, words in wanted.words:
        where.append(sa.or_(_e.type != each, *(_e.data.contains(word, autoescape=True) for word in words)))
    if wanted.organisation_ids is not None:
        where.append(_one_of(_e.organisation_id, wanted.organisation_ids))
    if wanted.types or wanted.prefixes:
        begun = (_e.type.startswith(prefix, autoescape=True) for prefix in wanted.prefixes)
        where.append(sa.or_(_one_of(_e.type, wanted.types), *begun))
    chosen = sa.select(*EVENT_COLUMNS).where(*where).order_by(_e.id).limit(_given("limit"))
    names = chain.from_iterable((f"node{i}", f"seen{i}") for i in range(ahead))
    return Prepared(chosen, "after", "until", "limit", *names, quick=False)


def _one_of(column: Any, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """The same as `in_`, with each value in its place once and for all."""
    return column.in_([sa.literal(each) for each in values]) if values else sa.false()
