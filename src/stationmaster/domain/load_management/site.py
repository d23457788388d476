"""What a site is: its limits over the day, its connectors and how they are wired, its policy.

The rule that shapes this file: everything a person configures, and what is odd about it in words
(`problems`); nothing that changes while cars charge.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.local_time import UtcOffset
from stationmaster.instants import Instant

__all__ = ["ALL_PHASES", "Connector", "MeterKind", "Policy", "Settings", "Site", "SiteLimit", "SiteMeter", "problems"]

ALL_PHASES = (Phase.L1, Phase.L2, Phase.L3)
_DAY_S = 86_400


class Policy(StrEnum):
    """Who gets what is left once everybody has the minimum (or waits for it)."""

    EQUAL = "equal"
    """The same for each; when not even the minimum is there for all, cars take turns."""
    PRIORITY = "priority"
    """Higher priorities first, the same within a priority."""
    FIRST_COME = "first_come"
    """In the order of their start."""


class SiteLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of the supply, always or at some times: a fuse, a contract, a price or grid signal.

    `phase_deciamps` per phase L1, L2, L3 (None: it does not speak of that phase), `total_w` over
    all phases. Daily windows are in local time and may pass midnight; `weekdays` (Monday is 0)
    are those on which the window begins. All limits that are in force hold together.
    """

    name: str
    phase_deciamps: tuple[int | None, int | None, int | None] = (None, None, None)
    total_w: int | None = None
    daily_from_s: int | None = None
    daily_to_s: int | None = None
    weekdays: frozenset[int] | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None


class MeterKind(StrEnum):
    """What a site meter counts."""

    TOTAL = "total"
    """Everything behind the supply, cars included."""
    OTHER_LOADS = "other_loads"
    """Everything but the cars."""


