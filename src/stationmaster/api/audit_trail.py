"""Every change that is asked for through the API is in the audit log before its answer goes out.

It is plain ASGI, around everything that knows what was asked: whatever handler there will be, its
changes are written down. What a handler knows better, such as the job of a command, it says by `note`.
Requests of nobody are not written down; who fails to sign in is, by the sign-in itself.
"""

from typing import Any, Final
from urllib.parse import unquote

import msgspec
import structlog
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stationmaster.api.access import Principal
from stationmaster.services.audit import Audit
from stationmaster.storage import StorageError

__all__ = ["AuditTrail", "note"]

log = structlog.get_logger(__name__)

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FEEDS: Final = frozenset({"post_meter_reading"})
"""Operations by which programs tell what they measure, again and again: nothing that anybody keeps is changed."""
ROOT: Final = "/api/v1"
LONGEST_BODY: Final = 64 * 1024
_REFUSED: Final = 400
_FAILED: Final = 500
_NOTES: Final = "audit_notes"


def note(request: Request, **details: Any) -> None:
    """Say something about this request in its audit entry, instead of the body that was sent."""
    notes: dict[str, Any] = request.scope.setdefault("state", {}).setdefault(_NOTES, {})
    notes.update(details)


class AuditTrail:
    """Writes down who changed what."""

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] in SAFE or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        heard = _Body(scope, receive)
        written = False

        async def send_when_written(message: Message) -> None:
            nonlocal written
            if message["type"] == "http.response.start" and not written:
                written = True
                await self._write(scope, heard, message["status"], Headers(raw=message["headers"]))
            await send(message)

        try:
            await self._app(scope, heard, send_when_written)
        except Exception:
            if not written:
                await self._write(scope, heard, _FAILED, Headers())
            raise

    async def _write(self, scope: Scope, heard: "_Body", status: int, headers: Headers) -> None:
        principal: Principal | None = scope["state"].get("principal")
        if principal is None:
            return
        location = headers.get("location")
        path = location if location is not None and status < _REFUSED else scope["path"]
        route = scope.get("route")
        if getattr(route, "name", None) in FEEDS and status < _REFUSED:
            return
        notes: dict[str, Any] = scope["state"].get(_NOTES, {})
        body = heard.members()
        details = notes or ({"body": body} if body else {})
        try:
            await self._audit.record(
                principal.organisation_id,
                principal.actor,
                getattr(route, "name", scope["method"].lower()),
                result="ok" if status < _REFUSED else "refused" if status < _FAILED else "failed",
                target=path.removeprefix(ROOT),
                station_id=_station_of(scope, path),
                status=status,
                remote_address=scope["client"][0] if scope.get("client") else None,
                details=details,
            )
        except StorageError:
            # What was done is done: to answer otherwise would make the caller do it again.
            log.exception("audit.unrecorded", actor=principal.actor, method=scope["method"], path=scope["path"])


class _Body:
    """Passes the body on and keeps what is JSON of it, up to a limit."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._keep = Headers(scope=scope).get("content-type", "").startswith("application/json")
        self._parts: list[bytes] = []
        self._size = 0

    async def __call__(self) -> Message:
        """The next message."""
        message = await self._receive()
        part = message.get("body", b"")
        self._size += len(part)
        if self._keep and self._size <= LONGEST_BODY:
            self._parts.append(part)
        return message

    def members(self) -> dict[str, Any]:
        """The members of the body; none if it is no JSON object, or too long."""
        if not self._parts or self._size > LONGEST_BODY:
            return {}
        try:
            found = msgspec.json.decode(b"".join(self._parts))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return {}
        return found if isinstance(found, dict) else {"items": found}


def _station_of(scope: Scope, path: str) -> str | None:
    """The station that it is about: it stands in the path, or in the path of what was made."""
    named = scope.get("path_params", {}).get("station_id")
    if isinstance(named, str):
        return named
    parts = path.removeprefix(ROOT).split("/")
    return unquote(parts[2]) if len(parts) == 3 and parts[1] == "stations" else None  # noqa: PLR2004 -- /stations/ID
