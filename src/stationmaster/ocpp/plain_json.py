"""Reading of JSON that a typed decode does not take.

The rule that shapes this file: no text may cost more than its length, and no number is computed
before its size is known. So a number that is not a short plain integer stays text, constants
that are not JSON (`NaN`) are refused, and characters that JSON does not allow inside a text are
let through, to be removed later where they stand.
"""

import json
import re
from math import isfinite
from typing import Final

import msgspec

from .fields import INT64_MAX

__all__ = ["Number", "element_text", "kept_object", "read_json", "storable"]

_LONGEST_INTEGER: Final = 20
_DEEPEST: Final = 64
"""Lists and objects within each other that are kept: whoever shows them goes no deeper than some hundreds."""
_TOO_DEEP: Final = "(nested too deeply)"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_BLANKS: Final = re.compile(r"[ \t\n\r]*")


class Number(str):
    """A JSON number that is no short plain integer, as it was written: `12.0`, `1e400`."""

    __slots__ = ()


def _integer(text: str) -> int | Number:
    return int(text) if len(text) <= _LONGEST_INTEGER else Number(text)


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


_decoder: Final = json.JSONDecoder(
    strict=False, parse_int=_integer, parse_float=Number, parse_constant=_refuse_constant
)


def storable(text: str) -> str:
    """The text without control characters (tab and line ends stay) and lone surrogates."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub("", text))


def kept_object(text: str) -> str | None:
    """A JSON object as it can be stored, read and shown by everybody: as it stands, if nothing is against that.

    Texts are `storable`, numbers are doubles or else texts, what is nested too deeply is left out.
    None: it is no JSON object, or cannot be read.
    """
    try:
        value = _kept(read_json(text), 0)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    try:
        if msgspec.json.decode(text) == value:
            return text
    except (msgspec.MsgspecError, RecursionError):
        pass
    return msgspec.json.encode(value).decode()


def _kept(value: object, depth: int) -> object:
    if isinstance(value, Number) or (isinstance(value, int) and abs(value) > INT64_MAX):
        number = float(value)
        return number if isfinite(number) else str(value)
    if isinstance(value, str):
        return storable(value)
    if not isinstance(value, dict | list):
        return value
    if depth == _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, list):
        return [_kept(each, depth + 1) for each in value]
    return {storable(name): _kept(each, depth + 1) for name, each in value.items()}


def read_json(text: str) -> object:
    """The value of a JSON text: dict, list, str, int, Number, bool or None.

    Raises ValueError if it is not JSON and RecursionError if it is nested too deeply.
    """
    value: object = _decoder.decode(text)
    return value


def element_text(text: str, index: int) -> str:
    """The JSON of one element of an array; `text` is known to be a JSON array that has it."""
    position = text.index("[") + 1
    for _ in range(index):
        _, position = _decoder.raw_decode(text, _skip_blanks(text, position))
        position = _skip_blanks(text, position) + len(",")
    start = _skip_blanks(text, position)
    _, end = _decoder.raw_decode(text, start)
    return text[start:end]


def _skip_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position
