"""The report: a page as a certificate's first one, then every case with its dialogue; HTML, JSON and JUnit XML.

It says plainly that it is not a certificate of the Open Charge Alliance.
"""

import html
import json
import statistics
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from stationmaster.conformance.kit import Functionality
from stationmaster.conformance.runner import Run, Verdict

__all__ = ["AUTHORIZE_LIMIT_S", "as_html", "as_json", "as_junit", "summary", "write_report"]

AUTHORIZE_LIMIT_S = 0.5
"""Our design target for the answer to Authorize (handbook §6.4)."""
ANSWER_LIMIT_S = 5.0
NOT_A_CERTIFICATE = (
    "This report was made by the conformance kit of Stationmaster after the published descriptions of the test "
    "cases. It is not a certificate of the Open Charge Alliance and was not made with its test tool."
)

_STYLE = """
:root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.45}
body{max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}
.pass{color:#0a7a3c}.fail{color:#c92a2a;font-weight:600}.not{color:#777}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem;border-left:3px solid #8886;padding-left:.8rem}
.note{border:1px solid #8886;padding:.6rem 1rem}
@media (prefers-color-scheme:dark){.pass{color:#69db7c}.fail{color:#ff8787}}
@media print{details{display:block}details>*{display:block}summary{font-weight:600}h2{break-before:page}}
"""


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


def as_json(run: Run) -> dict[str, Any]:
    """The whole run as data."""
    return {
        "note": NOT_A_CERTIFICATE,
        "product": run.about.product,
        "version": run.about.version,
        "vendor": run.about.vendor,
        "date": run.started_at.isoformat(),
        "protocol": "OCPP 1.6 edition 2, errata sheet v4.0; JSON over WebSocket",
        "configuration": _configuration(run),
        "summary": summary(run),
        "totals": {verdict.value: run.count(verdict) for verdict in Verdict},
        "performance": _measurements(run),
        "response_timeout_s": run.response_timeout_s,
        "response_timeout_configured_s": run.settings.response_timeout_s,
        "cases": [
            {
                "id": result.case.id,
                "title": result.case.title,
                "functionality": result.case.functionality.value,
                "operator": result.case.operator,
                "verdict": result.verdict.value,
                "reason": result.reason,
                "seconds": round(result.seconds, 3),
                "dialogue": [str(line) for line in result.transcript.lines],
            }
            for result in run.results
        ],
    }


def _configuration(run: Run) -> dict[str, str]:
    settings = run.settings
    stamps = {"milliseconds in timestamps": "yes" if _has_milliseconds(run) else "no"}
    return {
        "endpoint": settings.url,
        "TLS endpoint": "none" if settings.tls is None else settings.tls.url,
        "station": settings.identity,
        **{str(name): str(value) for name, value in run.about.configuration.items()},
        **stamps,
    }


def _has_milliseconds(run: Run) -> bool:
    texts = [line.text for result in run.results for line in result.transcript.lines if line.direction == "<<"]
    return any('"currentTime":"' in text and "." in text.split('"currentTime":"')[1][:24] for text in texts)


def as_junit(run: Run) -> str:
    """JUnit XML, for build servers."""
    suite = ET.Element(
        "testsuite",
        name="OCPP 1.6 central system",
        tests=str(len(run.results)),
        failures=str(run.count(Verdict.FAIL)),
        skipped=str(run.count(Verdict.NOT_RUN)),
    )
    for result in run.results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=result.case.functionality.value,
            name=f"{result.case.id} {result.case.title}",
            time=f"{result.seconds:.3f}",
        )
        if result.verdict is Verdict.FAIL:
            failure = ET.SubElement(case, "failure", message=result.reason)
            failure.text = _xml_text(str(result.transcript))
        elif result.verdict is Verdict.NOT_RUN:
            ET.SubElement(case, "skipped", message=result.reason)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _xml_text(text: str) -> str:
    """What XML 1.0 can hold; the rest is shown as it would be written in JSON."""
    return "".join(each if each in "\t\n" or each >= " " else f"\\u{ord(each):04x}" for each in text)


