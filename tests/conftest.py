"""Fixtures for every test: databases of both kinds, a NATS server, and the rule about what may be skipped.

A test whose service is missing is skipped on a developer's machine; with STATIONMASTER_TEST_REQUIRE_ALL=1, as in
`.ci/run`, a skipped test is a failed one, so that a run cannot look better than it was.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from tests.nats_server import NatsServer
from tests.postgres import PostgresServer

pytest_plugins = ["pytester"]

# No test asserts a duration; examples that take long do so because the machine is busy.
hypothesis.settings.register_profile("stationmaster", deadline=None, print_blob=True)
hypothesis.settings.load_profile("stationmaster")

REQUIRE_ALL = os.environ.get("STATIONMASTER_TEST_REQUIRE_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nothing may be missing."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = _why_failed(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file of tests."""
    report = yield
    if REQUIRE_ALL and report.skipped:
        report.outcome = "failed"
        report.longrepr = _why_failed(report.longrepr)
    return report


def _why_failed(skipped: object) -> str:
    reason = skipped[2] if isinstance(skipped, tuple) else skipped
    return f"skipped although STATIONMASTER_TEST_REQUIRE_ALL=1: {reason}"


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this process among those that share the test run."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "gw0"))


@pytest.fixture(scope="session")
def postgres_server(worker: str) -> Iterator[PostgresServer]:
    """The PostgreSQL server of the tests; asking for it skips the test where none answers."""
    try:
        server = PostgresServer(worker)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        pytest.skip(f"no PostgreSQL server answers: {error}")
    yield server
    server.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without tables, once as an SQLite file and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A NATS server for this test run: STATIONMASTER_TEST_NATS_URL, or one of our own on a free port."""
    if url := os.environ.get("STATIONMASTER_TEST_NATS_URL"):
        yield url
        return
    try:
        server = NatsServer(tmp_path_factory.mktemp("nats"))
    except FileNotFoundError as error:
        pytest.skip(str(error))
    yield server.url
    server.stop()
