"""Which stations are connected to this node. The newest connection of a station wins (handbook §1.11).

The rule that shapes this file: `take` happens in the same step of the event loop in which a newcomer,
already authenticated, is let in, and `leave` removes a connection only if it is still the one that
holds its place. So a late end of an old connection never removes the new one.
"""

from collections.abc import Callable, Iterator

from stationmaster.gateway.connection import Connection
from stationmaster.instants import Instant

__all__ = ["Hub"]


class Hub:
    """The open connections of this node by identity."""

    def __init__(self, clock: Callable[[], Instant], node_number: int = 0) -> None:
        self._clock = clock
        self._node_number = node_number % 1024
        self._connections: dict[str, Connection] = {}
        self._latest_epoch = 0

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        """All of them, as they are now."""
        return iter(tuple(self._connections.values()))

    def get(self, station_id: str) -> Connection | None:
        """The connection of a station, if it is on this node."""
        return self._connections.get(station_id)

    def new_epoch(self, earlier_epoch: int) -> int:
        """A number greater than that of every earlier connection: the time, unless a clock has gone back."""
        self._latest_epoch = max(self._latest_epoch + 1, earlier_epoch + 1, self._clock())
        return self._latest_epoch

    def connection_id_of(self, epoch: int) -> int:
        """A number for a connection that no connection of any node has had."""
        return epoch * 1024 + self._node_number

    def take(self, connection: Connection) -> Connection | None:
        """Let a newcomer take its place; the connection it replaces is returned, and has to make way at once."""
        old = self._connections.get(connection.station_id)
        self._connections[connection.station_id] = connection
        return old

    def leave(self, connection: Connection) -> None:
        """A connection has ended."""
        if self._connections.get(connection.station_id) is connection:
            del self._connections[connection.station_id]
