"""Pages for people: the plain front page, the documents, and the UI once it has been built."""

import os
import re
from pathlib import Path

import httpx
import pytest

from stationmaster.api.application import build_api
from stationmaster.api.context import ApiContext
from stationmaster.api.pages import documents_page
from stationmaster.api.ui_files import takes_gzip
from tests.api.conftest import Client, NodeThread, connected


def plain(node_thread: NodeThread, ui_folder: Path) -> httpx.AsyncClient:
    """The application with this folder for its UI; the context is that of a running node."""
    context: ApiContext = node_thread.node.api_context()
    app = build_api(context, ui_folder)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cpo.example:8080")


async def test_without_a_ui_the_front_page_says_what_is_here(
    api: Client, node_thread: NodeThread, tmp_path: Path
) -> None:
    async with plain(node_thread, tmp_path) as http:
        answer = await http.get("/api/v1/docs")
        assert answer.status_code == 200
    page = node_thread.do(front(node_thread, tmp_path))
    assert "ws://cpo.example:" in page
    assert "/ocpp/<em>station id</em>" in page
    assert "http://cpo.example:8080/api/v1/stations" in page
    assert 'href="/api/v1/docs"' in page
    assert "Node.js" in page
    async with connected(api):
        page = node_thread.do(front(node_thread, tmp_path))
    found = re.search(r"(\d+) stations? (is|are) connected,\s+(\d+) (is|are) registered", page)
    assert found
    assert int(found[1]) >= 1
    assert int(found[3]) >= 1


async def front(node_thread: NodeThread, ui_folder: Path, host: str = "cpo.example:8080") -> str:
    async with plain(node_thread, ui_folder) as http:
        answer = await http.get("/", headers={"Host": host})
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text


async def test_a_host_that_is_an_attack_is_only_text(node_thread: NodeThread, tmp_path: Path) -> None:
    page = node_thread.do(front(node_thread, tmp_path, "<script>alert(1)</script>"))
    assert "<script" not in page


async def test_pages_run_no_script_and_load_nothing_from_elsewhere(api: Client) -> None:
    page = (await api.http.get("/api/v1/docs")).text
    assert "<script" not in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    style = await api.http.get(re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)[0])
    assert style.headers["content-type"] == "text/css; charset=utf-8"


