"""Who asks, and what they may do.

Roles are bundles of permissions, and a permission is a block and a verb. Whoever is limited to
sites sees the rest of the organisation as if it were not there.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Protocol

from fastapi import Depends, Request

from stationmaster.api.context import Context
from stationmaster.api.problems import ApiError
from stationmaster.domain.errors import Forbidden, NotFound

__all__ = ["PERMISSIONS", "ROLE_PERMISSIONS", "Principal", "may", "principal_of"]

_BLOCKS: Final = (
    "stations",
    "transactions",
    "tokens",
    "reservations",
    "alerts",
    "sites",
    "charging_profiles",
    "configuration",
    "firmware",
    "certificates",
    "users",
    "api_keys",
    "webhooks",
)
PERMISSIONS: Final = frozenset(
    {f"{block}:{verb}" for block in _BLOCKS for verb in ("read", "write")}
    | {
        "commands:send",
        "commands:dangerous",
        "audit:read",
        "conformance:run",
        "messages:read",
        "settings:read",
    }
)

_VIEWER: Final = frozenset(
    {f"{block}:read" for block in _BLOCKS if block not in ("users", "api_keys")} | {"messages:read"}
)
_OPERATOR: Final = _VIEWER | {
    "commands:send",
    "stations:write",
    "transactions:write",
    "tokens:write",
    "reservations:write",
    "alerts:write",
    "charging_profiles:write",
    "sites:write",
}
_SECURITY_ADMIN: Final = _VIEWER | {
    "certificates:write",
    "firmware:write",
    "configuration:write",
    "users:read",
    "api_keys:read",
    "api_keys:write",
    "audit:read",
    "settings:read",
    "commands:send",
    "commands:dangerous",
}
ROLE_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = {
    "viewer": _VIEWER,
    "operator": _OPERATOR,
    "security_admin": _SECURITY_ADMIN,
    "admin": PERMISSIONS,
}


class _OfSite(Protocol):
    @property
    def organisation_id(self) -> str: ...

    @property
    def site_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `actor` names them in jobs and logs; `site_ids` None means the whole organisation."""

    organisation_id: str
    role: str
    actor: str
    site_ids: tuple[str, ...] | None = None
    permissions: frozenset[str] = field(default=frozenset())

    def sees(self, thing: _OfSite) -> bool:
        """Whether a thing of some organisation and site exists for them."""
        if thing.organisation_id != self.organisation_id:
            return False
        return self.site_ids is None or thing.site_id in self.site_ids

    def require_site(self, site_id: str | None) -> None:
        """Raise Forbidden when something is to be put where they may not look."""
        if self.site_ids is not None and site_id not in self.site_ids:
            raise Forbidden(
                "other_site", "This key is limited to some sites, so what it makes must belong to one of them."
            )

    def require(self, permission: str) -> None:
        """Raise Forbidden without the permission."""
        if permission not in self.permissions:
            raise Forbidden("not_permitted", f"The role {self.role} does not include {permission}.")


async def principal_of(request: Request, context: Context) -> Principal:
    """Who asks, by the bearer key of the request; 401 without a valid one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise _unauthorized("api_key_missing", "Send an API key: `Authorization: Bearer KEY`.")
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
        permissions=ROLE_PERMISSIONS.get(found.role, frozenset()),
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
