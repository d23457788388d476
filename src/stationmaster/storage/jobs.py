"""Writing jobs: the whole job as it is now, each time it moves on (§3.1)."""

import msgspec

from stationmaster.domain.facts import JobChanged
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import job

__all__ = ["store_jobs"]

_COLUMNS = tuple(column.name for column in job.columns)
_WRITE = insert_into(job, keys=("id",))


def store_jobs(_batch: Batch, facts: list[JobChanged]) -> Program[None]:
    """The last state of each job in the batch is the one that stays."""
    latest = {fact.id: fact for fact in facts}
    yield Execute(_WRITE, [_row(fact) for fact in latest.values()])


def _row(fact: JobChanged) -> tuple[object, ...]:
    return tuple(
        msgspec.json.encode(value).decode() if isinstance(value, tuple | dict) else value
        for value in (getattr(fact, name) for name in _COLUMNS)
    )