async def test_the_documents_list_every_operation_and_every_schema(api: Client) -> None:
    page = (await api.http.get("/api/v1/docs")).text
    document = (await api.http.get("/api/v1/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"{method.upper()}</span> <code>{path}</code>" in page
    for name in document["components"]["schemas"]:
        assert f"<summary><code>{name}</code></summary>" in page
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    assert (await api.http.get("/api")).headers["location"] == "/api/v1/docs"


def test_what_a_document_says_is_only_text() -> None:
    attack = "<img src=x onerror=alert(1)>"
    page = documents_page(
        {
            "openapi": attack,
            "info": {"title": attack, "description": attack},
            "paths": {
                attack: {
                    "get": {
                        "tags": [attack],
                        "description": attack,
                        "parameters": [
                            {"name": attack, "in": attack, "schema": {"type": attack}, "description": attack}
                        ],
                        "responses": {attack: {"description": attack}},
                    }
                }
            },
            "components": {"schemas": {attack: {"description": attack, "properties": {attack: {"enum": [attack]}}}}},
        }
    )
    assert "<img" not in page


@pytest.fixture
def built_ui(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>UI</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("export {}")
    (tmp_path.parent / "outside.txt").write_text("secret")
    return tmp_path


async def test_a_built_ui_is_served_and_its_own_paths_lead_to_it(node_thread: NodeThread, built_ui: Path) -> None:
    async with plain(node_thread, built_ui) as http:
        navigated = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        for path in ("/", "/stations", "/stations/CP7?tab=log", "/index.html"):
            answer = await http.get(path, headers=navigated)
            assert "<title>UI</title>" in answer.text
            assert answer.headers["cache-control"] == "no-cache"
        assert "<title>UI</title>" in (await http.get("/")).text
        script = await http.get("/assets/app-1a2b.js")
        assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))
        assert "immutable" in script.headers["cache-control"]
        for path in ("/api/v1/nothing", "/files/x", "/assets/app-of-the-release-before.js"):
            assert (await http.get(path, headers=navigated)).json()["code"] == "no_such_path"
        assert (await http.get("/stations")).json()["code"] == "no_such_path", "a program is told, not shown a page"


async def test_the_ui_comes_compressed_to_whoever_takes_that(node_thread: NodeThread, built_ui: Path) -> None:
    script = "export const words = 'charging stations';\n" * 200
    (built_ui / "assets" / "long-3c4d.js").write_text(script)
    (built_ui / "assets" / "picture-5e6f.png").write_bytes(b"\x89PNG" + bytes(9_000))
    async with plain(node_thread, built_ui) as http:
        small = await http.get("/assets/long-3c4d.js", headers={"Accept-Encoding": "br, gzip;q=0.5"})
        assert small.headers["content-encoding"] == "gzip"
        assert int(small.headers["content-length"]) < len(script) / 10
        plain_one = await http.get("/assets/long-3c4d.js", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain_one.headers
        for answer in (small, plain_one):
            assert answer.text == script
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["content-type"].startswith("text/javascript")
            assert "immutable" in answer.headers["cache-control"]
        for path in ("/assets/picture-5e6f.png", "/assets/app-1a2b.js"):
            answer = await http.get(path, headers={"Accept-Encoding": "gzip"})
            assert "content-encoding" not in answer.headers, "nothing to gain"


async def test_a_page_that_was_built_anew_is_compressed_anew(node_thread: NodeThread, built_ui: Path) -> None:
    page = built_ui / "index.html"
    async with plain(node_thread, built_ui) as http:
        for words in ("before", "after"):
            page.write_text(f"<!doctype html><title>{words}</title>" + " " * 2_000)
            stamp = {"before": 1_000_000_000, "after": 2_000_000_000}[words]
            os.utime(page, ns=(stamp, stamp))
            answer = await http.get("/", headers={"Accept-Encoding": "gzip"})
            assert answer.headers["content-encoding"] == "gzip"
            assert f"<title>{words}</title>" in answer.text


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [
        ("gzip", True),
        ("deflate, GZIP ; q=0.2", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
        ("gzip;q=much", False),
        ("xgzip", False),
    ],
)
def test_who_takes_gzip(accept_encoding: str, taken: bool) -> None:
    assert takes_gzip(accept_encoding) is taken


@pytest.mark.parametrize(
    "path", ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/..%2f..%2foutside.txt", "//etc/passwd"]
)
async def test_nothing_outside_the_ui_is_served(node_thread: NodeThread, built_ui: Path, path: str) -> None:
    async with plain(node_thread, built_ui) as http:
        answer = await http.get(path)
    assert "secret" not in answer.text
    assert "root:" not in answer.text


async def test_without_the_ui_there_is_but_the_one_page(node_thread: NodeThread, tmp_path: Path) -> None:
    async with plain(node_thread, tmp_path) as http:
        answer = await http.get("/nothing")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_path")


async def test_the_page_of_the_ui_is_possible_nowhere_in_the_api(node_thread: NodeThread, built_ui: Path) -> None:
    async def allowed() -> list[tuple[int, str]]:
        async with plain(node_thread, built_ui) as http:
            asked = [("PUT", "/api/v1/tokens"), ("DELETE", "/api/v1/stations/X/accept"), ("POST", "/stations")]
            answers = [await http.request(method, path) for method, path in asked]
            return [(answer.status_code, answer.headers["allow"]) for answer in answers]

    assert node_thread.do(allowed()) == [(405, "GET, POST"), (405, "POST"), (405, "GET")]
