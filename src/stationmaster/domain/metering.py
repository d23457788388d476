"""From the text a meter sends to a value one can count with (handbook §2.3, §2.4, §3.2.7, §3.5).

The rule that shapes this file: nothing a meter says is refused or altered. The text stays as it
came; beside it stands the value in the base unit (Wh, W, A, V, Celsius …), and nonsense is flagged,
which is its quarantine: a flagged value is shown and never counted.
"""

from collections.abc import Iterable
from math import inf, isfinite, nan
from typing import Final, TypeAlias

import msgspec

from stationmaster.domain.energy import BEYOND_PHYSICAL_LIMIT
from stationmaster.domain.facts import PERIODIC, RAW, REGISTER, MeterSample

__all__ = [
    "ENERGY_SCALED",
    "REGISTER",
    "REGISTER_DECREASED",
    "SIGNED_DATA",
    "Described",
    "read_sample",
    "read_samples",
    "scaled",
    "scaled_wh",
]

SIGNED_DATA: Final = "SignedData"
ENERGY_SCALED: Final = "energy_scaled"
"""The flag of values that a quirk profile multiplies; the text is as the station wrote it."""
REGISTER_DECREASED: Final = "register_decreased"
"""The flag of a reading that is lower than one before it."""
Described: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None, str | None]
"""Measurand, unit, phase, location, context and format of a value, as a station writes them; None: it does not."""
_MOST_WH: Final = 2**63 - 1
_ANY_REGISTER: Final = ".Register"


class _Unit(msgspec.Struct, frozen=True, gc=False):
    """A unit as stations write it: what it measures, and value in base unit = text * `scale` + `offset`."""

    quantity: str
    base: str | None
    scale: float = 1.0
    offset: float = 0.0


class _Quantity(msgspec.Struct, frozen=True, gc=False):
    """What a measurand measures: its unit when none is named, and what is physically possible in the base unit."""

    name: str
    base: str | None
    lowest: float
    highest: float


class _Reading(msgspec.Struct, frozen=True, gc=False):
    """How to read the values of one description, worked out once.

    A number from `sound_from` to `sound_to` is the value as it stands; where it is no such thing, the range is empty.
    """

    measurand: str
    unit: str | None
    raw_unit: str | None
    phase: str | None
    location: str | None
    context: str
    format: str
    scale: float
    offset: float
    lowest: float
    highest: float
    sound_from: float
    sound_to: float
    flags: tuple[str, ...]


_UNITS: Final[dict[str, _Unit]] = {
    "wh": _Unit("energy", "Wh"),
    "kwh": _Unit("energy", "Wh", 1000.0),
    "varh": _Unit("reactive_energy", "varh"),
    "kvarh": _Unit("reactive_energy", "varh", 1000.0),
    "w": _Unit("power", "W"),
    "kw": _Unit("power", "W", 1000.0),
    "va": _Unit("power", "VA"),
    "kva": _Unit("power", "VA", 1000.0),
    "var": _Unit("reactive_power", "var"),
    "kvar": _Unit("reactive_power", "var", 1000.0),
    "a": _Unit("current", "A"),
    "v": _Unit("voltage", "V"),
    "celsius": _Unit("temperature", "Celsius"),
    "celcius": _Unit("temperature", "Celsius"),
    "fahrenheit": _Unit("temperature", "Celsius", 5.0 / 9.0, -160.0 / 9.0),
    "k": _Unit("temperature", "Celsius", 1.0, -273.15),
    "percent": _Unit("percent", "Percent"),
    "%": _Unit("percent", "Percent"),
    "hz": _Unit("frequency", "Hz"),
    "hertz": _Unit("frequency", "Hz"),
}
"""Units by their spelling in small letters; misspellings and short forms included (§2.4)."""

