"""The kit itself: a node passes every case, and for each case a system that is wrong in one thing fails just that.

A case that cannot fail is a defect of the kit, so the table of `mutations` has a row for every case.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.headers import build_authorization_basic
from websockets.http11 import Request, Response

from stationmaster.cli.fresh_node import fresh_node
from stationmaster.conformance.cases import CASES
from stationmaster.conformance.drivers import Driver
from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.kit import REGISTER, TestCase
from stationmaster.conformance.lab import LabSettings
from stationmaster.conformance.rest_driver import ButtonFailed
from stationmaster.conformance.runner import Verdict, run_cases
from tests.conformance.mutations import MUTATIONS
from tests.conformance.proxy import Answer, Late, Mutation, Suites, Trigger, Wrong, put, wrong_system

PATIENCE_S = 20.0
"""What a busy machine may take; it is not waited for."""

RIGHT = (Verdict.PASS, False)
"""Verdict, and whether there is a reason."""

System = tuple[LabSettings, Driver]


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """A node of our own with TLS, as `stationmaster conformance --self` starts it."""
    async with fresh_node(str(tmp_path), f"sqlite:///{tmp_path / 'node.sqlite'}") as (settings, driver):
        quick = replace(
            settings, silent_identity="", wait_s=0.02, quiet_s=0.02, reservation_s=2.0, patience_s=PATIENCE_S
        )
        yield quick, driver
        await driver.close()


class WrongButtons:
    """Buttons that do something else than they say, while that is what is wrong."""

    def __init__(self, driver: Driver, wrong: Wrong) -> None:
        self._driver = driver
        self._wrong = wrong

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def renew_certificate(self, station_id: str) -> None:
        if isinstance(self._wrong.now, Trigger):
            await self._driver.press(station_id, "ExtendedTriggerMessage", self._wrong.now.payload)
        else:
            await self._driver.renew_certificate(station_id)


@asynccontextmanager
async def closed_door(settings: LabSettings) -> AsyncIterator[int]:
    """The port of a TLS listener with two of the suites that lets nobody in."""
    assert settings.tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Any chain will do: what is checked comes before it, or the client gives up.
    context.load_cert_chain(settings.tls.client_certificate_file or "", settings.tls.client_key_file)
    context.set_ciphers(Suites.suites)

    def refuse(socket: ServerConnection, _request: Request) -> Response:
        return socket.respond(HTTPStatus.FORBIDDEN, "nobody comes in")

    async def nothing(_socket: ServerConnection) -> None:
        return

    async with serve(nothing, "localhost", 0, ssl=context, process_request=refuse) as server:
        yield int(next(iter(server.sockets)).getsockname()[1])


@asynccontextmanager
async def junction(url: str, instead: Callable[[], int | None]) -> AsyncIterator[str]:
    """Where TLS may be asked for: bytes are carried to the place of `url`, or to the port that is to be had instead."""
    parts = urlsplit(url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = instead() or parts.port
        there_reader, there_writer = await asyncio.open_connection(parts.hostname, port)
        await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))

    server = await asyncio.start_server(carry, "localhost", 0)
    async with server:
        yield f"wss://localhost:{server.sockets[0].getsockname()[1]}{parts.path}"


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(65_536):
            writer.write(block)
            await writer.drain()
    writer.close()


def test_there_are_seventy_seven_and_each_can_fail() -> None:
    assert len(CASES) == 77
    assert set(MUTATIONS) == set(REGISTER) == {case.number for case in CASES}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("remainder", [0, 1], ids=["even", "odd"])
async def test_a_wrong_system_fails_exactly_the_case_of_which_it_is_wrong(system: System, remainder: int) -> None:
    """All cases in their order against one system that is wrong during every other case.

    So each case passes at the right system, though the one before it was broken off, and fails at the wrong one.
    """
    settings, driver = system
    assert settings.tls is not None
    wrong = Wrong(authorization=build_authorization_basic(settings.identity, settings.password))
    broken = {case.number for position, case in enumerate(CASES) if position % 2 == remainder}

    def begin(case: TestCase) -> None:
        wrong.now = MUTATIONS[case.number] if case.number in broken else Mutation()

    async with (
        wrong_system(settings.url.removesuffix("/ocpp"), wrong) as url,
        closed_door(settings) as closed,
        junction(settings.tls.url, lambda: closed if isinstance(wrong.now, Suites) else None) as tls_url,
    ):
        proxied = replace(settings, url=f"{url}/ocpp", tls=replace(settings.tls, url=tls_url))
        run = await run_cases(CASES, proxied, cast("Driver", WrongButtons(driver, wrong)), began=begin)
    unlike = [
        f"{result.case.number}: {result.verdict} {result.reason}\n{result.transcript}"
        for result in run.results
        if (result.verdict, bool(result.reason)) != ((Verdict.FAIL, True) if result.case.number in broken else RIGHT)
    ]
    assert not unlike, "\n\n".join(unlike)


class Vetoing:
    """An operator's page that knows better than the operator."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def press(self, station_id: str, action: str, payload: dict[str, Any]) -> None:
        raise ButtonFailed(f"{action} makes no sense now")


async def test_a_veto_fails_each_case_of_an_operator_at_once(system: System) -> None:
    settings, driver = system
    pressed = [case for case in CASES if case.operator and case.number not in {"TC_073", "TC_074", "TC_077"}]
    run = await run_cases(pressed, settings, cast("Driver", Vetoing(driver)))
    unlike = [
        f"{result.case.number}: {result.verdict} {result.reason}"
        for result in run.results
        if result.verdict is not Verdict.FAIL or "makes no sense now" not in result.reason
    ]
    assert not unlike


async def test_accepting_an_unknown_vendor_is_a_warning_and_no_failure(system: System) -> None:
    settings, driver = system
    wrong = Wrong(Answer("DataTransfer", put("status", value="Accepted")))
    async with wrong_system(settings.url.removesuffix("/ocpp"), wrong) as url:
        run = await run_cases([REGISTER["TC_064"]], replace(settings, url=f"{url}/ocpp"), driver)
    assert run.results[0].verdict is Verdict.PASS
    assert run.results[0].warnings == ("DataTransfer of an unknown vendor was answered with Accepted",)


async def test_a_system_that_is_not_there_is_one_line(system: System) -> None:
    settings, driver = system
    with pytest.raises(HandshakeRefused, match=r"nobody answers at ws://127\.0\.0\.1:9/ocpp"):
        await run_cases([REGISTER["TC_001"]], replace(settings, url="ws://127.0.0.1:9/ocpp"), driver)


async def test_what_nobody_asked_for_fails_a_case(system: System) -> None:
    """A system that asks something by itself once a station has spoken."""
    settings, driver = system
    wrong = Wrong(Late("StatusNotification"))
    async with wrong_system(settings.url.removesuffix("/ocpp"), wrong) as url:
        run = await run_cases([REGISTER["TC_003"]], replace(settings, url=f"{url}/ocpp"), driver)
    assert "GetConfiguration" in run.results[0].reason
    assert run.results[0].verdict is Verdict.FAIL
