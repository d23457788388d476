"""What is wrong with a value, said as a person would say it.

pydantic tells what it expected; a person wants to know what is wrong with what they wrote. The
sentences go on from the name of the field: "port is more than 65535".
"""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["fault"]

_FAULTS: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing_size": "has too many digits",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_type": "is not text",
    "string_unicode": "is not text",
    "path_type": "is not a path",
    "dict_type": "is not an object",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "list_type": "is not a list",
    "none_required": "is not null",
    "json_invalid": lambda c: f"is not JSON: {c['error']}",
    "greater_than": lambda c: f"is not more than {_number(c['gt'])}",
    "greater_than_equal": lambda c: f"is less than {_number(c['ge'])}",
    "less_than": lambda c: f"is not less than {_number(c['lt'])}",
    "less_than_equal": lambda c: f"is more than {_number(c['le'])}",
    "string_too_short": lambda c: f"is shorter than {_characters(c['min_length'])}",
    "string_too_long": lambda c: f"is longer than {_characters(c['max_length'])}",
    "too_short": lambda c: f"has fewer than {c['min_length']} items",
    "too_long": lambda c: f"has more than {c['max_length']} items",
    "string_pattern_mismatch": "holds characters that are not allowed here",
    "literal_error": lambda c: f"is none of {c['expected']}",
    "enum": lambda c: f"is none of {c['expected']}",
    "instant": "is not a point in time such as 2025-03-01T12:00:00Z",
}


def fault(error: Mapping[str, Any]) -> str:
    """What is wrong, from one of pydantic's error details, as the rest of a sentence."""
    words = _FAULTS.get(error["type"])
    if words is None:
        message: str = error["msg"].removeprefix("Value error, ")
        return f"is not right: {message[:1].lower()}{message[1:]}"
    return words if isinstance(words, str) else words(error.get("ctx", {}))


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
