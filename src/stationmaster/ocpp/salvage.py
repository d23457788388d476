"""The careful reading of frames: everything that the typed decode in `frames` does not take.

The rule that shapes this file: as long as an id can be read, a broken CALL gets an answer; text
that is not JSON never does (handbook 1.9).
"""

import re
from typing import Final

import msgspec

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
from .errors import ErrorCode, OcppError
from .fields import DECODING_ERRORS, INT64_MAX
from .plain_json import element_text, read_json, storable

__all__ = ["decode_carefully"]

_CALL: Final = 2
_CALL_RESULT: Final = 3
_CALL_ERROR: Final = 4
_CALL_LENGTH: Final = 4
_CALL_RESULT_LENGTH: Final = 3
_CALL_ERROR_LENGTH: Final = 5

_BYTE_ORDER_MARK: Final = "\ufeff"
_HEAD: Final = re.compile(r'\s*\[\s*([234])\s*,\s*("(?:[^"\\]|\\.){0,255}"|-?\d{1,18})\s*,')
_HOLE: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|:(?=\s*[,}\]])', re.DOTALL)
_any_json: Final = msgspec.json.Decoder(msgspec.Raw)


def decode_carefully(text: str, repair_missing_values: bool) -> Frame:
    """The frame in a text of any kind. Never raises."""
    oddities: list[str] = []
    if text.startswith(_BYTE_ORDER_MARK):
        oddities.append(FrameOddity.BYTE_ORDER_MARK)
        text = text.removeprefix(_BYTE_ORDER_MARK)
    text = text.strip(" \t\n\r\0")
    if not text:
        return Ignored("the frame is empty")
    try:
        elements = read_json(text)
    except RecursionError:
        return _too_deep(text)
    except ValueError:
        repaired = _fill_holes(text) if repair_missing_values else text
        if repaired == text:
            return Unanswerable("the text is not JSON")
        oddities.append(FrameOddity.MISSING_VALUE)
        return _with_oddities(decode_carefully(repaired, repair_missing_values=False), oddities)
    if not _is_clean(text):
        oddities.append(FrameOddity.INVALID_CHARACTERS)
    return _with_oddities(_frame(text, elements), oddities)


def _fill_holes(text: str) -> str:
    return _HOLE.sub(lambda match: ":null" if match[0] == ":" else match[0], text)


def _is_clean(text: str) -> bool:
    try:
        _any_json.decode(text)
    except DECODING_ERRORS:
        return False
    return True


def _with_oddities(frame: Frame, oddities: list[str]) -> Frame:
    if oddities and isinstance(frame, Call | CallResult | CallError):
        return msgspec.structs.replace(frame, oddities=(*oddities, *frame.oddities))
    return frame


def _too_deep(text: str) -> Frame:
    head = _HEAD.match(text)
    if head is None:
        return Unanswerable("the text is nested too deeply")
    # The id is JSON: the reading that went too deep has passed it.
    message_id, _ = _read_id(read_json(head[2]))
    if int(head[1]) == _CALL or message_id is None:
        return _broken(message_id, "the payload is nested too deeply")
    if int(head[1]) == _CALL_ERROR:
        return CallError(message_id, "", "", b"{}")
    return CallResult(message_id, text[head.end() :].encode("utf-8", "surrogatepass"))


def _broken(message_id: MessageId | None, reason: str) -> BrokenCall:
    error = OcppError(ErrorCode.FORMATION_VIOLATION, reason)
    return BrokenCall("" if message_id is None else message_id, error)


def _frame(text: str, elements: object) -> Frame:
    if not isinstance(elements, list):
        return Unanswerable("the text is not a JSON array")
    if not elements:
        return Unanswerable("the array is empty")
    kind = elements[0]
    if kind not in (_CALL, _CALL_RESULT, _CALL_ERROR):
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
    return _call_error(text, elements, message_id, oddities)


def _read_id(raw: object) -> tuple[MessageId | None, list[str]]:
    if type(raw) is int and abs(raw) <= INT64_MAX:
        return raw, [FrameOddity.INTEGER_ID]
    if type(raw) is not str:
        return None, []
    oddities: list[str] = []
    if not raw:
        oddities.append(FrameOddity.EMPTY_ID)
    if len(raw) > LONGEST_ID:
        oddities.append(FrameOddity.LONG_ID)
    if not raw.isprintable():
        oddities.append(FrameOddity.CONTROL_CHARACTERS_IN_ID)
    return raw, oddities


def _call(text: str, elements: list[object], message_id: MessageId | None, oddities: list[str]) -> Frame:
    if message_id is None:
        return _broken(None, "the message id is not a text")
    if isinstance(message_id, str) and len(message_id) > LONGEST_ECHOED_ID:
        return _broken(message_id, f"the message id is longer than {LONGEST_ECHOED_ID} characters")
    if len(elements) != _CALL_LENGTH:
        reason = f"a CALL has {_CALL_LENGTH} elements, this one has {len(elements)}"
        return _broken(message_id, reason)
    action = elements[2]
    if type(action) is not str:
        return _broken(message_id, "the action is not a text")
    return Call(message_id, action, _payload(text, 3), tuple(oddities))


def _call_result(text: str, elements: list[object], message_id: MessageId, oddities: list[str]) -> CallResult:
    oddities += _length_oddity(elements, _CALL_RESULT_LENGTH)
    payload = _payload(text, 2) if len(elements) >= _CALL_RESULT_LENGTH else b"null"
    return CallResult(message_id, payload, tuple(oddities))


def _call_error(text: str, elements: list[object], message_id: MessageId, oddities: list[str]) -> CallError:
    oddities += _length_oddity(elements, _CALL_ERROR_LENGTH)
    code, description, details = (*elements[2:_CALL_ERROR_LENGTH], None, None, None)[:3]
    return CallError(
        message_id,
        storable(code) if type(code) is str else "",
        storable(description) if type(description) is str else "",
        _payload(text, _CALL_ERROR_LENGTH - 1) if isinstance(details, dict) else b"{}",
        tuple(oddities),
    )


def _length_oddity(elements: list[object], length: int) -> list[str]:
    if len(elements) == length:
        return []
    return [FrameOddity.MISSING_ELEMENTS if len(elements) < length else FrameOddity.EXTRA_ELEMENTS]


def _payload(text: str, index: int) -> bytes:
    return element_text(text, index).encode("utf-8", "surrogatepass")
