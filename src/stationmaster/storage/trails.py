"""Trails: which rows of a growing table belong to which station, noted down in bulk.

An index over (station, row) that is kept at once costs one scattered page for each row, as
much as the row itself. So rows are entered some thousands at a time, sorted: a page then takes
many entries. A reader walks the few rows that are not entered yet.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.sql import ClauseElement

from stationmaster.instants import Instant
from stationmaster.storage.counters import advance
from stationmaster.storage.message_log import HOUR_US, ROW_OVERHEAD_BYTES
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.statements import Prepared
from stationmaster.storage.tables import counter, event, message, message_volume, station_event, station_message

__all__ = ["EVENTS", "MESSAGES", "SETTLED_US", "STRIDE", "TRAILS", "Trail", "extend_trail", "remove_rows"]

SETTLED_US: Final = 10_000_000
"""After this long no other node commits a row that it made before."""

STRIDE: Final = 4_096
"""Rows that are entered at once: enough to be cheap, few enough not to hold up a commit."""


class Trail:
    """A table, its entries per station, and how far they go (`end`: the last row that was entered)."""

    def __init__(self, table: sa.Table, index: sa.Table) -> None:
        """`index` has the columns `station_id` and `id`."""
        self.table = table
        self.index = index
        self.name = f"{index.name}.end"
        self.end: sa.Function[int] = sa.func.coalesce(
            sa.select(counter.c.value).where(counter.c.name == self.name).scalar_subquery(), 0
        )
        t, until = table.c, _given("until")
        waiting = sa.select(t.id).where(t.id > self.end, t.id < _given("before")).limit(1)
        self.waiting = Prepared(waiting, "before", quick=False)
        self.oldest = Prepared(_oldest(t.id), "after", "before", "limit")
        chosen = sa.select(t.station_id, t.id).where(t.id > _given("after"), t.id <= until)
        self.enter = Prepared(
            sa.insert(index).from_select(["station_id", "id"], chosen.order_by(t.station_id, t.id)), "after", "until"
        )
        self.move = Prepared(sa.update(counter).where(counter.c.name == self.name).values(value=until), "until")


def _given(name: str) -> "sa.BindParameter[int]":
    return sa.bindparam(name, type_=sa.BigInteger())


def _oldest(row_id: sa.Column[int]) -> ClauseElement:
    """The last id and the number of the oldest rows between two ids, at most `limit` of them."""
    within = (row_id > _given("after"), row_id < _given("before"))
    oldest = sa.select(row_id).where(*within).order_by(row_id).limit(_given("limit")).subquery()
    return sa.select(sa.func.max(oldest.c.id), sa.func.count()).select_from(oldest)


MESSAGES: Final = Trail(message, station_message)
EVENTS: Final = Trail(event, station_event)
TRAILS: Final = (MESSAGES, EVENTS)


def extend_trail(trail: Trail, now: Instant, settled_us: int = SETTLED_US) -> Program[int]:
    """Enter the next rows, at most `STRIDE`, that were made `settled_us` ago or earlier; returns how many."""
    # This also locks the row of the counter: two nodes take turns.
    begin = yield from advance(trail.name, 0)
    end, count = (yield from execute(trail.oldest, [(begin, first_id_at(now - settled_us), STRIDE)])).rows[0]
    if end is None:
        return 0
    yield from execute(trail.enter, [(begin, end)])
    yield from execute(trail.move, [(end,)])
    return int(count)


def remove_rows(trail: Trail, before: int, limit: int) -> Program[int]:
    """Remove the oldest rows with ids below `before`, at most `limit`, with their entries; returns how many."""
    last, count = (yield from execute(trail.oldest, [(0, before, limit)])).rows[0]
    if last is None:
        return 0
    if trail is MESSAGES:
        yield from _count_down(last)
    t, i = trail.table.c, trail.index.c
    old = sa.select(t.station_id, t.id).where(t.id <= last)
    yield from execute(sa.delete(trail.index).where(sa.tuple_(i.station_id, i.id).in_(old)))
    yield from execute(sa.delete(trail.table).where(t.id <= last))
    return int(count)


def _count_down(last: int) -> Program[None]:
    """Take the frames that go from the hourly volumes."""
    m, v = message.c, message_volume.c
    hour, node = m.id / sa.literal_column(str(first_id_at(HOUR_US))), m.id % sa.literal_column(str(first_id_at(1)))
    length = sa.func.length(m.frame) + sa.func.coalesce(sa.func.length(m.answer), 0) + ROW_OVERHEAD_BYTES
    chosen = sa.select(hour, node, sa.func.count(), sa.func.sum(length)).where(m.id <= last).group_by(hour, node)
    for of_hour, of_node, messages, size_bytes in (yield from execute(chosen)).rows:
        smaller = {"messages": v.messages - int(messages), "bytes": v.bytes - int(size_bytes)}
        yield from execute(
            sa.update(message_volume).where(v.hour == int(of_hour), v.node == int(of_node)).values(smaller)
        )
    yield from execute(sa.delete(message_volume).where(v.messages <= 0))
