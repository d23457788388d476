"""A connector of a simulated station: what is plugged in, what flows, and which status follows from that.

The rule that shapes this file: the status is never set, it is what the parts of the connector amount to
(handbook §3.2.9), so that it cannot contradict them.
"""

import asyncio
import random
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from stationmaster.conformance.life.metering import Meter
from stationmaster.conformance.life.traits import Outlet
from stationmaster.conformance.life.vehicles import Vehicle
from stationmaster.instants import Instant

__all__ = ["Connector", "Phase", "Stop", "Transaction"]

UNCONFIRMED = -1
"""The transaction id of a transaction whose start was never confirmed [E 3.18]."""


class Phase(Enum):
    """How far a visit has come."""

    IDLE = "idle"
    PREPARING = "preparing"
    CHARGING = "charging"
    FINISHING = "finishing"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a transaction ends, and who ended it if that is known."""

    reason: str
    id_tag: str | None = None


@dataclass(slots=True)
class Transaction:
    """A transaction that runs, or has run, on a connector."""

    id_tag: str
    parent_id_tag: str | None
    started_at: Instant
    meter_start_wh: int
    reservation_id: int | None = None
    id: int = UNCONFIRMED
    rejected: bool = False
    begin_samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Connector:
    """One connector. `wake` is set when something happened that whoever waits here should look at."""

    number: int
    outlet: Outlet
    random_: random.Random
    meter: Meter
    phase: Phase = Phase.IDLE
    vehicle: Vehicle | None = None
    transaction: Transaction | None = None
    stop: Stop | None = None
    error_code: str = "NoError"
    error_info: str = ""
    inoperative: bool = False
    becoming_inoperative: bool = False
    reserved: bool = False
    suspended_by_us: bool = False
    identified: str | None = None
    """The tag of a remote start that waits for its car, or of one for a car that waits."""
    remote_profile: dict[str, Any] | None = None
    reported: str | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> str:
        """One of the nine statuses of OCPP 1.6."""
        if self.error_code != "NoError":
            return "Faulted"
        if self.phase is Phase.CHARGING:
            if self.suspended_by_us:
                return "SuspendedEVSE"
            wants = self.vehicle is not None and self.vehicle.accepts_w(self.outlet.direct_current) > 0
            return "Charging" if wants else "SuspendedEV"
        if self.phase is not Phase.IDLE:
            return "Preparing" if self.phase is Phase.PREPARING else "Finishing"
        if self.inoperative:
            return "Unavailable"
        return "Reserved" if self.reserved else "Available"

    @property
    def usable(self) -> bool:
        """Whether a driver can begin here."""
        return self.status in ("Available", "Reserved")

    def nudge(self) -> None:
        """Make whoever waits here look again."""
        self.wake.set()

    def end(self, stop: Stop) -> None:
        """Ask the running transaction to end; the first reason stands."""
        if self.stop is None:
            self.stop = stop
        self.nudge()
