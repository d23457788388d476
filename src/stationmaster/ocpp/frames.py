"""The arrays around a message: CALL, CALLRESULT and CALLERROR.

The rule that shapes this file: `decode` never raises. Text of any kind becomes a frame, and the
frame says what may be done with it: handle it, answer it with a CALLERROR, only count it, or
ignore it (handbook 1.4, 1.5, 1.9).
"""

import json
import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from .errors import LONGEST_DESCRIPTION, ErrorCode, OcppError
from .fields import DECODING_ERRORS, INT64_MAX, Message, holds_tenths, typed_decoder

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
    "encode_result",
]

MessageId = str | int
"""An id as it was received; an integer is tolerated and echoed as the same integer."""

Payload = Message | bytes
"""What goes into a frame: a message, which is checked, or JSON of one's own, which is not."""

LONGEST_ID: Final = 36
LONGEST_ECHOED_ID: Final = 255
"""A longer id is refused in both modes, since ids are remembered per connection."""
"""Oddities of the frame itself, as they stand in `Call.oddities`."""


class FrameOddity:
    """What may be odd about a frame that can be handled all the same."""

    INTEGER_ID: Final = "integer_id"
    EMPTY_ID: Final = "empty_id"
    LONG_ID: Final = "long_id"
    CONTROL_CHARACTERS_IN_ID: Final = "control_characters_in_id"
    BYTE_ORDER_MARK: Final = "byte_order_mark"
    INVALID_CHARACTERS: Final = "invalid_characters"
    MISSING_VALUE: Final = "missing_value"
    MISSING_ELEMENTS: Final = "missing_elements"
    EXTRA_ELEMENTS: Final = "extra_elements"


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
    """`[4, id, code, description, details]`; `code` is the raw text, see `parse_error_code`."""

    message_id: MessageId
    code: str
    description: str
    details: dict[str, object]
    oddities: tuple[str, ...] = ()


class BrokenCall(msgspec.Struct, frozen=True):
    """A CALL that does not follow its structure; answer with a CALLERROR and `message_id`."""

    message_id: MessageId
    error: OcppError


