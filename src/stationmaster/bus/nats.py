"""The bus of many nodes, over NATS core.

Three traps shape this file (each is proven in `tests/bus`):

- nats-py buffers what is published while the broker is away and sends it late. A RemoteStart
  that is minutes late is dangerous, so nothing is buffered (`pending_size=0`) and every
  request carries its deadline, after which nobody acts on it.
- Two subscribers of one subject both get a request. So whoever begins to serve a subject first
  asks who serves it now to let go; requests carry the epoch of the connection that is
  meant, an older responder answers "stale" without acting, and the one who acts says "working"
  at once, so that the asker knows whom to wait for.
- The library's own reply subscription can die as a slow consumer, unseen. Replies come to an
  inbox of our own whose callback never waits, without a limit that could be passed.

What can be done within this node is done without the broker, so a node whose broker is away
still commands its own stations.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

import msgspec
import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from stationmaster.bus.contract import (
    BusTimeout,
    HandlerFailed,
    Listener,
    MessageTooLarge,
    NoResponder,
    Overloaded,
    Replaced,
    RequestHandler,
    Unreachable,
)
from stationmaster.bus.memory import MemoryBus, Responder
from stationmaster.instants import Instant

__all__ = ["NatsBus"]

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 10.0
TAKE_OVER_TIMEOUT_S = 1.0
"""How long the one who served a subject before has to let go; one that hangs cannot act either."""
STALE_GRACE_S = 0.25
"""How long to wait for a newer responder to say "working" after an old one has said "stale"."""
LATE_REQUEST_GRACE_S = 0.25
"""How long requests are heard that come after the broker has confirmed the end of a subscription."""


class _Request(msgspec.Struct, frozen=True, array_like=True):
    """The envelope of a request; `kind` "take_over" asks to let go of the subject, and its message is who asks."""

    kind: Literal["request", "take_over"]
    deadline: Instant
    epoch: int
    message: bytes


class _Reply(msgspec.Struct, frozen=True, array_like=True):
    """The envelope of an answer; `message` is the answer, or the error in words.

    "working" and "stale" are not the last word: more may follow, from the same or from another.
    """

    outcome: Literal["working", "answer", "failed", "overloaded", "stale", "late", "released", "kept"]
    message: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(_Request).decode
_decode_reply = msgspec.msgpack.Decoder(_Reply).decode

_NOBODY = _Reply("kept", b"no responder")


class NatsBus:
    """A `Bus` over a NATS broker. Make one with `NatsBus.connect`."""

    def __init__(self, clock: Callable[[], Instant], reconnected: Callable[[], None] | None = None) -> None:
        self._clock = clock
        self._reconnected = reconnected
        self._client = Client()
        self._here = MemoryBus()
        self._inbox = f"_INBOX.stationmaster.{secrets.token_hex(12)}"
        self._replies: dict[str, asyncio.Queue[_Reply]] = {}
        self._served: dict[str, Subscription] = {}
        self._interest: Counter[str] = Counter()
        self._lost = 0

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        clock: Callable[[], Instant],
        reconnected: Callable[[], None] | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> "NatsBus":
        """Connect to the broker at `url`; `reconnected` is called when it is back after an absence.

        Raises:
            Unreachable: there is no broker at `url` within `connect_timeout_s`.
        """
        bus = cls(clock, reconnected)
        try:
            async with asyncio.timeout(connect_timeout_s):
                await bus._open(url)
        except (TimeoutError, OSError, nats.errors.Error) as error:
            with suppress(Exception):
                await bus._client.close()
            raise Unreachable(f"no NATS broker answers at {_without_password(url)}") from error
        return bus

    async def publish(self, subject: str, message: bytes) -> None:
        """See `Bus.publish`."""
        self._here.deliver(subject, message)
        try:
            await self._client.publish(subject, message)
        except (nats.errors.Error, OSError):
            self._lost += 1

    def tell_here(self, subject: str, message: bytes) -> None:
        """Give `message` to the listeners of this node only."""
        self._here.deliver(subject, message)

    async def request(self, subject: str, message: bytes, timeout_s: float, *, epoch: int = 0) -> bytes:
        """See `Bus.request`."""
        if self._here.responder_of(subject, epoch) is not None:
            return await self._here.request(subject, message, timeout_s, epoch=epoch)
        deadline = self._clock() + int(timeout_s * 1_000_000)
        reply = await self._ask(subject, _Request("request", deadline, epoch, message), timeout_s)
        match reply.outcome:
            case "answer":
                return reply.message
            case "failed":
                raise HandlerFailed(reply.message.decode(errors="replace"))
            case "overloaded":
                raise Overloaded(subject)
            case "late":
                raise BusTimeout(subject, timeout_s)
        raise NoResponder(subject)

    @asynccontextmanager
    async def serve(
        self,
        subject: str,
        handler: RequestHandler,
        *,
        epoch: int = 0,
        replaced: Replaced | None = None,
        introduction: bytes = b"",
    ) -> AsyncIterator[None]:
        """See `Bus.serve`."""
        responder = Responder(handler, epoch, replaced, introduction)
        # Shown first: the broker works in order, so the answer to the take-over proves that it knows us.
        await self._show(subject)
        if await self._take_over(subject, epoch, introduction):
            self._here.take(subject, responder)
        else:
            self._here.tell_replaced(responder, b"")
        try:
            yield
        finally:
            self._here.leave(subject, responder)
            self._hide(subject)

    @asynccontextmanager
    async def subscribe(self, pattern: str, listener: Listener) -> AsyncIterator[None]:
        """See `Bus.subscribe`."""
        async with self._here.listen(pattern, listener) as listening:

            async def arrived(message: Msg) -> None:
                listening.offer(message.subject, message.data)

            subscription = await self._client.subscribe(pattern, cb=arrived)
            try:
                yield
            finally:
                with suppress(nats.errors.Error, OSError):
                    await subscription.unsubscribe()

    async def close(self) -> None:
        """See `Bus.close`."""
        await self._here.close()
        with suppress(nats.errors.Error, OSError):
            await self._client.close()

    @property
    def connected(self) -> bool:
        """See `Bus.connected`."""
        return bool(self._client.is_connected)

    @property
    def lost(self) -> int:
        """See `Bus.lost`."""
        return self._lost + self._here.lost

    # Inside: the connection.

    async def _open(self, url: str) -> None:
        await self._client.connect(
            url,
            name="stationmaster",
            pending_size=0,
            no_echo=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=20,
            connect_timeout=2,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
        )
        await self._client.subscribe(f"{self._inbox}.*", cb=self._replied, pending_msgs_limit=0, pending_bytes_limit=0)

    async def _on_error(self, error: Exception) -> None:
        log.debug("bus.error", error=f"{type(error).__name__}: {error}")

    async def _on_disconnected(self) -> None:
        log.warning("bus.disconnected")

    async def _on_reconnected(self) -> None:
        log.info("bus.reconnected")
        if self._reconnected is not None:
            self._reconnected()

    # Inside: asking.

    async def _ask(self, subject: str, request: _Request, timeout_s: float) -> _Reply:
        """Send a request and wait for the last word of the newest responder."""
        token = secrets.token_hex(8)
        replies: asyncio.Queue[_Reply] = asyncio.Queue()
        self._replies[token] = replies
        try:
            await self._send(subject, _encode(request), f"{self._inbox}.{token}")
            async with asyncio.timeout(timeout_s):
                return await _last_word(replies)
        except TimeoutError:
            raise BusTimeout(subject, timeout_s) from None
        finally:
            del self._replies[token]

    async def _send(self, subject: str, data: bytes, reply_to: str) -> None:
        try:
            await self._client.publish(subject, data, reply=reply_to)
        except nats.errors.MaxPayloadError as error:
            raise MessageTooLarge(f"{len(data)} bytes are more than the broker carries") from error
        except (nats.errors.Error, OSError) as error:
            raise Unreachable("the broker between the nodes is away") from error

    async def _replied(self, message: Msg) -> None:
        """Take a reply. It never waits and never raises: the inbox must not fall behind or die."""
        replies = self._replies.get(message.subject.rpartition(".")[2])
        if replies is None:
            return
        if message.headers and message.headers.get("Status") == "503":
            replies.put_nowait(_NOBODY)
            return
        try:
            replies.put_nowait(_decode_reply(message.data))
        except msgspec.MsgspecError:
            log.warning("bus.unreadable_reply", subject=message.subject)

    # Inside: serving.

    async def _show(self, subject: str) -> None:
        """Let the broker send requests of `subject` here: one subscription, however many serve it in turn."""
        self._interest[subject] += 1
        if subject not in self._served:
            self._served[subject] = await self._client.subscribe(subject, cb=self._requested)

    def _hide(self, subject: str) -> None:
        self._interest[subject] -= 1
        if self._interest[subject] == 0:
            del self._interest[subject]
            self._unsubscribe(subject)

    def _unsubscribe(self, subject: str) -> None:
        subscription = self._served.pop(subject, None)
        if subscription is not None:
            self._here.spawn(self._drain(subscription))

    async def _drain(self, subscription: Subscription) -> None:
        """End a subscription; what the broker sends until it knows, and a moment longer, is still told "stale".

        A request that the broker takes from another node at the same moment may follow its confirmation. The
        library would drop it unheard (about one in a thousand), and whoever asked would wait to the last.
        """
        with suppress(nats.errors.Error, OSError, TimeoutError):
            if self.connected:
                await self._client._send_unsubscribe(subscription._id)  # noqa: SLF001 - ending and forgetting are one step otherwise
                await asyncio.sleep(LATE_REQUEST_GRACE_S)
                await subscription.drain()  # type: ignore[no-untyped-call]  # the library has forgotten to say None
            else:
                await subscription.unsubscribe()

    def _let_go(self, subject: str, epoch: int, introduction: bytes = b"") -> bool:
        """Stop serving `subject` for the sake of a responder of `epoch` elsewhere, unless ours is newer."""
        if self._here.replace(subject, epoch, introduction) is not None:
            return False
        # With more interest, another connection of this node is about to take the subject.
        if self._interest[subject] == 1:
            self._unsubscribe(subject)
        return True

    async def _take_over(self, subject: str, epoch: int, introduction: bytes) -> bool:
        """Ask whoever serves the subject elsewhere to let go; tell whether the subject is ours now."""
        deadline = self._clock() + int(TAKE_OVER_TIMEOUT_S * 1_000_000)
        try:
            reply = await self._ask(subject, _Request("take_over", deadline, epoch, introduction), TAKE_OVER_TIMEOUT_S)
        except (BusTimeout, Unreachable):
            return True
        return reply is _NOBODY or reply.outcome == "released"

    async def _requested(self, message: Msg) -> None:
        try:
            request = _decode_request(message.data)
        except msgspec.MsgspecError:
            log.warning("bus.unreadable_request", subject=message.subject)
            return
        if request.kind == "take_over":
            released = self._let_go(message.subject, request.epoch, request.message)
            await self._reply(message, _Reply("released" if released else "kept"))
            return
        responder = self._here.responder_of(message.subject, request.epoch)
        if responder is None:
            self._let_go(message.subject, request.epoch)
            await self._reply(message, _Reply("stale"))
        elif self._clock() > request.deadline:
            log.warning("bus.late_request_dropped", subject=message.subject)
            await self._reply(message, _Reply("late"))
        else:
            await self._handle(message, responder, request)

    async def _handle(self, message: Msg, responder: Responder, request: _Request) -> None:
        try:
            answering = self._here.handle(message.subject, responder, request.message)
        except Overloaded:
            await self._reply(message, _Reply("overloaded"))
            return
        await self._reply(message, _Reply("working"))
        self._here.spawn(self._answer_when_done(message, answering))

    async def _answer_when_done(self, message: Msg, answering: "asyncio.Task[bytes]") -> None:
        try:
            reply = _Reply("answer", await answering)
        except HandlerFailed as error:
            reply = _Reply("failed", str(error).encode())
        await self._reply(message, reply)

    async def _reply(self, message: Msg, reply: _Reply) -> None:
        if not message.reply:
            return
        try:
            await self._client.publish(message.reply, _encode(reply))
        except (nats.errors.Error, OSError):
            self._lost += 1


async def _last_word(replies: "asyncio.Queue[_Reply]") -> _Reply:
    """The final reply; after a "stale" one, only if somebody else speaks up soon."""
    reply = await replies.get()
    while reply.outcome in ("working", "stale"):
        if reply.outcome == "working":
            reply = await replies.get()
            continue
        try:
            async with asyncio.timeout(STALE_GRACE_S):
                reply = await replies.get()
        except TimeoutError:
            return _NOBODY
    return reply


def _without_password(url: str) -> str:
    """`url` as it may be shown."""
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
