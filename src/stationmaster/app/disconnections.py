"""Parting with a station of this node on the word of an operator, who may have said it on any node."""

from stationmaster.bus.messages_v1 import Disconnect, decode
from stationmaster.gateway.server import Gateway

__all__ = ["Disconnections"]

POLICY_VIOLATION = 1008


class Disconnections:
    """Serves `subjects.disconnect_of` for this node."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, message: bytes) -> bytes:
        """End the conversation that was meant; a newer one than the operator saw goes on."""
        asked = decode(message, Disconnect)
        connection = self._gateway.connection(asked.station_id)
        if connection is None or connection.epoch != asked.epoch:
            return b"gone"
        connection.close(POLICY_VIOLATION, asked.reason)
        return b"closed"
