"""Passwords of stations: two ways to write the same bytes (handbook §4.5, §8 A-2).

The rule that shapes this file: a password is bytes. Text of 32 to 40 hexadecimal digits means the
16 to 20 bytes it spells, any other text its own UTF-8 bytes. A station may present either writing
of the same password, so what is presented is tried as it came and as what it spells.
"""

from typing import Final

from stationmaster.domain.errors import FieldError, Invalid

__all__ = ["LONGEST_PASSWORD_BYTES", "PASSWORD_BYTES", "is_wire_form", "password_bytes", "readings_of", "wire_form"]

PASSWORD_BYTES: Final = 20
"""How long a generated password is: 40 hexadecimal digits, the longest the whitepaper allows."""
LONGEST_PASSWORD_BYTES: Final = 64
_SHORTEST_HEX: Final = 32
_LONGEST_HEX: Final = 40
_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")


def _unhex(text: bytes) -> bytes | None:
    if _SHORTEST_HEX <= len(text) <= _LONGEST_HEX and len(text) % 2 == 0 and _HEX_DIGITS.issuperset(text):
        return bytes.fromhex(text.decode("ascii"))
    return None


def password_bytes(text: str, *, minimum_bytes: int = 16) -> bytes:
    """The bytes of a password as an operator typed it.

    Raises Invalid when it is shorter than `minimum_bytes` or longer than 64 bytes, or holds a
    character that cannot be written in UTF-8.
    """
    try:
        written = text.encode()
    except UnicodeEncodeError as error:
        raise _refused("not_text", "A password is text that can be written in UTF-8.") from error
    raw = _unhex(written) or written
    if len(raw) < minimum_bytes:
        raise _refused(
            "too_short",
            f"A password has at least {minimum_bytes} bytes: as many characters, or twice as many hexadecimal digits.",
        )
    if len(raw) > LONGEST_PASSWORD_BYTES:
        raise _refused("too_long", f"A password has at most {LONGEST_PASSWORD_BYTES} bytes.")
    return raw


def readings_of(presented: bytes) -> tuple[bytes, ...]:
    """What presented bytes may mean: themselves, and the bytes that they spell in hexadecimal."""
    spelled = _unhex(presented)
    return (presented,) if spelled is None else (presented, spelled)


def is_wire_form(value: str) -> bool:
    """Whether a value of AuthorizationKey is written as the whitepaper wants it: 32 to 40 hexadecimal digits."""
    return value.isascii() and _unhex(value.encode()) is not None


def wire_form(raw: bytes) -> str:
    """How a password travels to the station as the value of AuthorizationKey: upper-case hexadecimal."""
    return raw.hex().upper()


def _refused(code: str, words: str) -> Invalid:
    return Invalid("password_invalid", words, fields=(FieldError("password", code, words),))
