"""What a text frame can be: CALL, CALLRESULT, CALLERROR, or one of three kinds of wreck.

Source: handbook 1.4, 1.5, 1.9.
"""

from enum import StrEnum
from typing import Final

import msgspec

from .errors import OcppError

__all__ = [
    "LONGEST_ECHOED_ID",
    "LONGEST_ID",
    "BrokenCall",
    "Call",
    "CallError",
    "CallResult",
    "Frame",
    "FrameOddity",
    "Ignored",
    "MessageId",
    "Unanswerable",
]

MessageId = str | int
"""An id as it was received; an integer is tolerated and echoed as the same integer."""

LONGEST_ID: Final = 36
LONGEST_ECHOED_ID: Final = 255
"""A CALL with a longer id is refused in both modes, since ids are remembered per connection."""


class FrameOddity(StrEnum):
    """What may be odd about a frame that can be handled all the same; strict mode refuses it."""

    INTEGER_ID = "integer_id"
    EMPTY_ID = "empty_id"
    LONG_ID = "long_id"
    CONTROL_CHARACTERS_IN_ID = "control_characters_in_id"
    """The id holds characters that must not be shown or stored as they are."""
    BYTE_ORDER_MARK = "byte_order_mark"
    INVALID_CHARACTERS = "invalid_characters"
    """Raw control characters or lone surrogates, which JSON does not allow."""
    MISSING_VALUE = "missing_value"
    """`"transactionId":,` was read as `null`."""
    MISSING_ELEMENTS = "missing_elements"
    EXTRA_ELEMENTS = "extra_elements"


class Call(msgspec.Struct, frozen=True, gc=False):
    """`[2, id, action, payload]`; the payload is the JSON as it was sent."""

    message_id: MessageId
    action: str
    payload: bytes
    oddities: tuple[str, ...] = ()


class CallResult(msgspec.Struct, frozen=True, gc=False):
    """`[3, id, payload]`; the payload is the JSON as it was sent."""

    message_id: MessageId
    payload: bytes
    oddities: tuple[str, ...] = ()


class CallError(msgspec.Struct, frozen=True):
    """`[4, id, code, description, details]`; `code` is the raw text, see `parse_error_code`, `details` the raw JSON."""

    message_id: MessageId
    code: str
    description: str
    details: bytes
    oddities: tuple[str, ...] = ()


class BrokenCall(msgspec.Struct, frozen=True):
    """A CALL that does not follow its structure: answer `error` as a CALLERROR to `message_id`."""

    message_id: MessageId
    error: OcppError


class Unanswerable(msgspec.Struct, frozen=True, gc=False):
    """Text that is no message at all: log it, count it, send nothing."""

    reason: str


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A message whose type number is unknown, or an empty frame: do nothing."""

    reason: str


Frame = Call | CallResult | CallError | BrokenCall | Unanswerable | Ignored
