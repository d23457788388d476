"""A station that may no longer be here is sent away from the node that holds its connection.

One that was taken out of the register, and one that came in with a certificate that was revoked since.
"""

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, decode
from stationmaster.gateway.server import Gateway
from stationmaster.services.trust import Trust
from stationmaster.storage import Storage

__all__ = ["RemovedStations", "RevokedCertificates"]

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


class RevokedCertificates:
    """Hears whenever what is trusted was read anew."""

    def __init__(self, trust: Trust, gateway: Gateway) -> None:
        self._trust = trust
        self._gateway = gateway
        self._known = trust.revoked()
        trust.on_load(self.look)

    def look(self) -> None:
        """Part with stations whose certificates were revoked since the last look."""
        revoked = self._trust.revoked()
        newly, self._known = revoked - self._known, revoked
        if newly:
            self._gateway.close_with_certificates(newly, POLICY_VIOLATION, "the client certificate was revoked")
