"""What every bus does, and the errors it may give.

Each error is named by what happened, since the caller tells an operator: nobody holds the
station (`NoResponder`), it did not answer in time (`BusTimeout`), the broker is away
(`Unreachable`).
"""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

RequestHandler = Callable[[bytes], Awaitable[bytes]]
"""Answers a request. An exception reaches the asker as `HandlerFailed`."""

Listener = Callable[[str, bytes], Awaitable[None]]
"""Takes (subject, message). An exception is logged and the next message is delivered."""

Replaced = Callable[[bytes], Coroutine[Any, Any, None]]
"""Told when a newer responder has taken the subject over: with its `introduction`, or b"" if that is not known."""


class BusError(Exception):
    """A message between nodes could not do its work."""


class NoResponder(BusError):
    """Nobody serves the subject: the station is offline."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"nobody serves {subject}")


class BusTimeout(BusError):
    """No answer came in time. Whoever serves the subject will not act on the request after its deadline."""

    def __init__(self, subject: str, timeout_s: float) -> None:
        super().__init__(f"no answer from {subject} within {timeout_s:g} s")


class HandlerFailed(BusError):
    """The one who serves the subject broke while handling the request; its log has the cause."""


class Overloaded(BusError):
    """The one who serves the subject has too many requests in progress."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} has too many requests in progress")


class Unreachable(BusError):
    """The broker between the nodes cannot be reached; nothing was sent and nothing will be sent late."""


class MessageTooLarge(BusError):
    """The message is longer than the broker carries."""


class Bus(Protocol):
    """Messages between the parts of one node and between nodes: at most once, never late."""

    async def publish(self, subject: str, message: bytes) -> None:
        """Give `message` to everyone who subscribed, on every node that can be reached.

        Listeners on this node always get it. When the broker is away, other nodes miss it and
        `lost` counts it: no error is raised, for what is published is news and not a command.
        """

    async def request(self, subject: str, message: bytes, timeout_s: float, *, epoch: int = 0) -> bytes:
        """Ask the one who serves `subject` and return its answer.

        `epoch` fences off responders that were replaced: those with an older one do not act.
        The request is dead after `timeout_s`: a responder that gets it later does not act.

        Raises:
            NoResponder: nobody (of this epoch or newer) serves the subject.
            BusTimeout: no answer within `timeout_s`.
            HandlerFailed: the handler raised.
            Overloaded: the responder has `MAX_REQUESTS_IN_PROGRESS` in work.
            Unreachable: the subject is not served here and the broker is away.
            MessageTooLarge: the broker does not carry a message of this length.
        """

    def serve(
        self,
        subject: str,
        handler: RequestHandler,
        *,
        epoch: int = 0,
        replaced: Replaced | None = None,
        introduction: bytes = b"",
    ) -> AbstractAsyncContextManager[None]:
        """Answer the requests of `subject` while the context is open.

        The newest epoch wins, and of equal ones the last to come; the one that lost is told by
        `replaced` and answers no more: it gets the `introduction` of the one that won, as far as
        that can be had. Leaving the context removes only this responder.
        """

    def subscribe(self, pattern: str, listener: Listener) -> AbstractAsyncContextManager[None]:
        """Give every message whose subject matches `pattern` to `listener`, in order, while the context is open.

        `*` matches one token of a subject, a last `>` all that remain. A listener that is
        `SUBSCRIPTION_LIMIT` messages behind loses the oldest ones; `lost` counts them.
        """

    async def close(self) -> None:
        """Stop: requests in progress are cancelled, responders and listeners are forgotten."""

    @property
    def connected(self) -> bool:
        """Whether other nodes can be reached (always true where there are none)."""

    @property
    def lost(self) -> int:
        """How many messages were lost to slow listeners or an absent broker, since the start."""


MAX_REQUESTS_IN_PROGRESS = 2_000
"""Requests one node handles at a time; further ones are refused at once (`Overloaded`)."""

SUBSCRIPTION_LIMIT = 10_000
"""Messages that wait for one listener; of more, the oldest are lost."""
