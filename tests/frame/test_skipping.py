"""What is skipped on a desk fails where everything must be there."""

from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TESTS = """
import pytest

def test_that_runs(): ...

def test_without_its_service(): pytest.skip("no database")

@pytest.mark.skip(reason="not here")
def test_marked(): ...

@pytest.mark.xfail(strict=True, reason="known")
def test_known_to_fail(): assert False
"""
WHOLE_FILE = "import pytest\npytest.importorskip('a_package_that_nobody_has')\n"

Run = Callable[[str, str], pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one file of tests under this repository's rule, with the given STATIONMASTER_TEST_REQUIRE_ALL."""

    def run_file(source: str, require_all: str) -> pytest.RunResult:
        monkeypatch.setenv("STATIONMASTER_TEST_REQUIRE_ALL", require_all)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
        pytester.makepyfile(test_some=source)
        return pytester.runpytest_subprocess("-rA", "-p", "tests.require_all")

    return run_file


@pytest.mark.parametrize("require_all", ["", "0"])
def test_a_missing_service_skips(run: Run, require_all: str) -> None:
    run(TESTS, require_all).assert_outcomes(passed=1, skipped=2, xfailed=1)


def test_a_missing_service_fails_where_everything_is_required(run: Run) -> None:
    result = run(TESTS, "1")

    result.assert_outcomes(passed=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(
        ["skipped although STATIONMASTER_TEST_REQUIRE_ALL=1: *not here", "skipped although *: *no database"]
    )


def test_a_file_that_is_skipped_whole_fails_too(run: Run) -> None:
    run(WHOLE_FILE, "").assert_outcomes(skipped=1)
    run(WHOLE_FILE, "1").assert_outcomes(errors=1)
