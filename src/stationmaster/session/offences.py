"""Counting what a peer does wrong within a minute, so that a flood ends the connection (handbook §1.9)."""

from collections import deque

from stationmaster.instants import Instant

__all__ = ["Offences"]

_MINUTE_US = 60_000_000


class Offences:
    """Offences within the last minute, against a limit."""

    __slots__ = ("_limit", "_moments")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._moments: deque[Instant] = deque(maxlen=limit + 1)

    def commit(self, now: Instant) -> bool:
        """Count one; True when that is one too many."""
        self._moments.append(now)
        return len(self._moments) > self._limit and now - self._moments[0] < _MINUTE_US
