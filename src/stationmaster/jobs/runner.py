"""Runs periodic work: each piece in a task of its own, one run at a time, whatever a run may raise.

A piece of work is either this node's own or shared by the nodes of a cluster; of shared work each
turn is taken by one of them (`jobs.claims`).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog

from stationmaster.instants import Instant
from stationmaster.jobs.claims import take_turn
from stationmaster.storage import Storage, StorageError, Unavailable

__all__ = ["JobRunner", "Periodic"]

log = structlog.get_logger(__name__)

Work = Callable[[Instant], Awaitable[object]]
"""What is done; it gets the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """A piece of work that is done every `interval_s`; `shared` by all nodes, or each node's own."""

    name: str
    interval_s: float
    work: Work
    shared: bool = True
    first_after_s: float | None = None
    """When the first run is; None: at some moment of the second half of the first interval, unlike other work."""


class JobRunner:
    """All periodic work of a node."""

    def __init__(self, storage: Storage, clock: Callable[[], Instant], pieces: Iterable[Periodic]) -> None:
        self._storage = storage
        self._clock = clock
        self._pieces = tuple(pieces)
        self._tasks: list[asyncio.Task[None]] = []
        self.failures = 0
        """Runs that ended with an error, since the start."""

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._repeat(piece), name=f"job {piece.name}") for piece in self._pieces]

    async def stop(self) -> None:
        """End; what is being done is broken off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def run_once(self, piece: Periodic) -> bool:
        """Do a piece of work now if it is our turn; tell whether it was done. Never raises."""
        try:
            now = self._clock()
            if piece.shared and not await self._our_turn(piece, now):
                return False
            await piece.work(now)
        except Unavailable as error:
            self.failures += 1
            log.warning("job.put_off", job=piece.name, error=str(error))
            return False
        except Exception:
            self.failures += 1
            log.exception("job.failed", job=piece.name)
            return False
        return True

    async def _our_turn(self, piece: Periodic, now: Instant) -> bool:
        # A little less than the interval, since no two runs are exactly that far apart.
        interval_us = round(piece.interval_s * 900_000)
        try:
            return await self._storage.write(take_turn, piece.name, interval_us, now)
        except Unavailable:
            raise
        except StorageError:
            # Two nodes made the row at once: the other one has the turn.
            return False

    async def _repeat(self, piece: Periodic) -> None:
        first_after_s = piece.first_after_s
        if first_after_s is None:
            # Spread, so that the pieces of work do not all come at the same moment.
            first_after_s = piece.interval_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        await asyncio.sleep(first_after_s)
        while True:
            await self.run_once(piece)
            await asyncio.sleep(piece.interval_s)
