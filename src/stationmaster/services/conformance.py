"""Runs of the conformance kit: begun, followed, cancelled, kept with their reports.

The rule that shapes this file: a node has one run at a time, in a process beside it, and what is known of a run
is in the database after every step, so any node can show it and a page can be closed and opened again. A
run dies with its node, and says so.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol
from uuid import uuid4

import msgspec
import structlog

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.conformance import (
    CaseOutcome,
    ConformanceRun,
    ConformanceRunChanged,
    RunState,
    Verdict,
    host_allowed,
)
from stationmaster.domain.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unavailable
from stationmaster.services.context import ServiceContext
from stationmaster.storage import StorageError

__all__ = ["CONFORMANCE", "ConformanceRuns", "KnownCase", "Laboratory", "OtherSystem"]

log = structlog.get_logger(__name__)

CONFORMANCE: Final = "conformance"
"""The kind of `Invalidate` that says something to the node of a run; its key is "WORD RUN-ID"."""
KEPT: Final = 50
"""How many runs that have ended an organisation keeps."""
LONGEST_WORDS: Final = 4000


class KnownCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case of the kit. `operator`: somebody must press buttons, which the driver does."""

    number: str
    title: str
    functionality: str
    operator: bool


class OtherSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A system that is not ours to start. `settings` are what kit and system agree on, by the names of the kit.

    `driver` is "rest" (another Stationmaster: `api_url`, `api_key`) or "manual" (a person is told what to press).
    `tls` has the URL of the TLS listener and PEM texts: `url`, `ca`, `client_certificate`, `client_key`.
    """

    url: str
    driver: str = "manual"
    api_url: str | None = None
    api_key: str | None = None
    product: str | None = None
    version: str | None = None
    tls: Mapping[str, str | None] | None = None
    settings: Mapping[str, Any] = {}


class Running(Protocol):
    """A run under way."""

    def steps(self) -> AsyncGenerator[dict[str, Any], None]:
        """What happens, step by step; ends with the run. To close it ends the run."""

    def proceed(self) -> None:
        """A person has done what they were asked to."""


class Laboratory(Protocol):
    """Who can run the kit; given by `app`, since services do not know it."""

    cases: Sequence[KnownCase]
    """All cases in their order."""
    functionalities: Sequence[str]
    """As the report's first page has them."""
    targets: Sequence[str]
    """Hosts of other systems that may be tested."""

    def begin(self, numbers: Sequence[str], other: OtherSystem | None) -> Running:
        """Run these cases against a fresh node, or another system."""

    def as_html(self, document: Mapping[str, Any]) -> str:
        """The report as a page."""

    def as_junit(self, document: Mapping[str, Any]) -> str:
        """The report for build servers."""


