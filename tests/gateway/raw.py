"""A station made of nothing but a TCP connection: it can say anything, right or wrong."""

import asyncio
import json
import struct
from typing import Any, Self

__all__ = ["CLOSE", "PING", "PONG", "TEXT", "RawStation", "frame", "upgrade"]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x11\x22\x33\x44"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The pair of RFC 6455 §1.3."""


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """A client frame. `length` lies about the payload."""
    head = bytes(((0x80 if fin else 0) | (rsv << 4) | opcode,))
    size = len(payload) if length is None else length
    mark = 0x80 if masked else 0
    if size < 126:
        head += bytes((mark | size,))
    elif size < 65536:
        head += bytes((mark | 126,)) + struct.pack("!H", size)
    else:
        head += bytes((mark | 127,)) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    repeated = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    return head + MASK + (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))


def upgrade(target: str = "/ocpp/CP1", **changes: str | None) -> bytes:
    """A handshake request. Header names are written with `_`; None leaves one out."""
    headers: dict[str, str | None] = {
        "Host": "csms.example.com",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": KEY,
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Protocol": "ocpp1.6",
        **changes,
    }
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Response:
    """An HTTP response."""

    def __init__(self, head: bytes) -> None:
        first, *rest = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers: dict[str, str] = {}
        for line in rest:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()


class RawStation:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, address: str | None = None) -> Self:
        """From `address`, or from any."""
        local = None if address is None else (address, 0)
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=8_000_000, local_addr=local))

    # Speaking.

    async def send(self, data: bytes) -> None:
        """Bytes, as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def say(self, message: str | list[Any]) -> None:
        """A text frame; a list is written as JSON."""
        text = message if isinstance(message, str) else json.dumps(message)
        await self.send(frame(text.encode("utf-8", "surrogatepass")))

    async def request(self, data: bytes) -> Response:
        """Send a request and read the head of the response."""
        await self.send(data)
        return await self.response()

    async def open(self, identity: str = "CP1", **headers: str) -> Response:
        """A handshake that succeeds."""
        response = await self.request(upgrade(f"/ocpp/{identity}", **headers))
        assert response.status == 101, response.status
        assert response.headers["sec-websocket-accept"] == ACCEPT
        return response

    def drop(self) -> None:
        """Hang up without a word."""
        self.writer.transport.abort()

    # Listening.

    async def response(self) -> Response:
        head = await self._within(self.reader.readuntil(b"\r\n\r\n"))
        return Response(head.removesuffix(b"\r\n\r\n"))

    async def frame(self, within_s: float = 5.0) -> tuple[int, bytes]:
        """The next frame of the server: opcode and payload."""
        head, mark = await self._within(self.reader.readexactly(2), within_s)
        assert mark < 0x80, "a server never masks"
        assert head & 0x70 == 0, "no reserved bit is set"
        length = mark
        if mark == 126:
            length = int.from_bytes(await self.reader.readexactly(2))
        elif mark == 127:
            length = int.from_bytes(await self.reader.readexactly(8))
        return head & 0x0F, await self._within(self.reader.readexactly(length))

    async def hear(self, within_s: float = 5.0) -> Any:
        """The next message, decoded; pings are answered on the way."""
        while True:
            opcode, payload = await self.frame(within_s)
            if opcode == PING:
                await self.send(frame(payload, PONG))
                continue
            assert opcode == TEXT, (opcode, payload)
            return json.loads(payload)

    async def closed(self, within_s: float = 5.0) -> tuple[int | None, str]:
        """Wait for the end: the code and reason of the close frame (None without one), then end of stream."""
        code: int | None = None
        reason = ""
        try:
            while True:
                opcode, payload = await self.frame(within_s)
                if opcode == CLOSE:
                    code = int.from_bytes(payload[:2]) if payload else 1005
                    reason = payload[2:].decode()
                    await self.send(frame(payload[:2], CLOSE))
        except (asyncio.IncompleteReadError, ConnectionError):
            return code, reason

    async def call(self, message: list[Any]) -> Any:
        """Say something and hear the answer."""
        await self.say(message)
        return await self.hear()

    @staticmethod
    async def _within(awaitable: Any, within_s: float = 5.0) -> Any:
        async with asyncio.timeout(within_s):
            return await awaitable
