"""Committed facts become events: told to the clients of this node at once, and to other nodes by the bus.

It is called by the storage right after a commit and must not wait. Where nobody listens, nothing
is written; what other nodes are to hear waits in a bounded queue for the task that publishes it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby

import msgspec
import structlog

from stationmaster.api.event_bodies import event_of
from stationmaster.api.live import EventHub
from stationmaster.bus import Bus, BusError
from stationmaster.bus.messages_v1 import Event, EventMessage, decode, encode
from stationmaster.bus.subjects import ALL_EVENTS, events_of
from stationmaster.storage import Committed

__all__ = ["EventPublisher"]

log = structlog.get_logger(__name__)

MOST_WAITING = 10_000
MOST_IN_MESSAGE = 200


class EventPublisher:
    """Tells what was committed. `clustered`: there are other nodes that want to hear it."""

    def __init__(self, hub: EventHub, bus: Bus, node_id: str, *, clustered: bool) -> None:
        self._hub = hub
        self._bus = bus
        self._node_id = node_id
        self._clustered = clustered
        self._waiting: deque[tuple[str, Event]] = deque()
        self._arrived = asyncio.Event()
        self.lost = 0
        """Events that other nodes were not told: they came faster than they could be published."""

    def __len__(self) -> int:
        return len(self._waiting)

    def committed(self, committed: Sequence[Committed]) -> None:
        """Tell what has just become durable."""
        for organisation_id, group in groupby(committed, key=lambda each: each.fact.organisation_id):
            if not self._clustered and not self._hub.listens(organisation_id):
                continue
            events = [event_of(each.as_event()) for each in group]
            self._hub.tell(organisation_id, events)
            if self._clustered:
                self._queue(organisation_id, events)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish, and hear what other nodes publish, while the context is open."""
        if not self._clustered:
            yield
            return
        publishing = asyncio.create_task(self._publish(), name="event-publisher")
        try:
            async with self._bus.subscribe(ALL_EVENTS, self._hear):
                yield
        finally:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)

    # Inside.

    def _queue(self, organisation_id: str, events: list[Event]) -> None:
        for event in events:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self.lost += 1
            self._waiting.append((organisation_id, event))
        self._arrived.set()

    async def _publish(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._publish_some()

    async def _publish_some(self) -> None:
        organisation_id = self._waiting[0][0]
        events: list[Event] = []
        while self._waiting and len(events) < MOST_IN_MESSAGE and self._waiting[0][0] == organisation_id:
            events.append(self._waiting.popleft()[1])
        message = EventMessage(organisation_id=organisation_id, node_id=self._node_id, events=tuple(events))
        try:
            await self._bus.publish(events_of(organisation_id), encode(message))
        except BusError:
            log.warning("events.not_published", count=len(events))

    async def _hear(self, _subject: str, data: bytes) -> None:
        try:
            message = decode(data, EventMessage)
        except msgspec.MsgspecError:
            log.warning("events.unreadable_message")
            return
        if message.node_id != self._node_id:
            self._hub.tell(message.organisation_id, message.events)