_ANY: Final = _Quantity("any", None, -1e15, 1e15)
_REGISTER_QUANTITY: Final = _Quantity("energy", "Wh", 0.0, 1e12)
_INTERVAL: Final = _Quantity("energy", "Wh", 0.0, 1e9)
_REACTIVE_REGISTER: Final = _Quantity("reactive_energy", "varh", 0.0, 1e12)
_REACTIVE_INTERVAL: Final = _Quantity("reactive_energy", "varh", 0.0, 1e9)
_POWER: Final = _Quantity("power", "W", -1e8, 1e8)
_REACTIVE_POWER: Final = _Quantity("reactive_power", "var", -1e8, 1e8)
_CURRENT: Final = _Quantity("current", "A", -1e5, 1e5)

_MEASURANDS: Final[dict[str, _Quantity]] = {
    "Current.Export": _CURRENT,
    "Current.Import": _CURRENT,
    "Current.Offered": _CURRENT,
    "Energy.Active.Export.Register": _REGISTER_QUANTITY,
    REGISTER: _REGISTER_QUANTITY,
    "Energy.Reactive.Export.Register": _REACTIVE_REGISTER,
    "Energy.Reactive.Import.Register": _REACTIVE_REGISTER,
    "Energy.Active.Export.Interval": _INTERVAL,
    "Energy.Active.Import.Interval": _INTERVAL,
    "Energy.Reactive.Export.Interval": _REACTIVE_INTERVAL,
    "Energy.Reactive.Import.Interval": _REACTIVE_INTERVAL,
    "Frequency": _Quantity("frequency", "Hz", 0.0, 1e4),
    "Power.Active.Export": _POWER,
    "Power.Active.Import": _POWER,
    "Power.Factor": _Quantity("factor", None, -1.0, 1.0),
    "Power.Offered": _POWER,
    "Power.Reactive.Export": _REACTIVE_POWER,
    "Power.Reactive.Import": _REACTIVE_POWER,
    "RPM": _Quantity("rotation", None, 0.0, 1e6),
    "SoC": _Quantity("percent", "Percent", 0.0, 100.0),
    "Temperature": _Quantity("temperature", "Celsius", -273.15, 2000.0),
    "Voltage": _Quantity("voltage", "V", -1e5, 1e5),
}
_PHASES: Final = frozenset({"L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"})
_PHASE_OF_CURRENT: Final = {"L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}

_LONGEST_REMEMBERED: Final = 120
"""Texts of stations that are longer than any names in use are not remembered, lest they fill the memory."""
_MOST_REMEMBERED: Final = 4096
_readings: dict[Described, _Reading] = {}


def read_samples(given: Iterable[tuple[str, Described]]) -> tuple[MeterSample, ...]:
    """Sampled values as they are kept: the text, and the value in the base unit when it is a plausible number.

    Each is given as its text and how it is described; None and "" mean the defaults of §2.3. `raw_unit` is the unit as
    received where it is not the base unit. Signed data is never read as a number (§3.5 item 4).
    """
    samples: list[MeterSample] = []
    for raw, described in given:
        reading = _readings.get(described) or _reading_of(described)
        try:
            value = float(raw)
        except ValueError:
            value = nan
        if reading.sound_from <= value <= reading.sound_to and "_" not in raw:
            flags = reading.flags
            known: float | None = value
        else:
            known, flags = _value(raw, reading)
        samples.append(
            MeterSample(
                raw,
                known,
                reading.measurand,
                reading.unit,
                reading.phase,
                reading.location,
                reading.context,
                reading.format,
                flags,
                reading.raw_unit,
            )
        )
    return tuple(samples)


def read_sample(
    raw: str,
    measurand: str | None = None,
    unit: str | None = None,
    phase: str | None = None,
    location: str | None = None,
    context: str | None = None,
    value_format: str | None = None,
) -> MeterSample:
    """A single one of them."""
    return read_samples([(raw, (measurand, unit, phase, location, context, value_format))])[0]


def scaled(samples: tuple[MeterSample, ...], scale: float) -> tuple[MeterSample, ...]:
    """The samples with register values multiplied; the same tuple if there is none among them."""
    if not any(sample.measurand.endswith(_ANY_REGISTER) and sample.value is not None for sample in samples):
        return samples
    return tuple(
        msgspec.structs.replace(sample, value=round(sample.value * scale, 6))
        if sample.measurand.endswith(_ANY_REGISTER) and sample.value is not None
        else sample
        for sample in samples
    )


def scaled_wh(register_wh: int | None, scale: float | None) -> int | None:
    """The register at a start or an end, multiplied by `scale` if there is one."""
    if register_wh is None or scale is None:
        return register_wh
    return max(-_MOST_WH, min(_MOST_WH, round(register_wh * scale)))


def _value(raw: str, reading: _Reading) -> tuple[float | None, tuple[str, ...]]:
    if reading.format != RAW:
        return None, () if reading.format == SIGNED_DATA else ("unknown_format",)
    try:
        value = float(raw)
    except ValueError:
        return None, (*reading.flags, "comma" if "," in raw else "not_a_number")
    if reading.scale != 1.0 or reading.offset:
        value = round(value * reading.scale + reading.offset, 6)
    if reading.lowest <= value <= reading.highest and "_" not in raw:
        return value, reading.flags
    if "_" in raw or not isfinite(value):
        return None, (*reading.flags, "not_a_number")
    if value < 0.0 <= reading.lowest:
        return value, (*reading.flags, "negative")
    return value, (*reading.flags, BEYOND_PHYSICAL_LIMIT)


def _reading_of(described: Described) -> _Reading:
    """How values of this description are read, worked out once for each that real fleets send."""
    reading = _work_out(*described)
    if sum(len(text or "") for text in described) <= _LONGEST_REMEMBERED:
        if len(_readings) >= _MOST_REMEMBERED:
            _readings.clear()  # somebody makes names up; those in use come again
        _readings[described] = reading
    return reading


def _work_out(
    measurand: str | None,
    unit: str | None,
    phase: str | None,
    location: str | None,
    context: str | None,
    value_format: str | None,
) -> _Reading:
    name, phase = _split_phase(measurand or REGISTER, phase or None)
    if name == REGISTER:
        name = REGISTER  # the very object, so that it is not written out
    quantity = _MEASURANDS.get(name, _ANY)
    if quantity.name == "current" and phase is not None:
        phase = _PHASE_OF_CURRENT.get(phase, phase)
    base, scale, offset, flags = _convert(quantity, unit)
    is_raw = value_format in {None, "", RAW}
    is_plain = is_raw and scale == 1.0 and offset == 0.0
    return _Reading(
        measurand=name,
        unit=base,
        raw_unit=unit if unit and unit != base else None,
        phase=phase,
        location=location or None,
        context=context if context and context != PERIODIC else PERIODIC,
        format=RAW if is_raw or value_format is None else value_format,
        scale=scale,
        offset=offset,
        lowest=quantity.lowest,
        highest=quantity.highest,
        sound_from=quantity.lowest if is_plain else inf,
        sound_to=quantity.highest if is_plain else -inf,
        flags=flags,
    )


def _split_phase(name: str, phase: str | None) -> tuple[str, str | None]:
    """Some stations write `Voltage.L1` for the measurand and leave the phase out."""
    if name not in _MEASURANDS:
        stem, _, suffix = name.rpartition(".")
        if stem in _MEASURANDS and suffix in _PHASES and phase in {None, suffix}:
            return stem, suffix
    return name, phase


def _convert(quantity: _Quantity, unit: str | None) -> tuple[str | None, float, float, tuple[str, ...]]:
    """The base unit, the scale and offset that lead to it, and what is wrong with the unit."""
    if not unit:
        return quantity.base, 1.0, 0.0, ()
    known = _UNITS.get(unit.strip().lower())
    if known is None:
        return unit, 1.0, 0.0, ("unknown_unit",)
    both_power = quantity.name.endswith("power") and known.quantity.endswith("power")
    if quantity is _ANY or known.quantity == quantity.name or both_power:
        return known.base, known.scale, known.offset, ()
    return quantity.base, known.scale, 0.0, ("unit_mismatch",)
