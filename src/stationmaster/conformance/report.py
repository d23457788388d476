"""The report of a run as data, from which its other forms are made; and all forms written into a folder."""

import json
import statistics
from pathlib import Path
from typing import Any

from stationmaster.conformance.kit import Functionality
from stationmaster.conformance.report_findings import limits_and_settings
from stationmaster.conformance.report_html import html_of
from stationmaster.conformance.report_junit import junit_of
from stationmaster.conformance.runner import CaseResult, Run, Verdict

__all__ = ["ANSWER_LIMIT_S", "AUTHORIZE_LIMIT_S", "as_json", "summary", "write_report"]

AUTHORIZE_LIMIT_S = 0.5
"""Our design target for the answer to Authorize (handbook §6.4)."""
ANSWER_LIMIT_S = 5.0
"""The same for every other request."""
NOT_A_CERTIFICATE = (
    "This report was made by the conformance kit of Stationmaster after the published descriptions of the test "
    "cases. It is not a certificate of the Open Charge Alliance and was not made with its test tool."
)
PROTOCOL = "OCPP 1.6 edition 2, errata sheet v4.0"
TRANSPORT = "OCPP-J: JSON over WebSocket (RFC 6455), subprotocol ocpp1.6"


def summary(run: Run) -> list[dict[str, Any]]:
    """A row for each functionality, in the order of the first page."""
    rows: list[dict[str, Any]] = []
    for functionality in Functionality:
        verdicts = [each.verdict for each in run.results if each.case.functionality is functionality]
        if not verdicts:
            verdict = Verdict.NOT_RUN
        elif Verdict.FAIL in verdicts:
            verdict = Verdict.FAIL
        else:
            verdict = Verdict.PASS if Verdict.PASS in verdicts else Verdict.NOT_RUN
        counts = {each.value: verdicts.count(each) for each in Verdict}
        rows.append({"functionality": functionality.value, "verdict": verdict.value, "counts": counts})
    return rows


def as_json(run: Run) -> dict[str, Any]:
    """The whole run as data."""
    return {
        "note": NOT_A_CERTIFICATE,
        "product": run.about.product,
        "version": run.about.version,
        "vendor": run.about.vendor,
        "date": run.started_at.isoformat(timespec="seconds"),
        "protocol": PROTOCOL,
        "transport": TRANSPORT,
        "configuration": _configuration(run),
        "summary": summary(run),
        "totals": {verdict.value: run.count(verdict) for verdict in Verdict},
        "performance": _measurements(run),
        "response_timeout_s": run.response_timeout_s,
        "response_timeout_configured_s": run.settings.response_timeout_s,
        "limits_and_settings": limits_and_settings(run),
        "cases": [_case(result) for result in run.results],
    }


def _measurements(run: Run) -> list[dict[str, Any]]:
    rows = []
    for action in sorted(run.times, key=lambda name: (name != "Authorize", name)):
        seconds = run.times[action].seconds
        rows.append(
            {
                "action": action,
                "limit_s": AUTHORIZE_LIMIT_S if action == "Authorize" else ANSWER_LIMIT_S,
                "median_s": round(statistics.median(seconds), 4),
                "worst_s": round(max(seconds), 4),
                "count": len(seconds),
            }
        )
    return rows


def _configuration(run: Run) -> dict[str, str]:
    settings = run.settings
    return {
        "Endpoint": settings.url,
        "Endpoint with TLS": "none" if settings.tls is None else settings.tls.url,
        "Test stations": ", ".join(needed.identity for needed in settings.stations()),
        **{str(name): str(value) for name, value in run.about.configuration.items()},
    }


def _case(result: CaseResult) -> dict[str, Any]:
    return {
        "id": result.case.id,
        "title": result.case.title,
        "functionality": result.case.functionality.value,
        "operator": result.case.operator,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "warnings": list(result.warnings),
        "seconds": round(result.seconds, 3),
        "dialogue": [str(line) for line in result.transcript.lines],
    }


def write_report(run: Run, folder: Path) -> list[Path]:
    """Write all forms into a folder; the files. Raises OSError."""
    data = as_json(run)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "report.html": html_of(data),
        "report.json": json.dumps(data, indent=1),
        "junit.xml": junit_of(data),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    return [folder / name for name in files]
