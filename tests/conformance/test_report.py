"""The report in its three forms, of a run whose system said the worst it could."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stationmaster.conformance.cases import CASES
from stationmaster.conformance.drivers import About
from stationmaster.conformance.lab import LabSettings, Measurement
from stationmaster.conformance.report import as_json, write_report
from stationmaster.conformance.report_html import html_of
from stationmaster.conformance.runner import CaseResult, Run, Verdict
from stationmaster.conformance.transcript import Transcript

HOSTILE = "<script>alert(1)</script>\0\x1b]]>\ud800&\"'"
ANSWERED = '[3,"a",{"status":"Accepted","currentTime":"2026-03-01T10:00:00%sZ","interval":300}]'


def run_of(*results: CaseResult, times: dict[str, Measurement] | None = None) -> Run:
    """A run with these results."""
    about = About(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    run = Run(about, LabSettings("ws://127.0.0.1/ocpp"), datetime(2026, 3, 1, tzinfo=UTC), list(results), times or {})
    run.response_timeout_s = 30.04
    return run


def result(position: int, verdict: Verdict, *said: str, reason: str = "") -> CaseResult:
    """What became of a case."""
    transcript = Transcript()
    for text in said:
        transcript.add(0, "<<" if text.startswith(("[3", "[4", "<")) else ">>", text)
    return CaseResult(CASES[position], verdict, reason, 0.5, transcript, (HOSTILE,) if reason else ())


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The files of such a report."""
    run = run_of(
        result(0, Verdict.PASS, '[2,"a","BootNotification",{}]', ANSWERED % ".5"),
        result(1, Verdict.FAIL, HOSTILE, '[2,"b"', "[3]", '[3,{},{"a":1}]', reason=HOSTILE),
        result(76, Verdict.NOT_RUN, reason="no TLS listener was named"),
        times={"Authorize": Measurement("Authorize", [0.1, 0.3, 0.2]), "Heartbeat": Measurement("Heartbeat", [0.01])},
    )
    return {path.name: path.read_text() for path in write_report(run, tmp_path)}


def test_no_word_of_the_system_is_markup(files: dict[str, str]) -> None:
    page = files["report.html"]
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<details open") == 1, "what failed is open"


def test_the_first_page_has_the_order_of_a_certificate(files: dict[str, str]) -> None:
    page = files["report.html"]
    order = [
        "not a certificate of the Open Charge Alliance",
        ">Product<",
        ">Version<",
        ">Date<",
        ">Transport<",
        ">Endpoint<",
        "Test result summary for the certified functionalities",
        ">Core<",
        ">Firmware Management<",
        ">Smart Charging<",
        ">Reservation<",
        ">Local Authorization List Management<",
        ">Remote Trigger<",
        ">Security<",
        "Performance measurement results",
        "OCPP response timeout",
        "Response time Authorize",
        "Response time Heartbeat",
        "Limits and settings",
        "Supports milliseconds in timestamps",
        "Test cases and their dialogues",
    ]
    places = [page.find(words) for words in order]
    assert -1 not in places
    assert places == sorted(places)


def test_the_figures_are_those_of_the_run(files: dict[str, str]) -> None:
    data = json.loads(files["report.json"])
    assert data["totals"] == {"pass": 1, "fail": 1, "not run": 1}
    verdicts = {row["functionality"]: row["verdict"] for row in data["summary"]}
    assert (verdicts["Core"], verdicts["Security"], verdicts["Reservation"]) == ("fail", "not run", "not run")
    assert data["performance"][0] == {
        "action": "Authorize",
        "limit_s": 0.5,
        "median_s": 0.2,
        "worst_s": 0.3,
        "count": 3,
    }
    assert "not known as configured, 30.0 s as measured" in files["report.html"]
    assert data["limits_and_settings"]["Heartbeat interval"] == "300 s"
    assert data["limits_and_settings"]["TLS cipher suites"] == "not shown"


@pytest.mark.parametrize(("digits", "told"), [("", "no"), (".123", "yes")])
def test_milliseconds_are_told_from_what_was_said(digits: str, told: str) -> None:
    run = run_of(result(0, Verdict.PASS, '[2,"a","BootNotification",{}]', ANSWERED % digits))
    assert as_json(run)["limits_and_settings"]["Supports milliseconds in timestamps"] == told


def test_the_junit_file_is_xml_that_build_servers_read(files: dict[str, str]) -> None:
    suite = ET.fromstring(files["junit.xml"].encode())  # noqa: S314 -- we wrote it
    counts: dict[str, Any] = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1", "time": "1.500"}
    cases = list(suite)
    assert [case.tag for case in cases] == ["testcase"] * 3
    assert all(case.get("classname") and case.get("name") and case.get("time") for case in cases)
    failure, skipped = cases[1].find("failure"), cases[2].find("skipped")
    assert failure is not None
    assert "\\u0000" in (failure.get("message") or "")
    assert skipped is not None
    assert skipped.get("message") == "no TLS listener was named"


def test_an_empty_run_is_a_page_too() -> None:
    assert "0 of 0 test cases passed" in html_of(as_json(run_of()))
