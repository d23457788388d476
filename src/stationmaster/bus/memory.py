"""The bus of a single node: subjects are keys of a dictionary.

It is the default, and the half of the NATS bus that talks to its own node. It keeps the rules
that a broker imposes (no exception of a handler passes as itself, a request goes on when the
asker has left), so that what works here works in a cluster.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

from stationmaster.bus.contract import (
    MAX_REQUESTS_IN_PROGRESS,
    SUBSCRIPTION_LIMIT,
    BusTimeout,
    HandlerFailed,
    Listener,
    NoResponder,
    Overloaded,
    Replaced,
    RequestHandler,
)
from stationmaster.bus.subjects import matches

log = structlog.get_logger(__name__)

_Result = TypeVar("_Result")


class Responder:
    """One who serves a subject."""

    __slots__ = ("epoch", "handler", "introduction", "replaced")

    def __init__(self, handler: RequestHandler, epoch: int, replaced: Replaced | None, introduction: bytes) -> None:
        self.handler = handler
        self.epoch = epoch
        self.replaced = replaced
        self.introduction = introduction


class MemoryBus:
    """A `Bus` inside one process."""

    def __init__(self, *, subscription_limit: int = SUBSCRIPTION_LIMIT) -> None:
        self._responders: dict[str, Responder] = {}
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._in_progress = 0
        self._subscription_limit = subscription_limit
        self._lost = 0

    async def publish(self, subject: str, message: bytes) -> None:
        """See `Bus.publish`."""
        self.deliver(subject, message)

    async def request(self, subject: str, message: bytes, timeout_s: float, *, epoch: int = 0) -> bytes:
        """See `Bus.request`."""
        responder = self.responder_of(subject, epoch)
        if responder is None:
            raise NoResponder(subject)
        answering = self.handle(subject, responder, message)
        done, _ = await asyncio.wait({answering}, timeout=timeout_s)
        if not done:
            raise BusTimeout(subject, timeout_s)
        if answering.cancelled():
            raise HandlerFailed(f"{subject} was closed while it handled the request")
        return answering.result()

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
        self.take(subject, responder)
        try:
            yield
        finally:
            self.leave(subject, responder)

    @asynccontextmanager
    async def subscribe(self, pattern: str, listener: Listener) -> AsyncIterator[None]:
        """See `Bus.subscribe`."""
        async with self.listen(pattern, listener):
            yield

    async def close(self) -> None:
        """See `Bus.close`."""
        self._responders.clear()
        for subscription in list(self._subscriptions):
            self._forget(subscription)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def connected(self) -> bool:
        """See `Bus.connected`: there is nobody else to reach."""
        return True

    @property
    def lost(self) -> int:
        """See `Bus.lost`."""
        return self._lost + sum(subscription.lost for subscription in self._subscriptions)

    # What the NATS bus uses of it.

    @asynccontextmanager
    async def listen(self, pattern: str, listener: Listener) -> AsyncIterator["Subscription"]:
        """As `subscribe`, with the subscription in hand."""
        subscription = Subscription(pattern, listener, self._subscription_limit)
        delivering = self.spawn(subscription.run())
        self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            self._forget(subscription)
            delivering.cancel()

    def deliver(self, subject: str, message: bytes) -> None:
        """Queue `message` for each listener of this node."""
        for subscription in self._subscriptions:
            if matches(subscription.pattern, subject):
                subscription.offer(subject, message)

    def responder_of(self, subject: str, epoch: int) -> Responder | None:
        """Who serves `subject` here with at least this `epoch`."""
        responder = self._responders.get(subject)
        return responder if responder is not None and responder.epoch >= epoch else None

    def take(self, subject: str, responder: Responder) -> bool:
        """Make `responder` the one who serves `subject`, unless a newer one does; the loser is told."""
        current = self._responders.get(subject)
        taken = current is None or current.epoch <= responder.epoch
        if taken:
            self._responders[subject] = responder
            self.tell_replaced(current, responder.introduction)
        elif current is not None:
            self.tell_replaced(responder, current.introduction)
        return taken

    def leave(self, subject: str, responder: Responder) -> bool:
        """Remove `responder` if it still serves `subject`; tell whether it did."""
        if self._responders.get(subject) is not responder:
            return False
        del self._responders[subject]
        return True

    def replace(self, subject: str, epoch: int, introduction: bytes) -> Responder | None:
        """Let go of a responder older than `epoch`, telling it who comes; return one that is newer, if there is."""
        current = self._responders.get(subject)
        if current is None or current.epoch > epoch:
            return current
        del self._responders[subject]
        self.tell_replaced(current, introduction)
        return None

    def tell_replaced(self, responder: Responder | None, introduction: bytes) -> None:
        """Tell a responder, if there is one, that it serves no longer."""
        if responder is not None and responder.replaced is not None:
            self.spawn(responder.replaced(introduction))

    def handle(self, subject: str, responder: Responder, message: bytes) -> asyncio.Task[bytes]:
        """Start handling a request; raises `Overloaded`."""
        if self._in_progress >= MAX_REQUESTS_IN_PROGRESS:
            raise Overloaded(subject)
        self._in_progress += 1
        return self.spawn(self._answer(subject, responder, message))

    def spawn(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        """Run `work` as a task that is cancelled when the bus closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    # Inside.

    async def _answer(self, subject: str, responder: Responder, message: bytes) -> bytes:
        try:
            return await responder.handler(message)
        except Exception as error:
            log.exception("bus.handler_failed", subject=subject)
            raise HandlerFailed(f"{subject} broke while it handled the request") from error
        finally:
            self._in_progress -= 1

    def _forget(self, subscription: "Subscription") -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._lost += subscription.lost

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        # Retrieved here, since an asker that gave up leaves nobody to look at it.
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, HandlerFailed):
            log.error("bus.task_failed", exc_info=error)


class Subscription:
    """A listener and the messages that wait for it."""

    def __init__(self, pattern: str, listener: Listener, limit: int) -> None:
        self.pattern = pattern
        self.lost = 0
        self._listener = listener
        self._limit = limit
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()

    def offer(self, subject: str, message: bytes) -> None:
        """Queue a message, at the cost of the oldest when there are too many."""
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append((subject, message))
        self._arrived.set()

    async def run(self) -> None:
        """Deliver for ever, one message at a time."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                subject, message = self._waiting.popleft()
                try:
                    await self._listener(subject, message)
                except Exception:
                    log.exception("bus.listener_failed", subject=subject)
