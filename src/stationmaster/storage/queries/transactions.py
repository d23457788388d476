"""Transactions and their measured values, as they are read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from stationmaster.domain.energy import LEAST_US_PER_WH, MARGIN_WH
from stationmaster.domain.transactions import MeterValueSet, Transaction
from stationmaster.instants import Instant
from stationmaster.storage.errors import NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import execute
from stationmaster.storage.queries.base import Access, Lookup, NounReader, one_page, only
from stationmaster.storage.statements import Prepared, select_by
from stationmaster.storage.tables import meter_value, transaction

__all__ = ["ENERGY_SO_FAR", "TransactionQueries"]

_TRANSACTIONS = NounReader(Transaction)
_SETS = NounReader(MeterValueSet)

_t, _m = transaction.c, meter_value.c


def _last(column: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    return (
        sa.select(column)
        .where(_m.transaction_id == _t.id, *where)
        .order_by(_m.sampled_at.desc())
        .limit(1)
        .correlate(transaction)
        .scalar_subquery()
    )


_last_sampled: Final = _last(_m.sampled_at)
_last_register: Final = _last(_m.register_wh, _m.register_wh.is_not(None))
_is_over: Final = _t.state != "open"
_known_stop: Final = sa.case(
    (_t.meter_stop_wh.is_not(None), _t.meter_stop_wh), (_is_over, _last_register), else_=sa.null()
)
_difference: Final = _known_stop - _t.meter_start_wh
_longest: Final = sa.func.coalesce(_t.stopped_at - _t.started_at, 0)


def _possible(energy: sa.ColumnElement[Any], longest: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Energy within what `domain.energy` bounds, else NULL."""
    return sa.case((energy < 0, sa.null()), (energy > longest / LEAST_US_PER_WH + MARGIN_WH, sa.null()), else_=energy)


_billed: Final = _possible(_difference, _longest)
"""What no station can have delivered is billed to nobody; the readings themselves stay as they came (S-08)."""
ENERGY_SO_FAR: Final = sa.case(
    (_is_over, _billed),
    else_=_possible(_last_register - _t.meter_start_wh, sa.func.coalesce(_last_sampled - _t.started_at, 0)),
)
"""What is billed, or, while it goes on, what the meter has shown since the start; within the same bounds."""
_COMPUTED: Final[Mapping[str, sa.ColumnElement[Any]]] = {
    "last_meter_wh": _last_register,
    "last_sampled_at": _last_sampled,
    "energy_wh": _billed,
    "energy_source": sa.case(
        (_billed.is_(None), sa.null()),
        (_t.meter_stop_wh.is_not(None), "meter_stop"),
        else_="last_sample",
    ),
}
_SELECT = sa.select(*_TRANSACTIONS.columns(transaction, _COMPUTED))
_is_open = _t.state == sa.literal_column("'open'")
_number: sa.BindParameter[Any] = sa.bindparam("number")
_station: sa.BindParameter[Any] = sa.bindparam("station")
_evse: sa.BindParameter[Any] = sa.bindparam("evse")

_GET = Prepared(_SELECT.where(_t.id == _number), "number")
_BY_OCPP_ID = Prepared(
    _SELECT.where(_t.station_id == _station, _t.ocpp_id == sa.bindparam("ocpp_id"), _t.start_received_at.is_not(None)),
    "station",
    "ocpp_id",
)
_instant: sa.BindParameter[Any] = sa.bindparam("instant")
_next = transaction.alias().c
_was_followed: Final = sa.exists().where(
    _next.station_id == _t.station_id,
    _next.evse_id == _t.evse_id,
    _next.started_at > _t.started_at,
    _next.started_at <= _instant,
)
_AT = Prepared(
    _SELECT.where(
        _t.station_id == _station,
        _t.evse_id.is_not_distinct_from(_evse),
        _t.started_at <= _instant,
        sa.or_(
            _t.stopped_at >= _instant,
            # One that was superseded ended before the next began.
            sa.and_(_t.stopped_at.is_(None), sa.or_(_is_open, sa.not_(_was_followed))),
        ),
    )
    .order_by(_t.started_at.desc(), _t.id.desc())
    .limit(1),
    "station",
    "evse",
    "instant",
)
_OPEN_OF_STATION = Prepared(_SELECT.where(_t.station_id == _station, _is_open).order_by(_t.id), "station")
_FIND_NUMBER = select_by(
    transaction,
    ("station_id", "ocpp_id"),
    ("station_id", "ocpp_id", "id"),
    where="t.station_id = :station_id AND t.ocpp_id = :ocpp_id AND t.start_received_at IS NOT NULL",
)
_OF_SET: Final[Mapping[str, sa.ColumnElement[Any]]] = {
    "evse_id": sa.func.nullif(_m.evse_id, 0),
    "connector_id": sa.func.nullif(_m.connector_id, 0),
    "flags": sa.func.coalesce(_m.flags, "[]"),
}
_CHANGEABLE = frozenset(
    {"flags", "remote_start_job_id", "reservation_id", "site_id", "state", "stop_reason", "stopped_at", "token_id"}
)


