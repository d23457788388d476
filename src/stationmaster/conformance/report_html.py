"""The report as a page that needs nothing else: the first page as that of a certificate, then every case."""

import html
from collections.abc import Mapping
from typing import Any

__all__ = ["html_of"]

VERDICTS = ("pass", "fail", "not run")

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


def html_of(data: Mapping[str, Any]) -> str:
    """One page that needs nothing else."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>OCPP 1.6 conformance: {_e(data['product'])} {_e(data['version'])}</title>",
        f"<style>{_STYLE}</style></head>",
        "<body><h1>OCPP 1.6 conformance report, central system</h1>",
        f"<p class='note'>{_e(data['note'])}</p>",
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


def _summary_table(data: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_e(row['functionality'])}</td><td class='{_class(row['verdict'])}'>{_e(row['verdict'].title())}</td>"
        + "".join(f"<td class='number'>{row['counts'][verdict]}</td>" for verdict in VERDICTS)
        + "</tr>"
        for row in data["summary"]
    )
    head = "<tr><th>Functionality</th><th>Result</th><th>Pass</th><th>Fail</th><th>Not run</th></tr>"
    return f"<table>{head}{rows}</table>"


def _performance_table(data: Mapping[str, Any]) -> str:
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


def _case(each: Mapping[str, Any]) -> str:
    lines = _e("\n".join(each["dialogue"]))
    why = f"<p>{_e(each['reason'])}</p>" if each["reason"] else ""
    opened = " open" if each["verdict"] == "fail" else ""
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
