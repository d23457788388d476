"""Our own CALLs: one in flight, the rest waiting their turn (handbook §1.6, §1.7).

First in, first out, with a lane for operators that goes first. An entry that has not been sent
when it expires never is; an answer that has not come when its time is over is a time-out, and
the slot is free again.
"""

from collections import deque
from typing import Any

import msgspec

from stationmaster.instants import Instant

__all__ = ["Outbox", "OutgoingCall"]

_REMEMBERED_TIMEOUTS = 16


class OutgoingCall(msgspec.Struct, kw_only=True):
    """A CALL of ours, from the wish to its end."""

    key: str
    message_id: str
    action: str
    request: Any
    text: str
    timeout_us: int
    expires_at: Instant
    sent_at: Instant = 0

    @property
    def deadline(self) -> Instant:
        """When the answer is overdue."""
        return self.sent_at + self.timeout_us


class Outbox:
    """The CALL in flight and those behind it."""

    __slots__ = ("_in_flight", "_overdue", "_priority", "_waiting")

    def __init__(self) -> None:
        self._in_flight: OutgoingCall | None = None
        self._priority: deque[OutgoingCall] = deque()
        self._waiting: deque[OutgoingCall] = deque()
        self._overdue: dict[str, OutgoingCall] = {}

    def __len__(self) -> int:
        """How many CALLs wait to be sent."""
        return len(self._priority) + len(self._waiting)

    def add(self, call: OutgoingCall, *, priority: bool) -> None:
        """Put a CALL at the end of its lane."""
        (self._priority if priority else self._waiting).append(call)

    def next_to_send(self, now: Instant) -> OutgoingCall | None:
        """Take the CALL whose turn it is and put it in flight; None while one is, or none waits."""
        if self._in_flight is not None:
            return None
        lane = self._priority or self._waiting
        if not lane:
            return None
        call = lane.popleft()
        call.sent_at = now
        self._in_flight = call
        return call

    def take_answered(self, message_id: object) -> OutgoingCall | None:
        """Free the slot if this id answers the CALL in flight."""
        call = self._in_flight
        if call is None or call.message_id != message_id:
            return None
        self._in_flight = None
        return call

    def take_overdue(self, message_id: object) -> OutgoingCall | None:
        """The CALL that this id answers too late, once."""
        return self._overdue.pop(message_id, None) if isinstance(message_id, str) else None

    def take_timed_out(self, now: Instant) -> OutgoingCall | None:
        """Free the slot if its answer is overdue."""
        call = self._in_flight
        if call is None or call.deadline > now:
            return None
        self._in_flight = None
        if len(self._overdue) >= _REMEMBERED_TIMEOUTS:
            del self._overdue[next(iter(self._overdue))]
        self._overdue[call.message_id] = call
        return call

    def take_expired(self, now: Instant) -> list[OutgoingCall]:
        """Take out what has waited too long."""
        expired = [call for lane in (self._priority, self._waiting) for call in lane if call.expires_at <= now]
        for call in expired:
            self._remove(call)
        return expired

    def take_waiting(self, key: str) -> OutgoingCall | None:
        """Take out the CALL with this key if it has not been sent."""
        for lane in (self._priority, self._waiting):
            for call in lane:
                if call.key == key:
                    self._remove(call)
                    return call
        return None

    def has(self, key: str) -> bool:
        """Whether a CALL with this key is in flight or waits."""
        if self._in_flight is not None and self._in_flight.key == key:
            return True
        return any(call.key == key for lane in (self._priority, self._waiting) for call in lane)

    def take_all(self) -> tuple[OutgoingCall | None, list[OutgoingCall]]:
        """Empty it: the CALL in flight, and those that were never sent."""
        in_flight, self._in_flight = self._in_flight, None
        waiting = [*self._priority, *self._waiting]
        self._priority.clear()
        self._waiting.clear()
        return in_flight, waiting

    def next_deadline(self) -> Instant | None:
        """When something here times out or expires; None if nothing can."""
        moments = [call.expires_at for lane in (self._priority, self._waiting) for call in lane]
        if self._in_flight is not None:
            moments.append(self._in_flight.deadline)
        return min(moments, default=None)

    def _remove(self, call: OutgoingCall) -> None:
        for lane in (self._priority, self._waiting):
            for position, waiting in enumerate(lane):
                if waiting is call:
                    del lane[position]
                    return
