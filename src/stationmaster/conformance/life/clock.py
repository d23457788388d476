"""The time in which a simulated station lives: the present, or a past that catches up with it.

The rule that shapes this file: a simulated clock may run fast, but never ahead of the real one, since
timestamps from the future are nonsense to every central system (handbook §2.2).
"""

import asyncio
from collections.abc import Callable

from stationmaster.conformance.link import now
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant, format_instant

__all__ = ["Clock"]


class Clock:
    """Starts at `since` and runs `speed` times as fast as the clock of the `world` until it has caught up."""

    def __init__(self, since: Instant | None = None, speed: float = 1.0, world: Callable[[], Instant] = now) -> None:
        if speed < 1:
            raise ValueError("a clock that runs behind would never catch up: speed is at least 1")
        self._world = world
        self._real_start = world()
        self._start = self._real_start if since is None else min(since, self._real_start)
        self._speed = speed
        lag_us = self._real_start - self._start
        self._caught_up = self._real_start + (lag_us / (speed - 1) if speed > 1 else 0)

    def now(self) -> Instant:
        """The simulated present."""
        real = self._world()
        if real >= self._caught_up:
            return real if self._speed > 1 or self._start == self._real_start else self._start + real - self._real_start
        return int(self._start + (real - self._real_start) * self._speed)

    def text(self) -> str:
        """The simulated present as stations write it."""
        return format_instant(self.now())

    def real_seconds_until(self, instant: Instant) -> float:
        """How long the world has to wait for a simulated moment."""
        real = self._world()
        ahead_us = instant - self.now()
        if ahead_us <= 0:
            return 0.0
        if real < self._caught_up:
            fast_us = (self._caught_up - real) * self._speed
            if ahead_us <= fast_us:
                return ahead_us / self._speed / MICROSECONDS_PER_SECOND
            return ((self._caught_up - real) + (ahead_us - fast_us)) / MICROSECONDS_PER_SECOND
        return ahead_us / MICROSECONDS_PER_SECOND

    async def sleep(self, duration_s: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(self.real_seconds_until(self.now() + round(duration_s * MICROSECONDS_PER_SECOND)))

    async def sleep_until(self, instant: Instant) -> None:
        """Sleep until a simulated moment."""
        await asyncio.sleep(self.real_seconds_until(instant))

    async def wait(self, event: asyncio.Event, duration_s: float) -> bool:
        """Wait for an event, but not longer than so much simulated time; whether it came."""
        limit_s = self.real_seconds_until(self.now() + round(duration_s * MICROSECONDS_PER_SECOND))
        try:
            await asyncio.wait_for(event.wait(), limit_s)
        except TimeoutError:
            return False
        return True
