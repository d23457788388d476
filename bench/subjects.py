"""What is measured: a node on SQLite, a node on PostgreSQL, the floor, the library. Each in a process of its own.

A subject is started twice: for the charging sessions and heartbeats, and, fresh, for the memory of idle
stations and the reconnect storm.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg

from bench.processes import free_port, postgres_processes, process_tree, started

__all__ = ["SUBJECTS", "Api", "Running", "Subject"]

PASSWORD = "bench-password-0123456789"  # noqa: S105 - of stations that live for a minute
SEED_LIMIT_S = 600
POSTGRES_URL = os.environ.get("STATIONMASTER_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


class Api:
    """The REST API of a node, on one kept connection."""

    def __init__(self, port: int, key: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of the answer; raises RuntimeError for any status of 400 or more."""
        payload = None if body is None else json.dumps(body)
        self._connection.request(method, f"/api/v1{path}", payload, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:400].decode(errors='replace')}")
        return json.loads(content) if content else None

    def everything(self, path: str, **filters: str) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            query = urlencode({**filters, "limit": "500", **({"cursor": cursor} if cursor else {})})
            page = self.request("GET", f"{path}?{query}")
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


@dataclass
class Running:
    """A subject that is up. `database` is the PostgreSQL database it uses, if it does."""

    pid: int
    url: str
    log: Path
    password: str | None = None
    api: Api | None = None
    database: str | None = None

    def own(self) -> list[int]:
        """The processes of the server itself."""
        return process_tree(self.pid)

    def of_database(self) -> list[int]:
        """The processes of its database, as far as they are separate and on this machine."""
        return postgres_processes(self.database) if self.database else []


@dataclass(frozen=True)
class Subject:
    """Something to measure. `start(stations)` brings it up with so many stations registered."""

    key: str
    label: str
    start: Callable[[int], AbstractContextManager[Running]]


@contextmanager
def _plain(module: str) -> Iterator[Running]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        log = Path(directory) / "log"
        with started([module, "--port", str(port)], port, log) as pid:
            yield Running(pid, f"ws://127.0.0.1:{port}/ocpp", log)


@contextmanager
def _node(stations: int, database_url: str | None = None, database: str | None = None) -> Iterator[Running]:
    ocpp_port, http_port = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        log = Path(directory) / "log"
        where = ["--data", directory, *(["--database-url", database_url] if database_url else [])]
        key = _seeded(where, stations)
        ports = ["--ocpp-port", str(ocpp_port), "--http-port", str(http_port)]
        with started(["stationmaster", "serve", "--host", "127.0.0.1", *where, *ports], ocpp_port, log) as pid:
            api = Api(http_port, key)
            _wait_until_ready(api)
            yield Running(pid, f"ws://127.0.0.1:{ocpp_port}/ocpp", log, PASSWORD, api, database)


@contextmanager
def _node_on_postgres(stations: int) -> Iterator[Running]:
    name = f"stationmaster_bench_{os.getpid()}_{time.time_ns()}"
    asyncio.run(_execute(f'CREATE DATABASE "{name}"'))
    try:
        with _node(stations, POSTGRES_URL.rsplit("/", 1)[0] + f"/{name}", name) as running:
            yield running
    finally:
        asyncio.run(_execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


SUBJECTS = {
    subject.key: subject
    for subject in (
        Subject("node-sqlite", "Stationmaster, SQLite", _node),
        Subject("node-postgres", "Stationmaster, PostgreSQL", _node_on_postgres),
        Subject("floor", "floor: websockets + uvloop, nothing stored", lambda _: _plain("bench.floor")),
        Subject("library", "PyPI library ocpp, nothing stored", lambda _: _plain("bench.library")),
    )
}


async def _execute(statement: str) -> None:
    connection = await asyncpg.connect(POSTGRES_URL, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _seeded(where: list[str], stations: int) -> str:
    """Register the stations and tokens; returns a key of the API."""
    command = [sys.executable, "-m", "bench.seed", *where, "--stations", str(stations), "--password", PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SEED_LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _wait_until_ready(api: Api) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            api.request("GET", "/stations?limit=1")
        except (OSError, RuntimeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