def as_html(run: Run) -> str:
    """One page that needs nothing else."""
    data = as_json(run)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>OCPP 1.6 conformance: {_e(data['product'])} {_e(data['version'])}</title>",
        f"<style>{_STYLE}</style></head>",
        "<body><h1>OCPP 1.6 conformance report, central system</h1>",
        f"<p class='note'>{_e(NOT_A_CERTIFICATE)}</p>",
        _table(
            [
                ("Product", data["product"]),
                ("Version", data["version"]),
                ("Vendor", data["vendor"] or "not said"),
                ("Date", data["date"]),
                ("Protocol", data["protocol"]),
            ]
        ),
        "<h2>Test result summary for the certified functionalities</h2>",
        _summary_table(data),
        "<h2>Performance measurement results</h2>",
        _performance_table(data),
        "<h2>Limits and settings</h2>",
        _table(list(data["configuration"].items())),
        "<h2>Cases</h2>",
        *[_case(each) for each in data["cases"]],
        "</body></html>",
    ]
    return "\n".join(parts)


def _summary_table(data: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_e(row['functionality'])}</td><td class='{_class(row['verdict'])}'>{_e(row['verdict'].title())}</td>"
        + "".join(f"<td class='number'>{row['counts'][verdict.value]}</td>" for verdict in Verdict)
        + "</tr>"
        for row in data["summary"]
    )
    head = "<tr><th>Functionality</th><th>Result</th><th>Pass</th><th>Fail</th><th>Not run</th></tr>"
    return f"<table>{head}{rows}</table>"


def _performance_table(data: dict[str, Any]) -> str:
    measured, configured = (
        "not known" if value is None else f"{value:.1f} s"
        for value in (data["response_timeout_s"], data["response_timeout_configured_s"])
    )
    cells = f"<td class='number'>{configured} configured</td><td class='number'>{measured} measured</td>"
    rows = [f"<tr><td>OCPP response timeout</td>{cells}<td></td><td class='number'>1</td></tr>"]
    rows += [
        f"<tr><td>Response time {_e(row['action'])}</td><td class='number'>{row['limit_s']:g} s</td>"
        f"<td class='number'>{row['median_s'] * 1000:.1f} ms</td><td class='number'>{row['worst_s'] * 1000:.1f} ms</td>"
        f"<td class='number'>{row['count']}</td></tr>"
        for row in data["performance"]
    ]
    head = "<tr><th>Parameter</th><th>Limit</th><th>Median</th><th>Worst</th><th>Measured</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _case(each: dict[str, Any]) -> str:
    lines = _e("\n".join(each["dialogue"]))
    why = f"<p>{_e(each['reason'])}</p>" if each["reason"] else ""
    opened = " open" if each["verdict"] == Verdict.FAIL else ""
    return (
        f"<details{opened}><summary><span class='{_class(each['verdict'])}'>{_e(each['verdict'].upper())}</span> "
        f"{_e(each['id'])} {_e(each['title'])} ({each['seconds']:.2f} s)</summary>{why}<pre>{lines}</pre></details>"
    )


def _table(rows: list[tuple[str, Any]]) -> str:
    return "<table>" + "".join(f"<tr><th>{_e(name)}</th><td>{_e(value)}</td></tr>" for name, value in rows) + "</table>"


def _class(verdict: str) -> str:
    return verdict.split(maxsplit=1)[0]


def _e(text: object) -> str:
    return html.escape(str(text))


def write_report(run: Run, folder: Path) -> list[Path]:
    """Write all forms into a folder; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "report.html": as_html(run),
        "report.json": json.dumps(as_json(run), indent=1, ensure_ascii=False),
        "junit.xml": as_junit(run),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]
