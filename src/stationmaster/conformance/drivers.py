"""How the kit presses the buttons of a central system: the contract, and a driver that asks a person.

To test a system of your own, write one class with these methods and give its name to
`stationmaster conformance --driver package.module:Class`. Each method returns when the button has been
pressed; what the system does then is seen at the station.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["About", "Driver", "ManualDriver", "StationNeeded", "TokenNeeded"]


@dataclass(frozen=True, slots=True)
class About:
    """What the report says of the system: its own words."""

    product: str
    version: str
    vendor: str = ""
    configuration: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StationNeeded:
    """A station that must be registered. `password` is what it presents (profiles 1 and 2)."""

    identity: str
    security_profile: int
    password: str | None = None
    serial_number: str | None = None


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """A token that must be registered; `expires_at` in the past makes it an expired one."""

    id_tag: str
    status: str = "Accepted"
    parent_id_tag: str | None = None
    expires_at: str | None = None


class Driver(Protocol):
    """The buttons."""

    async def about(self) -> About:
        """Which system this is."""

    async def prepare(self, stations: list[StationNeeded], tokens: list[TokenNeeded]) -> None:
        """Register what the cases need; what is there already may stay."""

    async def press(self, station_id: str, action: str, payload: dict[str, Any]) -> None:
        """Have the system send `action` with just this payload to the station."""

    async def renew_password(self, station_id: str) -> None:
        """Have the system give the station a new password (ChangeConfiguration of AuthorizationKey)."""

    async def raise_profile(self, station_id: str, security_profile: int) -> None:
        """Have the system raise the station's security profile (ChangeConfiguration of SecurityProfile)."""

    async def renew_certificate(self, station_id: str) -> None:
        """Have the system renew the station's certificate (ExtendedTriggerMessage SignChargePointCertificate)."""

    async def clean_up(self, station_id: str) -> None:
        """Forget what an earlier case left: open transactions, reservations, profiles."""

    async def close(self) -> None:
        """The run is over."""


class ManualDriver:
    """Tells a person what to press, and waits for the request to come."""

    def __init__(self, say: Callable[[str], None], product: str = "unknown", version: str = "unknown") -> None:
        self._say = say
        self._about = About(product, version)

    async def about(self) -> About:
        """As given on the command line."""
        return self._about

    async def prepare(self, stations: list[StationNeeded], tokens: list[TokenNeeded]) -> None:
        """Say what to register, and wait for Enter."""
        for station in stations:
            self._say(f"register the station {station}")
        for token in tokens:
            self._say(f"register the token {token}")
        await self._wait("everything is registered")

    async def press(self, station_id: str, action: str, payload: dict[str, Any]) -> None:
        """Say what to send."""
        self._say(f"send to {station_id}: {action} {json.dumps(payload, default=str)}")

    async def renew_password(self, station_id: str) -> None:
        """Say it."""
        self._say(f"give {station_id} a new password over OCPP (AuthorizationKey)")

    async def raise_profile(self, station_id: str, security_profile: int) -> None:
        """Say it."""
        self._say(f"raise {station_id} to security profile {security_profile} over OCPP")

    async def renew_certificate(self, station_id: str) -> None:
        """Say it."""
        self._say(f"renew the certificate of {station_id} (ExtendedTriggerMessage SignChargePointCertificate)")

    async def clean_up(self, station_id: str) -> None:
        """Nothing: a person sees what is left."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _wait(self, words: str) -> None:
        await asyncio.to_thread(input, f"press Enter when {words} ")
