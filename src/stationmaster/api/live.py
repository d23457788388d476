"""Events as they happen, given to whoever listens.

Each client has a queue of its own. One that does not keep up is dropped, for a stream with a hole
would be worse: it comes back with the id of the last event it saw, and storage tells the rest.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stationmaster.bus.messages_v1 import Event

__all__ = ["Client", "EventFilter", "EventHub", "HubClosed", "TooManyClients", "TooSlow"]

NOBODY = ""
"""The organisation of stations that nobody has registered: whoever may register them hears of them."""


class TooManyClients(Exception):
    """No more event streams can be served."""


class TooSlow(Exception):
    """The client was too far behind and has been dropped."""


class HubClosed(Exception):
    """The node is stopping."""


class EventFilter:
    """Which events a client wants: of these types (or prefixes such as `transaction.`), of these stations or sites.

    Sites are those whose own events are let through beside those of the stations.
    """

    def __init__(
        self, types: Sequence[str] = (), station_ids: Sequence[str] = (), site_ids: Sequence[str] = ()
    ) -> None:
        self._types = frozenset(each for each in types if not each.endswith("."))
        self._prefixes = tuple(each for each in types if each.endswith("."))
        self._station_ids = frozenset(station_ids)
        self._site_ids = frozenset(site_ids)

    def wants(self, type: str, station_id: str, site_id: str | None = None) -> bool:
        """Whether an event of this type of this station, or of a site as a whole, is to be given."""
        if self._station_ids and station_id not in self._station_ids and (station_id or site_id not in self._site_ids):
            return False
        if not self._types and not self._prefixes:
            return True
        return type in self._types or (bool(self._prefixes) and type.startswith(self._prefixes))


class Client:
    """One who listens."""

    def __init__(self, organisation_id: str, wanted: EventFilter, queue_limit: int) -> None:
        self.organisation_id = organisation_id
        self._wanted = wanted
        self._queue_limit = queue_limit
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._end: Exception | None = None

    def offer(self, events: Sequence[Event]) -> None:
        """Queue what the client wants; too much ends it."""
        for event in events:
            if self._end is None and self._wanted.wants(event.type, event.station_id, event.site_id):
                if len(self._waiting) >= self._queue_limit:
                    self.end(TooSlow())
                    return
                self._waiting.append(event)
                self._arrived.set()

    def end(self, reason: Exception) -> None:
        """Let `next` raise `reason`; what waits is thrown away."""
        self._end = reason
        self._waiting.clear()
        self._arrived.set()

    async def next(self, timeout_s: float) -> Event | None:
        """The next event, or None when none came in `timeout_s`; raises TooSlow or HubClosed at the end."""
        if not self._waiting and self._end is None:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._arrived.wait()
            except TimeoutError:
                return None
        if self._end is not None:
            raise self._end
        event = self._waiting.popleft()
        if not self._waiting:
            self._arrived.clear()
        return event


class EventHub:
    """All who listen on this node."""

    def __init__(self, *, client_limit: int, queue_limit: int) -> None:
        self._clients: set[Client] = set()
        self._client_limit = client_limit
        self._queue_limit = queue_limit
        self._closed = False
        self.dropped = 0
        """Clients that did not keep up, since the start."""

    def __len__(self) -> int:
        return len(self._clients)

    def listens(self, organisation_id: str) -> bool:
        """Whether anybody listens to whom events of this organisation may be told, so that they are worth writing."""
        return any(organisation_id in (client.organisation_id, NOBODY) for client in self._clients)

    def tell(self, organisation_id: str, events: Sequence[Event]) -> None:
        """Give events to everyone of the organisation who wants them; what is nobody's to all."""
        for client in self._clients:
            if organisation_id in (client.organisation_id, NOBODY):
                client.offer(events)

    @contextmanager
    def connect(self, organisation_id: str, wanted: EventFilter) -> Iterator[Client]:
        """Listen while the context is open. Raises TooManyClients, HubClosed."""
        if self._closed:
            raise HubClosed
        if len(self._clients) >= self._client_limit:
            raise TooManyClients
        client = Client(organisation_id, wanted, self._queue_limit)
        self._clients.add(client)
        try:
            yield client
        except TooSlow:
            self.dropped += 1
            raise
        finally:
            self._clients.discard(client)

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for client in self._clients:
            client.end(HubClosed())
