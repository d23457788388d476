"""Tables that grow with traffic: the message log and the events.

Both are written at their right edge only. Finding the rows of one station goes through
`station_message` and `station_event`, indexes that the writer builds in bulk now and then
(`storage.trails`): an entry for each row at once would cost as much as the row itself.
"""

import sqlalchemy as sa

from stationmaster.storage.tables.base import metadata, number, organisation, text

__all__ = ["counter", "event", "message", "message_volume", "station_event", "station_message"]

message = sa.Table(
    "message",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    number("connection_id"),
    number("received_at"),
    text("direction"),
    text("kind"),
    text("message_id", null=True),
    text("action", null=True),
    text("frame"),
    text("answer", null=True),
    text("answer_kind", null=True),
    number("latency_us", null=True),
    text("error_code", null=True),
)

message_volume = sa.Table(
    "message_volume",
    metadata,
    number("hour", primary_key=True, autoincrement=False),
    number("node", primary_key=True, autoincrement=False),
    number("messages"),
    number("bytes"),
)
"""How much the log took in, per hour since the epoch: what pruning by size goes by.

Each node counts in a row of its own, or the nodes would wait for each other at every commit.
"""

event = sa.Table(
    "event",
    metadata,
    number("id", primary_key=True, autoincrement=False),
    organisation(),
    text("station_id"),
    text("type"),
    number("received_at"),
    text("data"),
)

station_message = sa.Table(
    "station_message",
    metadata,
    text("station_id", primary_key=True),
    number("id", primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

station_event = sa.Table(
    "station_event",
    metadata,
    text("station_id", primary_key=True),
    number("id", primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

counter = sa.Table(
    "counter",
    metadata,
    text("name", primary_key=True),
    number("value"),
    sqlite_with_rowid=False,
)
"""Named numbers that must survive: the next block of transaction ids, how far the trails go."""
