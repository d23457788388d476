"""Electric cars as a charging station sees them: how much they take, and when they have enough."""

import random
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Vehicle", "draw_vehicle"]

CHARGING_EFFICIENCY = 0.93
"""The share of the energy at the meter that reaches the battery."""

# Power as a share of the maximum, by state of charge; linear in between.
_DIRECT = ((0.0, 0.7), (0.1, 1.0), (0.5, 1.0), (0.8, 0.35), (0.95, 0.12), (1.0, 0.05))
_ALTERNATING = ((0.0, 1.0), (0.92, 1.0), (1.0, 0.25))


@dataclass(slots=True)
class Vehicle:
    """A car. `state_of_charge` and `target` from 0 to 1."""

    battery_wh: float
    state_of_charge: float
    target: float
    onboard_charger_w: float
    direct_current_w: float
    phases: int

    def accepts_w(self, direct_current: bool) -> float:
        """The power that the car would take now; 0 when it has enough."""
        if self.state_of_charge >= self.target:
            return 0.0
        if direct_current:
            return self.direct_current_w * _share(_DIRECT, self.state_of_charge)
        return self.onboard_charger_w * _share(_ALTERNATING, self.state_of_charge)

    def absorb(self, energy_wh: float) -> None:
        """Take energy from the meter into the battery."""
        charged = self.state_of_charge + energy_wh * CHARGING_EFFICIENCY / self.battery_wh
        self.state_of_charge = min(1.0, charged)


def draw_vehicle(random_: random.Random, direct_current: bool) -> Vehicle:
    """A car from the street, with the battery in the state in which it comes to such a station."""
    battery_kwh, onboard_w, phases, direct_w = random_.choice(
        [
            (39.0, 7_400.0, 1, 50_000.0),
            (52.0, 11_000.0, 3, 100_000.0),
            (58.0, 11_000.0, 3, 120_000.0),
            (64.0, 7_400.0, 1, 77_000.0),
            (77.0, 11_000.0, 3, 135_000.0),
            (82.0, 22_000.0, 3, 150_000.0),
            (95.0, 22_000.0, 3, 250_000.0),
        ]
    )
    return Vehicle(
        battery_wh=battery_kwh * 1000,
        state_of_charge=random_.uniform(0.08, 0.45) if direct_current else random_.uniform(0.25, 0.75),
        target=random_.choice([0.8, 0.8, 0.9, 1.0]) if direct_current else random_.choice([0.8, 0.9, 1.0, 1.0]),
        onboard_charger_w=onboard_w,
        direct_current_w=direct_w,
        phases=phases,
    )


def _share(curve: tuple[tuple[float, float], ...], position: float) -> float:
    for (low, low_share), (high, high_share) in pairwise(curve):
        if position <= high:
            return low_share + (high_share - low_share) * (position - low) / (high - low)
    return curve[-1][1]
