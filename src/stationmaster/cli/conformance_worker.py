"""The kit as a process of its own for a node: `python -m stationmaster.cli.conformance_worker`.

The rule that shapes this file: what is to be done comes as one line of JSON on standard input, so no secret
is seen in a list of processes or handed down in the environment. What happens goes out as lines of JSON. A
further line on the input is "done" for what a person was asked to do, and its end is the end of the run.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stationmaster.cli.conformance import MANUAL

if TYPE_CHECKING:
    from stationmaster.conformance.drivers import Driver
    from stationmaster.conformance.lab import LabSettings

__all__ = ["main"]

NICENESS: Final = 10
"""The stations of the node beside us go first."""
LINE_LIMIT_BYTES: Final = 1024 * 1024


def tell(event: str, **members: Any) -> None:
    """One line about what happened."""
    print(json.dumps({"event": event} | members), flush=True)  # noqa: T201 - this is what the node reads


class Person:
    """Whoever presses the buttons of the system under test, at the other end of standard input."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines
        self._done = asyncio.Event()

    def say(self, words: str) -> None:
        """Tell them what to do."""
        self._done.clear()
        tell("prompt", text=words, waits=False)

    async def wait(self, words: str) -> None:
        """Until they say that it is done."""
        tell("prompt_waits", text=words)
        await self._done.wait()
        tell("proceeding")

    async def listen(self) -> None:
        """Hear them until the input ends."""
        while await self._lines.readline():
            self._done.set()


async def work() -> None:
    """Read the order, run the cases, tell everything."""
    lines = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    order = json.loads(await lines.readline())
    person = Person(lines)
    running = asyncio.create_task(_run(order, person))
    listening = asyncio.create_task(person.listen())
    try:
        await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, listening):
            task.cancel()
        await asyncio.gather(running, listening, return_exceptions=True)


async def _run(order: dict[str, Any], person: Person) -> None:
    from stationmaster.conformance.cases import CASES
    from stationmaster.conformance.errors import ConformanceError
    from stationmaster.conformance.report import as_json
    from stationmaster.conformance.runner import run_cases

    cases = [case for case in CASES if case.number in order["cases"]]
    try:
        async with _target(order, person) as (settings, driver):
            tell("began", **_about(await driver.about()))
            run = await run_cases(
                cases,
                settings,
                driver,
                began=lambda case: tell("case_began", number=case.number),
                progress=lambda result: tell(
                    "case_ended",
                    number=result.case.number,
                    verdict=result.verdict.value,
                    reason=result.reason or None,
                    seconds=round(result.seconds, 3),
                ),
            )
    except ConformanceError as error:
        tell("broken", detail=str(error))
        return
    tell("ended", report=as_json(run))


def _about(about: Any) -> dict[str, str]:
    return {"product": about.product, "version": about.version}


@contextlib.asynccontextmanager
async def _target(order: dict[str, Any], person: Person) -> "AsyncIterator[tuple[LabSettings, Driver]]":
    from stationmaster.cli.fresh_node import fresh_node

    if order["target"] == "self":
        async with fresh_node(None, None) as (settings, driver):
            yield settings, driver
            await driver.close()
        return
    with tempfile.TemporaryDirectory(prefix="stationmaster-conformance-") as folder:
        settings = _settings_of(order, Path(folder))
        made = _driver_of(order, person, settings)
        try:
            yield settings, made
        finally:
            await made.close()


def _settings_of(order: dict[str, Any], folder: Path) -> "LabSettings":
    from stationmaster.conformance.lab import LabSettings, TlsSettings

    settings = replace(LabSettings(url=order["url"]), **order["settings"])
    if order["driver"] == "manual":
        settings = replace(settings, **MANUAL)
    tls = order.get("tls")
    if tls is None:
        return settings
    files = {name: tls[name] for name in ("ca", "client_certificate", "client_key") if tls.get(name)}
    for name, text in files.items():
        (folder / name).touch(0o600)
        (folder / name).write_text(text)
    paths = {name: str(folder / name) for name in files}
    pair = (paths.get("client_certificate"), paths.get("client_key"))
    return replace(settings, tls=TlsSettings(tls["url"], paths["ca"], *pair))


def _driver_of(order: dict[str, Any], person: Person, settings: "LabSettings") -> "Driver":
    from stationmaster.conformance.drivers import ManualDriver
    from stationmaster.conformance.rest_driver import RestDriver

    if order["driver"] == "manual":
        return ManualDriver(
            person.say, order.get("product") or settings.url, order.get("version") or "", wait=person.wait
        )
    return RestDriver(order["api_url"], order["api_key"])


def main() -> None:
    """Run the order that comes on standard input."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    try:
        asyncio.run(work())
    except Exception as error:  # noqa: BLE001 - the node has it in words
        tell("broken", detail=f"{type(error).__name__}: {error}")
        sys.exit(2)


if __name__ == "__main__":
    main()
