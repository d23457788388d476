"""Reading of JSON that a typed decode does not take.

The rule that shapes this file: no text may cost more than its length, and no number is computed
before its size is known. So a number that is not a short plain integer stays text, constants
that are not JSON (`NaN`) are refused, and characters that JSON does not allow inside a text are
let through, to be removed later where they stand.
"""

import json
import re
from typing import Final

__all__ = ["Number", "element_text", "read_json"]

_LONGEST_INTEGER: Final = 20
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
