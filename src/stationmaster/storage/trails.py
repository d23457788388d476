"""Trails: which rows of a growing table belong to which station, noted down in bulk.

An index over (station, row) that is kept at once costs one scattered page for each row, as
much as the row itself. So the rows since the last time are entered together, sorted: a page
then takes many entries. A reader walks the few rows that are not entered yet.
"""

from typing import Final

import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.tables import counter, event, message, station_event, station_message

__all__ = ["EVENTS", "MESSAGES", "Trail", "extend_trail", "remove_rows"]

_SETTLED_US: Final = 10_000_000
"""Another node may still commit a row with a smaller id; after this long it has."""


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


def extend_trail(trail: Trail, now: Instant) -> Program[int]:
    """Enter the rows that came since the last time; returns how many."""
    end = first_id_at(now - _SETTLED_US)
    rows = (yield from execute(sa.select(trail.end))).rows
    begin = int(rows[0][0])
    if begin >= end:
        return 0
    t = trail.table.c
    chosen = sa.select(t.station_id, t.id).where(t.id > begin, t.id <= end).order_by(t.station_id, t.id)
    entered = yield from execute(sa.insert(trail.index).from_select(["station_id", "id"], chosen))
    moved = yield from execute(sa.update(counter).where(counter.c.name == trail.name).values(value=end))
    if not moved.rowcount:
        yield from execute(sa.insert(counter).values(name=trail.name, value=end))
    return entered.rowcount


def remove_rows(trail: Trail, before: int, limit: int) -> Program[int]:
    """Remove at most `limit` of the rows with ids below `before`, the oldest first, entries included."""
    t = trail.table.c
    oldest = sa.select(t.id).where(t.id < before).order_by(t.id).limit(limit).subquery()
    rows = (yield from execute(sa.select(sa.func.max(oldest.c.id), sa.func.count()))).rows
    last, count = rows[0]
    if last is None:
        return 0
    old = sa.select(t.station_id, t.id).where(t.id <= last)
    i = trail.index.c
    yield from execute(sa.delete(trail.index).where(sa.tuple_(i.station_id, i.id).in_(old)))
    yield from execute(sa.delete(trail.table).where(t.id <= last))
    return int(count)
