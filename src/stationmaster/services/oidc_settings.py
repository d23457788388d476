"""What may be chosen about sign-in through an OpenID provider."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from stationmaster.domain.roles import ROLES

__all__ = ["ALGORITHMS", "THIS_MACHINE", "OidcSettings", "is_safe_url"]

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
)
"""What a provider may sign with: signatures by a private key, and nothing else."""
THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which provider, and what it may decide. `roles` maps values of the claim to our roles."""

    issuer: str
    client_id: str
    client_secret: str | None = None
    name: str = "Single sign-on"
    scope: str = "openid profile email"
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    role_claim: str = "roles"
    roles: tuple[tuple[str, str], ...] = ()
    organisation_id: str = "default"
    redirect_url: str | None = None

    def __post_init__(self) -> None:
        """ValueError for what could never work, or would let forged tokens in."""
        if not set(self.algorithms) <= set(ALGORITHMS) or not self.algorithms:
            raise ValueError(f"an algorithm is one of {', '.join(ALGORITHMS)}")
        if not {role for _, role in self.roles} <= set(ROLES):
            raise ValueError(f"a role is one of {', '.join(ROLES)}")


def is_safe_url(url: str) -> bool:
    """Whether an address is asked over TLS, or is on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
