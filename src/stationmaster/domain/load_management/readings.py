"""Currents per phase from what a meter measured, as far as it says them.

The rule that shapes this file: nothing is guessed that could make us believe less is drawn than is.
Current per phase counts as it is; power per phase is turned into current; a total is only split
where it cannot be split wrongly: with one phase there is nothing to split, direct current is drawn
evenly. Quarantined values do not count (handbook §3.2.7, §3.5).
"""

from collections.abc import Sequence
from typing import Final

from stationmaster.domain.facts import MeterSample

__all__ = ["Currents", "currents_of"]

Currents = tuple[int | None, int | None, int | None]
"""Deciamps on the meter's own L1, L2, L3; None: not told."""

_CURRENT: Final = "Current.Import"
_POWER: Final = "Power.Active.Import"
_PHASES: Final = {"L1": 0, "L2": 1, "L3": 2, "L1-N": 0, "L2-N": 1, "L3-N": 2}
_INSIDE: Final = frozenset({None, "Outlet", "Inlet"})
"""Where what is drawn from the supply is measured; not in the car or in the station's body."""


def currents_of(
    samples: Sequence[MeterSample], phases: int, voltage_v: int, *, evenly: bool = False
) -> Currents | None:
    """The currents that a set of samples tells of, for a meter with so many phases; None when it tells none.

    `evenly`: whatever is drawn is drawn from all phases alike. Half a tenth of an ampere counts as a tenth.
    """
    found: list[int | None] = [None, None, None]
    total_w: float | None = None
    single_a: float | None = None
    for sample in samples:
        value = sample.value
        if value is None or sample.flags or sample.location not in _INSIDE:
            continue
        lane = None if sample.phase is None else _PHASES.get(sample.phase)
        if sample.measurand == _CURRENT:
            if lane is not None:
                found[lane] = _deciamps(value)
            elif sample.phase is None:
                single_a = value
        elif sample.measurand == _POWER:
            if lane is not None and found[lane] is None:
                found[lane] = _deciamps(value / voltage_v)
            elif sample.phase is None:
                total_w = value
    if found == [None, None, None]:
        found = _split(single_a, total_w, phases, voltage_v, evenly=evenly)
    return None if found == [None, None, None] else (found[0], found[1], found[2])


def _split(
    single_a: float | None, total_w: float | None, phases: int, voltage_v: int, *, evenly: bool
) -> list[int | None]:
    if phases == 1:
        amperes = single_a if single_a is not None else None if total_w is None else total_w / voltage_v
        return [None if amperes is None else _deciamps(amperes), None, None]
    if evenly and total_w is not None:
        each = _deciamps(total_w / voltage_v / phases)
        return [each if lane < phases else None for lane in range(3)]
    return [None, None, None]


def _deciamps(amperes: float) -> int:
    return round(max(amperes, 0.0) * 10)
