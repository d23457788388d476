"""What a conversation tells its owner to do, and what it noticed: small frozen values.

`Session` returns lists of these. `Send` and `Close` are orders; the rest are news. A reader
learns the conversation from this file and `session.py`. Times are `Instant`.
"""

from typing import Any, Literal

import msgspec

from stationmaster.instants import Instant
from stationmaster.ocpp.frames import MessageId
from stationmaster.ocpp.oddities import Oddity
from stationmaster.session.gate import Permit

__all__ = [
    "CallAnswered",
    "CallAnsweredLate",
    "CallFailed",
    "CallReceived",
    "CallSent",
    "Close",
    "Effect",
    "FailedState",
    "FrameSeen",
    "OddityTolerated",
    "PermitUsed",
    "Send",
]

FailedState = Literal["error", "invalid_response", "timeout", "not_delivered", "expired", "cancelled"]
"""How a CALL of ours can end without an answer that can be used (the job states of handbook §3.1)."""


class Send(msgspec.Struct, frozen=True, gc=False):
    """Write this text as one text frame."""

    text: str


class Close(msgspec.Struct, frozen=True, gc=False):
    """Close the connection. `code` as in RFC 6455; `reason` at most 123 bytes, for the peer to read."""

    code: int
    reason: str


class CallReceived(msgspec.Struct, frozen=True, gc=False):
    """The peer asks. Owed exactly one `answer` or `refuse` with this `message_id`.

    `request` is the typed message, `payload` its JSON as received, `oddities` what had to be mended.
    """

    message_id: MessageId
    action: str
    request: Any
    payload: bytes
    oddities: tuple[Oddity, ...]
    received_at: Instant


class CallSent(msgspec.Struct, frozen=True, gc=False):
    """A CALL of ours is in the `Send` just before; its time-out runs from then, by the calendar `at`."""

    key: str
    message_id: str
    at: Instant


class CallAnswered(msgspec.Struct, frozen=True, gc=False):
    """The peer answered a CALL of ours with a CALLRESULT that keeps to the schema.

    `latency_us` runs from the sending to the receipt of the answer.
    """

    key: str
    action: str
    response: Any
    payload: bytes
    oddities: tuple[Oddity, ...]
    latency_us: int


class CallFailed(msgspec.Struct, frozen=True, gc=False):
    """A CALL of ours ended without a usable answer.

    `code` is the code of the CALLERROR as received, or our word for what happened; `description`
    is for people; `payload` is the raw CALLRESULT of an `invalid_response`, or the details of a CALLERROR.
    """

    key: str
    action: str
    state: FailedState
    code: str
    description: str
    payload: bytes | None = None


class CallAnsweredLate(msgspec.Struct, frozen=True, gc=False):
    """The answer to a CALL that had already timed out. What we know of the station may be stale (handbook §1.7).

    `payload` is the raw CALLRESULT; None when the late answer was a CALLERROR.
    """

    key: str
    action: str
    payload: bytes | None
    latency_us: int


class FrameSeen(msgspec.Struct, frozen=True, gc=False):
    """A frame for the message log.

    A CALL of the peer and our answer are told together, when the answer goes out: `answer` is the
    text of the second frame, `latency_us` the time between the two. Every other frame stands alone;
    `answers` says whether it answers an earlier one. `action` is None when the frame names none.
    """

    direction: Literal["in", "out"]
    kind: Literal["call", "call_result", "call_error", "unreadable", "ignored", "binary"]
    message_id: MessageId | None
    action: str | None
    text: str
    at: Instant
    latency_us: int | None = None
    answers: bool = False
    answer: str | None = None
    answer_kind: Literal["call_result", "call_error"] | None = None
    error_code: str | None = None


class OddityTolerated(msgspec.Struct, frozen=True, gc=False):
    """The peer deviated from the specification and was served all the same (handbook §1.9)."""

    kind: str
    path: str
    raw: str
    action: str | None = None


class PermitUsed(msgspec.Struct, frozen=True, gc=False):
    """What the peer was triggered to send once for a connector has come, and may not come again (handbook §1.13)."""

    permit: Permit
    at: Instant


Effect = (
    Send
    | Close
    | CallReceived
    | CallSent
    | CallAnswered
    | CallAnsweredLate
    | CallFailed
    | FrameSeen
    | OddityTolerated
    | PermitUsed
)
