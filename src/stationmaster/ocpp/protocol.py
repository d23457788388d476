"""The table of actions of one OCPP version, and the reading of requests and responses by it.

The rule that shapes this file: a payload without a defect takes one typed decode and nothing
else. Only when that fails is it decoded to plain objects, mended field by field or refused
with the code of handbook 1.8.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from .errors import ErrorCode, OcppError
from .fields import DECODING_ERRORS, Message, typed_decoder
from .oddities import Oddity
from .plain_json import read_json
from .shapes import shape_of
from .walk import Mode, Walk

__all__ = ["Action", "Protocol", "Read", "Sender"]


class Sender(StrEnum):
    """Who sends the CALL of an action."""

    STATION = "station"
    CSMS = "csms"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the table.

    `block` is the functional block that names the file in every layer. A transaction-related
    request is read leniently in both modes, since refusing it would only make the station
    send it again (handbook 1.9).
    """

    name: str
    request: type[Message]
    response: type[Message]
    sender: Sender
    block: str
    transaction_related: bool = False


class Read(msgspec.Struct, frozen=True, gc=False):
    """A payload that was read: the typed message, and what had to be tolerated."""

    value: Message
    oddities: tuple[Oddity, ...] = ()


class Protocol:
    """One version of OCPP: its subprotocol name and its actions."""

    def __init__(self, name: str, actions: Iterable[Action]) -> None:
        self.name = name
        self.actions: Mapping[str, Action] = MappingProxyType({row.name: row for row in actions})
        for row in self.actions.values():
            shape_of(row.request)
            shape_of(row.response)

    def read_request(self, action: str, payload: bytes, sender: Sender, strict: bool = False) -> Read:
        """Read the payload of a CALL that `sender` sent.

        Raises OcppError: NotImplemented for an unknown action, NotSupported for an action that
        goes the other way, otherwise the code of handbook 1.8.
        """
        row = self._row(action)
        if row.sender is not sender and row.sender is not Sender.BOTH:
            reason = f"{action} is not sent by a {_PEERS[sender]}"
            raise OcppError(ErrorCode.NOT_SUPPORTED, reason)
        mode = Mode.STRICT if strict else Mode.LENIENT
        return _read(row.request, payload, Mode.TRANSACTION if row.transaction_related else mode)

    def read_response(self, action: str, payload: bytes, strict: bool = False) -> Read:
        """Read the payload of the CALLRESULT to a CALL of ours.

        Raises OcppError if it does not fit; the command then ends as `invalid_response`
        (handbook 1.9).
        """
        return _read(self._row(action).response, payload, Mode.STRICT if strict else Mode.LENIENT)

    def check_outgoing(self, action: str, payload: Mapping[str, Any]) -> Message:
        """Build a request of ours from its members in the words of the wire.

        What was left out stays out, and an empty text or list that was given stays in. Numbers
        may be `int`, `float` or `Decimal`. Raises OcppError with the path of the field and the
        reason in words; such a payload must not be sent (handbook 1.9).
        """
        return _build(self._row(action).request, payload)

    def check_outgoing_response(self, action: str, payload: Mapping[str, Any]) -> Message:
        """Build a response of ours; as `check_outgoing`."""
        return _build(self._row(action).response, payload)

    def _row(self, action: str) -> Action:
        row = self.actions.get(action)
        if row is None:
            raise OcppError(ErrorCode.NOT_IMPLEMENTED, "the action is not known")
        return row


_PEERS: Final = {
    Sender.STATION: "charge point",
    Sender.CSMS: "central system",
    Sender.BOTH: "peer",
}

# Escapes that may stand for something a typed decode would let through: a control character,
# or half of a surrogate pair.
_SUSPECT_ESCAPE: Final = re.compile(rb"\\(?:[bf]|u(?:00[01]|007[fF]|[dD][89a-fA-F]))")


def _read(message: type[Message], payload: bytes, mode: Mode) -> Read:
    if not (b"\\" in payload and _SUSPECT_ESCAPE.search(payload)) and b"\x7f" not in payload:
        try:
            return Read(typed_decoder(message).decode(payload))
        except DECODING_ERRORS:
            pass
    walk = Walk(mode)
    raw = _read_plainly(payload)
    value = shape_of(message).read({} if raw is None else raw, walk)
    return Read(value, tuple(walk.oddities))


def _read_plainly(payload: bytes) -> object:
    try:
        return read_json(payload.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        reason = "the payload is not readable JSON"
        raise OcppError(ErrorCode.FORMATION_VIOLATION, reason) from error


def _build(message: type[Message], payload: Mapping[str, Any]) -> Message:
    return shape_of(message).read(dict(payload), Walk(Mode.SENDING))
