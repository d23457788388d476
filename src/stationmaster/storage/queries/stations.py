"""Stations, their connectors, and who was turned away: reading and operator's changes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from stationmaster.domain.stations import ConnectionAttempt, Connector, Station
from stationmaster.instants import Instant
from stationmaster.storage.errors import Conflict, NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.alerts import forget_station
from stationmaster.storage.queries.base import Access, Lookup, NounReader, contains, one_page, only
from stationmaster.storage.statements import Prepared, find_by
from stationmaster.storage.tables import (
    connection_attempt,
    connector,
    desired_key,
    followed_station,
    oddity,
    presence,
    station,
    variable,
    wiring,
)

__all__ = ["AttemptQueries", "ConnectorQueries", "StationQueries"]

_STATIONS = NounReader(Station)
_CONNECTORS = NounReader(Connector)
_ATTEMPTS = NounReader(ConnectionAttempt)

_OF_STATION = frozenset(column.name for column in station.columns)
_PRESENCE = {
    name: presence.c[name]
    for name in (
        "last_protocol",
        "last_seen_at",
        "node_id",
        "connected_at",
        "disconnected_at",
        "remote_address",
    )
} | {
    "connected": sa.func.coalesce(presence.c.connected, sa.false()),
    "connection_epoch": sa.func.coalesce(presence.c.connection_epoch, 0),
}
_SELECT = sa.select(*_STATIONS.columns(station, _PRESENCE)).select_from(
    station.outerjoin(presence, presence.c.station_id == station.c.id)
)
_GET = find_by(_SELECT, station.c.id)
_MANY = find_by(_SELECT, station.c.id, quick=False)
_FIXED = frozenset({"id", "organisation_id", "created_at", *_PRESENCE})


class StationQueries:
    """Registered stations."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access
        self._lookup: Lookup[str, Station] = Lookup(self._find_by_id)

    async def get(self, station_id: str) -> Station | None:
        """One station, identity compared with case (§8 A-12)."""
        return (await self._find_by_id([station_id])).get(station_id)

    async def lookup(self, station_id: str) -> Station | None:
        """The same, for handshakes: those of one moment share a query."""
        return await self._lookup.get(station_id)

    async def many(self, station_ids: Collection[str]) -> dict[str, Station]:
        """Those of them that there are, for whom no station waits."""
        rows = await self._access.read(_MANY, [(each,) for each in station_ids]) if station_ids else []
        return {found.id: found for found in _STATIONS.many(rows)}

    async def _find_by_id(self, station_ids: list[str]) -> dict[str, Station]:
        rows = await self._access.read(_GET, [(station_id,) for station_id in station_ids])
        return {found.id: found for found in _STATIONS.many(rows)}

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        site_id: str | None = None,
        operator_state: str | None = None,
        connected: bool | None = None,
        contested: bool = False,
        vendor: str | None = None,
        model: str | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Station]:
        """Stations in the order of their ids; `search` looks into id, name, serial number, vendor and model.

        `contested`: only those whose identity is.
        """
        s = station.c
        where = only(
            {
                s.organisation_id: organisation_id,
                s.site_id: site_id,
                s.operator_state: operator_state,
                s.vendor: vendor,
                s.model: model,
            }
        )
        if site_ids is not None:
            where.append(s.site_id.in_(site_ids))
        if connected is not None:
            where.append(_PRESENCE["connected"] == sa.literal(connected))
        if contested:
            where.append(s.contested_since.is_not(None))
        if search:
            where.append(
                sa.or_(*(contains(column, search) for column in (s.id, s.name, s.serial_number, s.vendor, s.model)))
            )
        if cursor is not None:
            where.append(s.id > read_cursor(cursor, str))
        rows = await self._access.read(_SELECT.where(*where).order_by(s.id).limit(bounded(limit) + 1))
        return one_page(rows, _STATIONS, limit, lambda found: found.id)

    async def count(self, organisation_id: str | None = None) -> tuple[int, int]:
        """How many stations there are, and how many of them are connected."""
        statement = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((_PRESENCE["connected"], 1), else_=0)), 0)
        ).select_from(station.outerjoin(presence, presence.c.station_id == station.c.id))
        rows = await self._access.read(statement.where(*only({station.c.organisation_id: organisation_id})))
        return int(rows[0][0]), int(rows[0][1])

    async def create(self, new: Station) -> Station:
        """Register a station; raises `Conflict` if the identity is taken, in whatever case.

        What only connections tell (`connected`, `last_seen_at` …) is not taken from `new`.
        """
        now = self._access.clock()
        values = {name: getattr(new, name) for name in _STATIONS.fields if name in _OF_STATION}
        values |= {"id_key": new.id.lower(), "created_at": new.created_at or now, "updated_at": now}
        try:
            await self._access.write(execute, sa.insert(station).values(values))
        except Conflict as error:
            raise Conflict(f"a station with the identity {new.id} exists already") from error
        return await self._must_get(new.id)

    async def update(self, station_id: str, changes: Mapping[str, Any]) -> Station:
        """Change fields of a station by name; raises `NotFound`, and ValueError for a field that cannot be changed."""
        unknown = sorted(name for name in changes if name not in _OF_STATION or name in _FIXED)
        if unknown:
            raise ValueError(f"not to be changed: {', '.join(unknown)}")
        values = {**changes, "updated_at": self._access.clock()}
        result = await self._access.write(execute, sa.update(station).where(station.c.id == station_id).values(values))
        if not result.rowcount:
            raise NotFound(f"no station {station_id}")
        return await self._must_get(station_id)

    async def delete(self, station_id: str) -> None:
        """Forget a station and its state; what happened at it stays. Raises `NotFound`."""
        await self._access.write(_delete, station_id, self._access.clock())

    async def connections_of(self, node_id: str) -> list[tuple[str, str, int, int]]:
        """Registered stations that are connected to a node: (organisation, station, connection, epoch)."""
        p = presence.c
        chosen = sa.select(station.c.organisation_id, p.station_id, p.connection_id, p.connection_epoch)
        joined = chosen.select_from(station.join(presence, p.station_id == station.c.id))
        where = (p.node_id == node_id, p.connected.is_(sa.true()), p.connection_id.is_not(None))
        rows = await self._access.read(joined.where(*where).order_by(p.station_id))
        return [(str(row[0]), str(row[1]), int(row[2]), int(row[3])) for row in rows]

    async def forget_connections(self, node_id: str) -> int:
        """Mark the stations of a node that has just started as not connected; returns how many were."""
        statement = (
            sa.update(presence)
            .where(presence.c.node_id == node_id, presence.c.connected.is_(sa.true()))
            .values(connected=False, disconnected_at=self._access.clock())
        )
        return int((await self._access.write(execute, statement)).rowcount)

    async def _must_get(self, station_id: str) -> Station:
        found = await self.get(station_id)
        if found is None:
            raise NotFound(f"no station {station_id}")
        return found


