"""The HTTP server over raw sockets: what never gets complete, what is never read, and the end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from stationmaster.app.config import HttpSettings
from stationmaster.app.http_server import HttpServer

QUICK = HttpSettings(header_timeout_s=0.2, write_timeout_s=0.2, keep_alive_s=1, drain_timeout_s=2)


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def served(app: Any, settings: HttpSettings = QUICK) -> AsyncIterator[tuple[HttpServer, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = HttpServer(app, settings)
    await server.start(listener)
    try:
        yield server, port
    finally:
        await server.stop()


async def talk(port: int, *parts: bytes, pause_s: float = 0) -> bytes:
    """Everything that is said before the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = bytearray()

    async def listen() -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                heard.extend(data)

    listening = asyncio.create_task(listen())
    with suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
    await asyncio.wait_for(listening, 10)
    writer.close()
    return bytes(heard)


async def test_a_request_is_answered() -> None:
    async with served(hello) as (_, port):
        answer = await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"hello")
    assert b"\r\nserver:" not in answer.lower()


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with served(hello) as (_, port):
        assert await talk(port) == b""


async def test_a_head_that_drips_is_closed_although_bytes_keep_coming() -> None:
    async with served(hello) as (_, port):
        drops = [bytes([each]) for each in b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"]
        assert await talk(port, *drops, pause_s=0.02) == b""


async def test_a_second_head_that_drips_is_closed_too() -> None:
    async with served(hello) as (_, port):
        first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        drops = [bytes([each]) for each in b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"]
        answer = await talk(port, first, *drops, pause_s=0.02)
    assert answer.count(b"200 OK") == 1


async def test_a_slow_handler_is_no_slow_client() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.5)
        await hello(scope, receive, send)

    async with served(slow) as (_, port):
        assert b"hello" in await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


async def test_a_client_that_never_reads_is_cut_off() -> None:
    ended = asyncio.Event()

    async def endless(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(_disconnected(receive))
        while not gone.done():
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        ended.set()

    async with served(endless) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(ended.wait(), 10)
        writer.close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.mark.parametrize(
    "request_bytes, status",
    [
        (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 10_000 + b"\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"HELLO\r\n\r\n", b"400"),
    ],
    ids=["long header", "many headers", "TLS", "two lengths", "no method"],
)
async def test_what_is_no_request_is_told_so_and_closed(request_bytes: bytes, status: bytes) -> None:
    async with served(hello) as (_, port):
        answer = await talk(port, request_bytes)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 " + status)
        assert b"hello" in await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


async def test_more_connections_than_the_limit_get_503() -> None:
    async with served(hello, QUICK.model_copy(update={"connection_limit": 2, "header_timeout_s": 5})) as (_, port):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        answer = await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _, writer in idle:
            writer.close()
    assert answer.startswith(b"HTTP/1.1 503")


async def test_stopping_lets_a_request_end_and_takes_no_new_one() -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        entered.set()
        await go_on.wait()
        await hello(scope, receive, send)

    async with served(slow, QUICK.model_copy(update={"drain_timeout_s": 60})) as (server, port):
        under_way = asyncio.create_task(talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        await entered.wait()
        stopping = asyncio.create_task(server.stop())
        await _until(lambda: _refused(port))
        go_on.set()
        assert b"hello" in await under_way
        await stopping
        assert not server.running


async def test_stopping_does_not_wait_for_ever_for_a_request() -> None:
    async def stuck(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.sleep(3600)

    async with served(stuck, QUICK.model_copy(update={"drain_timeout_s": 0.1})) as (server, port):
        under_way = asyncio.create_task(talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(server.stop(), 10)
        await under_way


async def _refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - a closed port has no event to wait for
            await asyncio.sleep(0.01)
