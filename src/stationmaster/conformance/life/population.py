"""Many simulated stations in one process, brought up at a given rate, and their books."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.conformance.life.clock import Clock
from stationmaster.conformance.life.station import Habits, LivingStation
from stationmaster.conformance.life.traits import Traits, draw_traits
from stationmaster.conformance.link import Target

__all__ = ["Population", "Resident"]


@dataclass(frozen=True, slots=True)
class Resident:
    """A station to be: where it connects as whom, and what it is (None: drawn by lot)."""

    target: Target
    traits: Traits | None = None


class Population:
    """The stations of a simulation. The same seed makes the same stations and the same drivers."""

    def __init__(
        self, residents: Sequence[Resident], habits: Habits, clock: Clock, *, seed: int, connects_per_second: float
    ) -> None:
        self.stations = []
        self._connects_per_second = connects_per_second
        for number, resident in enumerate(residents):
            own = random.Random(f"{seed}/{number}")  # noqa: S311 - lives need no secrecy
            traits = resident.traits or draw_traits(own)
            self.stations.append(LivingStation(resident.target, traits, habits, clock, own))

    async def run(self) -> None:
        """Let all of them live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for station in self.stations:
                tasks.create_task(station.run())
                await asyncio.sleep(1 / self._connects_per_second)

    def trouble(self) -> str | None:
        """Why one of them is not connected; None if none was refused lately."""
        return next((each.refused_because for each in self.stations if each.refused_because is not None), None)

    def books(self) -> Counter[str]:
        """What all of them have done so far, and `online` and `charging` as it is now."""
        total: Counter[str] = Counter()
        for station in self.stations:
            total.update(station.counts)
            total["online"] += station.online.is_set()
            total["charging"] += sum(connector.transaction is not None for connector in station.connectors)
        return total
