"""The demo's car park: eight stations share 63 A, watched through the API while cars come and go.

Everything is real: a node of its own, simulated stations on sockets that obey the profiles they are
sent, and what a person would see.
"""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.walks.running import Api, environment, free_port

FUSE_A = 63.0
STATIONS = 8
MINIMUM_A = 6.0
PATIENCE_S = 240
"""Drivers take their time, and the machine may be busy."""
PHASES = ("l1_a", "l2_a", "l3_a")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Api]:
    """A demo whose car park is busy, and its API."""
    http_port = free_port()
    command = [sys.executable, "-m", "stationmaster", "demo", "--host", "127.0.0.1", "--data", str(folder / "demo")]
    command += ["--ocpp-port", str(free_port()), "--http-port", str(http_port), "--stations", "1"]
    command += ["--history-hours", "0", "--sessions-per-hour", "0"]
    command += ["--site-stations", str(STATIONS), "--site-sessions-per-hour", "900"]
    log = folder / "demo.txt"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, env=environment())
    try:
        async with asyncio.timeout(60):
            key = None
            while key is None:
                await asyncio.sleep(0.1)
                key = re.search(r"sm_[A-Za-z0-9_-]{20,}", await asyncio.to_thread(log.read_text))
        async with Api(f"http://127.0.0.1:{http_port}", key[0]) as api:
            yield api
    finally:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 30)
    assert code == 0
    assert "Traceback" not in await asyncio.to_thread(log.read_text)


def check(load: dict[str, Any]) -> None:
    """What must be true at every moment, once each station has its first limit."""
    totals = load["totals"]
    for kind in ("offered", "reserved", "measured"):
        assert all(totals[kind][phase] <= FUSE_A + (1 if kind == "measured" else 0) for phase in PHASES), load
    assert load["within_limit"]
    offered = dict.fromkeys(("L1", "L2", "L3"), 0.0)
    for each in load["connectors"]:
        if each["transaction_id"] is None:
            continue
        amperes = each["offered_a"] or 0.0
        assert amperes >= MINIMUM_A or each["reason"] in {
            "paused",
            "paused_while",
            "waiting",
            "shared",
            "standby",
            "idle",
        }
        assert each["message"]
        for phase in each["phases"] or offered:
            offered[phase] += amperes
    assert max(offered.values()) <= FUSE_A, load


async def test_eight_stations_share_63_amperes_while_somebody_watches(tmp_path: Path) -> None:
    async with demo(tmp_path) as api:
        await api.eventually("/stations", search=f"PARK-{STATIONS:02d}")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                load = await api.get("/sites/car-park/load")
                told = [each["offered_a"] for each in load["connectors"]]
                if len(told) == STATIONS and None not in told:
                    break
                await asyncio.sleep(0.2)
        begun_at = load["at"]
        most = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                load = await api.get("/sites/car-park/load")
                check(load)
                most = max(most, load["totals"]["transactions"])
                served = [each for each in load["connectors"] if (each["offered_a"] or 0) >= MINIMUM_A]
                if most >= STATIONS and len(served) == STATIONS:
                    break
                await asyncio.sleep(0.2)
        assert load["limit"]["set_by"]["L1"] == ["fuse"]
        # Seven or eight amperes for each of eight: what one fuse carries, and no more.
        assert sum(each["offered_a"] for each in load["connectors"]) > FUSE_A * 0.7, load
        history = await api.get("/sites/car-park/load/history", since=begun_at)
        assert all(point["reserved"][phase] <= FUSE_A for point in history["points"] for phase in PHASES)
        assert max(point["offered"]["l1_a"] for point in history["points"]) > FUSE_A * 0.7
        jobs = await api.everything("/jobs", action="SetChargingProfile", state="done")
        assert {job["response"]["status"] for job in jobs} == {"Accepted"}
        assert {job["requested_by"] for job in jobs} == {"load_management"}
