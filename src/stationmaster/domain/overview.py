"""What an operator sees first: the state of a station in one word, and energy spread over hours."""

from collections.abc import Iterable
from typing import Final

import msgspec

from stationmaster.domain.facts import BEGIN, MeterSample
from stationmaster.instants import Instant

__all__ = ["HOUR_US", "STATION_STATES", "HourOfEnergy", "PlacedStation", "Session", "hours_of", "power_of"]

HOUR_US: Final = 3_600_000_000
STATION_STATES: Final = ("faulted", "charging", "available", "reserved", "unavailable", "pending", "offline", "new")
"""From what asks for attention to what is not there. `new` has never connected."""

_AT_WORK: Final = frozenset({"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Occupied"})
_POWER: Final = "Power.Active.Import"


class PlacedStation(msgspec.Struct, frozen=True, kw_only=True):
    """A station, where it stands, and what its connectors said last; `statuses` None: they said nothing."""

    id: str
    name: str | None
    site_id: str | None
    latitude: float | None
    longitude: float | None
    operator_state: str
    connected: bool
    known: bool
    statuses: tuple[str, ...]

    @property
    def state(self) -> str:
        """One of STATION_STATES."""
        if not self.known:
            return "new"
        if not self.connected:
            return "offline"
        if self.operator_state != "Accepted":
            return "pending"
        if "Faulted" in self.statuses:
            return "faulted"
        if _AT_WORK.intersection(self.statuses):
            return "charging"
        if "Available" in self.statuses:
            return "available"
        return "reserved" if "Reserved" in self.statuses else "unavailable"


class Session(msgspec.Struct, frozen=True):
    """Transactions of one site that began in one hour and ended in one hour, added up.

    The hours count from 1970; `until_hour` None: they go on.
    """

    site_id: str | None
    from_hour: int
    until_hour: int | None
    energy_wh: float
    count: int


class HourOfEnergy(msgspec.Struct):
    """An hour: what was charged in it, and how many transactions began."""

    at: Instant
    energy_wh: float = 0
    started: int = 0


def hours_of(sessions: Iterable[Session], now: Instant, hours: int) -> list[HourOfEnergy]:
    """The last `hours` hours, the oldest first; energy is spread evenly over the hours that it took."""
    last = now // HOUR_US
    first = last - hours + 1
    told = [HourOfEnergy(at=hour * HOUR_US) for hour in range(first, last + 1)]
    for session in sessions:
        until = last if session.until_hour is None else max(session.from_hour, session.until_hour)
        share = session.energy_wh / (until - session.from_hour + 1)
        for hour in range(max(first, session.from_hour), min(last, until) + 1):
            told[hour - first].energy_wh += share
        if first <= session.from_hour <= last:
            told[session.from_hour - first].started += session.count
    return told


def power_of(samples: Iterable[MeterSample]) -> float | None:
    """The power in W that these values tell: the whole, or its phases added up; None if they tell none."""
    phases = 0.0
    told = False
    for sample in samples:
        if sample.measurand != _POWER or sample.value is None or sample.flags or sample.context == BEGIN:
            continue
        if sample.phase is None:
            return sample.value
        phases += sample.value
        told = True
    return phases if told else None
