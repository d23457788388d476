"""Which stations hold profiles that follow local time, and whose turn it is to look at them.

The rule that shapes this file: a station is asked about once its time has come, or once its site's time zone is
another than at the last look. Where no station holds such a profile, the question costs a look at an empty index.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.programs import execute
from stationmaster.storage.queries.base import Access
from stationmaster.storage.tables import installed_profiles, presence, site, station

__all__ = ["FollowingStation", "LocalTimeQueries"]

_i, _s, _z, _p = installed_profiles.c, station.c, site.c, presence.c
_JOINED = (
    installed_profiles.join(station, _s.id == _i.station_id)
    .outerjoin(site, sa.and_(_z.organisation_id == _s.organisation_id, _z.id == _s.site_id))
    .outerjoin(presence, sa.and_(_p.station_id == _i.station_id, _p.connected.is_(sa.true())))
)
_SELECT = sa.select(_i.station_id, _s.organisation_id, _z.time_zone, _p.node_id).select_from(_JOINED)


class FollowingStation(msgspec.Struct, frozen=True):
    """A station that holds profiles which follow local time.

    `time_zone` is that of its site, None if it stands at none; `node_id` None: it is away.
    """

    station_id: str
    organisation_id: str
    time_zone: str | None
    node_id: str | None


class LocalTimeQueries:
    """Stations by when their profiles are to be looked at."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def due(self, now: Instant) -> list[FollowingStation]:
        """The stations to be looked at now that nobody is looking at."""
        rows = await self._access.read(_SELECT.where(*_due(now)).order_by(_i.station_id))
        return [_noun(row) for row in rows]

    async def due_of(self, station_id: str, now: Instant) -> FollowingStation | None:
        """One station, if it is among them."""
        rows = await self._access.read(_SELECT.where(_i.station_id == station_id, *_due(now)))
        return _noun(rows[0]) if rows else None

    async def claim(self, station_id: str, now: Instant, until: Instant) -> bool:
        """Take the right to look at a station; False when somebody else has it, or there is nothing to look at."""
        free = (_i.station_id == station_id, _i.local_time_at.is_not(None), _free(now))
        statement = sa.update(installed_profiles).where(*free).values(claimed_until=until)
        return bool((await self._access.write(execute, statement)).rowcount)

    async def hold(self, station_id: str, until: Instant) -> None:
        """Whoever looks at a station takes longer."""
        statement = sa.update(installed_profiles).where(_i.station_id == station_id).values(claimed_until=until)
        await self._access.write(execute, statement)

    async def looked(self, station_id: str, time_zone: str | None, next_at: Instant) -> None:
        """A station was looked at while its site had this time zone; the right to do so is given back."""
        # Nothing may be left there by now that follows local time.
        at = sa.case((_i.local_time_at.is_not(None), next_at), else_=None)
        values = {"local_time_zone": time_zone, "local_time_at": at, "claimed_until": None}
        statement = sa.update(installed_profiles).where(_i.station_id == station_id).values(values)
        await self._access.write(execute, statement)


def _due(now: Instant) -> tuple[Any, ...]:
    moved = sa.and_(_z.time_zone.is_not(None), sa.or_(_i.local_time_zone.is_(None), _i.local_time_zone != _z.time_zone))
    return _i.local_time_at.is_not(None), sa.or_(_i.local_time_at <= now, moved), _free(now)


def _free(now: Instant) -> sa.ColumnElement[bool]:
    return sa.or_(_i.claimed_until.is_(None), _i.claimed_until <= now)


def _noun(row: Sequence[Any]) -> FollowingStation:
    return FollowingStation(*row)
