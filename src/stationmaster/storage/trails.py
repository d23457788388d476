"""Trails: which rows of a growing table belong to which station, noted down in bulk.

An index over (station, row) that is kept at once costs one scattered page for each row, as
much as the row itself. So rows are entered some thousands at a time, sorted: a page then takes
many entries. A reader walks the few rows that are not entered yet.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.sql import ClauseElement

from stationmaster.instants import Instant
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.tables import counter, event, message, station_event, station_message

__all__ = ["EVENTS", "MESSAGES", "STRIDE", "TRAILS", "Trail", "extend_trail", "oldest_rows"]

STRIDE: Final = 4_096
"""Rows that are entered at once: enough to be cheap, few enough not to hold up a commit."""


class Trail:
    """A table, its entries per station, and how far they go (`end`: the last row that was entered)."""

    def __init__(self, table: sa.Table, index: sa.Table) -> None:
        """`index` has the columns `station_id` and `id`."""
        self.table = table
        self.index = index
        self.name = f"{index.name}.end"
        self.end = sa.func.coalesce(sa.select(counter.c.value).where(counter.c.name == self.name).scalar_subquery(), 0)


MESSAGES: Final = Trail(message, station_message)
EVENTS: Final = Trail(event, station_event)
TRAILS: Final = (MESSAGES, EVENTS)


def extend_trail(trail: Trail, settled: Instant) -> Program[int]:
    """Enter the next rows that were made before `settled`, at most `STRIDE`; returns how many.

    `settled` lies so far back that no other node can still commit a row from before it.
    """
    # The row of the counter is locked first: two nodes take turns.
    moved = yield from execute(sa.update(counter).where(counter.c.name == trail.name).values(value=counter.c.value))
    if not moved.rowcount:
        yield from execute(sa.insert(counter).values(name=trail.name, value=0))
    t = trail.table.c
    begin = int((yield from execute(sa.select(trail.end))).rows[0][0])
    fresh = sa.select(t.id).where(t.id > begin, t.id < first_id_at(settled)).order_by(t.id).limit(STRIDE).subquery()
    end, count = (yield from execute(sa.select(sa.func.max(fresh.c.id), sa.func.count()).select_from(fresh))).rows[0]
    if end is None:
        return 0
    chosen = sa.select(t.station_id, t.id).where(t.id > begin, t.id <= end).order_by(t.station_id, t.id)
    yield from execute(sa.insert(trail.index).from_select(["station_id", "id"], chosen))
    yield from execute(sa.update(counter).where(counter.c.name == trail.name).values(value=end))
    return int(count)


def oldest_rows(trail: Trail, before: int, limit: int) -> ClauseElement:
    """The last id and the number of the oldest rows below `before`, at most `limit` of them."""
    t = trail.table.c
    oldest = sa.select(t.id).where(t.id < before).order_by(t.id).limit(limit).subquery()
    return sa.select(sa.func.max(oldest.c.id), sa.func.count()).select_from(oldest)
