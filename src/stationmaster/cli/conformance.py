"""`stationmaster conformance`: the 77 OCPP 1.6 cases against this system or any other, and the report.

Exit code 0: nothing failed. 1: something did. 2: the run could not begin.
"""

# ruff: noqa: PLC0415 - the modules of a node take two seconds to load, and most commands need few of them

import asyncio
import importlib
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from stationmaster.cli.options import Data, DatabaseUrl

if TYPE_CHECKING:
    from stationmaster.conformance.drivers import Driver
    from stationmaster.conformance.kit import TestCase
    from stationmaster.conformance.lab import LabSettings
    from stationmaster.conformance.runner import CaseResult, Run

__all__ = ["MANUAL", "conformance"]

MANUAL: Final[dict[str, Any]] = {"silent_identity": "", "patience_s": 900.0, "case_limit_s": 7200.0}
"""What is other where a person presses the buttons: they need time, and cannot say when the system has given up."""


def conformance(  # noqa: PLR0913, PLR0917 - each argument is an option of the command line
    url: Annotated[str | None, typer.Option(help="Where stations connect, such as ws://HOST:9000/ocpp.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Where our API listens, such as http://HOST:8080.")] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="STATIONMASTER_API_KEY", help="A key of the role admin.")
    ] = None,
    tls_url: Annotated[
        str | None, typer.Option(help="The same for profiles 2 and 3, such as wss://HOST:9443/ocpp.")
    ] = None,
    ca_file: Annotated[str | None, typer.Option(help="Roots by which the TLS listener is trusted (PEM).")] = None,
    client_certificate: Annotated[str | None, typer.Option(help="Certificate of the station of profile 3.")] = None,
    client_key: Annotated[str | None, typer.Option(help="Its private key.")] = None,
    itself: Annotated[bool, typer.Option("--self", help="Start a fresh node and test it.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="A case, such as TC_001; may be given again.")] = None,
    functionality: Annotated[list[str] | None, typer.Option(help="A functionality, such as Core.")] = None,
    driver: Annotated[str, typer.Option(help="rest, manual, or package.module:Class of your own.")] = "rest",
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What kit and system agree on, such as identity=CP1."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the report into this folder.")] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Run the OCPP 1.6 test cases for central systems."""
    from stationmaster.conformance.errors import ConformanceError

    cases = _chosen(only or [], functionality or [])
    changes = _changes(given or [])
    try:
        if report is not None:
            report.mkdir(parents=True, exist_ok=True)
        if itself:
            run = asyncio.run(_self(cases, changes, data, database_url))
        else:
            if url is None:
                raise typer.BadParameter("say where stations connect (--url), or use --self")
            settings = _settings(url, tls_url, ca_file, client_certificate, client_key)
            manual = MANUAL if driver == "manual" else {}
            settings = replace(settings, **(manual | changes))
            run = asyncio.run(_run(cases, settings, _driver(driver, api_url, api_key, url)))
        _conclude(run, report)
    except (ConformanceError, OSError) as error:
        typer.echo(f"stationmaster: {error}", err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(0 if run.passed else 1)


def _changes(given: list[str]) -> dict[str, Any]:
    """The settings of the kit that were given, by name."""
    from stationmaster.conformance.lab import LabSettings

    changes: dict[str, Any] = {}
    kinds: dict[Any, type] = {str: str, int: int, float: float}
    known = {field.name: kinds[field.type] for field in fields(LabSettings) if field.type in kinds}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name not in known:
            raise typer.BadParameter(f"--set {each}: a name is one of {', '.join(sorted(known))}")
        try:
            changes[name] = known[name](value)
        except ValueError:
            raise typer.BadParameter(f"--set {each}: {value} is no number") from None
    return changes


def _chosen(only: list[str], functionalities: list[str]) -> "list[TestCase]":
    from stationmaster.conformance.cases import CASES
    from stationmaster.conformance.kit import Functionality

    numbers = {each.upper().removesuffix("_CSMS") for each in only}
    known = {case.number for case in CASES}
    if numbers - known:
        raise typer.BadParameter(f"no such case: {', '.join(sorted(numbers - known))}")
    wanted = {each.lower() for each in functionalities}
    names = {each.value.lower() for each in Functionality}
    if wanted - names:
        raise typer.BadParameter(f"a functionality is one of: {', '.join(each.value for each in Functionality)}")
    chosen = [
        case
        for case in CASES
        if (not numbers or case.number in numbers) and (not wanted or case.functionality.value.lower() in wanted)
    ]
    if not chosen:
        raise typer.BadParameter("none of these cases is of these functionalities")
    return chosen


def _settings(
    url: str, tls_url: str | None, ca_file: str | None, certificate: str | None, key: str | None
) -> "LabSettings":
    from stationmaster.conformance.lab import LabSettings, TlsSettings

    if tls_url is None:
        return LabSettings(url=url)
    if ca_file is None:
        raise typer.BadParameter("--tls-url needs --ca-file")
    for file in (ca_file, certificate, key):
        if file is not None and not Path(file).is_file():
            raise typer.BadParameter(f"there is no file {file}")
    return LabSettings(url=url, tls=TlsSettings(tls_url, ca_file, certificate, key))


def _driver(name: str, api_url: str | None, api_key: str | None, url: str) -> "Driver":
    from stationmaster.conformance.drivers import ManualDriver
    from stationmaster.conformance.rest_driver import RestDriver

    if name == "manual":
        return ManualDriver(typer.echo, product=url)
    if name == "rest":
        if api_url is None or api_key is None:
            raise typer.BadParameter("the driver `rest` needs --api-url and --api-key")
        return RestDriver(api_url, api_key)
    module, _, attribute = name.partition(":")
    # A driver is a file of the person who calls us, and it lies where they are.
    sys.path.append(str(Path.cwd()))
    try:
        made: Driver = getattr(importlib.import_module(module), attribute)()
    except (ImportError, AttributeError, ValueError) as error:
        raise typer.BadParameter(f"there is no driver {name}: {error}") from None
    return made


async def _run(cases: "list[TestCase]", settings: "LabSettings", driver: "Driver") -> "Run":
    from stationmaster.conformance.runner import run_cases

    try:
        return await run_cases(cases, settings, driver, progress=Progress(len(cases)))
    finally:
        await driver.close()


async def _self(cases: "list[TestCase]", changes: dict[str, Any], data: str | None, database_url: str | None) -> "Run":
    from stationmaster.cli.fresh_node import fresh_node

    async with fresh_node(data, database_url) as (settings, driver):
        return await _run(cases, replace(settings, **changes), driver)


class Progress:
    """A line for each case as it ends."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._ended = 0

    def __call__(self, result: "CaseResult") -> None:
        """Tell what became of a case."""
        self._ended += 1
        colours = {"pass": typer.colors.GREEN, "fail": typer.colors.RED, "not run": typer.colors.YELLOW}
        word = typer.style(f"{result.verdict.value:8}", fg=colours[result.verdict.value])
        why = f"  {result.reason}" if result.reason else ""
        place = f"{self._ended:>2}/{self._count}"
        typer.echo(f"{place} {word} {result.case.id:14} {result.case.title} ({result.seconds:.2f} s){why}")
        for words in result.warnings:
            typer.echo(f"      warning: {words}")


def _conclude(run: "Run", folder: Path | None) -> None:
    from stationmaster.conformance.report import write_report
    from stationmaster.conformance.runner import Verdict

    passed, failed, not_run = (run.count(each) for each in (Verdict.PASS, Verdict.FAIL, Verdict.NOT_RUN))
    typer.echo(f"\n{passed} of {len(run.results)} passed, {failed} failed, {not_run} not run")
    if folder is not None:
        for path in write_report(run, folder):
            typer.echo(f"  {path}")
