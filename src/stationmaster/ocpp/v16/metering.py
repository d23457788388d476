"""MeterValues and the meter values inside StopTransaction.

The enumerations of a sampled value are open: a value we do not know is kept as its raw text
and told as an oddity (handbook 1.9). Source: handbook 2.3, 2.4, 3.2.7.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from stationmaster.ocpp.fields import (
    ConnectorOrStation,
    Integer,
    Maybe,
    Mended,
    Message,
    Timestamp,
    one_of,
)
from stationmaster.ocpp.oddities import OddityKind
from stationmaster.ocpp.walk import Walk

READING_CONTEXTS: Final = (
    "Interruption.Begin",
    "Interruption.End",
    "Other",
    "Sample.Clock",
    "Sample.Periodic",
    "Transaction.Begin",
    "Transaction.End",
    "Trigger",
)
VALUE_FORMATS: Final = ("Raw", "SignedData")
MEASURANDS: Final = (
    "Current.Export",
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register",
    "Energy.Active.Export.Interval",
    "Energy.Active.Import.Interval",
    "Energy.Reactive.Export.Interval",
    "Energy.Reactive.Import.Interval",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Factor",
    "Power.Offered",
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "RPM",
    "SoC",
    "Temperature",
    "Voltage",
)
PHASES: Final = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
LOCATIONS: Final = ("Body", "Cable", "EV", "Inlet", "Outlet")
# `Celcius` is the misspelling of the first schemas; `Hertz` is accepted for frequencies.
UNITS_OF_MEASURE: Final = (
    "Wh",
    "kWh",
    "varh",
    "kvarh",
    "W",
    "kW",
    "VA",
    "kVA",
    "var",
    "kvar",
    "A",
    "V",
    "Celsius",
    "Celcius",
    "Fahrenheit",
    "K",
    "Percent",
    "Hertz",
)

if TYPE_CHECKING:
    ReadingContext = str
    ValueFormat = str
    Measurand = str
    Phase = str
    MeterLocation = str
    UnitOfMeasure = str
else:
    ReadingContext = one_of(READING_CONTEXTS, unknown="keep")
    ValueFormat = one_of(VALUE_FORMATS, unknown="keep")
    Measurand = one_of(MEASURANDS, unknown="keep")
    Phase = one_of(PHASES, unknown="keep")
    MeterLocation = one_of(LOCATIONS, unknown="keep")
    UnitOfMeasure = one_of(UNITS_OF_MEASURE, unknown="keep", aliases={"Hz": "Hertz"})


class SampledValue(Message, frozen=True, kw_only=True):
    """One value, as text. Absent fields mean the defaults of handbook 2.3."""

    value: Mended[str]
    context: Maybe[ReadingContext] = None
    format: Maybe[ValueFormat] = None
    measurand: Maybe[Measurand] = None
    phase: Maybe[Phase] = None
    location: Maybe[MeterLocation] = None
    unit: Maybe[UnitOfMeasure] = None

    @staticmethod
    def prepare(members: Mapping[str, object], walk: Walk) -> Mapping[str, object]:
        """Some stations append the phase to the measurand: `Voltage.L1` is `Voltage` on L1."""
        measurand = members.get("measurand")
        if not isinstance(measurand, str) or "phase" in members:
            return members
        name, _, phase = measurand.rpartition(".")
        if name not in MEASURANDS or phase not in PHASES:
            return members
        walk.path.append("measurand")
        walk.note(OddityKind.ALIAS, measurand)
        walk.path.pop()
        return {**members, "measurand": name, "phase": phase}


class MeterValue(Message, frozen=True, kw_only=True):
    """Values taken at the same moment. No timestamp means the time of receipt."""

    timestamp: Mended[Timestamp]
    sampled_value: Annotated[tuple[SampledValue, ...], Meta(min_length=1, extra={"mended": True})]


class StoppedMeterValue(MeterValue, frozen=True, kw_only=True):
    """A meter value inside StopTransaction, where the schema lets the list be empty."""

    sampled_value: Annotated[tuple[SampledValue, ...], Meta(extra={"least_sent": 1, "mended": True})]


class MeterValuesRequest(Message, frozen=True, kw_only=True):
    """Connector 0 is the main meter. A missing list of meter values is read as empty."""

    connector_id: ConnectorOrStation
    transaction_id: Maybe[Integer] = None
    meter_value: Annotated[tuple[MeterValue, ...], Meta(min_length=1, extra={"mended": True})]


class MeterValuesResponse(Message, frozen=True, kw_only=True):
    """Received; says nothing about the values."""
