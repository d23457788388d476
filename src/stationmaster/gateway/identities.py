"""Which station a request is from: the last segment of its path, percent-decoded once (handbook §1.1).

What cannot be an identity is None, and is refused like an unknown one. Whether an identity is
registered is decided elsewhere, so unusual characters pass.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from stationmaster.domain.identities import LONGEST_IDENTITY, has_control_characters

__all__ = ["Identity", "PathRules", "identity_of"]


class PathRules(msgspec.Struct, frozen=True, kw_only=True):
    """Under which paths stations connect, and what is forgiven in them."""

    endpoints: tuple[str, ...] = ("/ocpp",)
    """Paths in front of the identity; "" or "/" for none."""
    trailing_slash: bool = False
    """Ignore a slash after the identity. The handbook wants 404 (§1.1)."""
    extra_segments: bool = False
    """Take the first segment below the endpoint and ignore what follows it."""


class Identity(msgspec.Struct, frozen=True):
    """An identity, decoded, and as it was written in the path."""

    name: str
    raw: str


_SCHEME_AND_HOST: Final = re.compile(r"(?:wss?|https?)://[^/?#]*", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SLASHES: Final = re.compile(r"/{2,}")


def identity_of(target: str, rules: PathRules) -> Identity | None:
    """The identity in a request target, in origin form or absolute form; None if there is none."""
    path = _SCHEME_AND_HOST.sub("", target, count=1) if "://" in target[:8] else target
    path = _SLASHES.sub("/", path.partition("?")[0].partition("#")[0])
    for endpoint in rules.endpoints:
        prefix = endpoint.rstrip("/") + "/"
        if path.startswith(prefix):
            return _identity(path[len(prefix) :], rules)
    return None


def _identity(rest: str, rules: PathRules) -> Identity | None:
    if rules.extra_segments:
        rest = rest.partition("/")[0]
    elif rules.trailing_slash:
        rest = rest.removesuffix("/")
    if "/" in rest or _ESCAPE.search(rest):
        return None
    try:
        name = unquote_to_bytes(rest.encode("latin-1")).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not 1 <= len(name) <= LONGEST_IDENTITY or has_control_characters(name) or name in {".", ".."}:
        return None
    return Identity(name, rest)
