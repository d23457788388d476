"""Signing in through an OpenID provider. These two are opened by a browser, so their errors are pages."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stationmaster.api.context import ApiContext, Context
from stationmaster.api.cookies import caller_of, drop_cookie, give_cookie, give_session
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.pages import message_page
from stationmaster.api.problems import status_of
from stationmaster.domain.errors import DomainError, NotFound
from stationmaster.services.oidc import LOGIN_LIFETIME_S, Oidc

router = APIRouter(tags=["Session"], responses=PROBLEMS)

LOGIN_COOKIE = "stationmaster_oidc"
COOKIE_PATH = "/api/v1/session/oidc"
SEE_OTHER = 303
_ANSWERED: dict[int | str, dict[str, str]] = {303: {"description": "Where the browser goes on."}}


@router.get("/session/oidc/start", status_code=SEE_OTHER, response_class=RedirectResponse)
async def begin_oidc_login(
    request: Request, context: Context, return_to: Annotated[str, Query(max_length=2000)] = "/"
) -> Response:
    """Send the browser to the provider; afterwards it comes back to `return_to`, a path of this system."""
    try:
        oidc = _oidc_of(context)
        beginning = await oidc.begin(f"{request.base_url}api/v1/session/oidc/callback", return_to)
    except DomainError as error:
        return _failed(request, error)
    response = RedirectResponse(beginning.url, SEE_OTHER)
    give_cookie(request, response, LOGIN_COOKIE, beginning.cookie, LOGIN_LIFETIME_S, COOKIE_PATH)
    return response


@router.get("/session/oidc/callback", status_code=SEE_OTHER, response_class=RedirectResponse)
async def finish_oidc_login(request: Request, context: Context) -> Response:
    """What the provider sends the browser back to."""
    try:
        signed_in, return_to = await _oidc_of(context).finish(
            request.cookies.get(LOGIN_COOKIE), dict(request.query_params), caller_of(request)
        )
    except DomainError as error:
        return _failed(request, error)
    response = RedirectResponse(return_to, SEE_OTHER)
    drop_cookie(request, response, LOGIN_COOKIE, COOKIE_PATH)
    give_session(request, response, signed_in)
    return response


def _oidc_of(context: ApiContext) -> Oidc:
    oidc = context.services.people.oidc
    if oidc is None:
        raise NotFound("oidc_not_configured", "No OpenID provider is configured here.")
    return oidc


def _failed(request: Request, error: DomainError) -> Response:
    """The error as a page for a browser; a program gets the problem document."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    return HTMLResponse(message_page("You are not signed in", error.message, "/", "Back"), status_of(error))
