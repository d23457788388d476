"""What an operator sees first, added up by the database."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from stationmaster.domain.facts import MeterSample
from stationmaster.domain.overview import HOUR_US, PlacedStation, Session
from stationmaster.instants import Instant
from stationmaster.storage.queries.base import Access, only
from stationmaster.storage.queries.transactions import ENERGY_SO_FAR
from stationmaster.storage.tables import connector, meter_value, presence, site, station, transaction

__all__ = ["BusyStation", "OverviewQueries"]

_BETWEEN: Final = ","
_s, _p, _t, _m = station.c, presence.c, transaction.c, meter_value.c
_read_samples = msgspec.json.Decoder(tuple[MeterSample, ...]).decode


class BusyStation(msgspec.Struct, frozen=True):
    """What a station charged since a moment, and how many transactions began."""

    station_id: str
    energy_wh: float
    started: int


class OverviewQueries:
    """Sums over all that a caller may see."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def stations(self, organisation_id: str, site_ids: Sequence[str] | None) -> list[PlacedStation]:
        """Each station with its connectors' statuses, in the order of ids; where it stands, or else its site."""
        of_station = (
            sa.select(connector.c.station_id, sa.func.aggregate_strings(connector.c.status, _BETWEEN).label("statuses"))
            .where(connector.c.organisation_id == organisation_id, connector.c.status.is_not(None))
            .where(connector.c.evse_id != 0)
            .group_by(connector.c.station_id)
            .subquery()
        )
        statement = (
            sa.select(
                _s.id,
                _s.name,
                _s.site_id,
                sa.func.coalesce(_s.latitude, site.c.latitude),
                sa.func.coalesce(_s.longitude, site.c.longitude),
                _s.operator_state,
                sa.func.coalesce(_p.connected, sa.false()),
                _p.station_id.is_not(None),
                of_station.c.statuses,
            )
            .select_from(
                station.outerjoin(presence, _p.station_id == _s.id)
                .outerjoin(of_station, of_station.c.station_id == _s.id)
                .outerjoin(site, sa.and_(site.c.organisation_id == _s.organisation_id, site.c.id == _s.site_id))
            )
            .where(*only({_s.organisation_id: organisation_id, _s.site_id: site_ids}))
            .order_by(_s.id)
        )
        return [_placed(row) for row in await self._access.read(statement)]

    async def sessions(self, organisation_id: str, site_ids: Sequence[str] | None, since: Instant) -> list[Session]:
        """Transactions that were not over before `since`, added up by site, first and last hour."""
        from_hour, until_hour = _t.started_at // HOUR_US, _t.stopped_at // HOUR_US
        each = _energies(organisation_id, site_ids, since, _t.site_id, from_hour.label("a"), until_hour.label("b"))
        keys = (each.c.site_id, each.c.a, each.c.b)
        total = sa.func.coalesce(sa.func.sum(each.c.energy_wh), 0)
        rows = await self._access.read(sa.select(*keys, total, sa.func.count()).group_by(*keys))
        return [Session(site, int(a), None if b is None else int(b), float(wh), int(n)) for site, a, b, wh, n in rows]

    async def busiest(
        self, organisation_id: str, site_ids: Sequence[str] | None, since: Instant, limit: int
    ) -> list[BusyStation]:
        """The stations that charged most since `since`, the busiest first."""
        each = _energies(organisation_id, site_ids, since, _t.station_id)
        total = sa.func.coalesce(sa.func.sum(each.c.energy_wh), 0).label("total")
        statement = sa.select(each.c.station_id, total, sa.func.count()).group_by(each.c.station_id)
        rows = await self._access.read(statement.order_by(total.desc(), each.c.station_id).limit(limit))
        return [BusyStation(name, float(wh), int(count)) for name, wh, count in rows]

    async def newest_values(
        self, organisation_id: str, site_ids: Sequence[str] | None, since: Instant
    ) -> list[tuple[MeterSample, ...] | None]:
        """Of each open transaction the values that came last, but for the main meter; None: none since `since`."""
        newest = (
            sa.select(_m.samples)
            .where(_m.transaction_id == _t.id, _m.sampled_at >= since, _m.evse_id != 0)
            .order_by(_m.sampled_at.desc())
            .limit(1)
            .correlate(transaction)
            .scalar_subquery()
        )
        where = [_t.state == "open", *only({_t.organisation_id: organisation_id, _t.site_id: site_ids})]
        rows = await self._access.read(sa.select(newest).where(*where))
        return [None if text is None else _read_samples(text) for (text,) in rows]


def _energies(organisation_id: str, site_ids: Sequence[str] | None, since: Instant, *columns: Any) -> sa.Subquery:
    """A row for each transaction that was not over before `since`, with its energy so far."""
    still = sa.or_(_t.started_at >= since, _t.stopped_at >= since, _t.state == "open")
    where = [_t.started_at.is_not(None), still, *only({_t.organisation_id: organisation_id, _t.site_id: site_ids})]
    return sa.select(*columns, ENERGY_SO_FAR.label("energy_wh")).where(*where).subquery()


def _placed(row: Sequence[Any]) -> PlacedStation:
    identity, name, site_id, latitude, longitude, operator_state, connected, known, statuses = row
    return PlacedStation(
        id=identity,
        name=name,
        site_id=site_id,
        latitude=latitude,
        longitude=longitude,
        operator_state=operator_state,
        connected=bool(connected),
        known=bool(known),
        statuses=tuple(statuses.split(_BETWEEN)) if statuses else (),
    )