class Unanswerable(msgspec.Struct, frozen=True, gc=False):
    """Text that is no message at all: log it, count it, send nothing."""

    reason: str


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A message whose type number is unknown, or an empty frame: do nothing."""

    reason: str


Frame = Call | CallResult | CallError | BrokenCall | Unanswerable | Ignored

_CALL: Final = 2
_CALL_RESULT: Final = 3
_CALL_ERROR: Final = 4
_CALL_LENGTH: Final = 4

_PlainId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
_call_decoder: Final = msgspec.json.Decoder(tuple[Literal[2], _PlainId, str, msgspec.Raw])
_result_decoder: Final = msgspec.json.Decoder(tuple[Literal[3], _PlainId, msgspec.Raw])
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def decode(text: str, *, repair_missing_values: bool = False) -> Frame:
    """Read one text frame. Never raises.

    `repair_missing_values` reads `"transactionId":,` as `null`; it is for stations that are
    known to write this, because such text is not JSON.
    """
    try:
        if text.startswith("[3"):
            _, message_id, payload = _result_decoder.decode(text)
            if message_id.isprintable():
                return CallResult(message_id, bytes(payload))
        else:
            _, message_id, action, payload = _call_decoder.decode(text)
            if message_id.isprintable():
                return Call(message_id, action, bytes(payload))
    except DECODING_ERRORS:
        pass
    return _decode_carefully(text, repair_missing_values)


def encode_call(message_id: MessageId, action: str, payload: Payload) -> str:
    """A CALL of ours. Raises OcppError (InternalError) if a message breaks its own limits."""
    return f"[2,{_json_id(message_id)},{_json(action)},{_json_payload(payload)}]"


def encode_result(message_id: MessageId, payload: Payload) -> str:
    """The answer to a CALL. Raises OcppError (InternalError) if a message breaks its limits."""
    return f"[3,{_json_id(message_id)},{_json_payload(payload)}]"


def encode_error(message_id: MessageId, error: OcppError) -> str:
    """The CALLERROR for a CALL: description in ASCII and at most 255 characters."""
    description = error.description.encode("ascii", "replace").decode("ascii")
    try:
        details = _json(error.details)
    except (TypeError, ValueError, RecursionError):
        details = "{}"
    return f"[4,{_json_id(message_id)},{_json(error.code.value)},{_json(description[:LONGEST_DESCRIPTION])},{details}]"


def _json(value: object) -> str:
    return _encoder.encode(value).decode()


def _json_id(message_id: MessageId) -> str:
    # The standard library escapes what is not ASCII, so that even a lone surrogate goes back
    # as it came.
    return json.dumps(message_id)


def _json_payload(payload: Payload) -> str:
    """The payload as compact JSON; what we send is checked first (handbook 1.9)."""
    if isinstance(payload, bytes):
        return payload.decode()
    try:
        encoded = _encoder.encode(payload)
        checked = typed_decoder(type(payload)).decode(encoded)
        if holds_tenths(type(payload)):
            encoded = _encoder.encode(checked)
    except (*DECODING_ERRORS, TypeError) as error:
        reason = f"a {type(payload).__name__} of ours breaks its own limits"
        raise OcppError(ErrorCode.INTERNAL_ERROR, reason) from error
    return encoded.decode()


# What follows reads frames that the typed decode does not take.

_HEAD: Final = re.compile(r'\s*\[\s*2\s*,\s*("(?:[^"\\]|\\.){0,255}"|-?\d{1,18})\s*,')
_HOLE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|:(?=\s*[,}\]])')
_BLANKS: Final = re.compile(r"[ \t\n\r]*")


def _refuse_constant(text: str) -> object:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


def _short_integer(text: str) -> int | float:
    return int(text) if len(text) <= 20 else float("inf")


_careful: Final = json.JSONDecoder(strict=False, parse_int=_short_integer, parse_constant=_refuse_constant)


def _decode_carefully(text: str, repair_missing_values: bool) -> Frame:
    oddities: list[str] = []
    if text.startswith("\ufeff"):
        oddities.append(FrameOddity.BYTE_ORDER_MARK)
        text = text.removeprefix("\ufeff")
    text = text.strip()
    if not text:
        return Ignored("the frame is empty")
    try:
        elements = _careful.decode(text)
    except RecursionError:
        return _too_deep(text)
    except ValueError:
        if not repair_missing_values:
            return Unanswerable("the text is not JSON")
        repaired = _HOLE.sub(lambda match: ":null" if match[0] == ":" else match[0], text)
        if repaired == text:
            return Unanswerable("the text is not JSON")
        oddities.append(FrameOddity.MISSING_VALUE)
        return _with_oddities(_decode_carefully(repaired, False), oddities)
    return _with_oddities(_frame(text, elements), oddities)


def _with_oddities(frame: Frame, oddities: list[str]) -> Frame:
    if isinstance(frame, Call | CallResult | CallError) and oddities:
        return msgspec.structs.replace(frame, oddities=(*oddities, *frame.oddities))
    return frame


def _too_deep(text: str) -> Frame:
    head = _HEAD.match(text)
    if head is None:
        return Unanswerable("the text is nested too deeply")
    error = OcppError(ErrorCode.FORMATION_VIOLATION, "the payload is nested too deeply")
    try:
        return BrokenCall(_careful.decode(head[1]), error)
    except ValueError:
        return BrokenCall("", error)


def _frame(text: str, elements: object) -> Frame:
    if not isinstance(elements, list):
        return Unanswerable("the text is not a JSON array")
    if not elements:
        return Unanswerable("the array is empty")
    kind = elements[0]
    if type(kind) is not int or kind not in (_CALL, _CALL_RESULT, _CALL_ERROR):
        return Ignored("the message type number is not known")
    if len(elements) == 1:
        return Unanswerable("the array is too short to hold an id")
    message_id, oddities = _read_id(elements[1])
    if kind == _CALL:
        return _call(text, elements, message_id, oddities)
    if message_id is None:
        return Unanswerable("the answer has no readable id")
    if kind == _CALL_RESULT:
        return _call_result(text, elements, message_id, oddities)
    return _call_error(elements, message_id, oddities)


def _read_id(raw: object) -> tuple[MessageId | None, list[str]]:
    if type(raw) is int and abs(raw) <= INT64_MAX:
        return raw, [FrameOddity.INTEGER_ID]
    if not isinstance(raw, str):
        return None, []
    oddities = []
    if not raw:
        oddities.append(FrameOddity.EMPTY_ID)
    if len(raw) > LONGEST_ID:
        oddities.append(FrameOddity.LONG_ID)
    if not raw.isprintable():
        oddities.append(FrameOddity.CONTROL_CHARACTERS_IN_ID)
    return raw, oddities


def _call(text: str, elements: list[object], message_id: MessageId | None, oddities: list[str]) -> Frame:
    def broken(reason: str) -> BrokenCall:
        error = OcppError(ErrorCode.FORMATION_VIOLATION, reason)
        return BrokenCall("" if message_id is None else message_id, error)

    if message_id is None:
        return broken("the message id is not a text")
    if isinstance(message_id, str) and len(message_id) > LONGEST_ECHOED_ID:
        return broken(f"the message id is longer than {LONGEST_ECHOED_ID} characters")
    if len(elements) != _CALL_LENGTH:
        return broken(f"a CALL has {_CALL_LENGTH} elements, this one has {len(elements)}")
    action = elements[2]
    if not isinstance(action, str):
        return broken("the action is not a text")
    payload = _element_text(text, 3)
    return Call(message_id, action, payload, (*oddities, *_character_oddity(text)))


def _call_result(text: str, elements: list[object], message_id: MessageId, oddities: list[str]) -> CallResult:
    oddities.extend(_character_oddity(text))
    if len(elements) == 2:
        return CallResult(message_id, b"null", (*oddities, FrameOddity.MISSING_ELEMENTS))
    if len(elements) > 3:
        oddities.append(FrameOddity.EXTRA_ELEMENTS)
    return CallResult(message_id, _element_text(text, 2), tuple(oddities))


def _call_error(elements: list[object], message_id: MessageId, oddities: list[str]) -> CallError:
    code, description, details = [*elements[2:5], None, None, None][:3]
    if len(elements) < 5:
        oddities.append(FrameOddity.MISSING_ELEMENTS)
    if len(elements) > 5:
        oddities.append(FrameOddity.EXTRA_ELEMENTS)
    return CallError(
        message_id,
        code if isinstance(code, str) else "",
        description if isinstance(description, str) else "",
        details if isinstance(details, dict) else {},
        tuple(oddities),
    )


def _character_oddity(text: str) -> list[str]:
    """Text that only the careful reading takes holds characters that JSON does not allow."""
    try:
        _raw_decoder.decode(text)
    except DECODING_ERRORS:
        return [FrameOddity.INVALID_CHARACTERS]
    return []


_raw_decoder: Final = msgspec.json.Decoder(msgspec.Raw)


def _element_text(text: str, index: int) -> bytes:
    """The JSON of one element of an array that is known to be well formed."""
    position = text.index("[") + 1
    for element in range(index + 1):
        start = _skip_blanks(text, position)
        _, position = _careful.raw_decode(text, start)
        if element < index:
            position = _skip_blanks(text, position) + 1
    return text[start:position].encode("utf-8", "surrogatepass")


def _skip_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    assert match is not None
    return match.end()
