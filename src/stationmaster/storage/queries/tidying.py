"""Finding the transactions that their stations forgot."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from stationmaster.domain.tidying import HOUR_US, Stale, TidyingPolicy
from stationmaster.instants import Instant
from stationmaster.storage.queries.base import Access
from stationmaster.storage.tables import connector, meter_value, transaction

__all__ = ["TidyingQueries"]

_t, _c, _m = transaction.c, connector.c, meter_value.c
_FREE = ("Available", "Finishing")
MOST = 500


def _last_heard() -> sa.ColumnElement[Any]:
    sampled = (
        sa.select(sa.func.max(_m.received_at))
        .where(_m.transaction_id == _t.id)
        .correlate(transaction)
        .scalar_subquery()
    )
    return sa.func.coalesce(sampled, _t.start_received_at)


class TidyingQueries:
    """Transactions without an end."""

    def __init__(self, access: Access) -> None:
        """Reads through `access`."""
        self._access = access

    async def stale(self, policy: TidyingPolicy, now: Instant) -> list[Stale]:
        """Those that the policy closes now, the oldest first, at most some hundreds at a time."""
        found: dict[int, Stale] = {}
        heard = _last_heard()
        for reason, hours, where in (
            ("superseded", policy.superseded_hours, [_t.state == "superseded"]),
            (
                "connector_free",
                policy.idle_hours,
                [_t.state == sa.literal_column("'open'"), self._is_free(policy, now)],
            ),
            ("silent", policy.silent_hours, [_t.state == sa.literal_column("'open'")]),
        ):
            if not hours:
                continue
            before = now - round(hours * HOUR_US)
            statement = (
                sa.select(_t.id, _t.organisation_id, _t.station_id, _t.site_id, _t.ocpp_id, heard)
                .where(*where, heard < before)
                .order_by(_t.id)
                .limit(MOST)
            )
            for row in await self._access.read(statement):
                found.setdefault(row[0], _stale(row, reason))
        return list(found.values())

    async def open_of(self, station_id: str) -> list[Stale]:
        """Everything of a station that has no end, for an operator who cleans up."""
        statement = sa.select(_t.id, _t.organisation_id, _t.station_id, _t.site_id, _t.ocpp_id, _last_heard()).where(
            _t.station_id == station_id, _t.state != "closed"
        )
        return [_stale(row, "operator") for row in await self._access.read(statement.order_by(_t.id))]

    def _is_free(self, policy: TidyingPolicy, now: Instant) -> sa.ColumnElement[bool]:
        before = now - round(policy.idle_hours * HOUR_US)
        return sa.exists().where(
            _c.station_id == _t.station_id,
            _c.evse_id == _t.evse_id,
            _c.status.in_(_FREE),
            _c.received_at < before,
            _c.received_at > _t.start_received_at,
        )


def _stale(row: Sequence[Any], reason: str) -> Stale:
    number, organisation_id, station_id, site_id, ocpp_id, heard_at = row
    return Stale(number, organisation_id, station_id, site_id, ocpp_id, reason, heard_at)