class SiteMeter(msgspec.Struct, frozen=True, kw_only=True):
    """A meter whose readings make other loads count.

    `assumed_deciamps` is what other loads are taken to be per phase before the first reading, and
    at least, once it has fallen silent.
    """

    kind: MeterKind = MeterKind.OTHER_LOADS
    assumed_deciamps: tuple[int, int, int] = (0, 0, 0)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The times and thresholds of the planner."""

    hysteresis_deciamps: int = 20
    """Smaller changes are not sent, unless safety asks for them."""
    change_interval_s: int = 60
    """A station hears of a change for the better, or for fairness, at most so often."""
    plan_delay_ms: int = 500
    """News is planned for together with what follows so closely."""
    lead_s: int = 120
    """A fall of the limit is acted on so long before it comes."""
    clock_margin_s: int = 60
    """A station's clock is taken to be right within so many seconds; less than `lead_s`."""
    command_timeout_s: int = 90
    """A command without any result counts as unanswered after so long."""
    retry_s: tuple[int, ...] = (10, 30, 60, 300)
    """Waits after the first, second … command in a row that failed or was not answered."""
    settle_s: int = 30
    """A car may take so long to follow a new limit."""
    tolerance_deciamps: int = 15
    """Measured above the limit by no more than this, or a twentieth, is no offence."""
    offences: int = 2
    """So many measurements in a row above the limit, and the station counts as ignoring it."""
    forgive_after_s: int = 900
    """So long within the limit, and it is believed again."""
    demand_after_s: int = 120
    """So long clearly below its limit, and a car is taken to want no more than it draws."""
    idle_after_s: int = 600
    """So long without drawing anything, and a car stands behind those that might."""
    turn_s: int = 1800
    """So long may a car hold the minimum while others of its rank wait."""
    pause_s: int = 120
    """A paused car stays paused so long at least."""
    meter_timeout_s: int = 300
    meter_window_s: int = 120
    """Other loads are the largest of the readings of so long."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A supply and how it is to be shared. Without a limit nothing is managed."""

    site_id: str
    limits: tuple[SiteLimit, ...] = ()
    phases: tuple[Phase, ...] = ALL_PHASES
    """The phases the supply has; nothing can be drawn from others."""
    policy: Policy = Policy.EQUAL
    nominal_voltage_v: int = 230
    utc_offsets: tuple[UtcOffset, ...] = ()
    """The site's time zone, for daily windows; an empty table is UTC."""
    meter: SiteMeter | None = None
    settings: Settings = Settings()


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """A connector of the site. Currents are per phase, at the supply.

    `phases` are the supply phases behind the connector's own L1, L2, L3, in that order, so a car
    on one phase uses the first; None: nobody declared them, and the worst is assumed.
    """

    location: Location
    phases: tuple[Phase, ...] | None = ALL_PHASES
    min_deciamps: int = 60
    """Less than this does not charge a car: it is paused instead."""
    max_deciamps: int = 320
    pause_deciamps: int = 0
    """What a paused car is offered; the minimum for stations that lock at 0."""
    standby_deciamps: int = 0
    """What a car may draw between its start and our first command; reserved all the time."""
    step_deciamps: int = 10
    """What the station rounds to: only multiples are offered, so that nothing is left to round."""
    worst_case_deciamps: int | None = None
    """What it can draw when no limit holds; None: `max_deciamps`."""
    by_power: bool = False
    """It takes limits as power over all phases, so a car on one phase can draw it all there."""
    all_phases: bool = False
    """It draws from all its phases evenly, whatever the car: direct current."""
    limits_outlive_transactions: bool = False
    """Limits are installed for the connector, not for the transaction, and stay when it ends."""
    forgets_offline: bool = False
    """It is not trusted to keep its limits while it is offline."""

    @property
    def wired(self) -> tuple[Phase, ...]:
        """The phases it may draw from, for all that is known."""
        return self.phases or ALL_PHASES

    @property
    def least_deciamps(self) -> int:
        """The minimum, rounded up to what the station can be told."""
        return -(-self.min_deciamps // self.step_deciamps) * self.step_deciamps

    @property
    def most_deciamps(self) -> int:
        """The maximum, rounded down to what the station can be told."""
        return self.max_deciamps // self.step_deciamps * self.step_deciamps

    @property
    def uncontrolled_deciamps(self) -> int:
        """What to reserve where no limit is known to hold."""
        return max(self.max_deciamps, self.worst_case_deciamps or 0)


def problems(site: Site, connectors: Sequence[Connector]) -> tuple[str, ...]:
    """What is wrong with a configuration, in words; a site with any of these cannot be shared safely.

    A site without connectors is no problem: there is nothing to share.
    """
    return (*_site_problems(site), *(each for connector in connectors for each in _connector_problems(connector)))


def _site_problems(site: Site) -> Iterator[str]:
    if not site.phases or len(set(site.phases)) != len(site.phases):
        yield "a site has 1 to 3 different phases"
    if site.nominal_voltage_v < 1:
        yield f"a nominal voltage of {site.nominal_voltage_v} V cannot be"
    if not 0 < site.settings.clock_margin_s < site.settings.lead_s:
        yield "the margin for clocks must be above 0 s and below the lead before a limit falls"
    if not site.settings.retry_s:
        yield "there must be a wait after a failed command"
    for limit in site.limits:
        amounts = [each for each in (*limit.phase_deciamps, limit.total_w) if each is not None]
        if not amounts:
            yield f"limit {limit.name!r} limits nothing: give amperes per phase or watts"
        if any(amount < 0 for amount in amounts):
            yield f"limit {limit.name!r} is below 0"
        for phase, amount in zip(ALL_PHASES, limit.phase_deciamps, strict=True):
            if amount is not None and phase not in site.phases:
                yield f"limit {limit.name!r} speaks of {phase.name}, which the site does not have"
        window = (limit.daily_from_s, limit.daily_to_s)
        if (window[0] is None) != (window[1] is None):
            yield f"limit {limit.name!r} needs both ends of its daily window, or none"
        if any(each is not None and not 0 <= each <= _DAY_S for each in window):
            yield f"limit {limit.name!r} has a daily window outside the day"


def _connector_problems(connector: Connector) -> Iterator[str]:
    where = f"connector {connector.location.connector_number} of {connector.location.station_id}"
    if connector.phases is not None and len(set(connector.phases)) != len(connector.phases):
        yield f"{where} names a phase twice"
    if connector.step_deciamps < 1:
        yield f"{where} rounds to {connector.step_deciamps} tenths of an ampere"
        return
    if connector.least_deciamps > connector.most_deciamps or connector.min_deciamps < 1:
        yield f"{where} has no current between its minimum and its maximum"
    for name, amount in (("pause", connector.pause_deciamps), ("standby", connector.standby_deciamps)):
        if not 0 <= amount <= connector.most_deciamps or amount % connector.step_deciamps:
            yield f"{where} has a {name} current that is no multiple of its step between 0 and its maximum"
