"""A PostgreSQL server as the tests use it: databases made and dropped in milliseconds.

The server is the one that STATIONMASTER_TEST_POSTGRES_URL names, else the one on 127.0.0.1:5432. Its connection
lives on a thread of its own, so that fixtures may use it whether or not the test has an event loop. A database is
copied from a template that nobody is connected to; that is why each worker of the test run keeps its own template.
"""

import asyncio
import os
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

DEFAULT_URL = "postgresql://postgres@127.0.0.1:5432/postgres"
CONNECT_TIMEOUT_S = 5
ABANDONED_AFTER_S = 2 * 60 * 60
PREFIX = "stationmaster_test"

T = TypeVar("T")


class PostgresServer:
    """Makes and drops databases whose names nobody else has.

    Raises OSError or asyncpg.PostgresError when no server answers.
    """

    def __init__(self, worker: str) -> None:
        self.url = os.environ.get("STATIONMASTER_TEST_POSTGRES_URL", DEFAULT_URL)
        self._names = f"{PREFIX}_{int(time.time())}_{os.getpid()}_{worker}"
        self._made = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="test-postgres")
        self._runner = asyncio.Runner()
        try:
            self._connection = self.run(asyncpg.connect(self.url, timeout=CONNECT_TIMEOUT_S))
        except BaseException:
            self._stop()
            raise
        self._drop_abandoned()

    def create(self, template: str = "template0") -> str:
        """Make a database as a copy of another and return its name."""
        self._made += 1
        name = f"{self._names}_{self._made}"
        self.run(self._connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return name

    def drop(self, name: str) -> None:
        """Drop a database, also when a test has left connections to it open."""
        self.run(self._connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the thread of this server and wait for it."""
        return self._thread.submit(self._runner.run, work).result()

    def url_of(self, name: str) -> str:
        """The URL by which a node opens the database."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def close(self) -> None:
        """Let go of the server."""
        self.run(self._connection.close())
        self._stop()

    def _drop_abandoned(self) -> None:
        """Drop what test runs have left behind that were killed."""
        rows = self.run(self._connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", f"{PREFIX}%"))
        for row in rows:
            made_at = row["datname"].removeprefix(f"{PREFIX}_").split("_")[0]
            if made_at.isdigit() and int(made_at) < time.time() - ABANDONED_AFTER_S:
                self.drop(row["datname"])

    def _stop(self) -> None:
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
