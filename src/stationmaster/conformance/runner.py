"""Runs cases one after the other against a system that it did not start, and keeps what was seen.

A case passes when its dialogue ends without fault; whatever else happens is its failure, in words. One
case's failure never keeps the next from running.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from stationmaster.conformance.drivers import About, Driver
from stationmaster.conformance.errors import ConformanceError, HandshakeRefused
from stationmaster.conformance.kit import REGISTER, Functionality, NotApplicable, TestCase
from stationmaster.conformance.lab import Lab, LabSettings, Measurement
from stationmaster.conformance.station import ScriptedStation
from stationmaster.conformance.transcript import Transcript
from stationmaster.ocpp.errors import OcppError

__all__ = ["CaseResult", "Run", "Verdict", "run_cases"]

LONGEST_TIMEOUT_S = 60.0
REACHABLE_WITHIN_S = 10.0


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
    warnings: tuple[str, ...] = ()
    """What a person should know although it fails nothing."""


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
    began: Callable[[TestCase], None] = lambda _case: None,
    progress: Callable[[CaseResult], None] = lambda _result: None,
) -> Run:
    """Run cases; `began` hears of each as it begins, `progress` as it ends.

    Raises ConformanceError when the system is not there or cannot be prepared.
    """
    await _check_reachable(settings.url)
    run = Run(await driver.about(), settings, datetime.now(UTC))
    await driver.prepare(settings.stations(), settings.tokens())
    # It takes as long as the system waits for an answer: too long for whoever wants to see a case or two.
    whole = {each.number for each in REGISTER.values() if each.functionality is Functionality.CORE}
    measured = settings.silent_identity and whole <= {case.number for case in cases}
    measuring = asyncio.create_task(_response_timeout(settings, driver)) if measured else None
    try:
        for case in cases:
            began(case)
            result = await _run(case, settings, driver, run)
            run.results.append(result)
            progress(result)
        if measuring is not None:
            run.response_timeout_s = await measuring
    finally:
        if measuring is not None:
            measuring.cancel()
    return run


async def _check_reachable(url: str) -> None:
    """Somebody listens there: otherwise each case would find out for itself. Raises HandshakeRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"ws": 80, "wss": 443}[parts.scheme]
        async with asyncio.timeout(REACHABLE_WITHIN_S):
            _, writer = await asyncio.open_connection(parts.hostname or "", port)
    except (KeyError, ValueError, UnicodeError):
        raise HandshakeRefused(0, f"{url} is no place where stations connect, such as ws://HOST:9000/ocpp") from None
    except (OSError, TimeoutError) as error:
        raise HandshakeRefused(0, f"nobody answers at {url}: {_words_of(error)}") from None
    writer.close()


def _words_of(error: OSError | TimeoutError) -> str:
    if isinstance(error, TimeoutError) or error.errno is None:
        return str(error) or f"not within {REACHABLE_WITHIN_S:g} s"
    return os.strerror(error.errno) if error.errno > 0 else error.strerror or str(error)


async def _response_timeout(settings: LabSettings, driver: Driver) -> float | None:
    """How long the system waits for an answer that never comes; None when it does not say that it gave up.

    It is measured beside the cases, with a station of its own.
    """
    if not settings.silent_identity or not driver.waits_for_answers:
        return None
    station = ScriptedStation(settings.url, settings.silent_identity, password=settings.password)
    pressed: asyncio.Future[None] | None = None
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
        if pressed is not None:
            pressed.cancel()
        await station.disconnect()


async def _run(case: TestCase, settings: LabSettings, driver: Driver, run: Run) -> CaseResult:
    transcript = Transcript()
    lab = Lab(settings, driver, transcript, run.times)
    began = time.perf_counter()
    verdict, reason = Verdict.PASS, ""
    try:
        async with asyncio.timeout(settings.case_limit_s):
            await case.dialogue(lab)
    except NotApplicable as error:
        verdict, reason = Verdict.NOT_RUN, str(error)
    except TimeoutError:
        verdict, reason = Verdict.FAIL, f"it did not end within {settings.case_limit_s:g} s"
    except (ConformanceError, OcppError) as error:
        verdict, reason = Verdict.FAIL, str(error)
    except Exception as error:  # noqa: BLE001 -- whatever a system makes the kit trip over is that case's failure
        verdict, reason = Verdict.FAIL, f"{type(error).__name__}: {error}"
    finally:
        await lab.drop()
    seconds = time.perf_counter() - began
    await _clean_up(settings, driver)
    return CaseResult(case, verdict, reason, seconds, transcript, tuple(lab.warnings))


async def _clean_up(settings: LabSettings, driver: Driver) -> None:
    """Leftovers of one case should not be met by the next; a system that cannot is tested all the same."""
    try:
        await driver.clean_up(settings.identity)
    except ConformanceError:
        return
