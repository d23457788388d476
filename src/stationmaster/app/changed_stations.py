"""What an operator changes about a station holds for its connection at once, on the node that has it.

A station that was taken out of the register, or came in with a certificate that was revoked since, is sent away; one
that has not booted yet is let through its gate by what the operator says of it (handbook §1.13).
"""

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, decode
from stationmaster.gateway.server import Gateway
from stationmaster.services.trust import Trust
from stationmaster.storage import Storage

__all__ = ["ChangedStations", "RevokedCertificates"]

POLICY_VIOLATION = 1008


class ChangedStations:
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
        if connection is None:
            return
        station = await self._storage.stations.get(told.key)
        if station is None:
            connection.close(POLICY_VIOLATION, "no longer registered")
        else:
            connection.gate.operator_state = station.operator_state


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
