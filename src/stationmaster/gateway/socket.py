"""One TCP connection of a station: an asyncio protocol that reads a request, then frames.

The rule that shapes this file: it decides nothing. Until `accept` or `refuse` is called it has no
more than one request; after that it carries messages between the wire and its `Listener`. It has
no task of its own; a connection that is idle is a few objects and a socket.
"""

import asyncio
import email.utils
import http
import socket as sockets
import sys
from collections.abc import Callable
from struct import Struct
from typing import Any, Final, Protocol

from websockets.utils import accept_key

from stationmaster.gateway.requests import (
    BadRequest,
    HandshakeRequest,
    RequestLimits,
    head_length,
    parse_request,
    target_of,
)
from stationmaster.gateway.wire import Binary, Wire

__all__ = ["Conversation", "Outbox", "StationSocket"]

WRITE_HIGH_WATER: Final = 65536
_LINGER_S: Final = 2.0
_TCP_INFO: Final[int | None] = getattr(sockets, "TCP_INFO", None) if sys.platform == "linux" else None
_BYTES_ACKED_AT: Final = 120
"""Where Linux keeps `tcpi_bytes_acked` in its `struct tcp_info`, which only ever grows at its end."""
_BYTES_ACKED: Final = Struct("=Q")


class Conversation(Protocol):
    """Who is told what happens on an accepted socket. Nothing of this may block or raise.

    Messages that came together with one that made the owner close are still told, and are to be ignored.
    """

    def text_received(self, text: str) -> None:
        """A message arrived."""

    def binary_received(self, data: bytes) -> None:
        """A binary message arrived; `data` is its beginning."""

    def broken_received(self, data: bytes, reason: str) -> None:
        """What arrived is no message, and ends the conversation; `data` is its beginning."""

    def heard(self, frames: int) -> None:
        """So many frames of any kind arrived; called before their content is told."""

    def partly_heard(self, size: int) -> None:
        """So many bytes arrived, and the frame that they are part of is not whole yet."""

    def write_paused(self) -> None:
        """The peer does not read; what is sent now gathers in memory."""

    def write_resumed(self) -> None:
        """The peer reads again."""

    def disconnected(self, code: int, reason: str) -> None:
        """The conversation has ended; told once."""


class Outbox:
    """The sockets that have something to say, shared by those of a gateway.

    What one turn of the event loop says to many stations is sent in one go at the end of it: a commit answers dozens
    at once, and system calls in a row cost less than the same ones scattered among other work.
    """

    __slots__ = ("_loop", "_sockets")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sockets: list[StationSocket] = []

    def add(self, socket: "StationSocket") -> None:
        """Have a socket flushed before anything else happens that is caused from now on."""
        if not self._sockets:
            self._loop.call_soon(self._send)
        self._sockets.append(socket)

    def _send(self) -> None:
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            socket.flush()


