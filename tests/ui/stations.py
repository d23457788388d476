"""Stations for tests that do not run on an event loop: each lives in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, Self, TypeVar

from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.link import Link, Request, Target
from stationmaster.ocpp.errors import ErrorCode
from stationmaster.ocpp.v16 import V16
from stationmaster.session.settings import SessionSettings

T = TypeVar("T")

BOOT = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
PATIENCE_S = 20.0


class LiveStation:
    """A station that is there for as long as the block lasts, and answers what `answers` has an answer to.

    `boot` is what it tells when it boots; None: it does not. `asked` is what it was asked, in order.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        password: str | None,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        boot: Mapping[str, Any] | None = BOOT,
    ) -> None:
        self.identity = identity
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._target = Target(url, identity, password)
        self._boot = boot
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._answering: set[asyncio.Task[None]] = set()
        self._link: Link | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.come()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def come(self) -> None:
        """Connect and boot; also again. Raises `HandshakeRefused`."""
        self._run(self._open())
        if self._boot is not None:
            self.call("BootNotification", self._boot)

    def leave(self) -> None:
        """Close the connection in order."""
        if self._link is not None:
            self._run(self._link.close(1000, ""))

    def call(self, action: str, payload: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the central system; its answer."""
        assert self._link is not None
        return self._run(self._link.call(action, payload or {}))

    def say(self, text: str) -> str:
        """Send any text, proper or not; the next text that comes back."""
        return self._run(self._say(text))

    def mutter(self, text: str) -> None:
        """Send any text and wait for nothing."""
        assert self._link is not None
        self._run(self._link.send_text(text))

    async def _open(self) -> None:
        settings = SessionSettings(strict=False, call_timeout_s=PATIENCE_S)
        self._link = Link(self._asked, protocol=V16, settings=settings, on_text=self._texts.put_nowait)
        await self._link.open(self._target)

    async def _say(self, text: str) -> str:
        assert self._link is not None
        while not self._texts.empty():
            self._texts.get_nowait()
        await self._link.send_text(text)
        return await asyncio.wait_for(self._texts.get(), PATIENCE_S)

    def _asked(self, request: Request) -> None:
        self.asked.append((request.action, request.payload))
        task = asyncio.create_task(self._answer(request))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, request: Request) -> None:
        assert self._link is not None
        answer = self.answers.get(request.action)
        if answer is None:
            await self._link.refuse(request, ErrorCode.NOT_SUPPORTED, "")
        else:
            await self._link.answer(request, answer)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)


def knock(url: str, identity: str) -> None:
    """Come to the door once and be turned away."""
    with (
        contextlib.suppress(HandshakeRefused),
        LiveStation(url, identity, "nobody knows this", boot=None),
    ):
        pass