def _delete(station_id: str, now: Instant) -> Program[None]:
    result = yield from execute(sa.delete(station).where(station.c.id == station_id))
    if not result.rowcount:
        raise NotFound(f"no station {station_id}")
    for table in (presence, connector, variable, oddity, wiring, desired_key, followed_station):
        yield from execute(sa.delete(table).where(table.c.station_id == station_id))
    yield from forget_station(station_id, now)


_OR_NONE = {
    "evse_id": sa.func.nullif(connector.c.evse_id, 0),
    "connector_id": sa.func.nullif(connector.c.connector_id, 0),
}
_SELECT_CONNECTORS = sa.select(*_CONNECTORS.columns(connector, _OR_NONE)).order_by(
    connector.c.station_id, connector.c.evse_id, connector.c.connector_id
)
_CONNECTORS_OF = Prepared(_SELECT_CONNECTORS.where(connector.c.station_id == sa.bindparam("station")), "station")


class ConnectorQueries:
    """Connectors as they were last reported."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def of(self, station_id: str) -> list[Connector]:
        """The connectors of a station; the station itself comes first, with neither EVSE nor connector."""
        return _CONNECTORS.many(await self._access.read(_CONNECTORS_OF, [(station_id,)]))

    async def of_stations(self, station_ids: Sequence[str]) -> dict[str, list[Connector]]:
        """The connectors of several stations."""
        rows = await self._access.read(_SELECT_CONNECTORS.where(connector.c.station_id.in_(station_ids)))
        found: dict[str, list[Connector]] = {station_id: [] for station_id in station_ids}
        for item in _CONNECTORS.many(rows):
            found[item.station_id].append(item)
        return found

    async def with_status(
        self, organisation_id: str, status: str, site_ids: Sequence[str] | None = None
    ) -> list[Connector]:
        """Those of an organisation, or of some of its sites, that last reported this status."""
        c = connector.c
        where = [c.organisation_id == organisation_id, c.status == status]
        if site_ids is not None:
            where.append(c.station_id.in_(sa.select(station.c.id).where(station.c.site_id.in_(site_ids))))
        return _CONNECTORS.many(await self._access.read(_SELECT_CONNECTORS.where(*where)))


class AttemptQueries:
    """Refused handshakes: why a station cannot connect."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def find(
        self,
        organisation_id: str | Sequence[str] | None = None,
        *,
        station_id: str | None = None,
        known: bool | None = None,
        reason: str | None = None,
        since: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[ConnectionAttempt]:
        """The latest first. Identities that belong to nobody have the organisation ""."""
        a = connection_attempt.c
        where = only({a.organisation_id: organisation_id, a.station_id: station_id, a.known: known, a.reason: reason})
        if since is not None:
            where.append(a.last_at >= since)
        if cursor is not None:
            last_at, row_id = read_cursor(cursor, tuple[int, int])
            where.append(sa.or_(a.last_at < last_at, sa.and_(a.last_at == last_at, a.id < row_id)))
        statement = sa.select(*_ATTEMPTS.columns(connection_attempt)).where(*where)
        rows = await self._access.read(statement.order_by(a.last_at.desc(), a.id.desc()).limit(bounded(limit) + 1))
        return one_page(rows, _ATTEMPTS, limit, lambda found: (found.last_at, found.id))

    async def forget(self, station_id: str) -> None:
        """Remove the attempts of an identity, for instance once it is registered."""
        await self._access.write(
            execute, sa.delete(connection_attempt).where(connection_attempt.c.station_id == station_id)
        )