class StationSocket(asyncio.Protocol):
    """A socket from its opening to its end.

    `on_request(socket, request)` is called once, with the request or the reason why there is none;
    the owner answers with `accept` or `refuse`, at any later time. `on_lost(socket)` is called
    when the TCP connection has gone, whatever it has come to.
    """

    __slots__ = (
        "_asked",
        "_ending",
        "_head",
        "_limits",
        "_listener",
        "_loop",
        "_lost",
        "_on_lost",
        "_on_request",
        "_outbox",
        "_reading_paused",
        "_timer",
        "_told",
        "_transport",
        "_wire",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        limits: RequestLimits,
        handshake_timeout_s: float,
        on_request: Callable[["StationSocket", HandshakeRequest | BadRequest], None],
        on_lost: Callable[["StationSocket"], None],
    ) -> None:
        self._loop = loop
        self._outbox = outbox
        self._limits = limits
        self._on_request = on_request
        self._on_lost = on_lost
        self._head: bytearray | None = bytearray()
        self._transport: Any = None
        self._wire: Wire | None = None
        self._listener: Conversation | None = None
        self._timer: asyncio.TimerHandle | None = loop.call_later(handshake_timeout_s, self._too_late)
        self._asked = False
        self._reading_paused = False
        self._ending = False
        self._lost = False
        self._told = False

    # What the owner does.

    @property
    def is_lost(self) -> bool:
        """Whether the TCP connection has gone, or is going."""
        return self._lost or self._transport is None or self._transport.is_closing()

    @property
    def remote_address(self) -> str:
        """The address of the peer."""
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(peer[0]) if isinstance(peer, tuple) else ""

    @property
    def taken(self) -> int:
        """How many bytes the peer has taken; only its growth has a meaning.

        What TCP has had acknowledged tells it to the byte. Where the system does not count that, what is left to be
        written does, in larger steps.
        """
        if self.is_lost:
            return 0
        unsent = int(self._transport.get_write_buffer_size())
        raw = self._transport.get_extra_info("socket")
        if raw is None or raw.family not in (sockets.AF_INET, sockets.AF_INET6) or _TCP_INFO is None:
            return -unsent
        told = raw.getsockopt(sockets.IPPROTO_TCP, _TCP_INFO, _BYTES_ACKED_AT + _BYTES_ACKED.size)
        return (_BYTES_ACKED.unpack_from(told, _BYTES_ACKED_AT)[0] if len(told) > _BYTES_ACKED_AT else 0) - unsent

    def accept(
        self,
        request: HandshakeRequest,
        subprotocol: str | None,
        listener: Conversation,
        wire: Wire,
        extension: str | None,
    ) -> None:
        """Answer 101 and begin to carry messages, of which the first may be told at once.

        `extension` is the agreed `Sec-WebSocket-Extensions`, if any.
        """
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_key(request.values('sec-websocket-key')[0])}",
        ]
        if subprotocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
        if extension is not None:
            lines.append(f"Sec-WebSocket-Extensions: {extension}")
        early = bytes(self._head or b"")
        self._head = None
        self._stop_timer()
        self._listener = listener
        self._wire = wire
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        self._transport.resume_reading()
        if early:
            self.data_received(early)

    def refuse(self, status: int, headers: tuple[tuple[str, str], ...], text: str = "") -> None:
        """Answer with an HTTP status and end. What still arrives is thrown away, so that the answer gets through."""
        if self.is_lost:
            return
        self._head = None
        self._ending = True
        body = f"{status} {http.HTTPStatus(status).phrase}\n{text}".encode()
        lines = [
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
            f"Date: {email.utils.formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in headers),
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        self._transport.resume_reading()
        self._finish_writing(_LINGER_S)

    def send_text(self, text: str) -> None:
        """Send a message; it is dropped if the conversation has ended."""
        wire = self._wire
        if wire is not None and not self._lost:
            if not wire.out:
                self._outbox.add(self)
            wire.send_text(text)

    def flush(self) -> None:
        """Send what has been said."""
        wire = self._wire
        if wire is not None and wire.out and not self._lost:
            self._flush(wire)

    def send_ping(self) -> None:
        """Ask for a sign of life."""
        if self._wire is not None and not self.is_lost:
            self._wire.send_ping()
            self._flush(self._wire)

    def close(self, code: int, reason: str, timeout_s: float) -> None:
        """Say goodbye; the TCP connection is cut when the peer has not answered in time."""
        self._told = True
        if self._wire is None or self.is_lost:
            self.abort()
            return
        if not self._ending:
            self._wire.send_close(code, reason)
            self._ending = True
            self._flush(self._wire)
        self.resume_reading()
        self._stop_timer()
        self._timer = self._loop.call_later(timeout_s, self.abort)

    def hand_over(self, listener: Conversation) -> None:
        """Tell somebody else from now on."""
        self._listener = listener

    def abort(self) -> None:
        """Cut the TCP connection."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        """Let the peer wait: TCP will tell it."""
        if not self._reading_paused and not self.is_lost:
            self._reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take messages again."""
        if self._reading_paused and not self.is_lost:
            self._reading_paused = False
            self._transport.resume_reading()

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`. TCP's own keep-alive backs up the pings, which can be switched off."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (sockets.AF_INET, sockets.AF_INET6):
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        wire, listener = self._wire, self._listener
        if wire is None or listener is None:
            self._read_head(data)
            return
        text = wire.whole_text(data)
        if text is not None:
            listener.heard(1)
            listener.text_received(text)
            return
        heard = wire.heard
        messages = wire.receive(data)
        if wire.heard != heard:
            listener.heard(wire.heard - heard)
        else:
            listener.partly_heard(len(data))
        for message in messages:
            if isinstance(message, Binary):
                listener.binary_received(message.data)
            else:
                listener.text_received(message)
        if wire.out and not self.is_lost:
            self._flush(wire)
        if wire.finished:
            if wire.broken is not None:
                listener.broken_received(wire.broken, f"{wire.close_code} {wire.close_reason}")
                wire.broken = None
            self._finished(wire)

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`: false lets the transport close itself."""
        if self._wire is not None:
            self._wire.receive_eof()
            self._wire.out.clear()
            self._finished(self._wire)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._lost = True
        self._stop_timer()
        if self._wire is not None:
            self._tell(self._wire.close_code, self._wire.close_reason)
        self._on_lost(self)

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        if self._listener is not None:
            self._listener.write_paused()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        if self._listener is not None:
            self._listener.write_resumed()

    # Inside.

    def _read_head(self, data: bytes) -> None:
        if self._head is None:  # a refused peer that is still talking
            return
        self._head += data
        request: HandshakeRequest | BadRequest
        head = b""
        try:
            length = head_length(self._head, self._limits)
            if length is None:
                return
            head = bytes(self._head[:length])
            del self._head[:length]
            request = parse_request(head, self._limits, self.remote_address, self._certificate())
        except BadRequest as error:
            error.target = target_of(head or self._head)
            request = error
        self._ask(request)

    def _ask(self, request: HandshakeRequest | BadRequest) -> None:
        self._asked = True
        self._transport.pause_reading()
        self._on_request(self, request)

    def _too_late(self) -> None:
        """The head is not whole, or not decided about, in time. Whoever has said something is told why."""
        self._timer = None
        if not self._head or self._asked or self.is_lost:
            self.abort()
            return
        self._ask(BadRequest(408, "the head of the request did not end in time", target_of(self._head)))

    def _certificate(self) -> bytes | None:
        tls = self._transport.get_extra_info("ssl_object")
        return None if tls is None else tls.getpeercert(binary_form=True)

    def _flush(self, wire: Wire) -> None:
        out, wire.out = wire.out, []
        transport = self._transport
        if transport.is_closing():
            return
        if len(out) == 1 and out[0]:
            transport.write(out[0])
            return
        data = b"".join(out)
        if data:
            transport.write(data)
        if out and not out[-1]:
            self._finish_writing(_LINGER_S)

    def _finish_writing(self, linger_s: float) -> None:
        """No more will be written: half-close where the transport can, and cut the connection a little later."""
        self._stop_timer()
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._timer = self._loop.call_later(linger_s, self.abort)
            self._transport.write_eof()
        else:
            self._transport.close()

    def _finished(self, wire: Wire) -> None:
        self._ending = True
        self._tell(wire.close_code, wire.close_reason)

    def _tell(self, code: int, reason: str) -> None:
        if not self._told and self._listener is not None:
            self._told = True
            self._listener.disconnected(code, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
