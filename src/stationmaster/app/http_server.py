"""uvicorn as this product runs it: our signals, our deadlines.

Three things it does not do by itself (each has a test over a raw socket): it keeps a connection
open whose request never gets complete; it keeps one open that never reads its answer; and it
takes the process's signals and raises them again, so nothing after it would run.
"""

import asyncio
import math
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from stationmaster.app.config import HttpSettings

__all__ = ["HttpServer"]

HEAD_LIMIT_BYTES = 32 * 1024
BACKLOG = 1024


class _DeadlineProtocol(H11Protocol):
    """A connection whose every request head has to arrive, and every answer has to be read, in time."""

    def __init__(self, *args: Any, header_timeout_s: float, write_timeout_s: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._header_timeout_s = header_timeout_s
        self._write_timeout_s = write_timeout_s
        self._head_due: asyncio.TimerHandle | None = None
        self._reading_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        self._answer_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_due is None and not self._in_request():
            self._await_head()
        super().data_received(data)
        if self._in_request():
            self._head_arrived()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reading_due is None:
            self._reading_due = self.loop.call_later(self._write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._answer_read()
        super().resume_writing()

    # Inside.

    def _in_request(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        self._head_due = self.loop.call_later(self._header_timeout_s, self.transport.abort)

    def _head_arrived(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _answer_read(self) -> None:
        if self._reading_due is not None:
            self._reading_due.cancel()
            self._reading_due = None


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class HttpServer:
    """An ASGI application served on one socket."""

    def __init__(self, app: ASGIApp, settings: HttpSettings) -> None:
        protocol = partial(
            _DeadlineProtocol,
            header_timeout_s=settings.header_timeout_s,
            write_timeout_s=settings.write_timeout_s,
        )
        self._server = _Server(
            uvicorn.Config(
                app,
                loop="none",
                http=protocol,  # type: ignore[arg-type]  # a maker of protocols does as well as a class
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_proxies or None,
                backlog=BACKLOG,
                limit_concurrency=settings.connection_limit,
                timeout_keep_alive=settings.keep_alive_s,
                timeout_graceful_shutdown=math.ceil(settings.drain_timeout_s),
                h11_max_incomplete_event_size=HEAD_LIMIT_BYTES,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serve on a socket that is bound; returns when requests are answered."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http-server")
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
                raise RuntimeError("the HTTP server ended before it had started")
            await asyncio.sleep(0.005)

    @property
    def running(self) -> bool:
        """Whether requests are answered."""
        return self._serving is not None and not self._serving.done()

    async def ended(self) -> None:
        """Return when requests are answered no more, for whatever reason."""
        if self._serving is not None:
            await asyncio.wait({self._serving})

    async def stop(self) -> None:
        """Accept nothing more, let requests end within the drain time, close what is left."""
        if self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._serving = None
