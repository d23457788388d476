"""Who asks, and what they may do.

Whoever asks is a program with an API key or a person with a session in their browser. A browser sends
its cookie whatever page made it ask, so a change needs the session's CSRF token too, and a page of
another origin is not answered at all. Whoever is limited to sites sees the rest of the organisation as
if it were not there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request

from stationmaster.api.context import ApiContext, Context
from stationmaster.api.cookies import check_csrf, check_origin, session_cookie
from stationmaster.api.permissions import PERMISSIONS, ROLE_PERMISSIONS, permissions_of
from stationmaster.api.problems import ApiError
from stationmaster.domain.errors import Forbidden, NotFound
from stationmaster.domain.roles import ADMIN
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.instants import Instant
from stationmaster.services.sessions import SignedIn

__all__ = ["PERMISSIONS", "ROLE_PERMISSIONS", "Asking", "Principal", "may", "principal_of", "still_there"]


class _OfSite(Protocol):
    @property
    def organisation_id(self) -> str: ...

    @property
    def site_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `actor` names them in jobs and logs; `site_ids` None means the whole organisation.

    `signed_in` is the session of a person, None for a program; `expires_at` is when a key ends.
    """

    organisation_id: str
    role: str
    actor: str
    site_ids: tuple[str, ...] | None = None
    permissions: frozenset[str] = field(default=frozenset())
    signed_in: SignedIn | None = None
    expires_at: Instant | None = None

    def sees(self, thing: _OfSite) -> bool:
        """Whether a thing of some organisation and site exists for them."""
        if thing.organisation_id != self.organisation_id:
            return False
        return self.site_ids is None or thing.site_id in self.site_ids

    def require_site(self, site_id: str | None) -> None:
        """Raise Forbidden when something is to be put where they may not look."""
        if self.site_ids is not None and site_id not in self.site_ids:
            raise Forbidden("other_site", "You are limited to some sites, so what you make must belong to one of them.")

    def require(self, permission: str) -> None:
        """Raise Forbidden without the permission."""
        if permission not in self.permissions:
            raise Forbidden("not_permitted", f"The role {self.role} does not include {permission}.")

    def require_whole_organisation(self) -> None:
        """Raise Forbidden for whoever is limited to sites: this is about the organisation itself."""
        if self.site_ids is not None:
            raise Forbidden("other_site", "You are limited to some sites, and this is about the whole organisation.")

    def require_system_administrator(self) -> None:
        """Raise Forbidden for everybody but an administrator of all the default organisation, who keeps the others."""
        system = self.organisation_id == DEFAULT_ORGANISATION_ID and self.role == ADMIN and self.site_ids is None
        if not system or self.permissions != PERMISSIONS:
            raise Forbidden(
                "not_system_administrator", "Only an administrator of the default organisation may do this."
            )

    def require_as_much_as(self, role: str, narrowed_to: tuple[str, ...] | None = None) -> None:
        """Raise Forbidden when whom they make or change could do more than they themselves."""
        if not permissions_of(role, narrowed_to) <= self.permissions:
            raise Forbidden("more_than_own", f"The role {role} could do more than you may yourself.")


async def principal_of(request: Request, context: Context) -> Principal:
    """Who asks, by the bearer key of the request or the session in its cookie; 401 without either."""
    if "authorization" in request.headers:
        principal = await _by_key(request, context)
    elif session_cookie(request) is not None:
        principal = await _by_session(request, context)
    else:
        raise _unauthorized("api_key_missing", "Sign in, or send an API key: `Authorization: Bearer KEY`.")
    request.state.principal = principal
    if principal.signed_in is not None:
        check_origin(request)
        check_csrf(request, principal.signed_in)
    return principal


async def still_there(request: Request, context: ApiContext) -> bool:
    """Whether whoever was let in would be let in again; looking does not keep a session alive."""
    try:
        if "authorization" in request.headers:
            await _by_key(request, context)
        else:
            await _by_session(request, context, keep=False)
    except ApiError:
        return False
    return True


async def _by_key(request: Request, context: ApiContext) -> Principal:
    scheme, _, key = request.headers["authorization"].partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise _unauthorized("api_key_unreadable", "The Authorization header is not `Bearer KEY`.")
    found = await context.services.api_keys.find(key.strip())
    if found is None:
        raise _unauthorized("api_key_invalid", "This API key is not known, has expired or was revoked.")
    return Principal(
        organisation_id=found.organisation_id,
        role=found.role,
        actor=f"api_key:{found.name}",
        site_ids=found.site_ids,
        permissions=permissions_of(found.role, found.permissions),
        expires_at=found.expires_at,
    )


async def _by_session(request: Request, context: ApiContext, *, keep: bool = True) -> Principal:
    signed_in = await context.services.people.sessions.find(session_cookie(request) or "", keep=keep)
    if signed_in is None:
        raise _unauthorized("not_signed_in", "You are not signed in, or not any more.")
    user = signed_in.user
    return Principal(
        organisation_id=user.organisation_id,
        role=user.role,
        actor=f"user:{user.username}",
        site_ids=user.site_ids,
        permissions=permissions_of(user.role),
        signed_in=signed_in,
    )


Asking = Annotated[Principal, Depends(principal_of)]


def may(permission: str) -> Callable[[Principal], Awaitable[Principal]]:
    """The principal, if they have the permission: `principal: Annotated[Principal, Depends(may("stations:read"))]`."""
    if permission not in PERMISSIONS:
        raise ValueError(f"no such permission: {permission}")

    async def permitted(principal: Asking) -> Principal:
        principal.require(permission)
        return principal

    return permitted


def unknown(what: str, code: str) -> NotFound:
    """The answer about what is not there, or not for them."""
    return NotFound(code, f"There is no such {what}.")


def _unauthorized(code: str, detail: str) -> ApiError:
    return ApiError(401, code, detail, {"WWW-Authenticate": 'Bearer realm="stationmaster"'})
