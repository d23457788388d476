"""Codes of authenticator apps: time-based one-time passwords (RFC 6238, on HMAC-SHA-1 as every app has it).

The rule that shapes this file: a code is good for one use, and for the step of 30 seconds before and
after the present, since no two clocks agree.
"""

import base64
import hmac
from typing import Final
from urllib.parse import quote, urlencode

from stationmaster.instants import Instant

__all__ = ["CODE_DIGITS", "SECRET_BYTES", "code_at", "is_code", "matching_step", "provisioning_uri", "secret_text"]

SECRET_BYTES: Final = 20
CODE_DIGITS: Final = 6
STEP_US: Final = 30_000_000
STEPS_APART: Final = 1


def code_at(secret: bytes, step: int, digits: int = CODE_DIGITS) -> str:
    """The code of a time step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def is_code(text: str) -> bool:
    """Whether a text could be a code: six digits, blanks aside."""
    bare = text.replace(" ", "")
    return len(bare) == CODE_DIGITS and bare.isascii() and bare.isdecimal()


def matching_step(secret: bytes, code: str, now: Instant, last_step: int) -> int | None:
    """The time step, later than `last_step`, whose code this is; None when it is no good now."""
    bare = code.replace(" ", "")
    present = now // STEP_US
    matches = [
        step
        for step in range(present - STEPS_APART, present + STEPS_APART + 1)
        if hmac.compare_digest(code_at(secret, step).encode(), bare.encode()) and step > last_step
    ]
    return matches[0] if matches else None


def secret_text(secret: bytes) -> str:
    """A secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def provisioning_uri(secret: bytes, username: str, issuer: str) -> str:
    """What the QR code for an app holds."""
    query = urlencode({"secret": secret_text(secret), "issuer": issuer, "digits": CODE_DIGITS, "period": 30})
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?{query}"
