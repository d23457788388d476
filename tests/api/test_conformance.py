"""The conformance kit through the API: begun, watched, cancelled, its report fetched; and whom it may not test."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stationmaster.api.live import EventFilter
from stationmaster.app.node import clock, running_node
from stationmaster.domain.conformance import ConformanceRun, host_allowed
from stationmaster.jobs.claims import beat
from tests.api.conftest import Client, NodeThread, client_of, settings_of, with_role

RUN_LIMIT_S = 240
TWO = {"cases": ["TC_001", "tc_031_csms"]}


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds, once it finds something; a run takes as long as the machine needs."""
    async with asyncio.timeout(RUN_LIMIT_S):
        while not (found := await look()):  # noqa: ASYNC110 - the API has no event to wait for
            await asyncio.sleep(0.1)
    return found


async def reached(api: Client, run_id: str, wanted: Callable[[Any], bool] = lambda run: run["finished_at"]) -> Any:
    """The run once it is as wanted, or has ended."""

    async def look() -> Any:
        run = await api.get(f"/conformance-runs/{run_id}")
        return run if run["finished_at"] or wanted(run) else None

    return await until(look)


@pytest.fixture
async def node_api(tmp_path: Path, sqlite_template: Path) -> Any:
    """An administrator's client of a node of its own, which may test 127.0.0.1."""
    file = shutil.copy(sqlite_template, tmp_path)
    settings = settings_of(tmp_path, f"sqlite:///{file}", conformance__targets="127.0.0.1, csms.example.org")
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(running_node(settings))
        key = (await node.services.api_keys.create("default", "test", "admin")).text
        yield await stack.enter_async_context(client_of(node, key))


async def test_the_kit_says_what_it_can_run(api: Client) -> None:
    kit = await api.get("/conformance-kit")
    assert len(kit["cases"]) == 77
    assert kit["cases"][0] == {
        "number": "TC_001",
        "title": kit["cases"][0]["title"],
        "functionality": "Core",
        "operator": False,
    }
    assert kit["functionalities"] == [
        "Core",
        "Firmware Management",
        "Smart Charging",
        "Reservation",
        "Local Authorization List Management",
        "Remote Trigger",
        "Security",
    ]
    assert kit["targets"] == []


@pytest.mark.timeout(300)
async def test_a_run_against_a_fresh_node_from_its_beginning_to_its_report(node_api: Client) -> None:
    with node_api.node.events.connect("default", EventFilter(["conformance."])) as listener:
        begun = await _whole_run(node_api)
        bodies = []
        while (event := await listener.next(0.01)) is not None:
            bodies.append(msgspec.json.decode(event.body))
    assert [each["data"]["run"]["passed"] for each in bodies if each["data"]["case"] is None][-1] == 2
    seen = [
        (each["data"]["case"]["number"], each["data"]["case"]["verdict"]) for each in bodies if each["data"]["case"]
    ]
    assert seen == [("TC_001", "running"), ("TC_001", "pass"), ("TC_031", "running"), ("TC_031", "pass")]
    await _reports(node_api, begun["id"])
    await node_api.problem("POST", f"/conformance-runs/{begun['id']}/cancel", 409, "conformance_ended")
    await node_api.delete(f"/conformance-runs/{begun['id']}")
    await node_api.problem("GET", f"/conformance-runs/{begun['id']}", 404, "conformance_run_unknown")


async def _whole_run(node_api: Client) -> Any:
    begun = await node_api.post("/conformance-runs", TWO)
    assert (begun["state"], begun["total"], begun["target"]) == ("running", 2, "self")
    assert [case["verdict"] for case in begun["cases"]] == ["waiting", "waiting"]
    await node_api.problem("POST", "/conformance-runs", 409, "conformance_busy", json=TWO)
    await node_api.problem("DELETE", f"/conformance-runs/{begun['id']}", 409, "conformance_running")
    await node_api.problem("POST", f"/conformance-runs/{begun['id']}/proceed", 409, "conformance_not_waiting")
    ended = await reached(node_api, begun["id"])
    assert (ended["state"], ended["passed"], ended["failed"], ended["not_run"]) == ("passed", 2, 0, 0), ended
    assert [(case["number"], case["verdict"]) for case in ended["cases"]] == [("TC_001", "pass"), ("TC_031", "pass")]
    assert ended["product"] == "Stationmaster"
    assert ended["finished_at"] > ended["created_at"]
    assert [run["id"] for run in (await node_api.get("/conformance-runs", state="passed"))["items"]] == [begun["id"]]
    assert (await node_api.get("/stations"))["items"] == [], "nothing of this node was touched"
    return ended


