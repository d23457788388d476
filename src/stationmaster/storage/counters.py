"""Counters that survive: each step is durable with the batch it is part of, and no two nodes take the same."""

from stationmaster.storage.programs import Program, execute
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import counter

__all__ = ["advance"]

_ADVANCE = insert_into(
    counter, keys=("name",), changes={"value": "counter.value + excluded.value"}, returning=("value",)
)


def advance(name: str, by: int) -> Program[int]:
    """Move a counter on, from 0 if it is new; returns where it is now. Others wait until the batch is durable."""
    result = yield from execute(_ADVANCE, [(name, by)])
    return int(result.rows[0][0])
