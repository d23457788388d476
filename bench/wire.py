"""A WebSocket client that costs next to nothing, so that a load generator does not starve what it measures.

Frames are masked with the key 0,0,0,0 (RFC 6455 §5.3 asks for a mask, not for a secret one
between two processes of a benchmark), so the payload needs no work; the server must still unmask it.
Only what a central system sends is understood: whole text frames, ping, close.
"""

import asyncio
import base64
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

__all__ = ["Wire", "frame", "upgrade_request"]

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
_NO_MASK = b"\x00\x00\x00\x00"
_LONGEST_HEAD = 16384


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """One masked client frame, the payload as it is (at most 64 KiB)."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, 0x80 | length)) + _NO_MASK + payload
    return bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2) + _NO_MASK + payload


def upgrade_request(url: str, password: str | None) -> bytes:
    """The HTTP request of a station at `url`, whose last segment is its identity (handbook §1.1, §4.2)."""
    parts = urlsplit(url)
    identity = parts.path.rsplit("/", 1)[1]
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: c3RhdGlvbm1hc3RlcmJlbg==",
        "Sec-WebSocket-Protocol: ocpp1.6",
    ]
    if password is not None:
        credentials = base64.b64encode(f"{identity}:{password}".encode()).decode()
        lines.append(f"Authorization: Basic {credentials}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Wire(asyncio.Protocol):
    """One station's socket. `opened`, `received` and `lost` are called from the event loop.

    `lost(status)`: the HTTP status of a refused handshake, or 0 for a connection that ended.
    """

    __slots__ = ("_buffer", "_lost", "_opened", "_received", "_request", "_status", "_upgraded", "transport")

    def __init__(
        self,
        request: bytes,
        opened: Callable[[], None],
        received: Callable[[bytes], None],
        lost: Callable[[int], None],
    ) -> None:
        self._request = request
        self._opened = opened
        self._received = received
        self._lost = lost
        self._buffer = b""
        self._status = 0
        self._upgraded = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Hand on each whole text frame."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if not self._upgraded:
            rest = self._upgrade(data)
            if rest is None:
                return
            data = rest
        while len(data) >= 2:
            length = data[1]
            start = 2
            if length == 126:
                if len(data) < 4:
                    break
                length = int.from_bytes(data[2:4])
                start = 4
            elif length == 127:
                if len(data) < 10:
                    break
                length = int.from_bytes(data[2:10])
                start = 10
            end = start + length
            if len(data) < end:
                break
            self._frame(data[0] & 0x0F, data[start:end])
            data = data[end:]
        self._buffer = data

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whether it was a refusal or an end."""
        self.transport = None
        self._lost(self._status)

    def send(self, payload: bytes) -> None:
        """Send one text frame; silently nothing on a closed socket."""
        if self.transport is not None:
            self.transport.write(frame(payload))

    def close(self) -> None:
        """Say goodbye and close (1000)."""
        if self.transport is not None:
            self.transport.write(frame((1000).to_bytes(2), _CLOSE))
            self.transport.close()

    def sever(self) -> None:
        """Vanish without a word, as when the mobile network drops."""
        if self.transport is not None:
            self.transport.abort()

    def _upgrade(self, data: bytes) -> bytes | None:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            self._buffer = data
            if len(data) > _LONGEST_HEAD:
                self.sever()
            return None
        status = int(head[9:12])
        if status != 101:
            self._status = status
            self.sever()
            return None
        self._upgraded = True
        self._opened()
        return rest

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._received(payload)
        elif opcode == _PING and self.transport is not None:
            self.transport.write(frame(payload, 0xA))
        elif opcode == _CLOSE:
            self.close()
