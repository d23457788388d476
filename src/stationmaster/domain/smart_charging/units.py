"""From amperes to watts and back, exactly, until the very end.

The rule that shapes this file: values in between are whole numbers on a scale on which each
conversion is exact, so that sums and comparisons see no rounding; only the result is rounded
down to a tenth. `A = W / (U * n)`, `W = A * U * n`, with the nominal voltage of one phase and
the number of phases of the period (handbook §3.6.5 steps 5 and 6; errata 3.68).
"""

from typing import Final

from stationmaster.domain.smart_charging.profiles import ChargingSchedulePeriod, RateUnit

__all__ = ["Conversion", "ConversionImpossible"]

_PHASE_MULTIPLE: Final = 6
"""Divisible by one, two and three phases."""


class ConversionImpossible(ValueError):
    """A limit in the other unit, and no nominal voltage to convert it with."""


class Conversion:
    """Brings limits of either unit to one scale; `tenths` brings them back to tenths of `unit`.

    Raises ValueError for a voltage below 1.
    """

    def __init__(self, unit: RateUnit, nominal_voltage_v: int | None) -> None:
        if nominal_voltage_v is not None and nominal_voltage_v < 1:
            raise ValueError(f"a nominal voltage of {nominal_voltage_v} V cannot convert anything")
        self._unit = unit
        self._voltage_v = nominal_voltage_v
        to_ampere = unit is RateUnit.AMPERE and nominal_voltage_v is not None
        self._scale = _PHASE_MULTIPLE * nominal_voltage_v if to_ampere and nominal_voltage_v else 1

    def scaled(self, period: ChargingSchedulePeriod, unit: RateUnit) -> int:
        """The limit of a period, given in `unit`, on the common scale.

        Raises ConversionImpossible when the units differ and no voltage is known.
        """
        if unit is self._unit:
            return period.limit_tenths * self._scale
        if self._voltage_v is None:
            raise ConversionImpossible(
                f"a limit in {unit} cannot be told in {self._unit} without a nominal voltage: ask for {unit} instead"
            )
        if self._unit is RateUnit.WATT:
            return period.limit_tenths * self._voltage_v * period.phases
        return period.limit_tenths * (_PHASE_MULTIPLE // period.phases)

    def tenths(self, scaled: int) -> int:
        """Tenths of the unit, rounded down."""
        return scaled // self._scale
