"""Basic authentication as stations do it (handbook §4.2, RFC 7617).

The password is bytes and never assumed to be text. What it is compared with is not known here:
`contract.PasswordCheck` does that. The user name must be the identity of the URL, decoded or as written.
"""

import base64
import binascii
import hmac
from typing import Final, Literal

from stationmaster.gateway.identities import Identity

__all__ = ["CredentialFault", "password_from"]

CredentialFault = Literal["password_missing", "password_unreadable", "user_mismatch"]

_LONGEST: Final = 2048


def password_from(authorization: tuple[str, ...], identity: Identity) -> bytes | CredentialFault:
    """The password bytes of the `Authorization` values of a request, or what is wrong with them."""
    if not authorization:
        return "password_missing"
    scheme, _, encoded = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "basic" or len(encoded) > _LONGEST:
        return "password_unreadable"
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return "password_unreadable"
    user, colon, password = decoded.partition(b":")
    if not colon:
        return "password_unreadable"
    same = [hmac.compare_digest(user, name) for name in (identity.name.encode(), identity.raw.encode("latin-1"))]
    return password if any(same) else "user_mismatch"
