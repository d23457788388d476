"""Writing jobs: the whole job as it is now, each time it moves on (§3.1)."""

import msgspec

from stationmaster.domain.facts import JobChanged, JobMovedOn
from stationmaster.storage.committed import ALREADY_STORED, AlreadyStored
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import job

__all__ = ["store_jobs", "store_moves"]

_COLUMNS = tuple(column.name for column in job.columns)
_WRITE = insert_into(job, keys=("id",))
_WRITE_UNLESS_ENDED = insert_into(job, keys=("id",), where="job.finished_at IS NULL", returning=("id",))


def store_jobs(_batch: Batch, facts: list[JobChanged]) -> Program[None]:
    """The last state of each job in the batch is the one that stays."""
    latest = {fact.id: fact for fact in facts}
    yield Execute(_WRITE, [_row(fact) for fact in latest.values()])


def store_moves(_batch: Batch, facts: list[JobMovedOn]) -> Program[list[AlreadyStored | None]]:
    """An end stays, be it stored or an earlier one of this batch."""
    latest: dict[str, JobMovedOn] = {}
    late: set[int] = set()
    for place, fact in enumerate(facts):
        before = latest.get(fact.id)
        if before is not None and before.finished_at is not None:
            late.add(place)
        else:
            latest[fact.id] = fact
    written = yield Execute(_WRITE_UNLESS_ENDED, [_row(fact) for fact in latest.values()])
    moved = {job_id for (job_id,) in written.rows}
    return [None if fact.id in moved and place not in late else ALREADY_STORED for place, fact in enumerate(facts)]


def _row(fact: JobChanged) -> tuple[object, ...]:
    return tuple(
        msgspec.json.encode(value).decode() if isinstance(value, tuple | dict) else value
        for value in (getattr(fact, name) for name in _COLUMNS)
    )