class ConformanceRuns:
    """The runs of all organisations."""

    def __init__(self, context: ServiceContext, laboratory: Laboratory | None, node_id: str) -> None:
        self._context = context
        self._storage = context.storage
        self._laboratory = laboratory
        self._node_id = node_id
        self._busy = False
        self._present: tuple[ConformanceRun, Running] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def laboratory(self) -> Laboratory:
        """Who runs the kit. Raises Unavailable."""
        if self._laboratory is None:
            raise Unavailable("conformance_unavailable", "The conformance kit is not part of this node.")
        return self._laboratory

    async def load(self) -> None:
        """Say of the runs that died with this node before that they did."""
        await self._end_all(self._node_id, "The node was stopped during the run.")

    async def bury(self, node_ids: Iterable[str]) -> None:
        """The same for nodes that are gone. One that was only cut off puts its run right with its next step."""
        for node_id in node_ids:
            await self._end_all(node_id, "The node beside which it ran is gone.")

    async def close(self) -> None:
        """End the run under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # What people do.

    async def get(self, organisation_id: str, run_id: str) -> ConformanceRun:
        """A run of the organisation. Raises NotFound."""
        found: ConformanceRun | None = await self._storage.conformance_runs.get(run_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("conformance_run_unknown", "There is no such run.")
        return found

    async def report(self, organisation_id: str, run_id: str) -> dict[str, Any]:
        """The report of a run. Raises NotFound."""
        await self.get(organisation_id, run_id)
        document = await self._storage.conformance_runs.report(run_id)
        if document is None:
            raise NotFound("conformance_report_missing", "The run has no report: it has not come to its end.")
        found: dict[str, Any] = msgspec.json.decode(document)
        return found

    async def begin(
        self,
        organisation_id: str,
        actor: str,
        *,
        numbers: Sequence[str] = (),
        functionalities: Sequence[str] = (),
        other: OtherSystem | None = None,
    ) -> ConformanceRun:
        """Begin a run of the cases that are named, all of them without a name.

        Raises Invalid, Forbidden when the target is not allowed, Conflict while another run goes on here.
        """
        chosen = self._chosen(numbers, functionalities)
        if other is not None:
            self._check_target(other)
        laboratory = self.laboratory
        if self._busy:
            raise Conflict("conformance_busy", "A run goes on at this node; there can be one at a time.")
        run = ConformanceRun(
            id=str(uuid4()),
            organisation_id=organisation_id,
            node_id=self._node_id,
            state=RunState.RUNNING,
            target="self" if other is None else "other",
            driver="rest" if other is None else other.driver,
            url=None if other is None else other.url,
            created_by=actor,
            created_at=self._context.clock(),
            total=len(chosen),
        )
        cases = [
            CaseOutcome(position=position, number=case.number, title=case.title, functionality=case.functionality)
            for position, case in enumerate(chosen)
        ]
        # Taken before anything is waited for, so that two wishes at once are not both granted.
        self._busy = True
        try:
            await self._storage.conformance_runs.create(run, cases, keep=KEPT)
        except BaseException:
            self._busy = False
            raise
        running = laboratory.begin([case.number for case in chosen], other)
        self._present = run, running
        self._task = asyncio.create_task(self._follow(run, cases, running), name="conformance-run")
        # A task that is cancelled before its first step never says what became of the run.
        await asyncio.sleep(0)
        return run

    async def cancel(self, organisation_id: str, run_id: str) -> ConformanceRun:
        """End a run before its time. Raises NotFound, Conflict when it has ended."""
        return await self._ask(organisation_id, run_id, "cancel")

    async def proceed(self, organisation_id: str, run_id: str) -> ConformanceRun:
        """What a person was asked to do is done. Raises NotFound, Conflict when nobody waits for it."""
        run = await self.get(organisation_id, run_id)
        if not run.prompt_waits:
            raise Conflict("conformance_not_waiting", "The run does not wait for anybody.")
        return await self._ask(organisation_id, run_id, "proceed")

    async def delete(self, organisation_id: str, run_id: str) -> None:
        """Forget a run that has ended. Raises NotFound, Conflict."""
        run = await self.get(organisation_id, run_id)
        if run.state == RunState.RUNNING:
            raise Conflict("conformance_running", "The run goes on; cancel it first.")
        await self._storage.conformance_runs.delete(run_id)

    async def heard(self, key: str) -> None:
        """Somebody at another node, or here, asks for something about a run."""
        word, _, run_id = key.partition(" ")
        if self._present is None or self._task is None or self._present[0].id != run_id:
            return
        if word == "proceed":
            self._present[1].proceed()
        elif word == "cancel":
            self._task.cancel()

    # How a run goes on.

    async def _end_all(self, node_id: str, words: str) -> None:
        # There is one at a time at a node, so a page is more than enough.
        page = await self._storage.conformance_runs.find(state=RunState.RUNNING, node_id=node_id)
        for run in page.items:
            await self._end(run, RunState.BROKEN, words)

    async def _ask(self, organisation_id: str, run_id: str, word: str) -> ConformanceRun:
        run = await self.get(organisation_id, run_id)
        if run.state != RunState.RUNNING:
            raise Conflict("conformance_ended", "The run has ended.")
        message = Invalidate(kind=CONFORMANCE, key=f"{word} {run_id}", organisation_id=organisation_id)
        await self._context.bus.publish(INVALIDATE, encode(message))
        return run

    async def _follow(self, run: ConformanceRun, chosen: Sequence[CaseOutcome], running: Running) -> None:
        cases = {case.number: case for case in chosen}
        steps = running.steps()
        try:
            await self._tell(run)
            async for step in steps:
                run = await self._take(run, cases, step)
            if run.state == RunState.RUNNING:
                await self._end(run, RunState.BROKEN, "The kit ended without a word.")
        except asyncio.CancelledError:
            with suppress(StorageError):
                await self._end(run, RunState.CANCELLED, "It was cancelled, or the node was stopped.")
        except Exception as error:
            log.exception("conformance.run_failed", run_id=run.id)
            with suppress(StorageError):
                await self._end(run, RunState.BROKEN, f"A fault of ours: {type(error).__name__}. The log has it.")
        finally:
            await steps.aclose()
            self._present = self._task = None
            self._busy = False

    async def _take(self, run: ConformanceRun, cases: dict[str, CaseOutcome], step: dict[str, Any]) -> ConformanceRun:
        """The run after a step."""
        case: CaseOutcome | None = None
        match step["event"]:
            case "began":
                run = _changed(run, product=_cut(step["product"]), version=_cut(step["version"]))
            case "case_began":
                case = msgspec.structs.replace(cases[step["number"]], verdict=Verdict.RUNNING)
            case "case_ended":
                case = msgspec.structs.replace(
                    cases[step["number"]],
                    verdict=Verdict(step["verdict"]),
                    reason=_cut(step["reason"]),
                    seconds=step["seconds"],
                )
                run = _changed(_counted(run, case.verdict), prompt=None, prompt_waits=False)
            case "prompt":
                run = _changed(run, prompt=_cut(step["text"]), prompt_waits=False)
            case "prompt_waits":
                run = _changed(run, prompt_waits=True)
            case "proceeding":
                run = _changed(run, prompt=None, prompt_waits=False)
            case "broken":
                return await self._end(run, RunState.BROKEN, step["detail"])
            case "ended":
                await self._storage.conformance_runs.save_report(run.id, msgspec.json.encode(step["report"]).decode())
                done = RunState.PASSED if run.failed == 0 and run.passed else RunState.FAILED
                return await self._end(_changed(run, has_report=True), done, None)
        if case is not None:
            cases[case.number] = case
        return await self._tell(run, case)

    async def _end(self, run: ConformanceRun, state: RunState, detail: str | None) -> ConformanceRun:
        ended = _changed(
            run,
            state=state,
            detail=_cut(detail),
            prompt=None,
            prompt_waits=False,
            finished_at=self._context.clock(),
        )
        return await self._tell(ended)

    async def _tell(self, run: ConformanceRun, case: CaseOutcome | None = None) -> ConformanceRun:
        # What a person is asked to do holds passwords of the kit's stations; events are heard by more than the askers.
        fact = ConformanceRunChanged(
            organisation_id=run.organisation_id,
            station_id="",
            received_at=self._context.clock(),
            run=_changed(run, prompt=None),
            case=case,
        )
        await self._storage.conformance_runs.save_prompt(run.id, run.prompt)
        await self._storage.record([fact])
        return run

    # What may be run.

    def _chosen(self, numbers: Sequence[str], functionalities: Sequence[str]) -> list[KnownCase]:
        known = self.laboratory.cases
        wanted = {each.upper().removesuffix("_CSMS") for each in numbers}
        if strange := sorted(wanted - {case.number for case in known}):
            raise _invalid("cases", f"There is no case {', '.join(strange)[:200]}.")
        named = {each.lower() for each in functionalities}
        if strange := sorted(named - {each.lower() for each in self.laboratory.functionalities}):
            raise _invalid("functionalities", f"There is no functionality {', '.join(strange)[:200]}.")
        chosen = [
            case
            for case in known
            if (not wanted or case.number in wanted) and (not named or case.functionality.lower() in named)
        ]
        if not chosen:
            raise _invalid("cases", "None of these cases is of these functionalities.")
        return chosen

    def _check_target(self, other: OtherSystem) -> None:
        tls_url = None if other.tls is None else other.tls.get("url")
        for field, url, schemes in (
            ("url", other.url, ("ws", "wss")),
            ("api_url", other.api_url, ("http", "https")),
            ("tls.url", tls_url, ("wss",)),
        ):
            if url is not None and not host_allowed(url, schemes, self.laboratory.targets):
                raise Forbidden(
                    "target_not_allowed",
                    f"{field} is not {' or '.join(f'{each}://' for each in schemes)} and a host that may be tested: "
                    "whoever keeps this node names those in the setting conformance.targets.",
                )
        if other.driver == "rest" and (other.api_url is None or other.api_key is None):
            raise _invalid("api_url", "The driver `rest` needs api_url and api_key.")


def _changed(run: ConformanceRun, **changes: Any) -> ConformanceRun:
    return msgspec.structs.replace(run, **changes)


def _counted(run: ConformanceRun, verdict: str) -> ConformanceRun:
    match verdict:
        case Verdict.PASS:
            return _changed(run, passed=run.passed + 1)
        case Verdict.FAIL:
            return _changed(run, failed=run.failed + 1)
        case _:
            return _changed(run, not_run=run.not_run + 1)


def _cut(words: str | None) -> str | None:
    """Words of another system, as short as a table wants them, without what a database cannot hold."""
    if words is None:
        return None
    return words[:LONGEST_WORDS].replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "invalid", words),))
