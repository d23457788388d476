"""The OCPP-J conversation with one peer, as a state machine without I/O.

Text goes in, effects come out; time is an argument. `now` is of a clock that nobody sets, so that no
deadline moves with the calendar, and the instants in effects are the calendar's. The rules that shape
this file are handbook §1.4 to §1.9: a side sends one CALL and waits for its answer before it sends the
next, an incoming CALL is taken at any time, and no input ever raises. Works for both ends; the
station's end has no gate. The owner carries out the effects in their order.
"""

from typing import Any

from stationmaster.instants import Instant
from stationmaster.ocpp import frames
from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.frames import MessageId
from stationmaster.ocpp.protocol import Protocol, Sender
from stationmaster.session.calendar import Calendar
from stationmaster.session.events import CallFailed, Close, Effect, FrameSeen
from stationmaster.session.gate import Gate
from stationmaster.session.incoming import Incoming
from stationmaster.session.offences import Offences
from stationmaster.session.outgoing import Outgoing
from stationmaster.session.readable import readable
from stationmaster.session.settings import SessionSettings, Side

__all__ = ["Session"]

_DEFAULTS = SessionSettings()


class Session:
    """One conversation, from the handshake to the close.

    Inputs return the effects in the order in which they must be carried out. After a `Close` effect
    or `closed` every input is ignored.
    """

    __slots__ = (
        "_binary",
        "_calendar",
        "_incoming",
        "_malformed",
        "_open",
        "_outgoing",
        "_settings",
        "gate",
        "protocol",
        "side",
    )

    def __init__(
        self,
        protocol: Protocol,
        side: Side,
        settings: SessionSettings = _DEFAULTS,
        gate: Gate | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self.protocol = protocol
        self.side = side
        self.gate = gate
        self._settings = settings
        peer = Sender.STATION if side is Side.CSMS else Sender.CSMS
        self._calendar = calendar = calendar or Calendar()
        self._incoming = Incoming(protocol, peer, settings, gate, calendar)
        self._outgoing = Outgoing(protocol, settings, gate, calendar)
        self._malformed: Offences | None = None
        self._binary = 0
        self._open = True

    def adopt(self, settings: SessionSettings) -> None:
        """Go on by other settings: more has become known of the peer. How much is remembered stays."""
        self._settings = settings
        self._incoming.adopt(settings)
        self._outgoing.adopt(settings)

    # Input.

    def receive(self, text: str, now: Instant) -> list[Effect]:
        """A text frame arrived."""
        if not self._open:
            return []
        frame = frames.decode(text, repair_missing_values=self._settings.repair_missing_values)
        if isinstance(frame, frames.Call):
            return self._incoming.receive(frame, text, now)
        match frame:
            case frames.CallResult():
                return self._outgoing.result(frame, text, now)
            case frames.CallError():
                return self._outgoing.error(frame, text, now)
            case frames.BrokenCall():
                return self._incoming.broken(frame, text, now) + self._offence(now)
            case frames.Unanswerable():
                return [FrameSeen("in", "unreadable", None, None, text, self._at(now)), *self._offence(now)]
            case frames.Ignored():
                return [FrameSeen("in", "ignored", None, None, text, self._at(now))]

    def receive_binary(self, data: bytes, now: Instant) -> list[Effect]:
        """A binary frame arrived: ignored, until there have been too many (§1.9)."""
        if not self._open:
            return []
        self._binary += 1
        effects: list[Effect] = [FrameSeen("in", "binary", None, None, readable(data), self._at(now))]
        if self._binary >= self._settings.binary_offences:
            effects.append(self._close(1003, "OCPP speaks in text frames"))
        return effects

    def receive_broken(self, data: bytes, reason: str, now: Instant) -> list[Effect]:
        """What ends the conversation because it is no message: too long, or not UTF-8; `data` is how it begins."""
        if not self._open:
            return []
        return [FrameSeen("in", "unreadable", None, None, readable(data), self._at(now), error_code=reason)]

    def answer(self, message_id: MessageId, response: Any, now: Instant) -> list[Effect]:
        """Answer a `CallReceived` with its typed response.

        Raises `OcppError` or an encoding error if the response breaks the protocol: a bug of ours, and the
        answer is still owed (`refuse` it). Raises `KeyError` if no such CALL is open.
        """
        return self._incoming.answer(message_id, response, now) if self._open else []

    def refuse(self, message_id: MessageId, error: OcppError, now: Instant) -> list[Effect]:
        """Answer a `CallReceived` with a CALLERROR. Raises only `KeyError`, if no such CALL is open."""
        return self._incoming.refuse(message_id, error, now) if self._open else []

    def call(
        self,
        key: str,
        action: str,
        payload: Any,
        now: Instant,
        *,
        message_id: str,
        timeout_s: float | None = None,
        priority: bool = False,
        expires_at: Instant | None = None,
    ) -> list[Effect]:
        """Ask the peer, now or when its turn comes.

        `payload` is a typed request that `Protocol.check_outgoing` made. `key` is the caller's name for it and
        comes back in exactly one `CallAnswered` or `CallFailed`. `expires_at` is of the same clock as `now`.
        Raises `ValueError` for a key that is in use.
        """
        if not self._open:
            return [CallFailed(key, action, "not_delivered", "offline", "the connection is closed")]
        return self._outgoing.call(
            key,
            action,
            payload,
            now,
            message_id=message_id,
            timeout_s=timeout_s,
            priority=priority,
            expires_at=expires_at,
        )

    def cancel(self, key: str, now: Instant) -> list[Effect]:
        """Take back a CALL that was not sent yet; otherwise nothing happens."""
        return self._outgoing.cancel(key) if self._open else []

    def tick(self, now: Instant) -> list[Effect]:
        """Let time pass; due at `next_deadline`, harmless at any other moment."""
        return self._outgoing.tick(now) if self._open else []

    def closed(self, now: Instant) -> list[Effect]:
        """The connection is gone. Every CALL of ours that is open fails."""
        self._open = False
        return self._incoming.closed() + self._outgoing.closed()

    # Output.

    def next_deadline(self) -> Instant | None:
        """When `tick` is due; None while nothing can become overdue."""
        return self._outgoing.next_deadline()

    @property
    def unanswered(self) -> int:
        """How many CALLs of the peer are being processed."""
        return self._incoming.unanswered

    @property
    def is_open(self) -> bool:
        """False after a `Close` effect or `closed`."""
        return self._open

    # Inside.

    def _at(self, now: Instant) -> Instant:
        return now + self._calendar.ahead_us

    def _offence(self, now: Instant) -> list[Effect]:
        if self._malformed is None:
            self._malformed = Offences(self._settings.malformed_per_minute)
        return [self._close(1008, "too many malformed messages")] if self._malformed.commit(now) else []

    def _close(self, code: int, reason: str) -> Close:
        self._open = False
        return Close(code, reason)
