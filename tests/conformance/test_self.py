"""`stationmaster conformance --self`: 77 of 77 on both databases, with the report; and what is said when it cannot."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.walks.running import environment


def kit(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "stationmaster", "conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment())


@pytest.mark.timeout(300)
def test_seventy_seven_of_seventy_seven(empty_database_url: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    done = kit(
        "--self", "--data", str(tmp_path / "data"), "--database-url", empty_database_url, "--report", str(report)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "77 of 77 passed, 0 failed, 0 not run" in done.stdout
    data = json.loads((report / "report.json").read_text())
    assert data["totals"] == {"pass": 77, "fail": 0, "not run": 0}
    assert [row["verdict"] for row in data["summary"]] == ["pass"] * 7
    assert data["performance"][0]["action"] == "Authorize"
    assert abs(data["response_timeout_s"] - data["response_timeout_configured_s"]) < 5
    assert data["configuration"]["milliseconds in timestamps"] == "yes"
    suite = ET.parse(report / "junit.xml").getroot()  # noqa: S314 -- we wrote it
    assert (suite.get("tests"), suite.get("failures")) == ("77", "0")
    page = (report / "report.html").read_text()
    assert "not a certificate of the Open Charge Alliance" in page
    assert "TC_001_CSMS" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--url"),
        (["--self", "--only", "TC_999"], "no such case: TC_999"),
        (["--self", "--functionality", "Cooking"], "a functionality is one of"),
        (["--url", "ws://127.0.0.1:9/ocpp"], "--api-url"),
        (["--url", "ws://127.0.0.1:9/ocpp", "--driver", "nowhere:Nobody"], "there is no driver"),
        (["--url", "ws://127.0.0.1:9/ocpp", "--tls-url", "wss://127.0.0.1:9/ocpp"], "--ca-file"),
    ],
)
def test_a_wrong_call_is_one_clear_error(arguments: list[str], words: str) -> None:
    done = kit(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
