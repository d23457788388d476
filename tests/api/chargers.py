"""Stations that hold charging profiles, for tests of shared power: what each was told, and what it answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from stationmaster.conformance.errors import ConnectionEnded
from stationmaster.conformance.station import ScriptedStation
from tests.api.conftest import Client, connected

NOON = "2025-03-01T12:00:00Z"


class Charger:
    """A connected station that answers what load management asks of it."""

    def __init__(self, station: ScriptedStation) -> None:
        self.station = station
        self.profiles: dict[tuple[str, int], dict[str, Any]] = {}
        """By purpose and connector."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer = "Accepted"
        self.silent = False
        self.transaction_id = 0

    @property
    def id(self) -> str:
        """Its identity."""
        return self.station.identity

    def limit(self, connector: int = 1) -> float | None:
        """Amperes that it lets a car draw now; None: no limit."""
        own = self.profiles.get(("TxProfile", connector)) if self.transaction_id else None
        profile = own or self.profiles.get(("TxDefaultProfile", connector))
        return None if profile is None else float(profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"])

    async def obey(self) -> None:
        """Answer whatever comes, until the connection ends."""
        try:
            while True:
                request = await self.station._next_of(self.station._requests, 60)
                if request is None:
                    continue
                self.asked.append((request.action, dict(request.payload)))
                if self.silent:
                    continue
                if request.action == "SetChargingProfile" and self.answer == "Accepted":
                    profile = request.payload["csChargingProfiles"]
                    self.profiles[profile["chargingProfilePurpose"], request.payload["connectorId"]] = profile
                if request.action == "ClearChargingProfile":
                    wanted = request.payload.get("id")
                    kept = {place: each for place, each in self.profiles.items() if each["chargingProfileId"] != wanted}
                    self.profiles = kept
                answer = self.answer if request.action == "SetChargingProfile" else "Accepted"
                await self.station.reply(request, {"status": answer})
        except ConnectionEnded:
            return

    async def plugs_in(self, connector: int = 1) -> None:
        """A car comes and a transaction begins."""
        started = {"connectorId": connector, "idTag": "CAR", "meterStart": 0, "timestamp": NOW()}
        answer = await self.station.call("StartTransaction", started)
        self.transaction_id = answer["transactionId"]

    async def leaves(self) -> None:
        """The transaction ends, and its profile with it."""
        stop = {"transactionId": self.transaction_id, "meterStop": 1000, "timestamp": NOW()}
        await self.station.call("StopTransaction", stop)
        self.transaction_id = 0
        self.profiles = {place: each for place, each in self.profiles.items() if place[0] != "TxProfile"}

    async def measures(self, *amperes: float, connector: int = 1) -> None:
        """What flows, per phase."""
        values = [
            {"value": str(each), "measurand": "Current.Import", "phase": f"L{number}", "unit": "A"}
            for number, each in enumerate(amperes, 1)
        ]
        meter_value = [{"timestamp": NOW(), "sampledValue": values}]
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": meter_value}
        if self.transaction_id and connector:
            payload["transactionId"] = self.transaction_id
        await self.station.call("MeterValues", payload)


def NOW() -> str:  # noqa: N802 -- reads like the constant beside it
    """The present, as a station writes it."""
    from stationmaster.app.node import clock  # noqa: PLC0415 -- the clock that the node has
    from stationmaster.instants import format_instant  # noqa: PLC0415 -- and its text

    return format_instant(clock())


@asynccontextmanager
async def charger(api: Client, site_id: str, phases: list[str] | None = None, **wiring: Any) -> AsyncIterator[Charger]:
    """A station of a site, wired, connected and obeying."""
    identity = await api.station(site_id=site_id)
    if phases is not None or wiring:
        await api.ask("PUT", f"/sites/{site_id}/connectors/{identity}/1", json={"phases": phases, **wiring})
    async with reconnected(api, identity) as found:
        yield found


@asynccontextmanager
async def reconnected(api: Client, identity: str) -> AsyncIterator[Charger]:
    """A station that is registered already comes, and obeys."""
    async with connected(api, identity) as station:
        found = Charger(station)
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        obeying = asyncio.create_task(found.obey())
        try:
            yield found
        finally:
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)
            while not station._requests.empty():
                station._requests.get_nowait()
