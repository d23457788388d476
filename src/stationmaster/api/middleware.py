"""What every request passes on its way in and every answer on its way out.

From outside to inside: security headers, our own faults, the limit on bodies. They are plain ASGI,
so that a stream of events passes through them unbuffered.
"""

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stationmaster.api.problems import internal_error, problem_response

__all__ = ["BodyLimit", "ErrorBoundary", "SecurityHeaders"]

DISCARDED_BYTES = 16 * 1024 * 1024
"""How much of a body that is too long is waited for, so that the answer about it can be read."""

_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    # The UI's components set styles from code.
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Tells browsers to run nothing that is not ours, and nobody to keep what the API says.

    `tile_url` is where the map's pictures may come from besides; nothing else may come from there.
    """

    def __init__(self, app: ASGIApp, tile_url: str | None = None) -> None:
        self._app = app
        pictures = {} if tile_url is None else {"img-src": f"{_POLICY['img-src']} {_origin(tile_url)}"}
        policy = "; ".join(f"{name} {value}" for name, value in (_POLICY | pictures).items())
        self._headers = {"Content-Security-Policy": policy, **_SECURITY_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ErrorBoundary:
    """Turns what nobody expected into a problem document, once it is logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as error:  # noqa: BLE001 - the last border: it is logged and becomes a problem document
            response = internal_error(error, scope["method"], scope["path"])
            if not started:
                await response(scope, receive, send)


class BodyLimit:
    """Takes the whole body in before anybody looks at the request: within the limit, within the time.

    `streamed` are path prefixes whose handlers read the body themselves and have limits of their own.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int, timeout_s: float, streamed: Iterable[str] = ()) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._timeout_s = timeout_s
        self._streamed = tuple(streamed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or (self._streamed and scope["path"].startswith(self._streamed)):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length in ("", "0") and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        too_large = length.isdecimal() and int(length) > self._limit_bytes
        try:
            # Who asks first whether the body is welcome is told before sending it.
            body = None if too_large and "expect" in headers else await self._read(receive)
        except TimeoutError:
            detail = f"The body of the request did not arrive within {self._timeout_s:g} s."
            response = problem_response(408, "body_too_slow", detail, headers={"Connection": "close"})
            await response(scope, receive, send)
            return
        except _Disconnected:
            return
        if body is None:
            detail = f"The body of the request is longer than {self._limit_bytes} bytes."
            response = problem_response(413, "body_too_large", detail, headers={"Connection": "close"})
            await response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body; None when it is too long."""
        parts: list[bytes] = []
        size = 0
        async with asyncio.timeout(self._timeout_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Disconnected
                part = message.get("body", b"")
                size += len(part)
                if size <= self._limit_bytes:
                    parts.append(part)
                else:
                    # Taken in and thrown away: many clients read no answer before they have sent everything.
                    parts.clear()
                if not message.get("more_body", False) or size > self._limit_bytes + DISCARDED_BYTES:
                    return b"".join(parts) if size <= self._limit_bytes else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Disconnected(Exception):
    """The client has left before its request was complete."""


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receiver that gives the body once and then what really comes."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
