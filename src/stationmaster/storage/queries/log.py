"""The message log and the events, as they are read.

The rows of one station are found through its trail, plus a walk over the newest rows that the
trail does not lead to yet (`storage.trails`).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.committed import StoredEvent
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.queries.base import Access, NounReader, contains, one_page, only
from stationmaster.storage.tables import event, message
from stationmaster.storage.trails import EVENTS, MESSAGES, Trail

__all__ = ["EVENT_COLUMNS", "EventQueries", "LoggedMessage", "MessageQueries", "stored_event"]


class LoggedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A frame of the message log; the fields mean what they mean in `MessageLogged`."""

    id: int
    organisation_id: str
    station_id: str
    connection_id: int
    received_at: Instant
    direction: str
    kind: str
    message_id: str | None
    action: str | None
    frame: str
    answer: str | None
    answer_kind: str | None
    latency_us: int | None
    error_code: str | None


_MESSAGES = NounReader(LoggedMessage)


class _EventRow(msgspec.Struct):
    id: int
    organisation_id: str
    station_id: str
    type: str
    received_at: Instant
    data: str


_EVENTS = NounReader(_EventRow)
EVENT_COLUMNS = tuple(_EVENTS.columns(event))
_DATA = msgspec.json.Decoder(dict[str, Any])


async def _newest(
    access: Access,
    trail: Trail,
    columns: Sequence[Any],
    station_id: str | None,
    where: list[sa.ColumnElement[bool]],
    limit: int,
) -> list[Sequence[Any]]:
    """The newest rows that match, one more than `limit`."""
    wanted = bounded(limit) + 1
    table = trail.table
    statement = sa.select(*columns).where(*where)
    if station_id is None:
        return await access.read(statement.order_by(table.c.id.desc()).limit(wanted))
    end = sa.select(trail.end).scalar_subquery()
    fresh = statement.where(table.c.id > end, table.c.station_id == station_id)
    rows = await access.read(fresh.order_by(table.c.id.desc()).limit(wanted))
    if len(rows) < wanted:
        index = trail.index
        older = statement.join(index, index.c.id == table.c.id).where(index.c.station_id == station_id)
        if rows:
            older = older.where(index.c.id < rows[-1][0])
        rows = rows + await access.read(older.order_by(index.c.id.desc()).limit(wanted - len(rows)))
    return rows


class MessageQueries:
    """The message log."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        station_id: str | None = None,
        direction: str | None = None,
        kind: str | None = None,
        action: str | None = None,
        message_id: str | None = None,
        connection_id: int | None = None,
        error_code: str | None = None,
        search: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[LoggedMessage]:
        """Frames, the newest first; `search` looks into frame and answer, `since` and `until` bound the time."""
        m = message.c
        where = only(
            {
                m.organisation_id: organisation_id,
                m.direction: direction,
                m.kind: kind,
                m.action: action,
                m.message_id: message_id,
                m.connection_id: connection_id,
                m.error_code: error_code,
            }
        )
        if search:
            where.append(sa.or_(contains(m.frame, search), contains(m.answer, search)))
        if since is not None:
            where.append(m.received_at >= since)
        if until is not None:
            where.append(m.received_at < until)
        if cursor is not None:
            where.append(m.id < read_cursor(cursor, int))
        rows = await _newest(self._access, MESSAGES, _MESSAGES.columns(message), station_id, where, limit)
        return one_page(rows, _MESSAGES, limit, lambda found: found.id)


class EventQueries:
    """What happened: the stored part of the event stream, and every station's history."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def after(
        self, event_id: int, organisation_id: str | Sequence[str] | None, limit: int = DEFAULT_LIMIT
    ) -> list[StoredEvent]:
        """The events behind `event_id`, the oldest first, for a stream that is resumed."""
        e = event.c
        where = [e.id > event_id, *only({e.organisation_id: organisation_id})]
        statement = sa.select(*_EVENTS.columns(event)).where(*where)
        rows = await self._access.read(statement.order_by(e.id).limit(bounded(limit)))
        return [stored_event(row) for row in rows]

    async def newest_id(self) -> int:
        """The id of the newest stored event; 0 when there is none."""
        rows = await self._access.read(sa.select(sa.func.coalesce(sa.func.max(event.c.id), 0)))
        return int(rows[0][0])

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        station_id: str | None = None,
        type: str | Sequence[str] | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[StoredEvent]:
        """Events, the newest first; `since` and `until` bound the time at which they were stored.

        A `type` that ends with a dot, such as `transaction.`, is the beginning of those that are wanted.
        """
        e = event.c
        where = only({e.organisation_id: organisation_id})
        if type is not None:
            where.append(_of_types([type] if isinstance(type, str) else type))
        if since is not None:
            where.append(e.id >= first_id_at(since))
        if until is not None:
            where.append(e.id < first_id_at(until))
        if cursor is not None:
            where.append(e.id < read_cursor(cursor, int))
        rows = await _newest(self._access, EVENTS, _EVENTS.columns(event), station_id, where, limit)
        page = one_page(rows, _EVENTS, limit, lambda found: found.id)
        return Page([stored_event(msgspec.structs.astuple(item)) for item in page.items], page.next_cursor)


def _of_types(types: Sequence[str]) -> sa.ColumnElement[bool]:
    whole = [each for each in types if not each.endswith(".")]
    begun = (event.c.type.startswith(each, autoescape=True) for each in types if each.endswith("."))
    return sa.or_(event.c.type.in_(whole), *begun)


def stored_event(row: Sequence[Any]) -> StoredEvent:
    """The event of a row of `EVENT_COLUMNS`."""
    event_id, organisation_id, station_id, event_type, received_at, data = row
    return StoredEvent(
        id=event_id,
        organisation_id=organisation_id,
        station_id=station_id,
        type=event_type,
        received_at=received_at,
        data=_DATA.decode(data),
    )
