"""Texts that every database takes: no control characters, no half characters, bounded keys.

PostgreSQL refuses a row with a NUL in it and no driver encodes a lone surrogate, so a single
such character could keep a whole batch from being stored (RELIABILITY D-04).
"""

import re
from typing import Any, Final, TypeVar

import msgspec

__all__ = ["KEY_LENGTH", "clean", "cleaned", "clip", "is_storable", "key_text"]

KEY_LENGTH: Final = 255
"""Characters of a text that is part of a key: an index entry has a limit, a column has none."""

_UNWANTED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

_HALVES: Final = re.compile("[\ud800-\udfff]")

T = TypeVar("T")


def is_storable(text: str) -> bool:
    """Whether every database takes the text as it is, other control characters included."""
    return "\0" not in text and (text.isascii() or _HALVES.search(text) is None)


def clean(text: str) -> str:
    """The text without control characters; half of a surrogate pair becomes U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return _UNWANTED.sub(lambda match: "\ufffd" if match[0] > "\x7f" else "", text)


def cleaned(value: T) -> T:
    """The same value with every text in it cleaned."""
    return _cleaned(value)  # type: ignore[no-any-return]  # it is of the kind that came in


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, msgspec.Struct):
        fields = {name: _cleaned(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(_cleaned, value))
    return value


def clip(text: str) -> str:
    """The beginning of a text, as much as a key may hold."""
    return text[:KEY_LENGTH]


def key_text(text: str) -> str:
    """A text as it may be part of a key."""
    return clean(text)[:KEY_LENGTH]
