"""What may be permitted, and which roles permit it.

A permission is a block and a verb; a role is a bundle of permissions.
"""

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["PERMISSIONS", "ROLE_PERMISSIONS", "Role", "permissions_of"]

Role = Literal["viewer", "operator", "security_admin", "admin"]
"""As in `domain.roles`, for documents."""

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


def permissions_of(role: str, narrowed_to: tuple[str, ...] | None = None) -> frozenset[str]:
    """What a role may do; `narrowed_to` takes away, and never adds."""
    found = ROLE_PERMISSIONS.get(role, frozenset())
    return found if narrowed_to is None else found & frozenset(narrowed_to)
