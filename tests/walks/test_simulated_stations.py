"""Simulated stations and a node: `stationmaster demo`, `stationmaster simulate`, and a life that obeys."""

import asyncio
import contextlib
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stationmaster.conformance.life import Clock, Habits, LivingStation, Outlet, Traits
from stationmaster.conformance.link import Target, now
from tests.walks.running import PASSWORD, Api, NodeProcess, environment, free_port

HOUR_US = 3_600_000_000
TRAITS = Traits("Lindgren", "Duo 22", "4.2.1", (Outlet(22_080.0, 3, False), Outlet(22_080.0, 3, False)), "LI00000001")


@asynccontextmanager
async def living(node: NodeProcess, identity: str) -> AsyncIterator[LivingStation]:
    """A station that lives on a node, days ago and fast; nobody comes by themselves."""
    habits = Habits(["NOBODY"], sessions_per_hour=0)
    clock = Clock(now() - 200 * HOUR_US, speed=400.0)
    station = LivingStation(Target(node.url, identity, PASSWORD), TRAITS, habits, clock, random.Random(3))
    task = asyncio.create_task(station.run())
    try:
        await asyncio.wait_for(station.online.wait(), 20)
        yield station
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def done(api: Api, identity: str, action: str, payload: dict[str, Any]) -> Any:
    """Send a command and wait for its end; the job."""
    answer = await api.command(identity, action, payload)
    assert answer.status_code == 200, answer.text
    return await api.job(answer.json(), "done")


async def unplugged(api: Api, identity: str) -> None:
    """Wait until the car has gone; until then a change of availability is only scheduled."""
    async with asyncio.timeout(30):
        while True:
            connectors = (await api.get(f"/stations/{identity}/connectors"))["items"]
            if all(each["status"] in (None, "Available") for each in connectors):
                return
            await asyncio.sleep(0.05)


async def test_a_life_obeys_every_core_command(node: NodeProcess, api: Api) -> None:
    identity, tag = await api.station(), await api.token()
    async with living(node, identity) as station:
        started = await done(api, identity, "RemoteStartTransaction", {"idTag": tag, "connectorId": 1})
        assert started["response"] == {"status": "Accepted"}
        running = await api.transaction(identity)
        assert (running["state"], running["remote_start_job_id"]) == ("open", started["id"])
        await done(api, identity, "RemoteStopTransaction", {"transactionId": running["transaction_id"]})
        stopped = await api.transaction(identity)
        assert (stopped["state"], stopped["stop_reason"]) == ("closed", "Remote")
        assert (await done(api, identity, "UnlockConnector", {"connectorId": 2}))["result"] == "Unlocked"
        wish = {"key": "MeterValueSampleInterval", "value": "15"}
        assert (await done(api, identity, "ChangeConfiguration", wish))["result"] == "Accepted"
        read = await done(api, identity, "GetConfiguration", {"key": ["MeterValueSampleInterval"]})
        assert read["response"]["configurationKey"][0]["value"] == "15"
        assert (await done(api, identity, "ClearCache", {}))["result"] == "Accepted"
        await unplugged(api, identity)
        inoperative = {"connectorId": 0, "type": "Inoperative"}
        assert (await done(api, identity, "ChangeAvailability", inoperative))["result"] == "Accepted"
        await done(api, identity, "Reset", {"type": "Soft"})
        assert station.counts["connections"] == 2


async def test_drivers_are_simulated_on_any_central_system(node: NodeProcess, api: Api, tmp_path: Path) -> None:
    identities = [await api.station() for _ in range(3)]
    tag = await api.token()
    passwords = tmp_path / "passwords.csv"
    passwords.write_text("# IDENTITY,PASSWORD\n\n" + "".join(f"{one},{PASSWORD}\n" for one in identities))
    command = [sys.executable, "-m", "stationmaster", "simulate", node.url, "--passwords", str(passwords)]
    command += [
        "--id-tag",
        tag,
        "--sessions-per-hour",
        "30",
        "--history-hours",
        "24",
        "--speed",
        "1000",
        "--duration",
        "6",
    ]
    simulated = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment()
    )
    output = (await simulated.communicate())[0].decode()
    assert simulated.returncode == 0, output
    last = output.strip().splitlines()[-1]
    assert re.search(r"3 of 3 online, .* 0 failed, 0 connections refused", last), output
    charged = await api.everything("/transactions", id_tag=tag)
    assert {one["station_id"] for one in charged} == set(identities)
    assert [one["flags"] for one in charged if one["flags"]] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://127.0.0.1:9000"], "is no address such as"),
        (["ws://127.0.0.1:9000/ocpp", "--passwords", "/nowhere/at.all"], "cannot read /nowhere/at.all"),
        (["ws://127.0.0.1:9000/ocpp", "--stations", "0"], "--stations"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "stationmaster", "simulate", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment() | WIDE)
    assert told.returncode == 2
    assert words in told.stderr


WIDE = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}


async def test_the_demo_is_alive_and_ends_in_good_order(tmp_path: Path) -> None:
    http_port = free_port()
    command = [sys.executable, "-m", "stationmaster", "demo", "--host", "127.0.0.1", "--data", str(tmp_path / "demo")]
    command += ["--ocpp-port", str(free_port()), "--http-port", str(http_port)]
    command += ["--stations", "3", "--sessions-per-hour", "20", "--history-hours", "24", "--speed", "1000"]
    command += ["--site-stations", "0"]
    log = tmp_path / "demo.txt"
    with log.open("wb") as output:
        demo = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, env=environment())
    try:
        key = await _shown(log, r"sm_[A-Za-z0-9_-]{20,}")
        assert "3 simulated stations live here" in await _shown(log, r".*simulated stations.*")
        async with Api(f"http://127.0.0.1:{http_port}", key) as api:
            await api.eventually("/transactions", state="closed")
            await api.eventually("/refused-handshakes", station_id="LOST-1")
            await api.eventually("/jobs", action="GetConfiguration", state="done")
            stations = await api.everything("/stations", connected=True)
            assert [one["id"] for one in stations] == ["DEMO-01", "DEMO-02", "DEMO-03"]
    finally:
        demo.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(demo.wait(), 30)
    assert code == 0
    assert "Traceback" not in await asyncio.to_thread(log.read_text)


async def _shown(log: Path, pattern: str) -> str:
    """What a log shows, once it does."""
    async with asyncio.timeout(60):
        while True:
            found = re.search(pattern, await asyncio.to_thread(log.read_text))
            if found:
                return found[0]
            await asyncio.sleep(0.1)
