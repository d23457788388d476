"""Sites as operators keep them: where they are, what their supply carries, how their stations are wired.

The rule that shapes this file: a site is known by the text that stations, users and keys have as
their `site_id`. Without a site of that id the text is a label and a scope as before; with one, and
a limit in it, the power of its stations is shared.
"""

from collections.abc import Iterable, Sequence

import msgspec

from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.site import (
    ALL_PHASES,
    Connector,
    MeterKind,
    Policy,
    Settings,
    SiteLimit,
    SiteMeter,
)
from stationmaster.domain.load_management.site import Site as PlannedSite
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.local_time import UtcOffset
from stationmaster.instants import Instant

__all__ = ["LimitSchedule", "MeterOfSite", "Site", "Wiring", "planned_connector", "planned_site"]


class MeterOfSite(msgspec.Struct, frozen=True, kw_only=True):
    """The meter that makes other loads count. `station_id` None: its readings are posted to the API."""

    kind: MeterKind = MeterKind.OTHER_LOADS
    assumed_deciamps: tuple[int, int, int] = (0, 0, 0)
    station_id: str | None = None
    """The station that sends the readings, as those of its connector 0."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A site. `limits` are those that operators keep; schedules of other sources stand beside it."""

    id: str
    organisation_id: str
    name: str
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = "UTC"
    """An IANA name: daily windows are in its local time."""
    nominal_voltage_v: int = 230
    phases: tuple[Phase, ...] = ALL_PHASES
    policy: Policy = Policy.EQUAL
    limits: tuple[SiteLimit, ...] = ()
    meter: MeterOfSite | None = None
    settings: Settings = Settings()
    note: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0

    @property
    def site_id(self) -> str:
        """Itself: whoever may see things of this site may see the site."""
        return self.id


class LimitSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Limits over time from one source, such as a price or grid signal; posted anew it replaces itself.

    Each entry has its `valid_from` and `valid_to`; where none holds, the source limits nothing.
    """

    organisation_id: str
    site_id: str
    source: str
    entries: tuple[SiteLimit, ...]
    updated_at: Instant = 0


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """How a connector is wired and what it can be told, as somebody declared it."""

    organisation_id: str
    station_id: str
    evse_id: int
    phases: tuple[Phase, ...] | None = None
    min_deciamps: int = 60
    max_deciamps: int = 320
    pause_deciamps: int = 0
    standby_deciamps: int = 0
    step_deciamps: int = 10
    worst_case_deciamps: int | None = None
    by_power: bool = False
    all_phases: bool = False
    limits_outlive_transactions: bool = False
    forgets_offline: bool = False
    priority: int = 0
    """Higher goes first, where the site's policy is by priority."""
    stack_level: int | None = None
    """The level of our profiles; None: the highest that the station knows."""
    updated_at: Instant = 0

    @property
    def location(self) -> Location:
        """The connector's place."""
        return Location.of_connector_number(self.station_id, self.evse_id)


_SAME = tuple(name for name in Connector.__struct_fields__ if name in Wiring.__struct_fields__)


def planned_connector(wiring: Wiring, *, takes_current: bool | None = None) -> Connector:
    """The connector as the planner knows it. `takes_current` False: the station takes limits as power only."""
    members = {name: getattr(wiring, name) for name in _SAME}
    members["by_power"] = wiring.by_power or takes_current is False
    return Connector(location=wiring.location, **members)


def planned_site(
    site: Site, schedules: Iterable[LimitSchedule], offsets: Sequence[UtcOffset], start: Instant, end: Instant
) -> PlannedSite:
    """The site as the planner knows it for the time from `start` to `end`: what holds only at other times is left out.

    A site that has limits at all keeps one, so that it stays managed while none is in force.
    """
    found = [*site.limits, *(entry for schedule in schedules for entry in schedule.entries)]
    limits = [each for each in found if _concerns(each, start, end)]
    return PlannedSite(
        site_id=site.id,
        limits=tuple(limits or found[:1]),
        phases=site.phases,
        policy=site.policy,
        nominal_voltage_v=site.nominal_voltage_v,
        utc_offsets=tuple(offsets),
        meter=None
        if site.meter is None
        else SiteMeter(kind=site.meter.kind, assumed_deciamps=site.meter.assumed_deciamps),
        settings=site.settings,
    )


def _concerns(limit: SiteLimit, start: Instant, end: Instant) -> bool:
    return (limit.valid_to is None or limit.valid_to > start) and (limit.valid_from is None or limit.valid_from < end)
