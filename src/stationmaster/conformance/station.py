"""A station that follows a script: the base of every test of a central system.

    async with ScriptedStation(url, "CP7", password="...") as station:
        response = await station.call("BootNotification", {...})
        request = await station.expect("RemoteStartTransaction")
        await station.reply(request, {"status": "Accepted"})

The rule that shapes this file: every message of the central system is held against the schema,
strictly, and nothing that it says goes unnoticed. A request that breaks the protocol is answered
with a CALLERROR and noted in `violations`; a block that ends without fault raises for violations
and for requests that nobody expected.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from stationmaster.conformance.errors import BrokenRule, ConnectionEnded, NothingCame, UnexpectedRequest
from stationmaster.conformance.link import Link, Request, Target
from stationmaster.conformance.transcript import Transcript
from stationmaster.ocpp.errors import ErrorCode
from stationmaster.ocpp.frames import MessageId
from stationmaster.ocpp.protocol import Protocol
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import Effect, FrameSeen
from stationmaster.session.settings import SessionSettings

__all__ = ["Request", "ScriptedStation"]

T = TypeVar("T")

PATIENCE_S = 30.0
"""How long to wait for an answer or a request (handbook §5.0: plan for at least 30 s)."""


class ScriptedStation:
    """A station that says and answers exactly what it is told to.

    Entering connects (raises `HandshakeRefused`), leaving closes the connection. `transcript` holds every
    frame over all connections of this station, `violations` what the central system did wrong.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        *,
        password: str | bytes | None = None,
        subprotocols: Sequence[str] | None = None,
        tls: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        patience_s: float = PATIENCE_S,
        protocol: Protocol = V16,
    ) -> None:
        self.target = Target(url, identity, password, subprotocols, tls, headers or {})
        self.identity = identity
        self.protocol = protocol
        self.patience_s = patience_s
        self.transcript = Transcript()
        self.violations: list[str] = []
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._refused: set[MessageId] = set()
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._link: Link | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.disconnect()
        if error is None:
            self.check()

    # The connection.

    async def connect(self) -> None:
        """Connect, also again after `disconnect` or `sever`. Raises `HandshakeRefused`."""
        link = Link(
            self._requests.put_nowait,
            protocol=self.protocol,
            settings=SessionSettings(strict=True, call_timeout_s=self.patience_s),
            transcript=self.transcript,
            on_text=self._texts.put_nowait,
            on_effect=self._watch,
        )
        await link.open(self.target)
        self._link = link

    async def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection in order; harmless when there is none."""
        if self._link is not None:
            await self._link.close(code, reason)

    async def sever(self) -> None:
        """Lose the connection without a closing handshake."""
        await self.link.sever()

    async def closed(self, *, within_s: float | None = None) -> ConnectionEnded:
        """Wait until the central system closes the connection; how it did. Raises `NothingCame`."""
        limit = self.patience_s if within_s is None else within_s
        try:
            return await asyncio.wait_for(asyncio.shield(self.link.ended), limit)
        except TimeoutError:
            raise NothingCame(f"the connection was not closed within {limit:g} s") from None

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
        return self._link is not None and self._link.is_open

    @property
    def link(self) -> Link:
        """The present connection, or the last. Raises `ConnectionEnded` before the first."""
        if self._link is None:
            raise ConnectionEnded(1006, "never connected")
        return self._link

    # The station asks.

    async def call(
        self,
        action: str,
        payload: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        message_id: str | None = None,
    ) -> dict[str, Any]:
        """Send a CALL and return the payload of its CALLRESULT, which keeps to the schema.

        Raises `CallRefused`, `CallUnanswered`, `InvalidAnswer`; `OcppError` if the script itself is wrong.
        """
        return await self.link.call(action, payload or {}, timeout_s=timeout_s, message_id=message_id)

    async def say(self, text: str) -> None:
        """Send any text, proper or not."""
        await self.link.send_text(text)

    async def hear(self, *, within_s: float | None = None) -> str:
        """The next text of the central system, whatever it is. Raises `NothingCame`, `ConnectionEnded`."""
        limit = self.patience_s if within_s is None else within_s
        text = await self._next_of(self._texts, limit)
        if text is None:
            raise NothingCame(f"the central system said nothing within {limit:g} s")
        return text

    async def ask(self, text: str, *, within_s: float | None = None) -> str:
        """Send any text and return the next text that comes."""
        while not self._texts.empty():
            self._texts.get_nowait()
        await self.say(text)
        return await self.hear(within_s=within_s)

    # The central system asks.

    async def expect(self, action: str, *, within_s: float | None = None) -> Request:
        """The next request, which must be this one.

        Raises `NothingCame`, `UnexpectedRequest`, `ConnectionEnded`; `BrokenRule` when one came that breaks the
        protocol and was refused, since it may well have been this one.
        """
        limit = self.patience_s if within_s is None else within_s
        request = await self._next_of(self._requests, limit, self._broken)
        if request is None:
            raise NothingCame(f"{action} did not come within {limit:g} s")
        if request.action != action:
            raise UnexpectedRequest(f"expected {action}, got {request.action} {request.payload}")
        return request

    async def reply(self, request: Request, payload: Mapping[str, Any]) -> None:
        """Answer a request."""
        await self.link.answer(request, payload)

    async def refuse(self, request: Request, code: ErrorCode, description: str = "") -> None:
        """Answer a request with a CALLERROR."""
        self._refused.add(request.message_id)
        await self.link.refuse(request, code, description)

    async def obey(self, action: str, payload: Mapping[str, Any], *, within_s: float | None = None) -> Request:
        """Expect a request and answer it; returns the request."""
        request = await self.expect(action, within_s=within_s)
        await self.reply(request, payload)
        return request

    async def silence(self, duration_s: float) -> None:
        """Nothing may be asked for so long. Raises `UnexpectedRequest`."""
        request = await self._next_of(self._requests, duration_s)
        if request is not None:
            raise UnexpectedRequest(f"nothing was expected, but {request.action} {request.payload} came")

    def check(self) -> None:
        """Nothing wrong was said, nothing unexpected was asked. Raises `BrokenRule`, `UnexpectedRequest`."""
        if self.violations:
            raise BrokenRule("; ".join(self.violations))
        if not self._requests.empty():
            request = self._requests.get_nowait()
            raise UnexpectedRequest(f"{request.action} {request.payload} came and was not expected")

    # Inside.

    async def _next_of(
        self, queue: "asyncio.Queue[T]", limit_s: float, broken: "asyncio.Future[str] | None" = None
    ) -> T | None:
        """The next entry, None when the time is over. Raises `ConnectionEnded`, and `BrokenRule` with `broken`."""
        getting = asyncio.ensure_future(queue.get())
        watched: set[asyncio.Future[Any]] = {getting, self.link.ended}
        if broken is not None:
            watched.add(broken)
        try:
            await asyncio.wait(watched, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
        finally:
            # Also when the waiting itself is broken off: nobody else would see the next entry.
            getting.cancel()
        if broken is not None and broken.done():
            raise BrokenRule(broken.result())
        if self.link.ended.done():
            raise self.link.ended.result()
        return None

    def _watch(self, effect: Effect) -> None:
        if not isinstance(effect, FrameSeen) or effect.direction != "in":
            return
        if effect.kind == "call" and effect.answer_kind == "call_error" and effect.message_id not in self._refused:
            self.violations.append(f"a request breaks the protocol ({effect.error_code}): {effect.text}")
            if not self._broken.done():
                self._broken.set_result(self.violations[-1])
        elif effect.kind in ("unreadable", "ignored", "binary"):
            self.violations.append(f"a frame is no message ({effect.kind}): {effect.text}")
        elif effect.kind in ("call_result", "call_error") and not effect.answers:
            self.violations.append(f"an answer to nothing: {effect.text}")
