"""Writing how runs of the conformance kit go on: the last of each in a batch counts."""

from typing import Any

from stationmaster.domain.conformance import CaseOutcome, ConformanceRun, ConformanceRunChanged
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import update_by
from stationmaster.storage.tables.conformance import conformance_case, conformance_run

__all__ = ["store_runs"]

_RUN_COLUMNS = tuple(name for name in ConformanceRun.__struct_fields__ if name not in {"id", "prompt"})
_CASE_COLUMNS = tuple(name for name in CaseOutcome.__struct_fields__ if name != "position")
_STORE_RUN = update_by(conformance_run, ("id",), _RUN_COLUMNS)
_STORE_CASE = update_by(conformance_case, ("run_id", "position"), _CASE_COLUMNS)


def store_runs(_batch: Batch, facts: list[ConformanceRunChanged]) -> Program[None]:
    """Keep runs and their cases as they are now; a run that was deleted stays so."""
    runs = {fact.run.id: fact.run for fact in facts}
    cases = {(fact.run.id, fact.case.position): fact.case for fact in facts if fact.case is not None}
    yield Execute(_STORE_RUN, [(run_id, *_values(run, _RUN_COLUMNS)) for run_id, run in runs.items()])
    if cases:
        yield Execute(_STORE_CASE, [(*key, *_values(case, _CASE_COLUMNS)) for key, case in cases.items()])


def _values(noun: Any, columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(noun, name) for name in columns)
