"""Writing reservations and what is known of local lists: the last of each in a batch counts."""

from typing import Any

import msgspec

from stationmaster.domain.local_lists import LocalListChanged
from stationmaster.domain.reservations import ReservationChanged
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables.reservations import local_list, reservation

__all__ = ["store_lists", "store_reservations"]

_RESERVATION_COLUMNS = tuple(column.name for column in reservation.columns)
_LIST_COLUMNS = tuple(column.name for column in local_list.columns)
_STORE = insert_into(reservation, _RESERVATION_COLUMNS, keys=("station_id", "reservation_id"))
_STORE_LIST = insert_into(local_list, _LIST_COLUMNS, keys=("station_id",))


def store_reservations(_batch: Batch, facts: list[ReservationChanged]) -> Program[None]:
    """Keep reservations as they are now."""
    latest = {(fact.station_id, fact.reservation.reservation_id): fact.reservation for fact in facts}
    yield Execute(_STORE, [_row(each, _RESERVATION_COLUMNS) for each in latest.values()])


def store_lists(_batch: Batch, facts: list[LocalListChanged]) -> Program[None]:
    """Keep lists as they are now."""
    latest = {fact.station_id: fact.list for fact in facts}
    yield Execute(_STORE_LIST, [_row(each, _LIST_COLUMNS) for each in latest.values()])


def _row(noun: Any, columns: tuple[str, ...]) -> tuple[Any, ...]:
    values = (getattr(noun, name) for name in columns)
    return tuple(msgspec.json.encode(value).decode() if isinstance(value, tuple) else value for value in values)
