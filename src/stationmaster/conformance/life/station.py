"""A station that lives: connects, boots, is visited by drivers, obeys, loses its connection and comes back.

Tasks of a station: one that keeps it connected (and while it is, one that obeys and one that beats), one
that delivers transaction messages, one for aligned meter values, one for reservations that expire, and one for
each connector, where drivers come. `run` lives until it is cancelled.
"""

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import Any

from stationmaster.conformance.errors import ConformanceError, HandshakeRefused
from stationmaster.conformance.life.charging import meter_values
from stationmaster.conformance.life.clock import Clock
from stationmaster.conformance.life.commands import COMMANDS
from stationmaster.conformance.life.connectors import Connector
from stationmaster.conformance.life.core import StationCore
from stationmaster.conformance.life.traits import Traits
from stationmaster.conformance.life.visits import Driver, draw_driver, visit
from stationmaster.conformance.link import Link, Request, Target
from stationmaster.instants import MICROSECONDS_PER_SECOND
from stationmaster.ocpp.errors import ErrorCode

__all__ = ["Habits", "LivingStation"]

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 60.0
BOOT_TAKES_S = 8.0
BOOTS_AGAIN_AFTER_S = 30
SHUTTING_DOWN_TAKES_S = 15.0
RESTS_S = 3600
LONGEST_DOZE_US = 60 * MICROSECONDS_PER_SECOND
CHANCE_OF_A_FAULT = 0.004
CHANCE_OF_A_STRANGER = 0.03
FAULTS = ("ReaderFailure", "GroundFailure", "HighTemperature", "ConnectorLockFailure", "EVCommunicationError")


class Habits:
    """How the people around a station behave: with which tags they come, and how often to a connector."""

    def __init__(self, id_tags: list[str], sessions_per_hour: float, stranger: str | None = "STRANGER") -> None:
        if not id_tags:
            raise ValueError("somebody has to come: at least one id tag is needed")
        self.id_tags = id_tags
        self.sessions_per_hour = sessions_per_hour
        self.stranger = stranger

    def gap_s(self, random_: random.Random) -> float:
        """How long a free connector waits for the next driver."""
        return random_.expovariate(self.sessions_per_hour) * 3600 if self.sessions_per_hour > 0 else RESTS_S


