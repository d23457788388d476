"""Cookies of browsers, and what keeps other pages from using them (RELIABILITY S-12).

`SameSite=Lax` keeps the session from going along when another site makes the browser ask for anything
but a page. The rest is for browsers that do not know it, and for pages of our own site's other names:
a change needs the CSRF token, which only our own page can read, and whoever names another origin is
refused.
"""

import hmac
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from stationmaster.api.problems import ApiError
from stationmaster.services.sessions import Caller, SignedIn

__all__ = [
    "CSRF_HEADER",
    "SESSION_COOKIE",
    "caller_of",
    "check_csrf",
    "check_origin",
    "drop_cookie",
    "give_cookie",
    "give_session",
    "session_cookie",
]

SESSION_COOKIE: Final = "stationmaster_session"
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SECOND_US: Final = 1_000_000
_OURS: Final = frozenset({"same-origin", "none"})


def session_cookie(request: Request) -> str | None:
    """What the cookie of the session holds."""
    return request.cookies.get(SESSION_COOKIE) or None


def caller_of(request: Request) -> Caller:
    """From where somebody asks."""
    return Caller(
        address=request.client.host if request.client is not None else "",
        user_agent=request.headers.get("user-agent"),
        session=session_cookie(request),
    )


def give_session(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Let the browser keep a session until its last moment."""
    lifetime_s = max(1, (signed_in.session.expires_at - signed_in.session.created_at) // _SECOND_US)
    give_cookie(request, response, SESSION_COOKIE, signed_in.secret, lifetime_s, "/")


def give_cookie(request: Request, response: Response, name: str, value: str, lifetime_s: int, path: str) -> None:
    """A cookie that no script reads, that goes to nobody else, and only over TLS if it came over TLS."""
    response.set_cookie(
        name,
        value,
        max_age=lifetime_s,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: Request, response: Response, name: str, path: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name, path=path, secure=request.url.scheme == "https", httponly=True, samesite="lax")


def check_origin(request: Request) -> None:
    """Refuse a request that a page of another origin made. Raises ApiError.

    The scheme is not compared: behind a proxy that ends TLS we do not see the one that the browser sees.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise _cross_origin()
    if origin is None and request.headers.get("sec-fetch-site", "none") not in _OURS and _is_no_navigation(request):
        raise _cross_origin()


def check_csrf(request: Request, signed_in: SignedIn) -> None:
    """Refuse a change without the token of the session. Raises ApiError."""
    if request.method in _SAFE:
        return
    token = request.headers.get(CSRF_HEADER)
    if token is None:
        raise ApiError(403, "csrf_missing", f"Send the csrf_token of the session in the header {CSRF_HEADER}.")
    if not hmac.compare_digest(token.encode("utf-8", "replace"), signed_in.csrf_token.encode()):
        raise ApiError(403, "csrf_wrong", f"The token in the header {CSRF_HEADER} is not that of this session.")


def _is_no_navigation(request: Request) -> bool:
    """Following a link from elsewhere to a page or a file of ours is no attack."""
    return not (request.method in _SAFE and request.headers.get("sec-fetch-mode") == "navigate")


def _cross_origin() -> ApiError:
    return ApiError(403, "cross_origin", "A page of another origin made this request.")
