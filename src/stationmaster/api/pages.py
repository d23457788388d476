"""Pages for people: the built web UI, or a plain one that says what is here; and the API's documents.

They are written here, run no script and load nothing from anywhere. Every value passes `escape`.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.datastructures import URL
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from stationmaster.api.context import ApiContext
from stationmaster.api.documents import openapi_of
from stationmaster.api.problems import EVERYWHERE, ApiError
from stationmaster.api.ui_files import UiFiles

__all__ = ["message_page", "register_pages"]

UI_FOLDER = Path(__file__).parent.parent / "ui_dist"
STYLE_PATH = "/api/v1/docs.css"
_NOT_OURS = ("api/", "healthz", "readyz", "metrics", "files/", "assets/")
_FRONT = "index.html"

_STYLE = """\
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; background: var(--soft); border-radius: 0.25rem; }
code { padding: 0.1em 0.3em; }
pre { padding: 0.75rem; overflow-x: auto; }
pre code { background: none; padding: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.3rem 0.6rem 0.3rem 0; vertical-align: top; }
tr { border-bottom: 1px solid var(--line); }
details { margin: 0.5rem 0; padding: 0.4rem 0.6rem; border: 1px solid var(--line); border-radius: 0.4rem; }
summary { cursor: pointer; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
.dim { opacity: 0.75; }
"""


def register_pages(app: FastAPI, context: ApiContext, ui_folder: Path = UI_FOLDER) -> None:
    """Serve the documents, and at `/` the UI if it has been built, else the plain page."""
    router = APIRouter(include_in_schema=False)

    async def described() -> dict[str, Any]:
        # It takes a second to make, for which stations must not wait.
        return await asyncio.to_thread(openapi_of, app)

    @router.get("/api/v1/openapi.json")
    async def document() -> Response:
        return JSONResponse(await described())

    @router.get("/api/v1/docs")
    async def documents() -> Response:
        return HTMLResponse(documents_page(await described()))

    @router.get(STYLE_PATH)
    async def style() -> Response:
        return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    @router.get("/api/v1")
    @router.get("/api")
    async def way_in() -> Response:
        return RedirectResponse("/api/v1/docs")

    if (ui_folder / "index.html").is_file():
        app.include_router(router)
        _register_ui(app, ui_folder)
    else:

        @router.get("/")
        async def front(request: Request) -> Response:
            stations, connected = await context.storage.stations.count()
            return HTMLResponse(front_page(context, request.url, stations, connected))

        app.include_router(router)


def _register_ui(app: FastAPI, folder: Path) -> None:
    """The built UI: its files by their names, and its one page for every other path that a browser navigates to."""
    files = UiFiles(folder)

    @app.get(EVERYWHERE, include_in_schema=False)
    async def ui(path: str, request: Request) -> Response:
        name = path or _FRONT
        if files.find(name) is None:
            navigated = "text/html" in request.headers.get("accept", "")
            if path.startswith(_NOT_OURS) or not navigated:
                raise ApiError(404, "no_such_path", f"There is nothing at {request.url.path[:200]}.")
            name = _FRONT
        return await files.answer(name, request.headers.get("accept-encoding", ""))


def front_page(context: ApiContext, here: URL, stations: int, connected: int) -> str:
    """What is connected, how to connect a station, and where to read on. `here` is where the reader found us."""
    ocpp_url = context.node.ocpp_url(here.hostname or "localhost")
    return _page(
        "Stationmaster",
        f"""
<h1>Stationmaster</h1>
<p>Version {escape(context.node.version)}. {_count(connected, "station is", "stations are")} connected,
{_count(stations, "is", "are")} registered.</p>
<h2>Connect a station</h2>
<ol>
<li>Register it:
<pre><code>curl -X POST {escape(f"{here.scheme}://{here.netloc}")}/api/v1/stations -H "Authorization: Bearer $KEY" \\
     -H 'Content-Type: application/json' -d '{{"id": "CP7"}}'</code></pre>
The answer holds a password that was made for it.</li>
<li>Type into the station (some want it without the last part):
<pre><code>{escape(ocpp_url)}/<em>station id</em></code></pre></li>
<li>It does not come in? <code>GET /api/v1/refused-handshakes</code> says why, in words.</li>
</ol>
<h2>Use it</h2>
<p>Everything can be done through the API: <a href="/api/v1/docs">its documents</a>,
<a href="/api/v1/openapi.json">as OpenAPI 3.1</a>. An API key is made by
<code>stationmaster api-key create --role admin</code>.</p>
<p class="dim">The web UI has not been built: it needs Node.js 20.19 or newer with npm, then <code>make ui</code> and a
restart.</p>""",
    )


def message_page(title: str, words: str, link: str, link_words: str) -> str:
    """A page that says one thing, and how to go on."""
    return _page(
        title, f'<h1>{escape(title)}</h1><p>{escape(words)}</p><p><a href="{escape(link)}">{escape(link_words)}</a></p>'
    )


def documents_page(document: dict[str, Any]) -> str:
    """Every operation of the OpenAPI document, for people."""
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["Other"])[0]
            groups.setdefault(tag, []).append(_operation(method, path, operation))
    contents = "".join(
        f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>{"".join(operations)}' for tag, operations in groups.items()
    )
    links = " &middot; ".join(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in groups)
    return _page(
        f"{document['info']['title']} API",
        f"""
<h1>{escape(document["info"]["title"])} API</h1>
<p>{escape(document["info"].get("description", ""))}</p>
<p>As <a href="/api/v1/openapi.json">OpenAPI {escape(document["openapi"])}</a>, for programs.</p>
<p>{links}</p>
{contents}
<h2 id="schemas">Schemas</h2>
{"".join(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))}""",
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{escape(operation.get('description', ''))}</p>"]
    if parameters := operation.get("parameters"):
        told = [
            (f"<code>{escape(each['name'])}</code>", escape(each["in"]), _kind(each["schema"]), escape(_said(each)))
            for each in parameters
        ]
        parts.append(_table(("parameter", "in", "kind", "meaning"), told))
    if body := operation.get("requestBody"):
        kinds = ", ".join(_kind(content.get("schema", {})) for content in body["content"].values())
        parts.append(f"<p>Body: {kinds}. {escape(body.get('description', ''))}</p>")
    rows = [
        (f"<code>{escape(status)}</code>", _contents(answer), escape(answer.get("description", "")))
        for status, answer in sorted(operation["responses"].items())
    ]
    parts.append(_table(("status", "answer", "meaning"), rows))
    summary = f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code>'
    return f"<details><summary>{summary}</summary>{''.join(parts)}</details>"


def _schema(name: str, schema: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(field)}</code>", _kind(kind), escape(kind.get("description", "")))
        for field, kind in schema.get("properties", {}).items()
    ]
    inside = _table(("member", "kind", "meaning"), rows) if rows else f"<p>{_kind(schema)}</p>"
    head = f"<summary><code>{escape(name)}</code></summary><p>{escape(schema.get('description', ''))}</p>"
    return f'<details id="{_anchor(name)}">{head}{inside}</details>'


def _contents(answer: dict[str, Any]) -> str:
    kinds = [_kind(content.get("schema", {})) for content in answer.get("content", {}).values()]
    return ", ".join(kind for kind in kinds if kind)


def _said(parameter: dict[str, Any]) -> str:
    said: str = parameter.get("description") or parameter["schema"].get("description", "")
    return said


def _kind(schema: dict[str, Any]) -> str:
    """What a value may be, in a few words of HTML."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(" ".join(str(schema[each]) for each in ("type", "format") if each in schema))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def lines() -> Iterator[str]:
        yield "<table><thead><tr>"
        yield from (f"<th>{escape(each)}</th>" for each in head)
        yield "</tr></thead><tbody>"
        for row in rows:
            yield "<tr>"
            yield from (f"<td>{each}</td>" for each in row)
            yield "</tr>"
        yield "</tbody></table>"

    return "".join(lines())


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="{STYLE_PATH}"></head><body>{body}</body></html>\n'
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _anchor(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)
