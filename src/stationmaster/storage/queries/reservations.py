"""Reading reservations and local lists."""

from collections.abc import Sequence

import sqlalchemy as sa

from stationmaster.domain.local_lists import LocalList
from stationmaster.domain.reservations import LIVE, Reservation
from stationmaster.instants import Instant
from stationmaster.storage.counters import advance
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.tables.reservations import local_list, reservation

__all__ = ["LocalListQueries", "ReservationQueries"]

_RESERVATIONS = NounReader(Reservation)
_LISTS = NounReader(LocalList)
_r, _l = reservation.c, local_list.c
_SELECT = sa.select(*_RESERVATIONS.columns(reservation))
_SELECT_LIST = sa.select(*_LISTS.columns(local_list))
_LIVE = tuple(sorted(LIVE))


class ReservationQueries:
    """Reservations by station and id."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def draw_id(self) -> int:
        """An id that we never gave before, positive and small enough for any station."""
        return await self._access.write(advance, "reservation", 1)

    async def get(self, station_id: str, reservation_id: int) -> Reservation | None:
        """One reservation."""
        rows = await self._access.read(_SELECT.where(_r.station_id == station_id, _r.reservation_id == reservation_id))
        return _RESERVATIONS.one(rows[0]) if rows else None

    async def live(self, station_id: str | None = None) -> list[Reservation]:
        """Those that may hold a connector, of a station or of all."""
        statement = _SELECT.where(_r.state.in_(_LIVE))
        if station_id is not None:
            statement = statement.where(_r.station_id == station_id)
        return _RESERVATIONS.many(await self._access.read(statement.order_by(_r.created_at)))

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        station_id: str | None = None,
        state: str | None = None,
        id_tag: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Reservation]:
        """The newest first."""
        where = only({_r.organisation_id: organisation_id, _r.station_id: station_id, _r.state: state})
        if site_ids is not None:
            where.append(_r.site_id.in_(site_ids))
        if id_tag is not None:
            where.append(sa.func.lower(_r.id_tag) == id_tag.strip().lower())
        if since is not None:
            where.append(_r.created_at >= since)
        if until is not None:
            where.append(_r.created_at < until)
        if cursor is not None:
            at, station, number = read_cursor(cursor, tuple[int, str, int])
            where.append(sa.tuple_(_r.created_at, _r.station_id, _r.reservation_id) < sa.tuple_(at, station, number))
        ordered = _SELECT.where(*where).order_by(_r.created_at.desc(), _r.station_id.desc(), _r.reservation_id.desc())
        rows = await self._access.read(ordered.limit(bounded(limit) + 1))
        return one_page(
            rows, _RESERVATIONS, limit, lambda each: (each.created_at, each.station_id, each.reservation_id)
        )


class LocalListQueries:
    """Local lists by station."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def of(self, station_id: str) -> LocalList | None:
        """What is known of a station's list."""
        rows = await self._access.read(_SELECT_LIST.where(_l.station_id == station_id))
        return _LISTS.one(rows[0]) if rows else None

    async def scheduled(self) -> list[LocalList]:
        """Those that are synchronised by the clock."""
        return _LISTS.many(await self._access.read(_SELECT_LIST.where(_l.schedule_hours.is_not(None))))
