"""The report as a page that needs nothing else: the first page as that of a certificate, then every case.

It is for the screen and for paper: on paper every dialogue is shown, whatever is folded on the screen.
"""

import html
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["html_of"]

VERDICTS = ("pass", "fail", "not run")

_STYLE = """
:root{color-scheme:light dark;--line:#8885;--soft:#666;--pass:#0a6b35;--fail:#b3211f;--paper:#fff;--ink:#1a1d21}
@media (prefers-color-scheme:dark){:root{--soft:#aaa;--pass:#69db7c;--fail:#ff8787;--paper:#16181b;--ink:#e8eaed}}
*{box-sizing:border-box}
body{max-width:62rem;margin:2rem auto;padding:0 1.25rem;background:var(--paper);color:var(--ink);
font:15px/1.45 system-ui,"Liberation Sans",Arial,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0}
h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}
.head{border-top:.35rem solid currentColor;padding-top:.8rem;display:flex;justify-content:space-between;gap:1rem;
align-items:baseline;flex-wrap:wrap}
.total{font-weight:600;white-space:nowrap}
.note{border:1px solid var(--line);padding:.5rem .8rem;margin:.8rem 0;font-size:.9rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.22rem .6rem .22rem 0;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
th{font-weight:600}
table.facts th{width:17rem;font-weight:400;color:var(--soft)}
thead th{color:var(--soft);font-weight:400;font-size:.85rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.pass{color:var(--pass);font-weight:600}.fail{color:var(--fail);font-weight:600}.not{color:var(--soft)}
details{border-bottom:1px solid var(--line);padding:.3rem 0}
summary{cursor:pointer}
summary .id{display:inline-block;min-width:9.5rem;font-variant-numeric:tabular-nums}
summary .took{color:var(--soft);font-size:.85rem}
.why{margin:.3rem 0}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.4 ui-monospace,"Liberation Mono",monospace;
margin:.4rem 0 .6rem;padding-left:.8rem;border-left:3px solid var(--line)}
@page{size:A4;margin:14mm}
@media print{
:root{font-size:8.5pt;color-scheme:light;--soft:#555;--pass:#0a6b35;--fail:#b3211f;--paper:#fff;--ink:#000}
body{margin:0;padding:0;max-width:none;font-size:8.5pt;line-height:1.25}
h1{font-size:15pt}h2{font-size:10pt;margin:.55rem 0 .15rem;break-after:avoid}
th,td{padding:.06rem .5rem .06rem 0}.note{padding:.25rem .5rem;margin:.4rem 0}
.second{break-before:page}
details::details-content{content-visibility:visible;display:block}
summary{list-style:none;break-after:avoid}
pre{font-size:7pt;line-height:1.25}
h3{break-after:avoid}tr{break-inside:avoid}}
"""


def html_of(data: Mapping[str, Any]) -> str:
    """What `report.as_json` gives, as a page."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>OCPP 1.6 conformance: {_e(data['product'])} {_e(data['version'])}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f'<div class="head"><h1>OCPP 1.6 conformance report<br>Central system</h1>{_total(data)}</div>',
        f'<p class="note">{_e(data["note"])}</p>',
        _facts(_first(data)),
        "<h2>Test result summary for the certified functionalities</h2>",
        _summary(data),
        "<h2>Performance measurement results</h2>",
        _performance(data),
        "<h2>Limits and settings</h2>",
        _facts(data["limits_and_settings"].items()),
        '<h2 class="second">Test cases and their dialogues</h2>',
        '<p class="not">&gt;&gt; the station says, &lt;&lt; the central system says, -- what happens.</p>',
        *_cases(data),
        "</body></html>",
    ]
    return "\n".join(parts)


def _total(data: Mapping[str, Any]) -> str:
    totals, count = data["totals"], len(data["cases"])
    verdict = "fail" if totals["fail"] else "pass" if totals["pass"] else "not"
    return f'<div class="total {verdict}">{totals["pass"]} of {count} test cases passed</div>'


def _first(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("Product", data["product"]),
        ("Version", data["version"]),
        ("Vendor", data["vendor"] or "not said"),
        ("Date", data["date"].replace("T", " ").replace("+00:00", " UTC")),
        ("Protocol", data["protocol"]),
        ("Transport", data["transport"]),
        *data["configuration"].items(),
    ]


def _summary(data: Mapping[str, Any]) -> str:
    rows = [
        f"<td>{_e(row['functionality'])}</td>"
        f'<td class="{_class(row["verdict"])}">{_e(row["verdict"].capitalize())}</td>'
        + "".join(f'<td class="number">{row["counts"][verdict]}</td>' for verdict in VERDICTS)
        for row in data["summary"]
    ]
    return _grid(("Functionality", "Result", "#Pass", "#Fail", "#Not run"), rows)


def _performance(data: Mapping[str, Any]) -> str:
    configured, measured = (
        "not known" if value is None else f"{value:.1f} s"
        for value in (data["response_timeout_configured_s"], data["response_timeout_s"])
    )
    timeout = _facts([("OCPP response timeout", f"{configured} as configured, {measured} as measured")])
    rows = [
        f"<td>Response time {_e(row['action'])}</td>"
        + "".join(
            f'<td class="number">{text}</td>'
            for text in (
                f"{row['limit_s'] * 1000:g} ms",
                f"{row['median_s'] * 1000:.1f} ms",
                f"{row['worst_s'] * 1000:.1f} ms",
                row["count"],
            )
        )
        for row in data["performance"]
    ]
    return timeout + _grid(("Parameter", "#Limit", "#Median", "#Worst", "#Answers"), rows)


def _cases(data: Mapping[str, Any]) -> Iterable[str]:
    present = None
    for each in data["cases"]:
        if each["functionality"] != present:
            present = each["functionality"]
            yield f"<h3>{_e(present)}</h3>"
        yield _case(each)


def _case(each: Mapping[str, Any]) -> str:
    why = f'<p class="why {_class(each["verdict"])}">{_e(each["reason"])}</p>' if each["reason"] else ""
    why += "".join(f'<p class="why">Warning: {_e(words)}</p>' for words in each["warnings"])
    opened = " open" if each["verdict"] == "fail" else ""
    return (
        f'<details{opened} id="{_e(each["id"])}"><summary>'
        f'<span class="id">{_e(each["id"])}</span>{_e(each["title"])} '
        f'<span class="{_class(each["verdict"])}">{_e(each["verdict"])}</span> '
        f'<span class="took">{each["seconds"]:.2f} s</span></summary>'
        f"{why}<pre>{_e(chr(10).join(each['dialogue']))}</pre></details>"
    )


def _facts(rows: Iterable[tuple[str, Any]]) -> str:
    lines = "".join(f'<tr><th scope="row">{_e(name)}</th><td>{_e(value)}</td></tr>' for name, value in rows)
    return f'<table class="facts">{lines}</table>'


def _grid(head: Iterable[str], rows: Iterable[str]) -> str:
    """A table; a heading that begins with # stands over numbers."""
    cells = "".join(
        f'<th scope="col" class="number">{_e(name[1:])}</th>'
        if name.startswith("#")
        else f'<th scope="col">{_e(name)}</th>'
        for name in head
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _class(verdict: str) -> str:
    return verdict.split(maxsplit=1)[0]


def _e(text: object) -> str:
    return html.escape(str(text))
