"""Transaction messages on their way: kept in order, kept while offline, sent again when they fail (handbook §1.14).

StartTransaction, StopTransaction and MeterValues wait here until they are confirmed; nothing overtakes
within the queue, everything else may overtake it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from stationmaster.conformance.errors import CallRefused, CallUnanswered, InvalidAnswer
from stationmaster.conformance.life.clock import Clock
from stationmaster.conformance.life.configuration import Configuration

__all__ = ["Delivery"]

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class _Message:
    """A message; its payload is made when it is sent, since the transaction's id may come late."""

    action: str
    payload: Callable[[], dict[str, Any]]
    confirmed: Callable[[dict[str, Any] | None], None] | None
    attempts: int = 0


class Delivery:
    """The queue of one station. `run` delivers for ever; `online` is set while it may."""

    def __init__(self, call: Call, online: asyncio.Event, clock: Clock, configuration: Configuration) -> None:
        self._call = call
        self._online = online
        self._clock = clock
        self._configuration = configuration
        self._queue: deque[_Message] = deque()
        self._filled = asyncio.Event()
        self.empty = asyncio.Event()
        self.empty.set()

    def add(
        self,
        action: str,
        payload: Callable[[], dict[str, Any]],
        confirmed: Callable[[dict[str, Any] | None], None] | None = None,
    ) -> None:
        """Queue a message. `confirmed` gets the answer, or None when it was given up."""
        self._queue.append(_Message(action, payload, confirmed))
        self._filled.set()
        self.empty.clear()

    async def run(self) -> None:
        """Deliver, oldest first."""
        while True:
            await self._filled.wait()
            await self._online.wait()
            message = self._queue[0]
            try:
                answer = await self._call(message.action, message.payload())
            except (CallRefused, InvalidAnswer):
                await self._failed(message)
            except CallUnanswered as unanswered:
                if unanswered.state == "timeout":
                    await self._failed(message)
                else:
                    await self._clock.sleep(1)
            else:
                self._done(message, answer)

    async def _failed(self, message: _Message) -> None:
        """Wait longer after each transmission, and give up after `TransactionMessageAttempts` of them."""
        message.attempts += 1
        if message.attempts >= self._configuration.integer("TransactionMessageAttempts"):
            self._done(message, None)
        else:
            interval_s = self._configuration.integer("TransactionMessageRetryInterval")
            await self._clock.sleep(interval_s * message.attempts)

    def _done(self, message: _Message, answer: dict[str, Any] | None) -> None:
        self._queue.popleft()
        if not self._queue:
            self._filled.clear()
            self.empty.set()
        if message.confirmed is not None:
            message.confirmed(answer)
