"""How the kit presses the buttons of a central system: the contract, and a driver that asks a person.

To test a system of your own, write one class with these methods and give its name to
`stationmaster conformance --driver package.module:Class`. Each method returns when the button has been
pressed; what the system does then is seen at the station.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
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
    """The buttons. `waits_for_answers`: `press` returns when the system has the station's answer, or has given up."""

    waits_for_answers: bool

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


async def _at_the_keyboard(words: str) -> None:
    await asyncio.to_thread(input, f"press Enter when {words} ")


class ManualDriver:
    """Tells a person what to press, and waits for the request to come.

    `say` shows them what to do; `wait` returns when they say that it is done.
    """

    waits_for_answers = False

    def __init__(
        self,
        say: Callable[[str], None],
        product: str = "unknown",
        version: str = "unknown",
        wait: Callable[[str], Awaitable[None]] = _at_the_keyboard,
    ) -> None:
        self._say = say
        self._about = About(product, version)
        self._wait = wait

    async def about(self) -> About:
        """As given on the command line."""
        return self._about

    async def prepare(self, stations: list[StationNeeded], tokens: list[TokenNeeded]) -> None:
        """Say what to register, and wait for Enter."""
        if stations or tokens:
            self._say("\n".join([*map(_station_words, stations), *map(_token_words, tokens)]))
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


def _station_words(needed: StationNeeded) -> str:
    words = f"register the station {needed.identity}, security profile {needed.security_profile}"
    if needed.password is not None:
        words += f", password {needed.password}"
    return words if needed.serial_number is None else f"{words}, serial number {needed.serial_number}"


def _token_words(needed: TokenNeeded) -> str:
    words = f"register the token {needed.id_tag}, {needed.status}"
    if needed.parent_id_tag is not None:
        words += f", parent {needed.parent_id_tag}"
    return words if needed.expires_at is None else f"{words}, expired since {needed.expires_at}"
