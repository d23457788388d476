"""What a value must be beyond its type: the checks of settings, each with the words for who got one wrong."""

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from stationmaster.domain.roles import ROLES
from stationmaster.services.oidc_settings import ALGORITHMS, is_safe_url
from stationmaster.storage.urls import check_url

__all__ = [
    "PEPPER_BYTES",
    "check_algorithms",
    "check_base_url",
    "check_bus_url",
    "check_database_url",
    "check_host",
    "check_issuer",
    "check_pepper",
    "check_port_range",
    "check_roles",
    "check_signer_url",
    "check_text",
    "check_tile_url",
    "listed",
]

PEPPER_BYTES = (16, 64)
LAST_PORT = 65535


def check_text(value: Any) -> Any:
    """A name of a folder or a machine: there is one, and no system takes a NUL. Raises ValueError."""
    if isinstance(value, str) and (not value or "\0" in value):
        raise ValueError("it is empty, or holds a NUL")
    return value


def check_host(value: Any) -> Any:
    """An address or a name that can be looked up. Raises ValueError."""
    check_text(value)
    try:
        str(value).encode("idna")
    except UnicodeError:
        raise ValueError("it is no name of a machine") from None
    return value


def check_database_url(value: SecretStr) -> SecretStr:
    """A database that we know. Raises ValueError."""
    check_url(value.get_secret_value())
    return value


def check_bus_url(value: SecretStr) -> SecretStr:
    """A broker that we know. Raises ValueError."""
    if urlsplit(value.get_secret_value()).scheme not in ("nats", "tls"):
        raise ValueError("a bus URL begins with nats:// or tls://")
    return value


def check_issuer(value: str) -> str:
    """An OpenID provider whose word can be believed. Raises ValueError."""
    if not is_safe_url(value) or urlsplit(value).query or urlsplit(value).fragment:
        raise ValueError("an issuer is an https address, or one of this machine")
    return value


def check_algorithms(value: str) -> str:
    """Signatures that we can check. Raises ValueError."""
    strange = sorted(set(listed(value)) - set(ALGORITHMS))
    if strange or not listed(value):
        raise ValueError(f"an algorithm is one of {', '.join(ALGORITHMS)}")
    return value


def check_roles(value: str) -> str:
    """Which value of a claim gives which role. Raises ValueError."""
    for pair in listed(value):
        theirs, equals, ours = pair.rpartition("=")
        if not theirs or not equals or ours.strip() not in ROLES:
            raise ValueError(f"write VALUE=ROLE, with commas between; a role is one of {', '.join(ROLES)}")
    return value


def listed(value: str) -> list[str]:
    """The items of a text with commas between."""
    return [item.strip() for item in value.split(",") if item.strip()]


def check_pepper(value: SecretStr) -> SecretStr:
    """A key of a length that is one. Raises ValueError."""
    if not PEPPER_BYTES[0] <= len(value.get_secret_value().encode()) <= PEPPER_BYTES[1]:
        raise ValueError("a pepper has 16 to 64 bytes")
    return value


def check_base_url(value: str) -> str:
    """An address to which a path can be added. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a base URL begins with http:// or https:// and has no query")
    return value.rstrip("/")


def check_signer_url(value: str) -> str:
    """An authority that is asked over a safe way. Raises ValueError."""
    parts = urlsplit(value)
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or (parts.scheme != "https" and not (here and parts.scheme == "http")):
        raise ValueError("an authority is asked over https://, unless it is on this machine")
    return value


def check_tile_url(value: str) -> str:
    """Where map tiles come from; its origin goes into the content security policy. Raises ValueError."""
    parts = urlsplit(value)
    missing = [hole for hole in ("{z}", "{x}", "{y}") if hole not in parts.path + parts.query]
    if parts.scheme not in ("http", "https") or not _is_plain_host(parts.netloc) or missing:
        raise ValueError("tiles come from an address like https://tiles.example.org/{z}/{x}/{y}.png")
    return value


def _is_plain_host(netloc: str) -> bool:
    """Whether it is a host, perhaps with a port, and nothing that could be more in a header."""
    return re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", netloc) is not None


def check_port_range(value: str) -> str:
    """Nothing, or a range of ports. Raises ValueError."""
    lowest, _, highest = value.partition("-")
    if value and not (lowest.isdecimal() and highest.isdecimal() and 0 < int(lowest) <= int(highest) <= LAST_PORT):
        raise ValueError("a range of ports is written like 50000-50099")
    return value
