"""Runs of the conformance kit: made, read, forgotten."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from stationmaster.domain.conformance import CaseOutcome, ConformanceRun, RunState
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Execute, Program, execute
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables.conformance import conformance_case, conformance_report, conformance_run

__all__ = ["ConformanceQueries"]

MOST_FORGOTTEN = 1_000
"""At a time: more than one is the rest of a time with a higher limit."""
_RUNS = NounReader(ConformanceRun)
_CASES = NounReader(CaseOutcome)
_r, _c, _p = conformance_run.c, conformance_case.c, conformance_report.c
_SELECT_RUNS = sa.select(*_RUNS.columns(conformance_run))
_INSERT_CASES = insert_into(conformance_case, ("run_id", *_CASES.fields))
_INSERT_REPORT = insert_into(conformance_report, ("run_id", "document"), keys=("run_id",))


class ConformanceQueries:
    """Runs, their cases and their reports."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, run_id: str) -> ConformanceRun | None:
        """One run."""
        rows = await self._access.read(_SELECT_RUNS.where(_r.id == run_id))
        return _RUNS.one(rows[0]) if rows else None

    async def cases(self, run_id: str) -> list[CaseOutcome]:
        """The cases of a run in their order."""
        statement = sa.select(*_CASES.columns(conformance_case)).where(_c.run_id == run_id).order_by(_c.position)
        return _CASES.many(await self._access.read(statement))

    async def report(self, run_id: str) -> str | None:
        """The report of a run as JSON text."""
        rows = await self._access.read(sa.select(_p.document).where(_p.run_id == run_id))
        return str(rows[0][0]) if rows else None

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        state: str | None = None,
        node_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[ConformanceRun]:
        """Runs, the newest first."""
        where = only({_r.organisation_id: organisation_id, _r.state: state, _r.node_id: node_id})
        if cursor is not None:
            created_at, run_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_r.created_at < created_at, sa.and_(_r.created_at == created_at, _r.id < run_id)))
        statement = _SELECT_RUNS.where(*where).order_by(_r.created_at.desc(), _r.id.desc())
        rows = await self._access.read(statement.limit(bounded(limit) + 1))
        return one_page(rows, _RUNS, limit, lambda found: (found.created_at, found.id))

    async def create(self, run: ConformanceRun, cases: Sequence[CaseOutcome], *, keep: int) -> None:
        """Enter a run and its cases; of the organisation's runs that have ended the newest `keep` stay."""
        await self._access.write(_create, run, cases, keep)

    async def save_prompt(self, run_id: str, prompt: str | None) -> None:
        """Keep what a person is to do now; it is no part of the facts about the run, which more people hear."""
        await self._access.write(execute, sa.update(conformance_run).where(_r.id == run_id).values(prompt=prompt))

    async def save_report(self, run_id: str, document: str) -> None:
        """Keep the report of a run, as JSON text."""
        await self._access.write(_save_report, run_id, document)

    async def delete(self, run_id: str) -> None:
        """Forget a run with all that belongs to it."""
        await self._access.write(_delete, [run_id])


def _create(run: ConformanceRun, cases: Sequence[CaseOutcome], keep: int) -> Program[None]:
    yield from execute(sa.insert(conformance_run).values(msgspec.structs.asdict(run)))
    yield Execute(_INSERT_CASES, [(run.id, *(getattr(case, name) for name in _CASES.fields)) for case in cases])
    old = sa.select(_r.id).where(_r.organisation_id == run.organisation_id, _r.state != RunState.RUNNING)
    found = yield from execute(old.order_by(_r.created_at.desc(), _r.id.desc()).offset(keep).limit(MOST_FORGOTTEN))
    yield from _delete([str(row[0]) for row in found.rows])


def _save_report(run_id: str, document: str) -> Program[None]:
    yield Execute(_INSERT_REPORT, [(run_id, document)])


def _delete(run_ids: Sequence[str]) -> Program[None]:
    if run_ids:
        yield from execute(sa.delete(conformance_report).where(_p.run_id.in_(run_ids)))
        yield from execute(sa.delete(conformance_case).where(_c.run_id.in_(run_ids)))
        yield from execute(sa.delete(conformance_run).where(_r.id.in_(run_ids)))
