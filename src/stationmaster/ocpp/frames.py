"""Text to frames, and frames to text.

The rule that shapes this file: `decode` never raises. Text of any kind becomes a frame, and the
frame says what may be done with it: handle it, answer it with a CALLERROR, only count it, or
ignore it (handbook 1.4, 1.9). And nothing of ours leaves that breaks its own limits.
"""

import json
import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from .envelopes import (
    LONGEST_ECHOED_ID,
    LONGEST_ID,
    BrokenCall,
    Call,
    CallError,
    CallResult,
    Frame,
    FrameOddity,
    Ignored,
    MessageId,
    Unanswerable,
)
from .errors import LONGEST_DESCRIPTION, ErrorCode, OcppError
from .fields import DECODING_ERRORS, Message, holds_tenths, typed_decoder
from .salvage import decode_carefully

__all__ = [
    "LONGEST_ECHOED_ID",
    "BrokenCall",
    "Call",
    "CallError",
    "CallResult",
    "Frame",
    "FrameOddity",
    "Ignored",
    "MessageId",
    "Payload",
    "Unanswerable",
    "decode",
    "encode_call",
    "encode_error",
    "encode_payload",
    "encode_result",
]

Payload = Message | bytes
"""What goes into a frame: a message, which is checked, or JSON of one's own, which is not."""

_PLAIN_ID: Final = re.compile(r"[\w.:-]+", re.ASCII)
"""Ids that stand in JSON as they are: numbers and UUIDs, that is nearly all."""

_PlainId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
_call: Final = msgspec.json.Decoder(tuple[Literal[2], _PlainId, str, msgspec.Raw])
_result: Final = msgspec.json.Decoder(tuple[Literal[3], _PlainId, msgspec.Raw])
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def decode(text: str, *, repair_missing_values: bool = False) -> Frame:
    """Read one text frame. Never raises.

    `repair_missing_values` reads `"transactionId":,` as `null`; it is meant for stations that
    are known to write this, because such text is not JSON.
    """
    try:
        if text.startswith("[3"):
            _, message_id, payload = _result.decode(text)
            if message_id.isprintable():
                return CallResult(message_id, bytes(payload))
        else:
            _, message_id, action, payload = _call.decode(text)
            if message_id.isprintable():
                return Call(message_id, action, bytes(payload))
    except DECODING_ERRORS:
        pass
    return decode_carefully(text, repair_missing_values)


def encode_call(message_id: MessageId, action: str, payload: Payload) -> str:
    """A CALL of ours. Raises OcppError (InternalError) if a message breaks its own limits."""
    return f"[2,{_json_id(message_id)},{_json(action)},{encode_payload(payload)}]"


def encode_result(message_id: MessageId, payload: Payload) -> str:
    """The answer to a CALL. Raises OcppError (InternalError) if a message breaks its limits."""
    if isinstance(message_id, str) and _PLAIN_ID.fullmatch(message_id):
        return f'[3,"{message_id}",{encode_payload(payload)}]'
    return f"[3,{json.dumps(message_id)},{encode_payload(payload)}]"


def encode_error(message_id: MessageId, error: OcppError) -> str:
    """The CALLERROR for a CALL: description in ASCII and at most 255 characters."""
    description = error.description.encode("ascii", "replace").decode("ascii")
    try:
        details = _json(error.details)
    except (TypeError, ValueError, RecursionError):
        details = "{}"
    code, description = _json(error.code.value), _json(description[:LONGEST_DESCRIPTION])
    return f"[4,{_json_id(message_id)},{code},{description},{details}]"


def encode_payload(payload: Payload) -> str:
    """Compact JSON, members in the order of the tables, absent ones left out.

    A message is decoded again before it is sent, because a failure of ours must never reach the
    wire (handbook 1.9). Raises OcppError (InternalError) in that case.
    """
    if isinstance(payload, bytes):
        return payload.decode()
    if not payload.__struct_fields__:  # most answers: there is nothing to say, and nothing to check
        return "{}"
    try:
        encoded = _encoder.encode(payload)
        checked = typed_decoder(type(payload)).decode(encoded)
        if holds_tenths(type(payload)):
            encoded = _encoder.encode(checked)
    except (*DECODING_ERRORS, TypeError) as error:
        reason = f"a {type(payload).__name__} of ours breaks its own limits"
        raise OcppError(ErrorCode.INTERNAL_ERROR, reason) from error
    return encoded.decode()


def _json(value: object) -> str:
    return _encoder.encode(value).decode()


def _json_id(message_id: MessageId) -> str:
    if isinstance(message_id, str) and _PLAIN_ID.fullmatch(message_id):
        return f'"{message_id}"'
    # The standard library escapes what is not ASCII, so that even half a surrogate pair goes
    # back as it came.
    return json.dumps(message_id)
