"""A node as people run it: `stationmaster serve` in a process of its own, on free ports, and its API."""

import asyncio
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

from stationmaster.conformance.station import Request, ScriptedStation

START_LIMIT_S = 60
PASSWORD = "a password of sixteen bytes or more"

_numbers = itertools.count(1)


class NodeProcess:
    """A node that can be started, killed and started again on the same ports and the same database.

    `settings` are further ones, by their names in the environment without the prefix.
    """

    def __init__(self, data: Path, database_url: str, **settings: str) -> None:
        self.data = data
        self._where = ["--data", str(data), "--database-url", database_url]
        self._environment = environment() | {f"STATIONMASTER_{name}": value for name, value in settings.items()}
        self.ocpp_port, self.http_port = free_port(), free_port()
        self.url = f"ws://127.0.0.1:{self.ocpp_port}/ocpp"
        self.http_url = f"http://127.0.0.1:{self.http_port}"
        self.key = self._new_key()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.data / "node.txt"

    def start(self) -> None:
        """Start, and come back when it is ready."""
        command = [sys.executable, "-m", "stationmaster", "serve", "--host", "127.0.0.1", *self._where]
        command += ["--ocpp-port", str(self.ocpp_port), "--http-port", str(self.http_port)]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment
            )
        deadline = time.monotonic() + START_LIMIT_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the node did not come up:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    async def die_and_return(self) -> None:
        """SIGKILL, and start again."""
        await asyncio.to_thread(self.kill)
        await asyncio.to_thread(self.start)

    def kill(self) -> None:
        """SIGKILL: no goodbye, no flush."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def api(self) -> "Api":
        """A client of the API that may do everything."""
        return Api(self.http_url, self.key)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.http_url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _new_key(self) -> str:
        command = [sys.executable, "-m", "stationmaster", "api-key", "create", "--role", "admin", *self._where]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=self._environment)
        assert done.returncode == 0, done.stdout + done.stderr
        keys = re.findall(r"\bsm_[A-Za-z0-9_-]{20,}", done.stdout)
        assert keys, done.stdout
        return str(keys[-1])


class Api:
    """The REST API, each thing a person would do as one method; a status of 400 or more fails the test."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=40, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        return _json(await self.client.get(path, params=query))

    async def everything(self, path: str, **query: Any) -> list[Any]:
        """All items of a list."""
        items: list[Any] = []
        while True:
            page = await self.get(path, limit=500, **query)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            query["cursor"] = page["next_cursor"]

    async def post(self, path: str, body: object = None) -> Any:
        return _json(await self.client.post(path, json=body))

    async def station(self, **more: Any) -> str:
        """Register a new station with the usual password; its id."""
        identity = f"WALK-{next(_numbers):05d}"
        body = {"id": identity, "security_profile": 1, "password": PASSWORD, **more}
        return str((await self.post("/stations", body))["id"])

    async def token(self, **more: Any) -> str:
        """Register a new token; its id tag."""
        return str((await self.post("/tokens", {"id_tag": f"TAG{next(_numbers):05d}", **more}))["id_tag"])

    async def eventually(self, path: str, **query: Any) -> list[Any]:
        """The items of a list, once there is one: some things are written a little after they happen."""
        async with asyncio.timeout(10):
            while True:
                items = await self.everything(path, **query)
                if items:
                    return items
                await asyncio.sleep(0.05)

    async def transaction(self, station_id: str) -> Any:
        """The latest transaction of a station."""
        return (await self.get("/transactions", station_id=station_id, limit=1))["items"][0]

    async def command(self, station_id: str, action: str, payload: object, **query: Any) -> httpx.Response:
        """Send a command; the answer as it is, whatever its status."""
        return await self.client.post(f"/stations/{station_id}/commands/{action}", json=payload, params=query)

    async def press(
        self, station: ScriptedStation, action: str, payload: dict[str, Any], answer: dict[str, Any]
    ) -> tuple[Request, Any]:
        """An operator sends a command, the station gets it and answers: what it got, and the job."""
        command = asyncio.create_task(self.command(station.identity, action, payload))
        try:
            request = await station.obey(action, answer)
        except BaseException:
            command.cancel()
            raise
        return request, _json(await command)

    async def job(self, job: Any, *states: str) -> Any:
        """A job, once it has reached one of these states."""
        async with asyncio.timeout(20):
            while True:
                found = await self.get(f"/jobs/{job['id']}")
                if found["state"] in states:
                    return found
                await asyncio.sleep(0.05)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _json(answer: httpx.Response) -> Any:
    assert answer.status_code < 400, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def environment() -> dict[str, str]:
    """Ours, without settings that somebody has for a node of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STATIONMASTER_")}
