"""Pages of a list and the cursor that leads to the next one.

A cursor holds the sort key of the last item of a page, so a list that grows meanwhile neither
repeats nor skips an item.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Any, Generic, TypeVar

import msgspec

from stationmaster.storage.errors import Refused

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "BadCursor", "Page", "bounded", "read_cursor", "write_cursor"]

DEFAULT_LIMIT = 50
MAX_LIMIT = 1_000

T = TypeVar("T")


class BadCursor(Refused):
    """The cursor was not made by this list."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items of a list; `next_cursor` is None on the last page."""

    items: list[T]
    next_cursor: str | None = None


def bounded(limit: int) -> int:
    """The number of items that a page may have."""
    return max(1, min(limit, MAX_LIMIT))


def write_cursor(key: Any) -> str:
    """The cursor behind the item with this sort key."""
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(cursor: str, kind: type[T]) -> T:
    """The sort key in a cursor; raises `BadCursor`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(urlsafe_b64decode(padded.encode("ascii")), type=kind)
    except (Base64Error, ValueError, msgspec.MsgspecError) as error:
        raise BadCursor("the cursor is not one of this list") from error
