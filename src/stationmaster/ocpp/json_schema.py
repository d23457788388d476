"""Messages as JSON schemas, for forms and for whoever writes a client.

They are made from the classes that check the messages, so the two cannot differ.
"""

from typing import Any, Final

import msgspec

from .fields import Message, Tenths, Timestamp

__all__ = ["json_schema_of"]

_BOUNDS: Final = frozenset({"minimum", "maximum"})
_LARGEST: Final = 2**53 - 1


def json_schema_of(message: type[Message]) -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) of a message and of all that it is made of."""
    found: dict[str, Any] = _in_ecma_words(msgspec.json.schema(message, schema_hook=_custom))
    return found


def _custom(kind: type) -> dict[str, Any]:
    if kind is Timestamp:
        return {"type": "string", "format": "date-time"}
    if kind is Tenths:
        return {"type": "number", "multipleOf": 0.1}
    raise NotImplementedError(kind)


def _in_ecma_words(value: Any) -> Any:
    r"""The same for readers that are no Python: a text ends with `$`, not `\Z`, and no bound is above 2**53."""
    if isinstance(value, list):
        return [_in_ecma_words(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each.replace(r"\Z", "$") if name == "pattern" and isinstance(each, str) else _in_ecma_words(each)
        for name, each in value.items()
        if not (name in _BOUNDS and isinstance(each, int) and abs(each) > _LARGEST)
    }
