"""How fast a station may talk, and what happens when it does not listen.

The rule that shapes this file: a station that is too fast is left unread, so TCP slows it down and
nothing of it is lost; one that does not read what it is sent is left unread, too, and after a while
cut off. Nothing gathers in our memory but what was already under way.
"""

from enum import IntFlag

from stationmaster.gateway.context import ConnectionContext
from stationmaster.gateway.socket import StationSocket

__all__ = ["Flow", "Pause"]


class Pause(IntFlag):
    """Why a station is not read from."""

    CALLS_WAITING = 1
    """Too many of its CALLs are unanswered."""
    NOT_READING = 2
    """It does not read what it was sent."""
    TOO_FAST = 4
    """It sends more frames than it may in the long run."""


class Flow:
    """The pauses of one connection, and its budget of frames."""

    __slots__ = ("_budget", "_budget_tick", "_context", "_pauses", "_socket", "_stalled_tick", "_taken")

    def __init__(self, context: ConnectionContext, socket: StationSocket) -> None:
        self._context = context
        self._socket = socket
        self._pauses = Pause(0)
        self._budget = context.settings.frames_burst
        self._budget_tick = context.sweep.tick
        self._stalled_tick = 0.0
        self._taken = 0

    @property
    def is_paused(self) -> bool:
        """Whether the station is not read from just now."""
        return bool(self._pauses)

    def spend(self, frames: int) -> bool:
        """Frames arrived; whether the budget is used up, and reading paused until `look` finds it refilled."""
        self._budget -= frames
        if self._budget >= 0 or self._refill():
            return False
        self.pause(Pause.TOO_FAST)
        return True

    def stalled(self) -> None:
        """The station does not read."""
        self._stalled_tick = self._context.sweep.tick
        self._taken = self._socket.taken
        self.pause(Pause.NOT_READING)

    def unstalled(self) -> None:
        """It reads again."""
        self._stalled_tick = 0.0
        self.resume(Pause.NOT_READING)

    def pause(self, reason: Pause) -> None:
        """Leave the station unread for a reason."""
        self._pauses |= reason
        self._socket.pause_reading()

    def resume(self, reason: Pause) -> None:
        """A reason is gone; with the last one, the station is read again."""
        if self._pauses and self._pauses & reason:  # asked for every CALL, and nearly always there is none
            self._pauses &= ~reason
            if not self._pauses:
                self._socket.resume_reading()

    def look(self, tick: int) -> bool:
        """Time has passed; whether the station has not read for too long."""
        if self._pauses & Pause.TOO_FAST and self._refill():
            self.resume(Pause.TOO_FAST)
        return bool(self._stalled_tick) and self._reads_nothing(tick)

    def _reads_nothing(self, tick: int) -> bool:
        """Whether it has been stalled for too long. Each byte that a slow one takes earns it a moment."""
        taken = self._socket.taken
        earned = max(0, taken - self._taken) * self._context.ticks_per_byte
        self._taken = taken
        self._stalled_tick = min(tick, self._stalled_tick + earned)
        return tick - self._stalled_tick >= self._context.write_timeout_ticks

    def _refill(self) -> bool:
        """Top up the budget for the time that has passed; whether there is some now."""
        settings, tick = self._context.settings, self._context.sweep.tick
        earned = (tick - self._budget_tick) * settings.resolution_s * settings.frames_per_s
        self._budget_tick = tick
        if settings.frames_per_s > 0:
            self._budget = min(settings.frames_burst, self._budget + round(earned))
        else:
            self._budget = settings.frames_burst
        return self._budget >= 0
