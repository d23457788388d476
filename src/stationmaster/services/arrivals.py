"""Stations that come: whoever waits for one is told once it can be spoken with.

The rule that shapes this file: a station that has just connected mostly boots next, and is left alone until it has; one
that does not is asked a little later. For a station that nobody waits for nothing is done.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from stationmaster.domain.errors import DomainError
from stationmaster.services.context import ServiceContext
from stationmaster.storage.errors import StorageError

__all__ = ["Arrivals"]

log = structlog.get_logger(__name__)


class Waits(Protocol):
    """What waits for stations."""

    def wants(self, station_id: str) -> bool:
        """Whether the coming of this station may matter."""

    async def came(self, station_id: str) -> None:
        """The station is there."""


class Arrivals:
    """Tells `waiting`, in their order, that a station is there."""

    def __init__(self, context: ServiceContext, waiting: Sequence[Waits]) -> None:
        self._settle_s = context.settings.arrival_settle_s
        self._waiting = waiting
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def connected(self, station_id: str) -> None:
        """A station has connected to this node, and may boot next."""
        self._later(station_id, lambda: self._tell_soon(station_id))

    async def booted(self, station_id: str) -> None:
        """A station's boot was accepted, and it has the answer."""
        timer = self._timers.pop(station_id, None)
        if timer is not None:
            timer.cancel()
        # What is begun goes on if the connection, in whose task this is, ends meanwhile.
        await asyncio.shield(self._start(station_id))

    def wanted(self, station_id: str) -> bool:
        """Whether anybody waits for a station."""
        return any(each.wants(station_id) for each in self._waiting)

    async def close(self) -> None:
        """Tell nobody any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _later(self, station_id: str, then: Callable[[], None]) -> None:
        timer = self._timers.pop(station_id, None)
        if timer is not None:
            timer.cancel()
        if self.wanted(station_id):
            self._timers[station_id] = asyncio.get_running_loop().call_later(self._settle_s, then)

    def _tell_soon(self, station_id: str) -> None:
        self._timers.pop(station_id, None)
        self._start(station_id)

    def _start(self, station_id: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._tell(station_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _tell(self, station_id: str) -> None:
        for each in self._waiting:
            if not each.wants(station_id):
                continue
            try:
                await each.came(station_id)
            except (StorageError, DomainError):
                log.warning("arrivals.not_told", station_id=station_id, exc_info=True)
