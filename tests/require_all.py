"""The rule about what may be skipped, as a plug-in of pytest.

A test whose service is missing is skipped on a developer's machine; with STATIONMASTER_TEST_REQUIRE_ALL=1, as in
`.ci/run`, a skipped test is a failed one, so that a run cannot look better than it was.
"""

import os
from collections.abc import Generator

import pytest

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
