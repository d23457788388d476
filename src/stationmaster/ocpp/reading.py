"""Payload to message: one typed decode, and only if that fails, field by field.

The rule that shapes this file: a payload without a defect pays for nothing but the typed decode
and the search for escapes that the typed decode would let through.
"""

import re
from typing import Final

import msgspec

from .errors import ErrorCode, OcppError
from .fields import DECODING_ERRORS, Message, typed_decoder
from .oddities import Oddity
from .plain_json import read_json
from .shapes import shape_of
from .walk import Mode, Walk

__all__ = ["Read", "Reader"]

# Escapes that may stand for a control character. (Half a surrogate pair the typed decode refuses by itself.)
_SUSPECT_ESCAPE: Final = re.compile(rb"\\(?:[bf]|u00[01])")


class Read(msgspec.Struct, frozen=True, gc=False):
    """A payload that was read: the typed message, and what had to be tolerated."""

    value: Message
    oddities: tuple[Oddity, ...] = ()


class Reader:
    """Reads and builds the messages of one class."""

    __slots__ = ("_decode", "_shape")

    def __init__(self, message: type[Message]) -> None:
        self._decode = typed_decoder(message).decode
        self._shape = shape_of(message)

    def read(self, payload: bytes, mode: Mode, banned: frozenset[str] = frozenset()) -> Read:
        """The message in a payload. Raises OcppError with the code of handbook 1.8, also for `banned` oddities."""
        if b"\\" not in payload or not _SUSPECT_ESCAPE.search(payload):
            try:
                return Read(self._decode(payload))
            except DECODING_ERRORS:
                pass
        walk = Walk(mode, banned)
        raw = _read_plainly(payload)
        value = self._shape.read({} if raw is None else raw, walk)
        return Read(value, tuple(walk.oddities))

    def build(self, payload: object) -> Message:
        """A message of ours from its members. Raises OcppError if it must not be sent."""
        return self._shape.read(payload, Walk(Mode.SENDING))


def _read_plainly(payload: bytes) -> object:
    try:
        return read_json(payload.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        reason = "the payload is not readable JSON"
        raise OcppError(ErrorCode.FORMATION_VIOLATION, reason) from error
