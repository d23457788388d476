"""The peer's CALLs: understood, held against the gate and the memory of ids, and answered exactly once.

The rules that shape this file are the rows of handbook §1.9 about CALLs. Answers need not come in
the order of the questions, and nothing here waits for anything.
"""

import json
from typing import Any, Final

import msgspec

from stationmaster.instants import Instant
from stationmaster.ocpp import frames
from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.frames import MessageId
from stationmaster.ocpp.protocol import Protocol, Read, Sender
from stationmaster.session.calendar import Calendar
from stationmaster.session.events import CallReceived, Effect, FrameSeen, OddityTolerated, PermitUsed, Send
from stationmaster.session.gate import ACCEPTED, Gate, Verdict
from stationmaster.session.repeats import Repeats
from stationmaster.session.settings import SessionSettings

__all__ = ["Incoming"]

_CLIPPED: Final = 200


class _Pending(msgspec.Struct, gc=False):
    """A CALL that is being processed; `content` is the digest of what it asks."""

    action: str
    text: str
    received_at: Instant
    content: int


class Incoming:
    """The half of a conversation in which the peer asks."""

    __slots__ = ("_calendar", "_gate", "_pending", "_protocol", "_repeats", "_sender", "_settings")

    def __init__(
        self,
        protocol: Protocol,
        sender: Sender,
        settings: SessionSettings,
        gate: Gate | None,
        calendar: Calendar,
    ) -> None:
        self._protocol = protocol
        self._sender = sender
        self._settings = settings
        self._gate = gate
        self._calendar = calendar
        self._repeats = Repeats(max(1, settings.remembered_calls))
        self._pending: dict[MessageId, _Pending] = {}

    @property
    def unanswered(self) -> int:
        """How many CALLs are being processed."""
        return len(self._pending)

    def adopt(self, settings: SessionSettings) -> None:
        """Go on by other settings."""
        self._settings = settings

    def receive(self, call: frames.Call, text: str, now: Instant) -> list[Effect]:
        """A well-formed CALL."""
        message_id, action = call.message_id, call.action
        if call.oddities and self._minds(call):
            strictly = OcppError(ErrorCode.FORMATION_VIOLATION, f"the frame has: {', '.join(call.oddities)}")
            return self._refuse_at_once(message_id, action, strictly, text, now)
        content = hash((action, call.payload))
        if message_id != "":  # an empty id identifies nothing, so nothing is compared with it
            pending = self._pending.get(message_id)
            seen: tuple[str | None, bool] | None
            seen = self._repeats.find(message_id, content) if pending is None else (None, pending.content == content)
            if seen is not None and not (self._settings.reused_ids and not seen[1]):
                return self._repeated(call, seen, text, now)
        try:
            settings = self._settings
            read = self._protocol.read_request(
                action, call.payload, self._sender, settings.strict, settings.banned_oddities
            )
            gate = self._gate
            if (
                gate is not None
                and gate.reported_state != ACCEPTED
                and gate.incoming(action, read.value, now + self._calendar.ahead_us) is Verdict.REFUSE
            ):
                raise OcppError(ErrorCode.SECURITY_ERROR, f"the station is {gate.state}, not Accepted")
        except OcppError as error:
            return self._refuse_at_once(message_id, action, error, text, now, content)
        if message_id in self._pending:  # only an empty or reused id gets here; the earlier one keeps its answer
            reused = OcppError(
                ErrorCode.PROTOCOL_ERROR, "an earlier call with this message id is still being processed"
            )
            return self._refuse_at_once(message_id, action, reused, text, now)
        self._pending[message_id] = _Pending(action, text, now, content)
        effects = self._received(call, read, now)
        if gate is not None and gate.reported_state != ACCEPTED:
            used = gate.take_used()
            if used is not None:
                effects.append(PermitUsed(used, now + self._calendar.ahead_us))
        return effects

    def broken(self, call: frames.BrokenCall, text: str, now: Instant) -> list[Effect]:
        """A CALL that is no proper message, but can be answered."""
        return self._refuse_at_once(call.message_id, None, call.error, text, now)

    def answer(self, message_id: MessageId, response: Any, now: Instant) -> list[Effect]:
        """Answer a CALL with its response; raises if the response does not keep to the protocol, and owes it still."""
        pending = self._pending[message_id]
        text = frames.encode_result(message_id, response)
        del self._pending[message_id]
        self._repeats.keep(message_id, pending.content, text)
        if self._gate is not None and pending.action == "BootNotification":
            self._gate.booted(response.status)
        return self._answered(message_id, pending, text, "call_result", None, now)

    def refuse(self, message_id: MessageId, error: OcppError, now: Instant) -> list[Effect]:
        """Answer a CALL with a CALLERROR. An InternalError is not remembered: a repeat is a new chance."""
        pending = self._pending.pop(message_id)
        text, code = _encode_error(message_id, error)
        if code != ErrorCode.INTERNAL_ERROR:
            self._repeats.keep(message_id, pending.content, text)
        return self._answered(message_id, pending, text, "call_error", code, now)

    def closed(self) -> list[Effect]:
        """Nobody waits for answers any more; what was asked is still told to the message log."""
        unanswered, self._pending = self._pending, {}
        return [
            FrameSeen("in", "call", message_id, pending.action, pending.text, self._at(pending.received_at))
            for message_id, pending in unanswered.items()
        ]

    def _minds(self, call: frames.Call) -> bool:
        """Whether odd frames are refused; what transactions say never is for its form, in neither mode."""
        row = self._protocol.actions.get(call.action)
        if row is not None and row.transaction_related:
            return False
        return self._settings.strict or not self._settings.banned_oddities.isdisjoint(call.oddities)

    def _received(self, call: frames.Call, read: Read, now: Instant) -> list[Effect]:
        message_id, action, at = call.message_id, call.action, now + self._calendar.ahead_us
        effects: list[Effect] = [CallReceived(message_id, action, read.value, call.payload, read.oddities, at)]
        if call.oddities:
            raw = str(message_id)[:_CLIPPED]
            effects.extend(OddityTolerated(kind, "", raw, action) for kind in call.oddities)
        if read.oddities:
            effects.extend(OddityTolerated(odd.kind, odd.path, odd.raw[:_CLIPPED], action) for odd in read.oddities)
        return effects

    def _repeated(self, call: frames.Call, seen: tuple[str | None, bool], text: str, now: Instant) -> list[Effect]:
        """The same id again: the same answer again, or none while there is none, or a ProtocolError."""
        message_id, action = call.message_id, call.action
        answer, same_content = seen
        if not same_content:
            error = OcppError(ErrorCode.PROTOCOL_ERROR, "this message id was used before for another call")
            return self._refuse_at_once(message_id, action, error, text, now)
        if answer is None:
            return [FrameSeen("in", "call", message_id, action, text, self._at(now))]
        kind: Any = "call_result" if answer[1] == "3" else "call_error"
        return [
            Send(answer),
            FrameSeen("in", "call", message_id, action, text, self._at(now), 0, answer=answer, answer_kind=kind),
        ]

    def _refuse_at_once(
        self,
        message_id: MessageId,
        action: str | None,
        error: OcppError,
        text: str,
        now: Instant,
        content: int | None = None,
    ) -> list[Effect]:
        answer, code = _encode_error(message_id, error)
        if content is not None:
            self._repeats.keep(message_id, content, answer)
        seen = FrameSeen(
            "in",
            "call",
            message_id,
            action,
            text,
            self._at(now),
            0,
            answer=answer,
            answer_kind="call_error",
            error_code=code,
        )
        return [Send(answer), seen]

    def _answered(
        self, message_id: MessageId, pending: _Pending, text: str, kind: Any, code: str | None, now: Instant
    ) -> list[Effect]:
        seen = FrameSeen(
            "in",
            "call",
            message_id,
            pending.action,
            pending.text,
            pending.received_at + self._calendar.ahead_us,
            now - pending.received_at,
            answer=text,
            answer_kind=kind,
            error_code=code,
        )
        return [Send(text), seen]

    def _at(self, now: Instant) -> Instant:
        return now + self._calendar.ahead_us


def _encode_error(message_id: MessageId, error: OcppError) -> tuple[str, str]:
    """The CALLERROR as text, and its code. A fault in the error itself must not cost the peer its answer."""
    try:
        return frames.encode_error(message_id, error), str(error.code)
    except Exception:  # noqa: BLE001 - whatever the error was built from, the answer is owed
        return f'[4,{json.dumps(message_id)},"InternalError","",{{}}]', str(ErrorCode.INTERNAL_ERROR)
