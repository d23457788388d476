"""`stationmaster conformance --self`: 77 of 77 on both databases, with the report; and what is said when it cannot."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from stationmaster.app.databases import open_storage
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID, Station
from tests.walks.running import PASSWORD, NodeProcess, environment


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
    assert data["limits_and_settings"]["Supports milliseconds in timestamps"] == "yes"
    assert data["limits_and_settings"]["Security profiles"] == "1, 2, 3"
    assert all(case["dialogue"] for case in data["cases"])
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
        (["--self", "--only", "TC_001", "--functionality", "Security"], "none of these cases"),
        (["--self", "--set", "colour=blue"], "a name is one of"),
        (["--self", "--set", "stack_level=high"], "high is no number"),
        (["--self", "--report", "/dev/null/report"], "stationmaster: "),
        (["--self", "--database-url", "mysql://localhost/x"], "a database URL begins with"),
        (["--url", "ws://127.0.0.1:9/ocpp", "--driver", "manual"], "nobody answers at ws://127.0.0.1:9/ocpp"),
        (["--url", "http://127.0.0.1/", "--driver", "manual"], "is no place where stations connect"),
    ],
)
def test_a_wrong_call_is_one_clear_error(arguments: list[str], words: str) -> None:
    done = kit(*arguments)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_what_is_in_the_environment_is_of_another_node(tmp_path: Path) -> None:
    """Beside a node that people use, in its folder and with its settings: it is not touched."""
    theirs = tmp_path / "theirs.sqlite"
    (tmp_path / "stationmaster.toml").write_text(f'[database]\nurl = "sqlite:///{theirs}"\n')
    settings = {"STATIONMASTER_DATABASE_URL": f"sqlite:///{theirs}", "STATIONMASTER_OCPP_PORT": "9000"}
    command = [sys.executable, "-m", "stationmaster", "conformance", "--self", "--only", "TC_061"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False, env=environment() | settings
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 passed" in done.stdout
    assert not theirs.exists()


def test_a_database_with_stations_of_somebody_is_refused(database_url: str, tmp_path: Path) -> None:
    async def register() -> None:
        storage = await open_storage(database_url, "node", lambda: 0)
        await storage.stations.create(Station(id="SOMEBODY", organisation_id=DEFAULT_ORGANISATION_ID))
        await storage.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, register()).result()
    done = kit("--self", "--only", "TC_061", "--data", str(tmp_path / "data"), "--database-url", database_url)
    assert done.returncode == 2
    assert "somebody's system is in this one" in done.stderr


def test_a_failure_is_exit_code_1_and_is_in_the_report(tmp_path: Path) -> None:
    """A reservation over before it can be answered."""
    done = kit("--self", "--only", "TC_047", "--set", "reservation_s=-60", "--report", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 of 1 passed, 1 failed" in done.stdout
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 -- we wrote it
    assert suite.get("failures") == "1"
    assert suite.find("testcase/failure") is not None
    assert "<details open" in (tmp_path / "report.html").read_text()


@pytest.mark.timeout(300)
def test_a_person_is_told_what_to_register_and_says_when_it_is_done(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, f"sqlite:///{tmp_path / 'node.sqlite'}")
    node.start()
    body = {"id": "MANUAL-1", "password": PASSWORD}
    headers = {"Authorization": f"Bearer {node.key}"}
    httpx.post(f"{node.http_url}/api/v1/stations", json=body, headers=headers, trust_env=False).raise_for_status()
    command = [sys.executable, "-m", "stationmaster", "conformance", "--driver", "manual", "--url", node.url]
    command += ["--only", "TC_001", "--only", "TC_086", "--set", "identity=MANUAL-1", "--set", f"password={PASSWORD}"]
    done = subprocess.run(
        command, input="\n", capture_output=True, text=True, timeout=240, check=False, env=environment()
    )
    assert node.stop() == 0
    assert f"register the station MANUAL-1, security profile 1, password {PASSWORD}" in done.stdout
    assert "1 of 2 passed, 0 failed, 1 not run" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
