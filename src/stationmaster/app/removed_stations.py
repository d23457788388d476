"""A station that was taken out of the register is sent away from the node that holds its connection."""

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, decode
from stationmaster.gateway.server import Gateway
from stationmaster.storage import Storage

__all__ = ["RemovedStations"]

POLICY_VIOLATION = 1008


class RemovedStations:
    """Hears of changes of stations on the bus."""

    def __init__(self, storage: Storage, gateway: Gateway) -> None:
        self._storage = storage
        self._gateway = gateway

    async def hear(self, _subject: str, message: bytes) -> None:
        """A listener for `bus.subscribe(INVALIDATE, …)`."""
        try:
            told = decode(message, Invalidate)
        except msgspec.MsgspecError:
            return
        connection = self._gateway.connection(told.key) if told.kind == "station" else None
        if connection is not None and await self._storage.stations.get(told.key) is None:
            connection.close(POLICY_VIOLATION, "no longer registered")