async def _reports(node_api: Client, run_id: str) -> None:
    path = f"/api/v1/conformance-runs/{run_id}"
    page = await node_api.http.get(f"{path}/report.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "not a certificate of the Open Charge Alliance" in page.text
    assert (await node_api.get(f"/conformance-runs/{run_id}/report.json"))["totals"]["pass"] == 2
    assert '<testsuite name="OCPP 1.6 central system"' in (await node_api.http.get(f"{path}/junit.xml")).text


@pytest.mark.timeout(300)
async def test_another_stationmaster_is_tested_over_its_api_and_its_key_is_not_kept(node_api: Client) -> None:
    key = (await node_api.node.services.api_keys.create("default", "for the kit", "admin")).text
    target = {
        "kind": "other",
        "url": node_api.node.ocpp_url("127.0.0.1"),
        "driver": "rest",
        "api_url": f"http://127.0.0.1:{node_api.node.http_port}",
        "api_key": key,
    }
    begun = await node_api.post("/conformance-runs", {"target": target, "cases": ["TC_061", "TC_085", "TC_086"]})
    ended = await reached(node_api, begun["id"])
    assert [case["verdict"] for case in ended["cases"]] == ["pass", "pass", "not run"], ended
    everything = (await node_api.http.get("/api/v1/audit")).text + str(ended)
    assert key not in everything
    assert key not in (await node_api.http.get(f"/api/v1/conformance-runs/{begun['id']}/report.json")).text


@pytest.mark.timeout(300)
async def test_a_person_is_told_what_to_press_and_the_run_waits_for_them(node_api: Client) -> None:
    target: dict[str, Any] = {
        "kind": "other",
        "url": node_api.node.ocpp_url("127.0.0.1"),
        "product": "Theirs",
        "version": "2",
    }
    target["settings"] = {"identity": "MANUAL-1", "password": "a password of 24 letters"}
    begun = await node_api.post("/conformance-runs", {"target": target, "cases": ["TC_061"]})
    path = f"/conformance-runs/{begun['id']}"
    run = await reached(node_api, begun["id"], lambda run: bool(run["prompt_waits"]))
    assert "register the station MANUAL-1, security profile 1, password a password of 24 letters" in run["prompt"]
    await node_api.post("/stations", {"id": "MANUAL-1", "password": "a password of 24 letters"})
    await node_api.post(f"{path}/proceed", expected=202)
    run = await reached(node_api, begun["id"], lambda run: "ClearCache" in (run["prompt"] or ""))
    assert run["state"] == "running", run
    await node_api.post("/stations/MANUAL-1/commands/ClearCache", {}, 200)
    ended = await reached(node_api, begun["id"])
    assert (ended["state"], ended["product"], ended["prompt"]) == ("passed", "Theirs", None), ended


@pytest.mark.timeout(300)
async def test_a_run_is_cancelled_and_the_next_can_begin(node_api: Client) -> None:
    begun = await node_api.post("/conformance-runs", {})
    assert begun["total"] == 77
    await node_api.post(f"/conformance-runs/{begun['id']}/cancel", expected=202)
    ended = await reached(node_api, begun["id"])
    assert ended["state"] == "cancelled"
    assert not ended["has_report"]
    await node_api.problem("GET", f"/conformance-runs/{begun['id']}/report.html", 404, "conformance_report_missing")

    async def begin() -> bool:
        return (await node_api.http.post("/api/v1/conformance-runs", json=TWO)).status_code == 201

    await until(begin)


async def test_a_run_that_died_with_its_node_says_so(tmp_path: Path, sqlite_template: Path) -> None:
    file = shutil.copy(sqlite_template, tmp_path)
    settings = settings_of(tmp_path, f"sqlite:///{file}")
    async with running_node(settings) as node:
        run = await node.services.conformance.begin("default", "test")
        await node.services.conformance.close()
        died = {**{name: getattr(run, name) for name in run.__struct_fields__}, "id": "died"}
        await node.storage.conformance_runs.create(type(run)(**died), [], keep=50)
    async with running_node(settings) as node:
        assert (await node.services.conformance.get("default", run.id)).state == "cancelled"
        found = await node.services.conformance.get("default", "died")
        assert (found.state, found.detail) == ("broken", "The node was stopped during the run.")


async def test_a_run_of_a_node_that_is_gone_is_ended_by_another(node_api: Client) -> None:
    node = node_api.node
    known = ConformanceRun(
        id="lost",
        organisation_id="default",
        node_id="gone",
        state="running",
        target="self",
        driver="rest",
        url=None,
        created_by="test",
        created_at=clock(),
    )
    await node.storage.conformance_runs.create(known, [], keep=50)
    await node.storage.write(beat, "gone", clock() - 61_000_000)
    await node.storage.write(beat, "slow", clock() - 59_000_000)
    assert await node.presence.silent(clock(), 60) == ["gone"]
    await node._bury_runs(clock())
    found = await node_api.get("/conformance-runs/lost")
    assert (found["state"], found["detail"]) == ("broken", "The node beside which it ran is gone.")


async def test_only_an_administrator_of_the_whole_organisation_runs_it(api: Client) -> None:
    for role in ("viewer", "operator", "security_admin"):
        async with with_role(api, role) as client:
            await client.problem("GET", "/conformance-runs", 403, "not_permitted")
            await client.problem("POST", "/conformance-runs", 403, "not_permitted", json=TWO)
    async with with_role(api, "admin", site_ids=["one"]) as client:
        await client.problem("POST", "/conformance-runs", 403, "other_site", json=TWO)


async def test_no_other_system_is_tested_unless_it_was_allowed(api: Client, node_thread: NodeThread) -> None:
    target = {"kind": "other", "url": "ws://127.0.0.1:9000/ocpp"}
    problem = await api.problem("POST", "/conformance-runs", 403, "target_not_allowed", json={"target": target})
    assert "conformance.targets" in problem["detail"]
    assert node_thread.node.services.conformance._task is None


async def test_every_url_of_another_system_must_be_allowed(node_api: Client) -> None:
    allowed = "ws://csms.example.org/ocpp"
    for target in (
        {"url": "ws://10.0.0.1/ocpp"},
        {"url": allowed, "driver": "rest", "api_url": "http://169.254.169.254/latest", "api_key": "k"},
        {"url": allowed, "tls": {"url": "wss://localhost:9443/ocpp", "ca": "x"}},
        {"url": allowed, "tls": {"url": "ws://csms.example.org/ocpp", "ca": "x"}},
        {"url": "http://csms.example.org/ocpp"},
    ):
        body = {"target": {"kind": "other"} | target}
        await node_api.problem("POST", "/conformance-runs", 403, "target_not_allowed", json=body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"cases": ["TC_999"]}, "field_invalid"),
        ({"functionalities": ["Cooking"]}, "field_invalid"),
        ({"cases": ["TC_001"], "functionalities": ["Security"]}, "field_invalid"),
        ({"target": {"kind": "other"}}, "invalid"),
        ({"target": {"kind": "neither"}}, "invalid"),
        ({"target": {"kind": "other", "url": "ws://csms.example.org", "driver": "rest"}}, "field_invalid"),
        ({"target": {"kind": "other", "url": "ws://csms.example.org", "settings": {"url": "x"}}}, "invalid"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused(node_api: Client, body: dict[str, Any], code: str) -> None:
    await node_api.problem("POST", "/conformance-runs", 422, code, json=body)


ALLOWED = ("csms.example.org", "192.0.2.7", "198.51.100.0/24", "2001:db8::/32")


@pytest.mark.parametrize(
    "url",
    [
        "ws://csms.example.org/ocpp",
        "wss://CSMS.example.org:9443/ocpp",
        "ws://192.0.2.7:9000/ocpp",
        "ws://198.51.100.9/ocpp",
        "ws://[2001:db8::1]:9000/ocpp",
    ],
)
def test_what_is_allowed_is_allowed(url: str) -> None:
    assert host_allowed(url, ("ws", "wss"), ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1/ocpp",
        "ws://localhost/ocpp",
        "ws://2130706433/ocpp",
        "ws://0x7f000001/ocpp",
        "ws://0177.0.0.1/ocpp",
        "ws://127.1/ocpp",
        "ws://[::1]/ocpp",
        "ws://[::ffff:127.0.0.1]/ocpp",
        "ws://[::ffff:192.0.2.7]/ocpp",
        "ws://169.254.169.254/latest",
        "ws://csms.example.org@127.0.0.1/ocpp",
        "ws://127.0.0.1#csms.example.org",
        "ws://127.0.0.1?csms.example.org",
        "ws://127.0.0.1\\@csms.example.org/ocpp",
        "ws://csms.example.org.attacker.example/ocpp",
        "ws://attacker.example/csms.example.org",
        "ws://csms.example.org./ocpp",
        "ws://csms.example.org:0/ocpp",
        "ws://csms.example.org:99999/ocpp",
        "ws://user:password@csms.example.org/ocpp",
        "ws://csms.ex\u0430mple.org/ocpp",
        "http://csms.example.org/ocpp",
        "file:///etc/passwd",
        "gopher://csms.example.org/",
        "csms.example.org",
        "//csms.example.org/",
        "ws:///ocpp",
        "ws://csms.example.org\n/ocpp",
        "ws:// csms.example.org/ocpp",
        "ws://[csms.example.org/ocpp",
        "ws://192.0.2.8/ocpp",
        "ws://198.51.101.1/ocpp",
        "ws://csms.example.org/" + "x" * 2000,
        "",
    ],
)
def test_nothing_else_is_allowed(url: str) -> None:
    assert not host_allowed(url, ("ws", "wss"), ALLOWED)


def test_nothing_is_allowed_when_nothing_was_named() -> None:
    assert not host_allowed("ws://127.0.0.1/", ("ws",), ())
