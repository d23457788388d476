"""The conformance kit beside a node: a process of its own, which is ended when the run is.

The rule that shapes this file: it is given nothing of the node, neither its environment nor its database.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog

from stationmaster.conformance.cases import CASES
from stationmaster.conformance.kit import Functionality
from stationmaster.conformance.report_html import html_of
from stationmaster.conformance.report_junit import junit_of
from stationmaster.services.conformance import KnownCase, OtherSystem, Running

__all__ = ["BesideNode"]

log = structlog.get_logger(__name__)

LINE_LIMIT_BYTES: Final = 32 * 1024 * 1024
"""The last line is the report, with every dialogue."""
LONGEST_RUN_S: Final = 3600.0
LONGEST_RUN_WITH_PEOPLE_S: Final = 12 * 3600.0
STOP_WITHIN_S: Final = 10.0


class BesideNode:
    """Runs the kit in a process of its own. `targets` are the hosts of other systems that may be tested."""

    def __init__(self, targets: Sequence[str]) -> None:
        self.targets = targets
        self.functionalities: Sequence[str] = [each.value for each in Functionality]
        self.cases: Sequence[KnownCase] = [
            KnownCase(
                number=case.number, title=case.title, functionality=case.functionality.value, operator=case.operator
            )
            for case in CASES
        ]

    def begin(self, numbers: Sequence[str], other: OtherSystem | None) -> Running:
        """See `services.conformance.Laboratory`."""
        order: dict[str, Any] = {"target": "self", "cases": list(numbers)}
        if other is not None:
            order |= msgspec.to_builtins(other) | {"target": "other"}
        return KitProcess(order)

    def as_html(self, document: Mapping[str, Any]) -> str:
        """See `services.conformance.Laboratory`."""
        return html_of(document)

    def as_junit(self, document: Mapping[str, Any]) -> str:
        """See `services.conformance.Laboratory`."""
        return junit_of(document)


class KitProcess:
    """One run."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._limit_s = LONGEST_RUN_WITH_PEOPLE_S if order.get("driver") == "manual" else LONGEST_RUN_S
        self._process: asyncio.subprocess.Process | None = None

    async def steps(self) -> AsyncGenerator[dict[str, Any], None]:
        """See `services.conformance.Running`."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "stationmaster.cli.conformance_worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT_BYTES,
            env=_environment(),
        )
        assert process.stdin is not None  # noqa: S101 - it was asked for
        assert process.stdout is not None  # noqa: S101 -- it was asked for
        deadline = asyncio.get_running_loop().time() + self._limit_s
        try:
            self._say(json.dumps(self._order))
            while line := await _line_of(process.stdout, deadline):
                step: dict[str, Any] = msgspec.json.decode(line)
                yield step
        except TimeoutError:
            yield {"event": "broken", "detail": f"It did not end within {self._limit_s / 3600:g} hours."}
        finally:
            await _end(process)

    def proceed(self) -> None:
        """See `services.conformance.Running`."""
        self._say("done")

    def _say(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(f"{line}\n".encode())


async def _line_of(stream: asyncio.StreamReader, deadline: float) -> bytes:
    async with asyncio.timeout_at(deadline):
        return await stream.readline()


async def _end(process: asyncio.subprocess.Process) -> None:
    """The end of its input tells it to stop, so that it tidies up; what does not listen is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await process.wait()
    except TimeoutError:
        log.warning("conformance.kit_killed", pid=process.pid)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _environment() -> dict[str, str]:
    """Ours, without the settings of the node."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
