"""A simulated station's state and its own doings; when they happen is up to `station`, `visits` and `commands`."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from stationmaster.conformance.errors import CallUnanswered, ConformanceError
from stationmaster.conformance.life.clock import Clock
from stationmaster.conformance.life.configuration import Configuration
from stationmaster.conformance.life.connectors import Connector, Phase, Stop
from stationmaster.conformance.life.delivery import Delivery
from stationmaster.conformance.life.local_lists import AuthorizationCache, LocalList
from stationmaster.conformance.life.metering import Meter
from stationmaster.conformance.life.reservations import Reservations
from stationmaster.conformance.life.smart_charging import Profiles
from stationmaster.conformance.life.traits import Traits
from stationmaster.conformance.link import Link, Target
from stationmaster.instants import Instant

__all__ = ["StationCore"]


class StationCore:
    """All that a station is and knows. `online` is set while it is connected and accepted."""

    def __init__(self, target: Target, traits: Traits, clock: Clock, random_: random.Random) -> None:
        self.target = target
        self.traits = traits
        self.clock = clock
        self.random = random_
        self.firmware_version = traits.firmware_version
        self.configuration = Configuration(NumberOfConnectors=str(len(traits.outlets)))
        self.connectors = [
            Connector(number, outlet, random_, Meter(random_, random_.uniform(1e5, 4e7)))
            for number, outlet in enumerate(traits.outlets, start=1)
        ]
        self.profiles = Profiles(self.configuration.integer("MaxChargingProfilesInstalled"))
        self.reservations = Reservations()
        self.reservations_changed = asyncio.Event()
        self.local_list = LocalList(self.configuration.integer("LocalAuthListMaxLength"))
        self.cache = AuthorizationCache()
        self.online = asyncio.Event()
        self.running = asyncio.Event()
        """Cleared while it reboots: nobody can begin to charge."""
        self.running.set()
        self.delivery = Delivery(self.call, self.online, clock, self.configuration)
        self.link: Link | None = None
        self.last_said: Instant = 0
        self.inoperative = False
        self.reported: str | None = None
        self.transfer_statuses = {"firmware": "Idle", "diagnostics": "Idle", "log": "Idle"}
        self.last_log_request: int | None = None
        self.rebooting: str | None = None
        """The reason of the reboot that is under way."""
        self.boot_requested = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self._announcing = asyncio.Lock()
        self.boot_now = asyncio.Event()
        """Set when a boot is asked for while the station waits to be accepted."""
        self.tasks: asyncio.TaskGroup | None = None

    # Speaking.

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the central system. Raises `ConformanceError` for every way in which that fails."""
        link = self.link
        self.last_said = self.clock.now()
        if link is None or not link.is_open:
            raise CallUnanswered(action, "not_delivered", "the station is offline")
        try:
            answer = await link.call(action, payload, timeout_s=self.configuration.integer("MessageTimeout"))
        except ConformanceError:
            self.counts["failed"] += 1
            raise
        self.counts["messages"] += 1
        return answer

    async def tell(self, action: str, payload: dict[str, Any]) -> None:
        """Say something whose loss does not matter."""
        try:
            await self.call(action, payload)
        except ConformanceError:
            return

    async def announce(self, connector: Connector, *, anyway: bool = False) -> None:
        """Report the status of a connector if it has changed; while offline that waits for the reconnection."""
        async with self._announcing:
            status = connector.status
            if not self.online.is_set() or (status == connector.reported and not anyway):
                return
            connector.reported = status
            message = {"connectorId": connector.number, "errorCode": connector.error_code, "status": status}
            if connector.error_info:
                message["info"] = connector.error_info
            await self.tell("StatusNotification", message | {"timestamp": self.clock.text()})

    async def announce_station(self, *, anyway: bool = False) -> None:
        """Report the status of connector 0."""
        async with self._announcing:
            status = "Unavailable" if self.inoperative else "Available"
            if not self.online.is_set() or (status == self.reported and not anyway):
                return
            self.reported = status
            message = {"connectorId": 0, "errorCode": "NoError", "status": status, "timestamp": self.clock.text()}
            await self.tell("StatusNotification", message)

    async def announce_all(self, *, anyway: bool = False) -> None:
        """Report everything that has changed, or everything."""
        await self.announce_station(anyway=anyway)
        for connector in self.connectors:
            await self.announce(connector, anyway=anyway)

    # Knowing.

    async def authorize(self, id_tag: str) -> str:
        """The status of a tag, asked for or known (handbook §3.2.1, §3.7)."""
        known = self._known(id_tag)
        if self.online.is_set():
            if known == "Accepted" and self.configuration.boolean("LocalPreAuthorize"):
                return known
            try:
                answer = await self.call("Authorize", {"idTag": id_tag})
            except ConformanceError:
                pass
            else:
                self.cache.learn(id_tag, answer["idTagInfo"])
                return str(answer["idTagInfo"]["status"])
        if known is not None:
            return known if self.configuration.boolean("LocalAuthorizeOffline") else "Invalid"
        return "Accepted" if self.configuration.boolean("AllowOfflineTxForUnknownId") else "Invalid"

    def parent_of(self, id_tag: str) -> str | None:
        """The group of a tag, as far as the station knows it."""
        return self.local_list.parent(id_tag) or self.cache.parent(id_tag)

    def _known(self, id_tag: str) -> str | None:
        now = self.clock.now()
        if self.configuration.boolean("LocalAuthListEnabled"):
            listed = self.local_list.status(id_tag, now)
            if listed is not None:
                return listed
        return self.cache.status(id_tag, now) if self.configuration.boolean("AuthorizationCacheEnabled") else None

    # Doing.

    def connector(self, number: int) -> Connector | None:
        """A connector by its number, if it exists."""
        return self.connectors[number - 1] if 1 <= number <= len(self.connectors) else None

    def free_connector(self, id_tag: str) -> Connector | None:
        """A connector at which a remote start for this tag can succeed: one with a car that waits, else a free one."""
        waiting = [
            connector
            for connector in self.connectors
            if connector.phase is Phase.PREPARING and connector.identified is None
        ]
        parent = self.parent_of(id_tag)
        free = [
            connector
            for connector in self.connectors
            if connector.usable
            and connector.identified is None
            and (not connector.reserved or self.reservations.admitting(connector.number, id_tag, parent) is not None)
        ]
        return next(iter(waiting + free), None)

    def set_operative(self, number: int, operative: bool) -> str:
        """Obey ChangeAvailability; the status of the answer (handbook §3.3.2)."""
        chosen = self.connectors if number == 0 else [one for one in self.connectors if one.number == number]
        if not chosen:
            return "Rejected"
        if number == 0:
            self.inoperative = not operative
        for connector in chosen:
            busy = connector.phase is not Phase.IDLE
            connector.becoming_inoperative = not operative and busy
            if not connector.becoming_inoperative:
                connector.inoperative = not operative
            if not operative:
                connector.reserved = False
                self.reservations.end_of(connector.number)
        return "Scheduled" if any(connector.becoming_inoperative for connector in chosen) else "Accepted"

    def reboot(self, reason: str) -> None:
        """Stop everything and begin anew, as soon as the loop of the station comes to it."""
        self.rebooting = reason
        self.running.clear()
        for connector in self.connectors:
            if connector.transaction is not None:
                connector.end(Stop(reason))
            connector.nudge()
        self.boot_requested.set()

    def use_password(self, password: bytes) -> None:
        """Come back with another password the next time (handbook §4.5)."""
        self.target = replace(self.target, password=password)

    def count(self, what: str) -> None:
        """Keep the books for whoever watches."""
        self.counts[what] += 1

    def spawn(self, doing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something beside everything else, for as long as the station lives."""
        if self.tasks is not None:
            self.tasks.create_task(_whatever_is_heard(doing))


async def _whatever_is_heard(doing: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What the central system does wrong is its fault; a fault of ours ends the station and is seen."""
    with contextlib.suppress(ConformanceError):
        await doing()