class TransactionQueries:
    """Transactions. Energy and the last reading are worked out from what is stored, never stored themselves."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access
        self._numbers: Lookup[tuple[str, str], int] = Lookup(self._find_numbers)

    async def get(self, transaction_id: int) -> Transaction | None:
        """One transaction by our number."""
        return await self._first(_GET, transaction_id)

    async def owner_of(self, ocpp_id: str) -> str | None:
        """The station whose transaction goes by this id, whichever it is: our numbers are given once only (S-05)."""
        statement = sa.select(_t.station_id).where(_t.ocpp_id == ocpp_id, _t.start_received_at.is_not(None)).limit(1)
        rows = await self._access.read(statement)
        return str(rows[0][0]) if rows else None

    async def by_ocpp_id(self, station_id: str, ocpp_id: str) -> Transaction | None:
        """One transaction by the id under which its station knows it; orphans are not found."""
        return await self._first(_BY_OCPP_ID, station_id, ocpp_id)

    async def number_of(self, station_id: str, ocpp_id: str) -> int | None:
        """Our number of a transaction by the id under which its station knows it; cheap, gathered into one query."""
        return await self._numbers.get((station_id, ocpp_id))

    async def _find_numbers(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
        rows = await self._access.read(_FIND_NUMBER, keys)
        return {(station_id, ocpp_id): number for station_id, ocpp_id, number in rows}

    async def at(self, station_id: str, evse_id: int | None, instant: Instant) -> Transaction | None:
        """The transaction that ran at an EVSE at that time, the newest if there were several (§3.2.7)."""
        return await self._first(_AT, station_id, evse_id, instant)

    async def open_of_station(self, station_id: str) -> list[Transaction]:
        """The open transactions of a station, the oldest first."""
        return _TRANSACTIONS.many(await self._access.read(_OPEN_OF_STATION, [(station_id,)]))

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        station_id: str | None = None,
        evse_id: int | None = None,
        id_tag: str | None = None,
        token_id: int | None = None,
        state: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        flagged: bool | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Transaction]:
        """The newest first. `since` and `until` bound the start (an orphan's end); `id_tag` whatever its case."""
        where = only(
            {
                _t.organisation_id: organisation_id,
                _t.station_id: station_id,
                _t.evse_id: evse_id,
                _t.token_id: token_id,
            }
        )
        if state is not None:
            where.append(_is_open if state == "open" else _t.state == state)
        if site_ids is not None:
            where.append(_t.site_id.in_(site_ids))
        if id_tag is not None:
            where.append(sa.func.lower(_t.id_tag) == id_tag.strip().lower())
        if flagged is not None:
            where.append((_t.flags != "[]") if flagged else (_t.flags == "[]"))
        began = sa.func.coalesce(_t.started_at, _t.stopped_at)
        if since is not None:
            where.append(began >= since)
        if until is not None:
            where.append(began < until)
        if cursor is not None:
            where.append(_t.id < read_cursor(cursor, int))
        rows = await self._access.read(_SELECT.where(*where).order_by(_t.id.desc()).limit(bounded(limit) + 1))
        return one_page(rows, _TRANSACTIONS, limit, lambda found: found.id)

    async def meter_values(
        self,
        transaction_id: int | None = None,
        *,
        station_id: str | None = None,
        evse_id: int | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[MeterValueSet]:
        """Measured values in the order of their times: of a transaction, or unlinked ones of a station."""
        if transaction_id is not None:
            where = [_m.transaction_id == transaction_id]
        else:
            where = [_m.transaction_id.is_(None), *only({_m.station_id: station_id, _m.evse_id: evse_id})]
        if since is not None:
            where.append(_m.sampled_at >= since)
        if until is not None:
            where.append(_m.sampled_at < until)
        if cursor is not None:
            sampled_at, row_id = read_cursor(cursor, tuple[int, int])
            where.append(sa.or_(_m.sampled_at > sampled_at, sa.and_(_m.sampled_at == sampled_at, _m.id > row_id)))
        statement = sa.select(*_SETS.columns(meter_value, _OF_SET)).where(*where)
        rows = await self._access.read(statement.order_by(_m.sampled_at, _m.id).limit(bounded(limit) + 1))
        return one_page(rows, _SETS, limit, lambda found: (found.sampled_at, found.id))

    async def update(self, transaction_id: int, changes: Mapping[str, Any]) -> Transaction:
        """Change what an operator or a policy may change; raises `NotFound`, and ValueError for other fields.

        A transaction that is closed here and not by a message has no `stop_received_at`: a
        message that ends it later closes it anew.
        """
        unknown = sorted(set(changes) - _CHANGEABLE)
        if unknown:
            raise ValueError(f"not to be changed: {', '.join(unknown)}")
        values = dict(changes)
        if "flags" in values:
            values["flags"] = msgspec.json.encode(values["flags"]).decode()
        result = await self._access.write(execute, sa.update(transaction).where(_t.id == transaction_id).values(values))
        found = await self.get(transaction_id) if result.rowcount else None
        if found is None:
            raise NotFound(f"no transaction {transaction_id}")
        return found

    async def _first(self, statement: Prepared, *values: Any) -> Transaction | None:
        rows = await self._access.read(statement, [values])
        return _TRANSACTIONS.one(rows[0]) if rows else None
