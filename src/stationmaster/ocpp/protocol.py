"""The table of actions of one OCPP version, and the reading of requests and responses by it.

The rule that shapes this file: who may send what, and by which class it is read, stands in one
table; there is no code per action.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from .errors import ErrorCode, OcppError
from .fields import Message
from .reading import Read, Reader
from .walk import Mode

__all__ = ["Action", "Protocol", "Read", "Sender"]


class Sender(StrEnum):
    """Who sends the CALL of an action."""

    STATION = "station"
    CSMS = "csms"
    BOTH = "both"


_PEERS: Final = {Sender.STATION: "charge point", Sender.CSMS: "central system", Sender.BOTH: "peer"}
_MODES: Final = (Mode.LENIENT, Mode.STRICT)
_TRANSACTION_MODES: Final = (Mode.TRANSACTION, Mode.TRANSACTION)
# Looking up a member of an enumeration takes longer than reading a heartbeat's payload.
_STATION: Final = Sender.STATION
_LENIENT, _STRICT = _MODES
_NONE: Final[frozenset[str]] = frozenset()


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


class Protocol:
    """One version of OCPP: its subprotocol name and its actions."""

    def __init__(self, name: str, actions: Iterable[Action]) -> None:
        self.name = name
        self.actions: Mapping[str, Action] = MappingProxyType({row.name: row for row in actions})
        self._requests = {row.name: Reader(row.request) for row in self.actions.values()}
        self._responses = {row.name: Reader(row.response) for row in self.actions.values()}
        self._from_station = self._incoming(Sender.STATION)
        self._from_csms = self._incoming(Sender.CSMS)

    def read_request(
        self,
        action: str,
        payload: bytes,
        sender: Sender,
        strict: bool = False,
        banned: frozenset[str] = _NONE,
    ) -> Read:
        """Read the payload of a CALL that `sender` sent. `banned` are kinds of oddities that are refused as if strict.

        Raises OcppError: NotImplemented for an unknown action, NotSupported for an action that
        goes the other way, otherwise the code of handbook 1.8.
        """
        rows = self._from_station if sender is _STATION else self._from_csms
        row = rows.get(action)
        if row is None:
            self._row(action)
            raise OcppError(ErrorCode.NOT_SUPPORTED, f"{action} is not sent by a {_PEERS[sender]}")
        reader, lenient_mode, strict_mode = row
        return reader.read(payload, strict_mode if strict else lenient_mode, banned)

    def read_response(self, action: str, payload: bytes, strict: bool = False, banned: frozenset[str] = _NONE) -> Read:
        """Read the payload of the CALLRESULT to a CALL of ours.

        Raises OcppError if it does not fit; the command then ends as `invalid_response`
        (handbook 1.9).
        """
        return self._responses[self._row(action).name].read(payload, _STRICT if strict else _LENIENT, banned)

    def check_outgoing(self, action: str, payload: object) -> Message:
        """Build a request of ours from a JSON object (a dict) in the words of the wire.

        What was left out stays out, and an empty text or list that was given stays in. Numbers
        may be `int`, `float` or `Decimal`. Raises OcppError with the path of the field and the
        reason in words; such a payload must not be sent (handbook 1.9).
        """
        return self._requests[self._row(action).name].build(payload)

    def check_outgoing_response(self, action: str, payload: object) -> Message:
        """Build a response of ours; as `check_outgoing`."""
        return self._responses[self._row(action).name].build(payload)

    def _incoming(self, sender: Sender) -> dict[str, tuple[Reader, Mode, Mode]]:
        """For each action of one sender: its reader, and the modes of lenient and strict reading."""
        return {
            row.name: (self._requests[row.name], *(_TRANSACTION_MODES if row.transaction_related else _MODES))
            for row in self.actions.values()
            if row.sender in (sender, Sender.BOTH)
        }

    def _row(self, action: str) -> Action:
        row = self.actions.get(action)
        if row is None:
            raise OcppError(ErrorCode.NOT_IMPLEMENTED, "the action is not known")
        return row
