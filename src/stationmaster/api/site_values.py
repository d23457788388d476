"""Sites in the words of the API: amperes with one decimal, phases by name, times of the day as people write them."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from stationmaster.api.values import Body, InstantIn, Moment, Text, View
from stationmaster.domain.load_management.lanes import UNLIMITED, Lanes, Phase
from stationmaster.domain.load_management.site import MeterKind, SiteLimit
from stationmaster.domain.sites import MeterOfSite, Wiring
from stationmaster.instants import Instant, format_instant
from stationmaster.services.sites import SiteConnector, SiteWarning

__all__ = [
    "ConnectorBody",
    "Deciamps",
    "LanesView",
    "LimitBody",
    "LimitView",
    "MeterBody",
    "MeterView",
    "PhaseName",
    "SiteConnectorView",
    "WarningView",
    "amperes",
    "connector_view",
    "lanes_view",
    "limit_view",
    "moment",
    "phases_of",
]

PhaseName = Literal["L1", "L2", "L3"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?|24:00")
_MOST_A: Final = 100_000


def _read_deciamps(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("amperes", "no number of amperes")
    # The range first: 1e308 and 1e400 cannot be rounded once they are tenths. NaN is in no range.
    tenths = round(value * 10) if 0 <= value <= _MOST_A else None
    if tenths is None or abs(value * 10 - tenths) > 1e-6:  # noqa: PLR2004 -- what a float is off by
        raise PydanticCustomError("amperes", "amperes are 0 to 100000, with one decimal at the most")
    return tenths


def _read_time(value: Any) -> int:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("time_of_day", "no time of day such as `17:30`")
    if value == "24:00":
        return 86_400
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)


Deciamps = Annotated[
    int, BeforeValidator(_read_deciamps), WithJsonSchema({"type": "number", "minimum": 0, "maximum": _MOST_A})
]
"""Amperes in a request, as tenths of an ampere."""

TimeOfDay = Annotated[int, BeforeValidator(_read_time), WithJsonSchema({"type": "string", "examples": ["17:30"]})]
"""A time of day in a request, as seconds."""


class LanesView(View):
    """Amperes per phase of the supply, and their sum over the phases. Null: not limited."""

    l1_a: float | None
    l2_a: float | None
    l3_a: float | None
    total_a: float | None


class LimitView(View):
    """A limit of the supply. All limits that are in force hold together."""

    name: str
    l1_a: float | None = Field(description="Amperes on L1; null: it does not speak of L1.")
    l2_a: float | None
    l3_a: float | None
    total_w: int | None = Field(description="Watts over all phases.")
    daily_from: str | None = Field(description="Local time at which it begins each day, `HH:MM`; null: always.")
    daily_to: str | None = Field(description="Local time at which it ends; may be the next morning.")
    weekdays: list[str] | None = Field(description="The days on which it begins; null: every day.")
    valid_from: Moment | None
    valid_to: Moment | None


class LimitBody(Body):
    """A limit of the supply: amperes per phase, or watts over all phases, or both."""

    name: Text = Field(min_length=1, max_length=100, description="Named in explanations: `fuse`, `contract` …")
    l1_a: Deciamps | None = None
    l2_a: Deciamps | None = None
    l3_a: Deciamps | None = None
    total_w: int | None = Field(default=None, ge=0, le=100_000_000)
    daily_from: TimeOfDay | None = None
    daily_to: TimeOfDay | None = None
    weekdays: list[Weekday] | None = Field(default=None, min_length=1, max_length=7)
    valid_from: InstantIn | None = None
    valid_to: InstantIn | None = None

    def limit(self) -> SiteLimit:
        """The limit as the planner knows it."""
        return SiteLimit(
            name=self.name,
            phase_deciamps=(self.l1_a, self.l2_a, self.l3_a),
            total_w=self.total_w,
            daily_from_s=self.daily_from,
            daily_to_s=self.daily_to,
            weekdays=None if self.weekdays is None else frozenset(WEEKDAYS.index(day) for day in self.weekdays),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class MeterView(View):
    """The meter that makes other loads count."""

    kind: MeterKind = Field(description="`total`: cars included; `other_loads`: everything but the cars.")
    station_id: str | None = Field(description="The station that sends the readings; null: they are posted.")
    assumed_l1_a: float
    assumed_l2_a: float
    assumed_l3_a: float


class MeterBody(Body):
    """The meter that makes other loads count. What is assumed counts before the first reading and in silence."""

    kind: Literal["total", "other_loads"] = "other_loads"
    station_id: Text | None = Field(
        default=None, description="A station of the site whose connector 0 is this meter; null: readings are posted."
    )
    assumed_l1_a: Deciamps = 0
    assumed_l2_a: Deciamps = 0
    assumed_l3_a: Deciamps = 0

    def meter(self) -> MeterOfSite:
        """The meter as it is kept."""
        assumed = (self.assumed_l1_a, self.assumed_l2_a, self.assumed_l3_a)
        return MeterOfSite(kind=MeterKind(self.kind), assumed_deciamps=assumed, station_id=self.station_id)


class WarningView(View):
    """Something that is allowed and may surprise."""

    code: str
    message: str


class ConnectorBody(Body):
    """How a connector is wired and what it can be told. Currents are per phase."""

    phases: list[PhaseName] | None = Field(
        default=None,
        min_length=1,
        max_length=3,
        description="The supply's phases behind the connector's own L1, L2, L3, in that order; null: not known.",
    )
    min_a: Deciamps = Field(default=60, validate_default=False, description="Less does not charge a car.")
    max_a: Deciamps = Field(default=320, validate_default=False)
    pause_a: Deciamps = Field(
        default=0, description="What a paused car is offered; the minimum if the station locks at 0."
    )
    standby_a: Deciamps = Field(default=0, description="What a car may draw before the first plan; always reserved.")
    step_a: Deciamps = Field(default=10, validate_default=False, description="What the station rounds to.")
    worst_case_a: Deciamps | None = Field(default=None, description="What it can draw when no limit holds.")
    by_power: bool = Field(default=False, description="It takes limits in watts over all phases.")
    all_phases: bool = Field(default=False, description="It draws from all phases evenly, whatever the car: DC.")
    limits_outlive_transactions: bool = Field(
        default=False, description="Limits are set for the connector, not for the transaction."
    )
    forgets_offline: bool = Field(default=False, description="It is not trusted to keep limits while it is offline.")
    priority: int = Field(default=0, ge=-1000, le=1000)
    stack_level: int | None = Field(default=None, ge=0, le=1000, description="Null: the highest the station knows.")

    def wiring(self, organisation_id: str, station_id: str, evse_id: int) -> Wiring:
        """The connector as it is kept."""
        return Wiring(
            organisation_id=organisation_id,
            station_id=station_id,
            evse_id=evse_id,
            phases=None if self.phases is None else tuple(Phase[name] for name in self.phases),
            min_deciamps=self.min_a,
            max_deciamps=self.max_a,
            pause_deciamps=self.pause_a,
            standby_deciamps=self.standby_a,
            step_deciamps=self.step_a,
            worst_case_deciamps=self.worst_case_a,
            by_power=self.by_power,
            all_phases=self.all_phases,
            limits_outlive_transactions=self.limits_outlive_transactions,
            forgets_offline=self.forgets_offline,
            priority=self.priority,
            stack_level=self.stack_level,
        )


class SiteConnectorView(View):
    """A connector of a site."""

    station_id: str
    station_name: str | None
    connector_id: int
    connected: bool
    declared: bool = Field(description="False: nobody said how it is wired, and the worst is assumed.")
    phases: list[str] | None
    min_a: float
    max_a: float
    pause_a: float
    standby_a: float
    step_a: float
    worst_case_a: float | None
    by_power: bool
    all_phases: bool
    limits_outlive_transactions: bool
    forgets_offline: bool
    priority: int
    stack_level: int | None


def amperes(deciamps: int | None) -> float | None:
    """Tenths of an ampere as amperes; None where there is no limit."""
    return None if deciamps is None or deciamps >= UNLIMITED else deciamps / 10


def moment(at: Instant | None) -> str | None:
    """A time as it is told, if there is one."""
    return None if at is None else format_instant(at)


def lanes_view(lanes: Lanes) -> LanesView:
    """Currents per phase as they are told."""
    first, second, third, total = (amperes(each) for each in lanes)
    return LanesView(l1_a=first, l2_a=second, l3_a=third, total_a=total)


def phases_of(names: list[PhaseName]) -> tuple[Phase, ...]:
    """Phases by their names, in the order of the supply."""
    return tuple(sorted(Phase[name] for name in names))


def limit_view(limit: SiteLimit) -> LimitView:
    """A limit as it is told."""
    first, second, third = (amperes(each) for each in limit.phase_deciamps)
    return LimitView(
        name=limit.name,
        l1_a=first,
        l2_a=second,
        l3_a=third,
        total_w=limit.total_w,
        daily_from=_time(limit.daily_from_s),
        daily_to=_time(limit.daily_to_s),
        weekdays=None if limit.weekdays is None else [WEEKDAYS[day] for day in sorted(limit.weekdays)],
        valid_from=moment(limit.valid_from),
        valid_to=moment(limit.valid_to),
    )


def meter_view(meter: MeterOfSite) -> MeterView:
    """A meter as it is told."""
    first, second, third = (each / 10 for each in meter.assumed_deciamps)
    return MeterView(
        kind=meter.kind, station_id=meter.station_id, assumed_l1_a=first, assumed_l2_a=second, assumed_l3_a=third
    )


def warning_views(warnings: list[SiteWarning]) -> list[WarningView]:
    """Warnings as they are told."""
    return [WarningView(code=each.code, message=each.message) for each in warnings]


def connector_view(found: SiteConnector) -> SiteConnectorView:
    """A connector as it is told."""
    wiring = found.wiring
    currents = {
        f"{name}_a": amperes(getattr(wiring, f"{name}_deciamps"))
        for name in ("min", "max", "pause", "standby", "step", "worst_case")
    }
    flags = {
        name: getattr(wiring, name)
        for name in (
            "by_power",
            "all_phases",
            "limits_outlive_transactions",
            "forgets_offline",
            "priority",
            "stack_level",
        )
    }
    return SiteConnectorView.model_validate(
        {
            "station_id": wiring.station_id,
            "station_name": found.station.name,
            "connector_id": wiring.evse_id,
            "connected": found.station.connected,
            "declared": found.declared,
            "phases": None if wiring.phases is None else [phase.name for phase in wiring.phases],
            **currents,
            **flags,
        }
    )


def _time(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}" + (f":{rest:02}" if rest else "")
