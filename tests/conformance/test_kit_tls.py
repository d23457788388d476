"""The cases over TLS: a node passes them, and systems that are wrong in one thing fail them."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from stationmaster.cli.fresh_node import fresh_node
from stationmaster.conformance.cases import CASES
from stationmaster.conformance.drivers import Driver
from stationmaster.conformance.lab import LabSettings
from stationmaster.conformance.runner import Verdict, run_cases
from tests.conformance.proxy import Wish, put, wrong_system

BY_NUMBER = {each.number: each for each in CASES}
QUICK = {"silent_identity": "", "wait_s": 0.02, "patience_s": 5.0}


class Wrong:
    """Buttons that do something else than they say."""

    def __init__(self, driver: Driver, trigger: dict[str, Any]) -> None:
        self._driver = driver
        self._trigger = trigger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def renew_certificate(self, station_id: str) -> None:
        await self._driver.press(station_id, "ExtendedTriggerMessage", self._trigger)


@asynccontextmanager
async def closed_door(settings: LabSettings, suites: str) -> AsyncIterator[str]:
    """A TLS listener with some suites only that lets nobody in."""
    assert settings.tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Any chain will do: what is checked comes before it, or the client gives up.
    context.load_cert_chain(settings.tls.client_certificate_file or "", settings.tls.client_key_file)
    context.set_ciphers(suites)

    def refuse(socket: ServerConnection, _request: Request) -> Response:
        return socket.respond(HTTPStatus.FORBIDDEN, "nobody comes in")

    async def nothing(_socket: ServerConnection) -> None:
        return

    async with serve(nothing, "localhost", 0, ssl=context, process_request=refuse) as server:
        yield f"wss://localhost:{next(iter(server.sockets)).getsockname()[1]}/ocpp"


async def failed(number: str, settings: LabSettings, driver: Driver) -> str:
    run = await run_cases([BY_NUMBER[number]], settings, driver)
    assert run.results[0].verdict is Verdict.FAIL
    return run.results[0].reason


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[tuple[LabSettings, Driver]]:
    """A node of our own with TLS, as `stationmaster conformance --self` starts it."""
    url = f"sqlite:///{tmp_path / 'node.sqlite'}"
    async with fresh_node(str(tmp_path), url) as (settings, driver):
        yield replace(settings, **QUICK), driver  # type: ignore[arg-type]
        await driver.close()


async def test_the_cases_over_tls_can_pass_and_fail(lab: tuple[LabSettings, Driver]) -> None:
    settings, driver = lab
    assert settings.tls is not None
    for number, trigger, words in (
        ("TC_074", {"requestedMessage": "SignChargePointCertificate", "connectorId": 1}, "connectorId is there"),
        ("TC_077", {"requestedMessage": "Heartbeat"}, "requestedMessage"),
    ):
        assert words in await failed(number, settings, cast("Driver", Wrong(driver, trigger)))
    async with closed_door(settings, "ECDHE+AESGCM") as url:
        wrong = replace(settings, tls=replace(settings.tls, url=url))
        assert "AES128-GCM-SHA256" in await failed("TC_086", wrong, driver)
        assert await failed("TC_087", wrong, driver)
    async with wrong_system(
        settings.url.removesuffix("/ocpp"), Wish("ChangeConfiguration", put("value", value="3"))
    ) as url:
        assert "key and value" in await failed("TC_083", replace(settings, url=f"{url}/ocpp"), driver)


@pytest.mark.parametrize("number", ["TC_074", "TC_077", "TC_083", "TC_086", "TC_087"])
async def test_a_node_passes_them(lab: tuple[LabSettings, Driver], number: str) -> None:
    settings, driver = lab
    run = await run_cases([BY_NUMBER[number]], settings, driver)
    assert (run.results[0].verdict, run.results[0].reason) == (Verdict.PASS, "")
