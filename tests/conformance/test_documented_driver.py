"""The driver that docs/conformance.md shows, as it stands there, presses the buttons of a system with another API."""

import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stationmaster.cli.fresh_node import fresh_node
from stationmaster.conformance.drivers import Driver, StationNeeded, TokenNeeded
from stationmaster.conformance.errors import ConformanceError
from stationmaster.conformance.kit import REGISTER
from stationmaster.conformance.runner import Verdict, run_cases

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"


def documented() -> dict[str, Any]:
    """What the page's Python defines."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 -- it is our own page
    return names


def their_api(driver: Driver) -> Starlette:
    """Another system's API, in its own words."""

    async def stations(request: Request) -> Response:
        given = await request.json()
        await driver.prepare([StationNeeded(given["id"], given["profile"], given["password"])], [])
        return Response(status_code=201)

    async def tags(request: Request) -> Response:
        given = await request.json()
        await driver.prepare([], [TokenNeeded(given["tag"], given["status"], given["group"], given["until"])])
        return Response(status_code=201)

    async def send(request: Request) -> Response:
        given = await request.json()
        try:
            await driver.press(given["station"], given["action"], given["payload"])
        except ConformanceError as error:
            return Response(str(error), status_code=409)
        return Response(status_code=202)

    async def renew(request: Request) -> Response:
        await driver.renew_password((await request.json())["station"])
        return Response(status_code=202)

    paths = {"/stations": stations, "/tags": tags, "/send": send, "/renew-password": renew}
    return Starlette(routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in paths.items()])


async def test_the_documented_driver_works(tmp_path: Path) -> None:
    async with fresh_node(str(tmp_path), None) as (settings, driver):
        mine = documented()["MySystem"]()
        mine.http = httpx.AsyncClient(transport=httpx.ASGITransport(their_api(driver)), base_url="http://my.system")
        cases = [REGISTER[number] for number in ("TC_001", "TC_023_2", "TC_031", "TC_067", "TC_073")]
        run = await run_cases(cases, settings, cast("Driver", mine))
        await mine.close()
        await driver.close()
    assert [(result.case.number, result.verdict, result.reason) for result in run.results] == [
        (case.number, Verdict.PASS, "") for case in cases
    ]
    assert (run.about.product, run.about.version) == ("My system", "1.2")


async def test_its_refusal_is_a_veto(tmp_path: Path) -> None:
    async with fresh_node(str(tmp_path), None) as (settings, driver):
        mine = documented()["MySystem"]()
        mine.http = httpx.AsyncClient(transport=httpx.ASGITransport(their_api(driver)), base_url="http://my.system")
        with pytest.raises(ConformanceError, match="/send was refused: 409"):
            await mine.press(settings.identity, "ClearCache", {})
        await mine.close()
        await driver.close()
