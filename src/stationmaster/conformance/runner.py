"""Runs cases one after the other against a system that it did not start, and keeps what was seen.

A case passes when its dialogue ends without fault; whatever else happens is its failure, in words. One
case's failure never keeps the next from running.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from stationmaster.conformance.drivers import About, Driver
from stationmaster.conformance.errors import ConformanceError
from stationmaster.conformance.kit import NotApplicable, TestCase
from stationmaster.conformance.lab import Lab, LabSettings, Measurement
from stationmaster.conformance.station import ScriptedStation
from stationmaster.conformance.transcript import Transcript
from stationmaster.ocpp.errors import OcppError

__all__ = ["CaseResult", "Run", "Verdict", "run_cases"]

CASE_LIMIT_S = 120.0
LONGEST_TIMEOUT_S = 60.0


class Verdict(StrEnum):
    """What became of a case."""

    PASS = "pass"  # noqa: S105 -- a verdict
    FAIL = "fail"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case, its verdict, why, and its dialogue line by line."""

    case: TestCase
    verdict: Verdict
    reason: str
    seconds: float
    transcript: Transcript


@dataclass(slots=True)
class Run:
    """Everything that a report is made of."""

    about: About
    settings: LabSettings
    started_at: datetime
    results: list[CaseResult] = field(default_factory=list)
    times: dict[str, Measurement] = field(default_factory=dict)
    response_timeout_s: float | None = None
    """How long the system waits for a station's answer, as measured; None: not measured."""

    def count(self, verdict: Verdict) -> int:
        """How many cases came to a verdict."""
        return sum(1 for result in self.results if result.verdict is verdict)

    @property
    def passed(self) -> bool:
        """Whether nothing failed and something was run."""
        return self.count(Verdict.FAIL) == 0 and self.count(Verdict.PASS) > 0


async def run_cases(
    cases: Sequence[TestCase],
    settings: LabSettings,
    driver: Driver,
    *,
    progress: Callable[[CaseResult], None] = lambda _result: None,
) -> Run:
    """Run cases; `progress` hears of each as it ends. Raises ConformanceError when the system cannot be prepared."""
    run = Run(await driver.about(), settings, datetime.now(UTC))
    await driver.prepare(settings.stations(), settings.tokens())
    measuring = asyncio.create_task(_response_timeout(settings, driver))
    try:
        for case in cases:
            result = await _run(case, settings, driver, run)
            run.results.append(result)
            progress(result)
        run.response_timeout_s = await measuring
    finally:
        measuring.cancel()
    return run


async def _response_timeout(settings: LabSettings, driver: Driver) -> float | None:
    """How long the system waits for an answer that never comes; None when it does not say that it gave up.

    It is measured beside the cases, with a station of its own.
    """
    if not settings.silent_identity:
        return None
    station = ScriptedStation(settings.url, settings.silent_identity, password=settings.password)
    try:
        await station.connect()
        pressed = asyncio.ensure_future(driver.press(settings.silent_identity, "ClearCache", {}))
        await station.expect("ClearCache")
        began = time.perf_counter()
        async with asyncio.timeout(LONGEST_TIMEOUT_S):
            await pressed
        return time.perf_counter() - began
    except (ConformanceError, TimeoutError):
        return None
    finally:
        await station.disconnect()


async def _run(case: TestCase, settings: LabSettings, driver: Driver, run: Run) -> CaseResult:
    transcript = Transcript()
    lab = Lab(settings, driver, transcript, run.times)
    began = time.perf_counter()
    verdict, reason = Verdict.PASS, ""
    try:
        async with asyncio.timeout(CASE_LIMIT_S):
            await case.dialogue(lab)
    except NotApplicable as error:
        verdict, reason = Verdict.NOT_RUN, str(error)
    except TimeoutError:
        verdict, reason = Verdict.FAIL, f"it did not end within {CASE_LIMIT_S:g} s"
    except (ConformanceError, OcppError) as error:
        verdict, reason = Verdict.FAIL, str(error)
    except Exception as error:  # noqa: BLE001 -- whatever a system makes the kit trip over is that case's failure
        verdict, reason = Verdict.FAIL, f"{type(error).__name__}: {error}"
    finally:
        await lab.drop()
    seconds = time.perf_counter() - began
    await _clean_up(settings, driver)
    return CaseResult(case, verdict, reason, seconds, transcript)


async def _clean_up(settings: LabSettings, driver: Driver) -> None:
    """Leftovers of one case should not be met by the next; a system that cannot is tested all the same."""
    try:
        await driver.clean_up(settings.identity)
    except ConformanceError:
        return
