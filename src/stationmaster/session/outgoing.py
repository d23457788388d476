"""Our own CALLs: queued, sent one at a time, answered or failed exactly once (handbook §1.6, §1.7).

Every key given to `call` comes back in one `CallAnswered` or one `CallFailed`. Nothing is replayed
after a reconnect: a new connection is a new `Session`.
"""

from typing import Any, Final

from stationmaster.instants import Instant
from stationmaster.ocpp import frames
from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.protocol import Protocol
from stationmaster.session.calendar import Calendar
from stationmaster.session.events import (
    CallAnswered,
    CallAnsweredLate,
    CallFailed,
    CallSent,
    Effect,
    FailedState,
    FrameSeen,
    OddityTolerated,
    Send,
)
from stationmaster.session.gate import Gate
from stationmaster.session.outbox import Outbox, OutgoingCall
from stationmaster.session.settings import SessionSettings

__all__ = ["Outgoing"]

_SECOND_US: Final = 1_000_000
OUTCOME_UNKNOWN: Final = "the connection ended before the answer came; the outcome is unknown"


class Outgoing:
    """The half of a conversation in which we ask."""

    __slots__ = ("_calendar", "_gate", "_outbox", "_protocol", "_settings")

    def __init__(self, protocol: Protocol, settings: SessionSettings, gate: Gate | None, calendar: Calendar) -> None:
        self._protocol = protocol
        self._settings = settings
        self._gate = gate
        self._calendar = calendar
        self._outbox: Outbox | None = None

    def adopt(self, settings: SessionSettings) -> None:
        """Go on by other settings."""
        self._settings = settings

    def call(
        self,
        key: str,
        action: str,
        payload: Any,
        now: Instant,
        *,
        message_id: str,
        timeout_s: float | None,
        priority: bool,
        expires_at: Instant | None,
    ) -> list[Effect]:
        """Send a CALL, or queue it behind others."""
        if self._outbox is None:
            self._outbox = Outbox()
        if self._outbox.has(key):
            raise ValueError(f"the key {key!r} is already in use")
        reason = self._gate.outgoing(action, payload) if self._gate is not None else None
        if reason is not None:
            return [CallFailed(key, action, "not_delivered", "not_accepted", reason)]
        if len(self._outbox) >= self._settings.queue_limit:
            reason = f"{self._settings.queue_limit} calls to this station are already waiting"
            return [CallFailed(key, action, "not_delivered", "queue_full", reason)]
        timeout = self._settings.call_timeout_s if timeout_s is None else timeout_s
        latest = now + round(self._settings.queue_expiry_s * _SECOND_US)
        call = OutgoingCall(
            key=key,
            message_id=message_id,
            action=action,
            request=payload,
            text=frames.encode_call(message_id, action, payload),
            timeout_us=round(timeout * _SECOND_US),
            expires_at=latest if expires_at is None else min(expires_at, latest),
        )
        self._outbox.add(call, priority=priority)
        return self.tick(now)

    def cancel(self, key: str) -> list[Effect]:
        """Take a CALL back while it waits; once it is sent, or unknown, nothing happens."""
        call = self._outbox.take_waiting(key) if self._outbox is not None else None
        return [] if call is None else [_failed(call, "cancelled", "cancelled", "it was taken back before it was sent")]

    def result(self, frame: frames.CallResult, text: str, now: Instant) -> list[Effect]:
        """A CALLRESULT: the answer to the CALL in flight, or too late, or nobody's."""
        call = self._outbox.take_answered(frame.message_id) if self._outbox is not None else None
        if call is None:
            return self._unawaited(frame.message_id, "call_result", frame.payload, text, now)
        latency_us = now - call.sent_at
        effects: list[Effect] = [
            FrameSeen("in", "call_result", call.message_id, call.action, text, self._at(now), latency_us, answers=True)
        ]
        try:
            read = self._protocol.read_response(
                call.action, frame.payload, self._settings.strict, self._settings.banned_oddities
            )
        except OcppError as error:
            effects.append(_failed(call, "invalid_response", str(error.code), error.description, frame.payload))
        else:
            if self._gate is not None:
                self._gate.answered(call.action, call.request, read.value, self._at(now))
            effects.append(CallAnswered(call.key, call.action, read.value, frame.payload, read.oddities, latency_us))
            effects += [OddityTolerated(odd.kind, odd.path, odd.raw[:200], call.action) for odd in read.oddities]
        return effects + self.tick(now)

    def error(self, frame: frames.CallError, text: str, now: Instant) -> list[Effect]:
        """A CALLERROR: a result, not an exception (§3.1)."""
        call = self._outbox.take_answered(frame.message_id) if self._outbox is not None else None
        if call is None:
            return self._unawaited(frame.message_id, "call_error", None, text, now)
        seen = FrameSeen(
            "in",
            "call_error",
            call.message_id,
            call.action,
            text,
            self._at(now),
            now - call.sent_at,
            answers=True,
            error_code=frame.code,
        )
        return [seen, _failed(call, "error", frame.code, frame.description, frame.details), *self.tick(now)]

    def tick(self, now: Instant) -> list[Effect]:
        """Let time pass: overdue answers, entries that waited too long, whose turn it is."""
        outbox = self._outbox
        if outbox is None:
            return []
        effects: list[Effect] = []
        overdue = outbox.take_timed_out(now)
        if overdue is not None:
            waited_s = overdue.timeout_us / _SECOND_US
            effects.append(_failed(overdue, "timeout", "timeout", f"no answer within {waited_s:g} s"))
        effects.extend(
            _failed(call, "expired", "expired", "it waited too long to be sent") for call in outbox.take_expired(now)
        )
        while (call_to_send := outbox.next_to_send(now)) is not None:
            reason = self._gate.outgoing(call_to_send.action, call_to_send.request) if self._gate is not None else None
            if reason is not None:
                outbox.take_answered(call_to_send.message_id)
                effects.append(_failed(call_to_send, "not_delivered", "not_accepted", reason))
                continue
            effects += self._sent(call_to_send, now)
        return effects

    def closed(self) -> list[Effect]:
        """Every CALL of ours fails: unknown outcome for the one in flight, never sent for the rest."""
        if self._outbox is None:
            return []
        in_flight, waiting = self._outbox.take_all()
        effects: list[Effect] = []
        if in_flight is not None:
            effects.append(_failed(in_flight, "not_delivered", "outcome_unknown", OUTCOME_UNKNOWN))
        effects.extend(
            _failed(call, "not_delivered", "not_sent", "the connection ended before it was sent") for call in waiting
        )
        return effects

    def next_deadline(self) -> Instant | None:
        """When `tick` has something to do."""
        return None if self._outbox is None else self._outbox.next_deadline()

    def _sent(self, call: OutgoingCall, now: Instant) -> list[Effect]:
        at = self._at(now)
        if self._gate is not None:
            self._gate.sent(call.action, call.request, at)
        return [
            Send(call.text),
            CallSent(call.key, call.message_id, at),
            FrameSeen("out", "call", call.message_id, call.action, call.text, at),
        ]

    def _at(self, now: Instant) -> Instant:
        return now + self._calendar.ahead_us

    def _unawaited(self, message_id: Any, kind: Any, payload: bytes | None, text: str, now: Instant) -> list[Effect]:
        """An answer that nobody waits for (any more): logged and otherwise ignored, but a late one is told (§1.7)."""
        late = self._outbox.take_overdue(message_id) if self._outbox is not None else None
        if late is None:
            return [FrameSeen("in", kind, message_id, None, text, self._at(now))]
        latency_us = now - late.sent_at
        return [
            FrameSeen("in", kind, message_id, late.action, text, self._at(now), latency_us, answers=True),
            CallAnsweredLate(late.key, late.action, payload, latency_us),
        ]


def _failed(
    call: OutgoingCall, state: FailedState, code: str, description: str, payload: bytes | None = None
) -> CallFailed:
    return CallFailed(call.key, call.action, state, code, description, payload)
