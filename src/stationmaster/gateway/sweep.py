"""One shared timer for all connections of a node: pings, silence, and what takes too long.

The rule that shapes this file: an idle station costs no task and no timer of its own. Connections
are kept in slots by the tick at which they are due; each tick looks at one slot, and at the few
connections that asked for attention because something of theirs is under way.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

__all__ = ["Sweep", "Watched"]

log = structlog.get_logger(__name__)


class Watched(Protocol):
    """A connection, as the sweep sees it."""

    due_tick: int

    def due(self, tick: int) -> int:
        """It is time to look for signs of life; returns the tick of the next look, 0 for never."""

    def look(self, tick: int) -> None:
        """Something of it is under way: see whether it takes too long."""


class Sweep:
    """Counts ticks and tells connections when they are due."""

    def __init__(self, resolution_s: float, every_tick: Callable[[int], None] | None = None) -> None:
        self.tick = 1
        self._resolution_s = resolution_s
        self._every_tick = every_tick
        self._slots: dict[int, set[Watched]] = {}
        self._attention: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._spread = 0

    def start(self) -> None:
        """Begin to count."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._resolution_s, self._run, loop, loop.time() + self._resolution_s)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def duration_us(self, ticks: float) -> int:
        """So many ticks as microseconds."""
        return round(ticks * self._resolution_s * 1_000_000)

    def ticks(self, duration_s: float) -> int:
        """A duration as a whole number of ticks, at least one; 0 stays 0."""
        return max(1, round(duration_s / self._resolution_s)) if duration_s > 0 else 0

    def watch(self, connection: Watched, interval_ticks: int) -> None:
        """Look at a connection within one interval from now; newcomers are spread, so that no tick has them all."""
        self._spread += 1
        self._put(connection, self.tick + 1 + self._spread % interval_ticks)

    def forget(self, connection: Watched) -> None:
        """Look at it no more."""
        slot = self._slots.get(connection.due_tick)
        if slot is not None:
            slot.discard(connection)
            if not slot:
                del self._slots[connection.due_tick]
        self._attention.discard(connection)

    def attend(self, connection: Watched) -> None:
        """Look at it on every tick from now on."""
        self._attention.add(connection)

    def ignore(self, connection: Watched) -> None:
        """What was under way is done."""
        self._attention.discard(connection)

    def _put(self, connection: Watched, tick: int) -> None:
        connection.due_tick = tick
        self._slots.setdefault(tick, set()).add(connection)

    def _run(self, loop: asyncio.AbstractEventLoop, planned: float) -> None:
        next_time = max(planned + self._resolution_s, loop.time())
        self._timer = loop.call_later(next_time - loop.time(), self._run, loop, next_time)
        self.tick += 1
        if self._every_tick is not None:
            self._every_tick(self.tick)
        for connection in self._slots.pop(self.tick, ()):
            connection.due_tick = 0
            try:
                next_tick = connection.due(self.tick)
            except Exception:
                log.exception("sweep.due_failed")
                continue
            if next_tick:
                self._put(connection, max(next_tick, self.tick + 1))
        for connection in tuple(self._attention):
            try:
                connection.look(self.tick)
            except Exception:
                log.exception("sweep.look_failed")
