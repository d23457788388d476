"""Parting with a connected station, whichever node holds its socket (handbook §1.11, §1.13).

The rule that shapes this file: nobody is told that a station is gone unless its node has said so. What is not known
is told as not known.
"""

from typing import Final

from stationmaster.bus import BusError
from stationmaster.bus.messages_v1 import Disconnect, encode
from stationmaster.bus.subjects import disconnect_of
from stationmaster.domain.errors import NotFound, Offline, Unavailable
from stationmaster.domain.stations import Station
from stationmaster.services.context import ServiceContext

__all__ = ["Disconnections"]

DISCONNECT_S: Final = 5.0
GOODBYE: Final = "disconnected by an operator"
CLOSED: Final = b"closed"


class Disconnections:
    """Closes connections on the word of an operator."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus

    async def disconnect(self, organisation_id: str, station_id: str) -> None:
        """Close a station's connection. It may come again at once, and is then what its last boot made of it (§1.13).

        Raises NotFound, Offline (`station_offline`), and Unavailable (`node_unreachable`) when the node that holds the
        connection does not say that it has closed it.
        """
        station = await self._storage.stations.get(station_id)
        if station is None or station.organisation_id != organisation_id:
            raise NotFound("station_unknown", f"There is no station `{station_id}`.")
        try:
            closed = await self.part_with(station)
        except BusError as error:
            words = f"Nobody knows whether station `{station_id}` was disconnected: its node does not answer: {error}."
            raise Unavailable("node_unreachable", words) from error
        if not closed:
            raise Offline("station_offline", f"Station `{station_id}` is not connected.")

    async def part_with(self, station: Station) -> bool:
        """Close the connection that the record tells of, and no newer one; whether it was still there.

        Raises BusError when its node does not answer: NoResponder when nobody knows of that node.
        """
        if not station.connected or station.node_id is None:
            return False
        request = Disconnect(station_id=station.id, epoch=station.connection_epoch, reason=GOODBYE)
        return await self._bus.request(disconnect_of(station.node_id), encode(request), DISCONNECT_S) == CLOSED
