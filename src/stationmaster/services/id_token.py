"""ID tokens of OpenID Connect: taken only when everything about them is right (RELIABILITY S-16).

The rule that shapes this file: the token has no say in how it is checked. The algorithms are a list of
ours, the keys are those that the provider publishes, and a header that names a key, a place to fetch
one, or an extension of its own is refused before anything else is looked at.
"""

from typing import Any, Final

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

__all__ = ["BadIdToken", "Expected", "UnknownKey", "read_id_token"]

LEEWAY_S: Final = 60
LONGEST_TOKEN: Final = 64 * 1024
_HEADERS: Final = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})


class BadIdToken(Exception):
    """The token proves nothing; the text says why, for the log and for nobody else."""


class UnknownKey(BadIdToken):
    """It names a key that the provider did not publish when it was asked last."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the token must say: who made it, for whom, in answer to which login."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    algorithms: tuple[str, ...]


def read_id_token(token: str, keys: KeySet, expected: Expected, now_s: int) -> dict[str, Any]:
    """The claims of a token that proves them. Raises BadIdToken."""
    if len(token) > LONGEST_TOKEN:
        raise BadIdToken(f"it is longer than {LONGEST_TOKEN} characters")
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
        key = _key_for(header, keys, expected.algorithms)
        claims = jwt.decode(token, key, algorithms=list(expected.algorithms)).claims
        _check_claims(claims, header, expected, now_s)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadIdToken(f"{type(error).__name__}: {error}") from error
    return claims


def _key_for(header: dict[str, Any], keys: KeySet, algorithms: tuple[str, ...]) -> Key:
    strange = sorted(header.keys() - _HEADERS)
    if strange:
        raise BadIdToken(f"its header has {', '.join(strange)[:100]}, which no ID token needs")
    if header.get("alg") not in algorithms:
        raise BadIdToken(f"it is signed with {str(header.get('alg'))[:50]!r}, which is not allowed")
    usable = [key for key in keys if key.get("use") in (None, "sig") and key.get("alg") in (None, header["alg"])]
    if "kid" in header:
        usable = [key for key in usable if key.kid == header["kid"]]
    if len(usable) != 1:
        raise UnknownKey(f"{len(usable)} published keys answer to {str(header.get('kid'))[:50]!r}")
    return usable[0]


def _check_claims(claims: dict[str, Any], header: dict[str, Any], expected: Expected, now_s: int) -> None:
    # Authlib demands iss, sub, aud, exp and iat, the nonce, and `azp` where it is for others too (OpenID Connect
    # Core, 3.1.3.7); the two values are ours.
    checked = CodeIDToken(
        claims,
        header,
        options={
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
        },
        params={"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token},
    )
    checked.validate(now=now_s, leeway=LEEWAY_S)
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise BadIdToken("it names nobody")
