"""The meter of a connector: a register that only grows, and readings in OCPP's words."""

import random
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MEASURANDS", "PHASES", "Meter", "Situation"]

NOMINAL_VOLTAGE_V = 230.0
DIRECT_VOLTAGE_V = 400.0
PHASES = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N")
MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "SoC",
    "Temperature",
    "Frequency",
    "Current.Offered",
    "Power.Offered",
)


@dataclass(slots=True)
class Situation:
    """What flows at the moment. `phases` 0: direct current."""

    power_w: float = 0.0
    offered_w: float = 0.0
    phases: int = 3
    state_of_charge: float | None = None


@dataclass(slots=True)
class Meter:
    """A calibrated energy meter with some noise on everything but the register."""

    random_: random.Random
    register_wh: float = 0.0
    situation: Situation = field(default_factory=Situation)

    def add(self, energy_wh: float) -> None:
        """Energy went through."""
        self.register_wh += max(0.0, energy_wh)

    @property
    def reading_wh(self) -> int:
        """The register as it is told."""
        return int(self.register_wh)

    def sample(self, measurands: list[str], context: str) -> list[dict[str, Any]]:
        """The sampled values of these measurands; those that make no sense here are left out."""
        values = []
        for wanted in measurands:
            name, phase = _split_phase(wanted)
            values += [
                {"context": context, "measurand": name, **value}
                for value in self._values(name)
                if phase is None or str(value.get("phase", "")).startswith(phase)
            ]
        return values

    def _values(self, measurand: str) -> list[dict[str, Any]]:
        now = self.situation
        match measurand:
            case "Energy.Active.Import.Register":
                return [{"value": str(self.reading_wh), "unit": "Wh", "location": "Outlet"}]
            case "Power.Active.Import":
                return [{"value": f"{now.power_w:.1f}", "unit": "W"}]
            case "Power.Offered":
                return [{"value": f"{now.offered_w:.1f}", "unit": "W"}]
            case "Current.Import" | "Current.Offered":
                power_w = now.power_w if measurand == "Current.Import" else now.offered_w
                return [{"value": f"{current:.2f}", "unit": "A", **phase} for current, phase in self._currents(power_w)]
            case "Voltage":
                return self._voltages()
            case "SoC":
                soc = now.state_of_charge
                return [] if soc is None else [{"value": f"{soc * 100:.0f}", "unit": "Percent", "location": "EV"}]
            case "Temperature":
                warmth = 18 + now.power_w / 1500 + self.random_.gauss(0, 0.4)
                return [{"value": f"{warmth:.1f}", "unit": "Celsius", "location": "Body"}]
            case "Frequency":
                return [{"value": f"{50 + self.random_.gauss(0, 0.015):.3f}"}]
        return []

    def _currents(self, power_w: float) -> list[tuple[float, dict[str, str]]]:
        phases = self.situation.phases
        if phases == 0:
            return [(power_w / DIRECT_VOLTAGE_V, {})]
        return [(power_w / phases / NOMINAL_VOLTAGE_V, {"phase": f"L{number}"}) for number in range(1, phases + 1)]

    def _voltages(self) -> list[dict[str, Any]]:
        if self.situation.phases == 0:
            return [{"value": f"{DIRECT_VOLTAGE_V + self.random_.gauss(0, 1.5):.1f}", "unit": "V"}]
        drop_v = self.situation.power_w / self.situation.phases / 8000
        return [
            {
                "value": f"{NOMINAL_VOLTAGE_V - drop_v + self.random_.gauss(0, 0.6):.1f}",
                "unit": "V",
                "phase": f"L{number}-N",
            }
            for number in range(1, self.situation.phases + 1)
        ]


def _split_phase(measurand: str) -> tuple[str, str | None]:
    name, _, phase = measurand.rpartition(".")
    return (name, phase) if phase in PHASES else (measurand, None)