class LivingStation(StationCore):
    """One simulated station. The same seed makes the same station and the same drivers."""

    def __init__(self, target: Target, traits: Traits, habits: Habits, clock: Clock, random_: random.Random) -> None:
        super().__init__(target, traits, clock, random_)
        self.habits = habits
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._booted = False
        self.refused_because: str | None = None
        """Why it could not connect the last time; None once it could."""

    async def run(self) -> None:
        """Live until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self.tasks = tasks
                tasks.create_task(self._stay_connected())
                tasks.create_task(self.delivery.run())
                tasks.create_task(self._align())
                tasks.create_task(self._expire_reservations())
                for connector in self.connectors:
                    tasks.create_task(self._receive_drivers(connector))
        finally:
            self.tasks = None
            if self.link is not None:
                await self.link.close()

    # The connection.

    async def _stay_connected(self) -> None:
        pause_s = FIRST_RETRY_S
        while True:
            self._requests = asyncio.Queue()
            ping_s = self.configuration.integer("WebSocketPingInterval")
            link = Link(self._requests.put_nowait)
            try:
                await link.open(replace(self.target, ping_interval_s=ping_s or None))
            except HandshakeRefused as refused:
                self.count("refused")
                self.refused_because = str(refused)
                served = False
            else:
                self.link = link
                self.refused_because = None
                self.count("connections")
                served = await self._while_connected(link)
            pause_s = FIRST_RETRY_S if served else min(pause_s * 2, LONGEST_RETRY_S)
            await asyncio.sleep(self.random.uniform(0.5, 1) * pause_s)

    async def _while_connected(self, link: Link) -> bool:
        """Everything between a handshake and the end of its connection; whether the station was served in it."""
        obeying = asyncio.create_task(self._obey(link))
        speaking = asyncio.create_task(self._speak())
        reboot = asyncio.create_task(self.boot_requested.wait())
        tasks: list[asyncio.Task[Any]] = [obeying, speaking, reboot]
        try:
            await asyncio.wait([*tasks, link.ended], return_when=asyncio.FIRST_COMPLETED)
            if reboot.done():
                await self._shut_down(link)
        finally:
            served = self.online.is_set() or self.rebooting is not None
            self.online.clear()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()
        if self.rebooting is not None:
            await self.clock.sleep(BOOT_TAKES_S)
            self.rebooting = None
            self.running.set()
        return served

    async def _speak(self) -> None:
        """Boot if that is due, report what has changed, then beat."""
        if not self._booted:
            await self._boot()
            self.online.set()
            await self.announce_all(anyway=True)
        else:
            self.online.set()
            await self.announce_all()
        while True:
            silence_s = self.configuration.integer("HeartbeatInterval") or RESTS_S
            due = self.last_said + silence_s * MICROSECONDS_PER_SECOND
            if self.clock.now() >= due:
                await self.tell("Heartbeat", {})
            else:
                await self.clock.sleep_until(min(due, self.clock.now() + LONGEST_DOZE_US))

    async def _boot(self) -> None:
        """BootNotification until it is accepted (handbook §3.2.2)."""
        traits = self.traits
        while True:
            answer = None
            with contextlib.suppress(ConformanceError):
                answer = await self.call(
                    "BootNotification",
                    {
                        "chargePointVendor": traits.vendor,
                        "chargePointModel": traits.model,
                        "chargePointSerialNumber": traits.serial_number,
                        "firmwareVersion": self.firmware_version,
                        "meterType": traits.meter_type,
                    },
                )
            if answer is not None and answer["status"] == "Accepted":
                self.configuration.set("HeartbeatInterval", str(answer["interval"]))
                self._booted = True
                return
            self.boot_now.clear()
            await self.clock.wait(
                self.boot_now, (answer["interval"] if answer is not None else 0) or BOOTS_AGAIN_AFTER_S
            )

    async def _shut_down(self, link: Link) -> None:
        """The end of everything before a reboot: transactions stop; a soft reset also waits for their messages."""
        self.boot_requested.clear()
        self._booted = False
        patience = self.clock.now() + round(SHUTTING_DOWN_TAKES_S * MICROSECONDS_PER_SECOND)
        while any(one.transaction is not None for one in self.connectors) and self.clock.now() < patience:
            await self.clock.sleep(0.5)
        if self.rebooting != "HardReset":
            await self.clock.wait(self.delivery.empty, SHUTTING_DOWN_TAKES_S)
        self.online.clear()
        await link.close(1000, "rebooting")

    async def _obey(self, link: Link) -> None:
        """Answer what is asked, one after another; what follows from an answer comes after it."""
        while True:
            request = await self._requests.get()
            self.count("commands")
            handler = COMMANDS.get(request.action)
            if handler is None:
                await link.refuse(request, ErrorCode.NOT_SUPPORTED, f"{request.action} is not supported here")
                continue
            reply = handler(self, request.payload)
            await link.answer(request, reply.payload)
            if reply.after is not None:
                self.spawn(reply.after)

    # The clock.

    async def _align(self) -> None:
        """Meter values on the grid that begins at midnight (handbook §3.2.7)."""
        while True:
            interval_s = self.configuration.integer("ClockAlignedDataInterval")
            if interval_s == 0:
                await self.clock.sleep(60)
                continue
            step_us = interval_s * MICROSECONDS_PER_SECOND
            due = (self.clock.now() // step_us + 1) * step_us
            await self.clock.sleep_until(due)
            for connector in self.connectors:
                measurands = self.configuration.items("MeterValuesAlignedData")
                meter_values(self, connector, measurands, "Sample.Clock", due)

    async def _expire_reservations(self) -> None:
        while True:
            expiry = self.reservations.next_expiry()
            now = self.clock.now()
            limit_s = RESTS_S if expiry is None else max(0.0, (expiry - now) / MICROSECONDS_PER_SECOND)
            self.reservations_changed.clear()
            await self.clock.wait(self.reservations_changed, limit_s)
            for reservation in self.reservations.take_expired(self.clock.now()):
                connector = self.connector(reservation.connector)
                if connector is not None:
                    connector.reserved = False
                    await self.announce(connector)

    # The drivers.

    async def _receive_drivers(self, connector: Connector) -> None:
        """Wait for somebody, by themselves or by remote start, and let them charge."""
        while True:
            await self.running.wait()
            connector.wake.clear()
            if connector.identified is None:
                await self.clock.wait(connector.wake, self.habits.gap_s(self.random))
            if not self.running.is_set() or not connector.usable:
                connector.identified = None
                continue
            if connector.identified is not None:
                await visit(self, connector, None)
            elif self.random.random() < CHANCE_OF_A_FAULT:
                await self._break_down(connector)
            elif not connector.wake.is_set():
                await self._receive(connector)

    async def _receive(self, connector: Connector) -> None:
        reservation = self.reservations.of_connector(connector.number)
        driver = draw_driver(self.random, self.habits.id_tags, connector.outlet.direct_current)
        if reservation is not None:
            driver = replace(driver, id_tag=reservation.id_tag)
        elif self.habits.stranger is not None and self.random.random() < CHANCE_OF_A_STRANGER:
            driver = Driver(self.habits.stranger, driver.stay_s, driver.plugs_first, driver.hesitation_s)
        await visit(self, connector, driver)

    async def _break_down(self, connector: Connector) -> None:
        """Faulted for a while, then well again."""
        connector.error_code = self.random.choice(FAULTS)
        connector.error_info = "self test failed"
        await self.announce(connector)
        await self.clock.sleep(self.random.uniform(120, 1200))
        connector.error_code, connector.error_info = "NoError", ""
        await self.announce(connector)
