"""The borders of the API: what is too long, too slow, not JSON, not there; our own faults; headers for browsers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from stationmaster.api.middleware import BodyLimit, ErrorBoundary, SecurityHeaders
from tests.api.conftest import Client

LIMIT = 2 * 1024 * 1024


async def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(api: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 65536

    await api.problem("POST", "/tokens", 413, "body_too_large", content=b"x" * (LIMIT + 1))
    problem = await api.problem("POST", "/tokens", 413, "body_too_large", content=endless())
    assert str(LIMIT) in problem["detail"]
    body = b'{"id_tag": "X", "note": "' + b"x" * 1000 + b'"}'
    just_right = body + b" " * (LIMIT - len(body))
    answer = await api.http.post("/api/v1/tokens", content=just_right, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "body, status, code",
    [
        (b"{", 400, "malformed_json"),
        (b"\xff", 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"", 422, "invalid"),
        (b'{"id_tag": "\\ud800"}', 422, "invalid"),
        (b'{"id_tag": "a\\u0000b"}', 422, "invalid"),
        (b'{"id_tag": NaN}', 422, "invalid"),
        (b'{"id_tag": 1e400}', 422, "invalid"),
        (b'{"id_tag": ' + b"9" * 5000 + b"}", 400, "malformed_json"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
async def test_what_is_no_good_body(api: Client, body: bytes, status: int, code: str) -> None:
    await api.problem("POST", "/tokens", status, code, content=body, headers={"Content-Type": "application/json"})


NOT_JSON = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "json",
]
OTHERS = ("/api/v1/firmware/upload", "/api/v1/stations/{station_id}/commands/{action}")
"""What takes no JSON, and what takes it whatever it is called."""


@pytest.mark.parametrize("kind", NOT_JSON)
async def test_a_body_that_is_not_called_json_is_not_read(api: Client, kind: str) -> None:
    """A form that another site lets a browser post is no request of ours; who forgot the type is told it."""
    headers = {"Content-Type": kind} if kind else {}
    told: dict[int, list[str]] = {}
    for path, operations in (await api.get("/openapi.json"))["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation and path not in OTHERS:
                there = re.sub(r"{\w+}", "1", path)
                answer = await api.http.request(method, there, content=b'{"id_tag": "X"}', headers=headers)
                told.setdefault(answer.status_code, []).append(f"{method} {path}")
                assert "415" in operation["responses"]
    # Nobody is signed in here as a person: that comes first.
    assert all("/session" in each for each in told.pop(401, []))
    assert list(told) == [415]
    assert len(told[415]) > 50
    problem = await api.problem("POST", "/tokens", 415, "not_called_json", content=b"x", headers=headers)
    assert "`Content-Type: application/json`" in problem["detail"]
    assert (await api.get("/tokens"))["items"] == []
    assert (await api.http.post("/api/v1/tokens", content=b"x", headers=headers)).headers[
        "accept"
    ] == "application/json"


async def test_json_may_be_called_so_in_every_usual_way(api: Client) -> None:
    for kind in ("application/json", "Application/JSON; charset=utf-8", "application/vnd.example+json"):
        for path, body in (("/tokens", b'{"id_tag": ""}'), (f"/stations/{await api.station()}/commands/Reset", b"{}")):
            answer = await api.http.post(f"/api/v1{path}", content=body, headers={"Content-Type": kind})
            assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("kind", NOT_JSON)
async def test_a_command_is_read_whatever_its_body_is_called(api: Client, kind: str) -> None:
    """`curl -d` calls every body a form, and people send commands by it."""
    path = f"/stations/{await api.station()}/commands/Reset"
    headers = {"Content-Type": kind} if kind else {}
    await api.problem("POST", path, 409, "station_offline", content=b'{"type": "Soft"}', headers=headers)


async def test_nobody_needs_to_call_nothing_json(api: Client) -> None:
    """`curl -X POST` sends no body, and some clients a type all the same."""
    for headers in ({}, {"Content-Type": "application/x-www-form-urlencoded"}):
        path = f"/stations/{await api.station()}"
        await api.problem("POST", f"{path}/commands/ClearCache", 409, "station_offline", headers=headers)
        await api.ask("POST", f"{path}/accept", 200, headers=headers)


async def test_who_may_not_ask_is_not_told_how(api: Client) -> None:
    answer = await api.http.post("/api/v1/tokens", content=b"x", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/stations", "/api/v1/stations/a/b/c"])
async def test_what_is_not_there(api: Client, path: str) -> None:
    answer = await api.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "no_such_path"


@pytest.mark.parametrize(
    "method, path, possible",
    [
        ("PUT", "/stations", "GET, POST"),
        ("PUT", "/tokens", "GET, POST"),
        ("POST", "/tokens/1", "GET, PATCH, DELETE"),
        ("PATCH", "/session", "GET, POST, DELETE"),
        ("DELETE", "/stations/X/accept", "POST"),
    ],
)
async def test_a_method_that_is_not_possible_is_told_those_that_are(
    api: Client, method: str, path: str, possible: str
) -> None:
    answer = await api.http.request(method, f"/api/v1{path}")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.headers["allow"] == possible


@pytest.mark.parametrize(
    "query, field, message",
    [
        ("limit=0", "limit", "is less than 1"),
        ("limit=1001", "limit", "is more than 1000"),
        ("limit=many", "limit", "is not a whole number"),
        ("colour=red", "colour", "is not known here"),
        ("connected=perhaps", "connected", "is neither true nor false"),
        ("search=" + "x" * 300, "search", "is longer than 255 characters"),
        ("search=a%00b", "search", "holds characters that are not allowed here"),
        ("format=xml", "format", "is none of 'json' or 'csv'"),
    ],
)
async def test_a_bad_parameter_is_named(api: Client, query: str, field: str, message: str) -> None:
    problem = await api.problem("GET", f"/stations?{query}", 422, "invalid")
    assert [(each["field"], each["message"]) for each in problem["errors"]] == [(field, message)]
    assert problem["detail"] == f"{field} {message}."


LISTS = [
    "/stations",
    "/tokens",
    "/transactions",
    "/jobs",
    "/messages",
    "/past-events",
    "/refused-handshakes",
    "/api-keys",
]


async def test_a_cursor_of_no_page(api: Client) -> None:
    for path in LISTS:
        for cursor in ("nonsense", "AAAA", "%C3%A9", "W10", "MTIz"):
            answer = await api.http.get(f"/api/v1{path}?cursor={cursor}")
            # A cursor that happens to be readable leads somewhere; it never leads to an error of ours.
            assert answer.status_code in (200, 422), answer.text
            if answer.status_code == 422:
                assert answer.json()["code"] == "cursor_invalid"


async def test_browsers_are_told_to_run_nothing_that_is_not_ours(api: Client) -> None:
    for path in ("/", "/api/v1/docs", "/api/v1/stations", "/api/v1/nothing", "/healthz"):
        headers = (await api.http.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == "'self'"
        assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        if path.startswith("/api/"):
            assert "cache-control" in headers
    assert (await api.http.get("/api/v1/stations")).headers["cache-control"] == "no-store"


# The middleware alone, where sockets add nothing.


async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("the password is hunter2")


async def fails_late(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError("too late")


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    assert not message.get("more_body")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_fault_of_ours_says_only_where_to_look() -> None:
    with capture_logs() as lines:
        async with client(SecurityHeaders(ErrorBoundary(fails))) as http:
            answer = await http.get("/api/v1/x")
    assert answer.status_code == 500
    problem = answer.json()
    assert (problem["code"], answer.headers["content-type"]) == ("internal", "application/problem+json")
    assert "hunter2" not in answer.text
    assert "content-security-policy" in answer.headers
    (line,) = lines
    assert line["correlation_id"] == problem["correlation_id"]
    assert line["correlation_id"] in problem["detail"]


async def test_a_fault_after_the_answer_began_is_only_logged() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with capture_logs() as lines:
        await ErrorBoundary(fails_late)({"type": "http", "method": "GET", "path": "/"}, receive, send)
    assert [line["event"] for line in lines] == ["api.internal_error"]
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_a_body_in_pieces_arrives_whole() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"two ", b"three"):
            yield piece

    async with client(BodyLimit(echo, limit_bytes=13, timeout_s=5)) as http:
        assert (await http.post("/", content=pieces())).content == b"one two three"
        assert (await http.post("/", content=b"x" * 14)).status_code == 413


async def test_a_body_that_drips_is_408() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(5)

    async with client(BodyLimit(echo, limit_bytes=1000, timeout_s=0.05)) as http:
        answer = await http.post("/", content=slow())
    assert answer.status_code == 408
    assert json.loads(answer.content)["code"] == "body_too_slow"
    assert answer.headers["connection"] == "close"


async def test_a_path_that_reads_its_own_body_is_left_alone() -> None:
    async def count(_scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % size})

    async with client(BodyLimit(count, limit_bytes=1, timeout_s=5, streamed=("/files/",))) as http:
        assert (await http.post("/files/x", content=b"longer than one")).content == b"15"
        assert (await http.post("/other", content=b"longer than one")).status_code == 413


async def test_a_length_that_is_no_number_does_no_harm() -> None:
    async with client(BodyLimit(echo, limit_bytes=10, timeout_s=5)) as http:
        answer = await http.post("/", content=b"short", headers={"Content-Length": "many"})
    assert answer.content == b"short"
