"""Stations of nodes that are gone: they are not connected any more, and nobody else would say so.

What was on its way to them is over too.

Each node gives a sign of life in the database. Whoever has the turn looks for nodes that have
not, and marks their stations as not connected. A node that was only cut off from the database
finds, at its next sign of life, that it was silent for too long, and puts its own stations right again.
"""

from collections.abc import Awaitable, Callable, Sequence

import sqlalchemy as sa
import structlog

from stationmaster.domain.facts import StationDisconnected
from stationmaster.instants import Instant
from stationmaster.jobs.claims import beat, beats, last_beat
from stationmaster.storage import Storage
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.tables import presence

__all__ = ["BEAT_S", "NodePresence", "is_alive"]

log = structlog.get_logger(__name__)

BEAT_S = 3.0
SILENT_AFTER_S = 9.0
_AT_A_TIME = 500
ABNORMAL = 1006
"""RFC 6455: the connection ended without a word."""


class NodePresence:
    """A node's sign of life, and the watch over the others'.

    `connected` gives the stations connected here. `lost` is told the stations that a node held which is gone.
    """

    def __init__(
        self,
        storage: Storage,
        node_id: str,
        connected: Callable[[], Sequence[str]],
        lost: Callable[[Sequence[str], Instant], Awaitable[object]],
    ) -> None:
        self._storage = storage
        self._node_id = node_id
        self._connected = connected
        self._lost = lost

    async def begin(self, now: Instant) -> int:
        """At the start nobody is connected here, whatever the database says; returns how many it said were."""
        await self._storage.write(beat, self._node_id, now)
        return await self._forget(self._node_id, now)

    async def beat(self, now: Instant) -> None:
        """Give the sign of life."""
        before = await self._storage.write(beat, self._node_id, now)
        if before is not None and now - before > round(SILENT_AFTER_S * 1_000_000):
            log.warning("presence.was_silent", seconds=(now - before) / 1_000_000)
            station_ids = list(self._connected())
            for start in range(0, len(station_ids), _AT_A_TIME):
                await self._storage.write(_restore, self._node_id, station_ids[start : start + _AT_A_TIME])

    async def silent(self, now: Instant, for_s: float) -> list[str]:
        """The other nodes that have given no sign of life for so long."""
        limit = now - round(for_s * 1_000_000)
        found = await self._storage.write(beats)
        return [node_id for node_id, last in found.items() if node_id != self._node_id and last < limit]

    async def bury(self, now: Instant) -> None:
        """Mark the stations of silent nodes as not connected."""
        for node_id in await self.silent(now, SILENT_AFTER_S):
            lost = await self._forget(node_id, now)
            if lost:
                log.warning("presence.node_lost", node_id=node_id, stations=lost)

    async def _forget(self, node_id: str, now: Instant) -> int:
        """End the connections of a node that is gone, and say so, since it cannot; returns how many there were."""
        connections = await self._storage.stations.connections_of(node_id)
        # Before they are forgotten: if this is broken off, whoever comes next finds them again.
        await self._lost([station_id for _, station_id, _, _ in connections], now)
        facts = [
            StationDisconnected(
                organisation_id=organisation_id,
                station_id=station_id,
                received_at=now,
                connection_id=connection_id,
                epoch=epoch,
                close_code=ABNORMAL,
                reason="The node that held the connection is gone.",
            )
            for organisation_id, station_id, connection_id, epoch in connections
        ]
        for start in range(0, len(facts), _AT_A_TIME):
            await self._storage.record(facts[start : start + _AT_A_TIME])
        return len(facts) + await self._storage.stations.forget_connections(node_id)


async def is_alive(storage: Storage, node_id: str, now: Instant) -> bool:
    """Whether a node has given a sign of life of late, whatever the database still says of its stations."""
    last = await storage.write(last_beat, node_id)
    return last is not None and now - last <= round(SILENT_AFTER_S * 1_000_000)


def _restore(node_id: str, station_ids: Sequence[str]) -> Program[None]:
    p = presence.c
    ours = sa.and_(p.node_id == node_id, p.station_id.in_(station_ids))
    yield from execute(sa.update(presence).where(ours).values(connected=True, disconnected_at=None))
