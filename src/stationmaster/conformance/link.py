"""One connection of a station to a central system: a WebSocket, a `Session` in the station's role, and a timer.

The rule that shapes this file: the session decides, the link carries out. Tasks: one that reads; the
timer is a callback of the event loop. Whoever calls `call` waits for its answer, requests are
handed to `on_request` from the reader and are never waited for there.
"""

import asyncio
import base64
import json
import ssl
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.headers import build_authorization_basic
from websockets.typing import Subprotocol

from stationmaster.conformance.errors import (
    CallRefused,
    CallUnanswered,
    ConformanceError,
    ConnectionEnded,
    HandshakeRefused,
    InvalidAnswer,
)
from stationmaster.conformance.transcript import Transcript
from stationmaster.instants import Instant
from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.frames import MessageId
from stationmaster.ocpp.protocol import Protocol
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallAnswered, CallFailed, CallReceived, Close, Effect, Send
from stationmaster.session.session import Session
from stationmaster.session.settings import SessionSettings, Side

__all__ = ["Link", "Request", "Target", "now"]

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 2.0
ABNORMAL = 1006


def now() -> Instant:
    """The present."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Request:
    """A CALL of the central system. Owed one `answer` or `refuse`; `payload` in the words of the wire."""

    message_id: MessageId
    action: str
    payload: dict[str, Any]
    at: Instant


@dataclass(frozen=True, slots=True)
class Target:
    """Where a station connects to, and as whom.

    `url` is the endpoint without the identity (`ws://HOST:9000/ocpp`); the password is sent as bytes of
    its UTF-8 (handbook §4.2), None: no Authorization header.
    """

    url: str
    identity: str
    password: str | bytes | None = None
    subprotocols: Sequence[str] | None = None
    """None: that of the protocol; empty: no header at all."""
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ping_interval_s: float | None = None

    @property
    def full_url(self) -> str:
        """The connection URL (handbook §1.1)."""
        return f"{self.url.rstrip('/')}/{quote(self.identity, safe='')}"


class Link:
    """A connection that is open from `open` to `close`, or until the other end closes it."""

    def __init__(
        self,
        on_request: Callable[[Request], None],
        *,
        protocol: Protocol = V16,
        settings: SessionSettings | None = None,
        transcript: Transcript | None = None,
        on_text: Callable[[str], None] | None = None,
        on_effect: Callable[[Effect], None] | None = None,
    ) -> None:
        self.protocol = protocol
        self.transcript = transcript
        self.ended: asyncio.Future[ConnectionEnded] = asyncio.get_running_loop().create_future()
        """Done when the connection is over, whoever ended it."""
        self._session = Session(protocol, Side.STATION, settings or SessionSettings())
        self._on_request = on_request
        self._on_text = on_text
        self._on_effect = on_effect
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[str, asyncio.Future[CallAnswered | CallFailed]] = {}

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._socket is not None and not self.ended.done()

    @property
    def subprotocol(self) -> str | None:
        """What the central system chose."""
        return None if self._socket is None else self._socket.subprotocol

    async def open(self, target: Target) -> None:
        """Connect and begin to read. Raises `HandshakeRefused`."""
        self._note("--", f"connecting to {target.full_url}")
        self._socket = await _connect(target, self.protocol.name)
        self._note("--", f"connected, {self._socket.subprotocol}")
        self._reader = asyncio.create_task(self._read(self._socket))

    async def call(
        self, action: str, payload: Mapping[str, Any], *, timeout_s: float | None = None, message_id: str | None = None
    ) -> dict[str, Any]:
        """Ask, and wait for the payload of the CALLRESULT.

        Raises `CallRefused`, `CallUnanswered`, `InvalidAnswer`, or `OcppError` if the payload is not
        a proper request (then nothing was sent).
        """
        request = self.protocol.check_outgoing(action, payload)
        key = message_id or str(uuid.uuid4())
        answered: asyncio.Future[CallAnswered | CallFailed] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answered
        try:
            await self._carry_out(self._session.call(key, action, request, now(), message_id=key, timeout_s=timeout_s))
            outcome = await answered
        finally:
            self._waiting.pop(key, None)
        if isinstance(outcome, CallAnswered):
            return _members(outcome.payload)
        raise _failure(outcome)

    async def answer(self, request: Request, payload: Mapping[str, Any]) -> None:
        """Answer a request. Raises `OcppError` if the payload is not a proper response."""
        response = self.protocol.check_outgoing_response(request.action, payload)
        await self._carry_out(self._session.answer(request.message_id, response, now()))

    async def refuse(self, request: Request, code: ErrorCode, description: str = "") -> None:
        """Answer a request with a CALLERROR."""
        await self._carry_out(self._session.refuse(request.message_id, OcppError(code, description), now()))

    async def send_text(self, text: str) -> None:
        """Send any text at all, past the session. Raises `ConnectionEnded`."""
        await self._send(text)

    async def send_binary(self, data: bytes) -> None:
        """Send a binary frame. Raises `ConnectionEnded`."""
        await self._send(data)

    async def ping(self) -> float:
        """Send a WebSocket ping and wait for the pong; how long that took, in seconds."""
        if self._socket is None:
            raise ConnectionEnded(ABNORMAL, "not connected")
        return await (await self._socket.ping())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close in order."""
        if self._socket is not None:
            await self._socket.close(code, reason)
        await self._finish()

    async def sever(self) -> None:
        """Drop the connection without a word, as when the network is gone."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self._finish()

    # Inside.

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                if isinstance(message, str):
                    self._note("<<", message)
                    if self._on_text is not None:
                        self._on_text(message)
                    await self._carry_out(self._session.receive(message, now()))
                else:
                    self._note("<<", f"(binary) {message!r}")
                    await self._carry_out(self._session.receive_binary(message, now()))
        except ConnectionClosed:
            pass
        finally:
            self._over(socket)

    def _over(self, socket: ClientConnection) -> None:
        if self._timer is not None:
            self._timer.cancel()
        code, reason = socket.close_code or ABNORMAL, socket.close_reason or ""
        self._note("--", f"closed ({code}{': ' + reason if reason else ''})")
        if not self.ended.done():
            self.ended.set_result(ConnectionEnded(code, reason))
        self._take(self._session.closed(now()))

    async def _finish(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def _carry_out(self, effects: list[Effect]) -> None:
        """Do what the session orders, in its order; an ended connection fails what waits by itself."""
        for effect in effects:
            if isinstance(effect, Send):
                try:
                    await self._send(effect.text)
                except ConnectionEnded:
                    break
            elif isinstance(effect, Close) and self._socket is not None:
                await self._socket.close(effect.code, effect.reason)
        self._take(effects)
        self._arm()

    def _take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, CallAnswered | CallFailed):
                waiting = self._waiting.get(effect.key)
                if waiting is not None and not waiting.done():
                    waiting.set_result(effect)
            elif isinstance(effect, CallReceived):
                members = _members(effect.payload)
                self._on_request(Request(effect.message_id, effect.action, members, effect.received_at))
            if self._on_effect is not None:
                self._on_effect(effect)

    async def _send(self, message: str | bytes) -> None:
        if self._socket is None:
            raise ConnectionEnded(ABNORMAL, "not connected")
        try:
            self._note(">>", message if isinstance(message, str) else f"(binary) {message!r}")
            await self._socket.send(message)
        except ConnectionClosed:
            raise ConnectionEnded(self._socket.close_code or ABNORMAL, self._socket.close_reason or "") from None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._session.next_deadline()
        if deadline is not None and not self.ended.done():
            delay_s = max(0.0, (deadline - now()) / 1_000_000)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._ticking = asyncio.ensure_future(self._carry_out(self._session.tick(now())))

    def _note(self, direction: Any, text: str) -> None:
        if self.transcript is not None:
            self.transcript.add(now(), direction, text)


class _Direct(connect):
    """A station goes where it was told to and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Whoever sends us elsewhere has refused us."""
        return exc


async def _connect(target: Target, protocol_name: str) -> ClientConnection:
    names = [protocol_name] if target.subprotocols is None else target.subprotocols
    headers = dict(target.headers)
    if target.password is not None:
        headers["Authorization"] = _basic(target.identity, target.password)
    try:
        return await _Direct(
            target.full_url,
            subprotocols=[Subprotocol(name) for name in names] or None,
            additional_headers=headers,
            compression=None,
            ssl=target.tls,
            proxy=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=target.ping_interval_s,
            max_size=16 * 1024 * 1024,
        )
    except InvalidStatus as refused:
        response = refused.response
        reason = response.reason_phrase
        raise HandshakeRefused(response.status_code, reason, dict(response.headers.raw_items())) from None
    except (InvalidURI, UnicodeError, OverflowError) as error:  # such as a name that no resolver takes
        raise HandshakeRefused(0, f"{target.full_url}: {error}") from None
    except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
        raise HandshakeRefused(0, f"{target.full_url}: {str(error) or type(error).__name__}") from error


def _basic(identity: str, password: str | bytes) -> str:
    if isinstance(password, str):
        return build_authorization_basic(identity, password)
    return f"Basic {base64.b64encode(identity.encode() + b':' + password).decode()}"


def _members(payload: bytes) -> dict[str, Any]:
    members = json.loads(payload)
    return members if isinstance(members, dict) else {}


def _failure(failed: CallFailed) -> ConformanceError:
    if failed.state == "error":
        details = json.loads(failed.payload) if failed.payload else None
        return CallRefused(failed.action, failed.code, failed.description, details)
    if failed.state == "invalid_response":
        return InvalidAnswer(failed.action, failed.description, failed.payload)
    return CallUnanswered(failed.action, failed.state, failed.description)
