"""The nouns of smart charging: profile, schedule, period, and the profile as installed at a station.

The rule that shapes this file: what a profile *is*, never whether it is sensible. A station may
hold anything that somebody sent it, so nothing here refuses a value; `rules` does that for what
we write ourselves (handbook §3.6.1, §3.6.2; slice of 2.0.1 §6 rule 9).
"""

from enum import StrEnum
from typing import Final

import msgspec

from stationmaster.domain.locations import Location
from stationmaster.instants import Instant

__all__ = [
    "DEFAULT_NUMBER_PHASES",
    "Certainty",
    "ChargingProfile",
    "ChargingSchedule",
    "ChargingSchedulePeriod",
    "InstalledProfile",
    "Kind",
    "Purpose",
    "RateUnit",
    "Recurrency",
    "Renewal",
    "RunningTransaction",
]

DEFAULT_NUMBER_PHASES: Final = 3
"""How many phases a period speaks of when it does not say (§3.6.1)."""


class Purpose(StrEnum):
    """Whose limit a profile is (§3.6.2)."""

    STATION_EXTERNAL = "station_external"
    """Set by a third party at the station, e.g. the grid operator. Reported to us, never sent by us."""
    STATION_MAX = "station_max"
    """One limit for the whole station, shared by its connectors."""
    TX_DEFAULT = "tx_default"
    """What holds for each transaction unless a profile of its own says otherwise."""
    TX = "tx"
    """For one transaction; ends with it."""


class Kind(StrEnum):
    """What the periods of a schedule count from (§3.6.3)."""

    ABSOLUTE = "absolute"
    RECURRING = "recurring"
    RELATIVE = "relative"


class Recurrency(StrEnum):
    """How often a recurring schedule begins anew, in elapsed time and not in local days (§3.6.3)."""

    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def length_s(self) -> int:
        """Seconds from one beginning to the next."""
        return 86_400 if self is Recurrency.DAILY else 604_800


class RateUnit(StrEnum):
    """What a limit counts: current of each phase, or power over all phases (§3.6.4)."""

    AMPERE = "A"
    WATT = "W"


class ChargingSchedulePeriod(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit from `start_period_s` after the schedule's start until the next period.

    `limit_tenths` is in tenths of the schedule's unit: 60 is 6.0 A. `number_phases` None means 3.
    """

    start_period_s: int
    limit_tenths: int
    number_phases: int | None = None

    @property
    def phases(self) -> int:
        """The number of phases that the limit speaks of; a number no station can mean counts as the default."""
        return self.number_phases if self.number_phases in {1, 2} else DEFAULT_NUMBER_PHASES


class ChargingSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Limits over time. `duration_s` None: the last period runs on."""

    unit: RateUnit
    periods: tuple[ChargingSchedulePeriod, ...]
    duration_s: int | None = None
    start_schedule: Instant | None = None
    min_charging_rate_tenths: int | None = None


class ChargingProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Schedules with a purpose, a level in the stack (higher wins) and a time of validity.

    `valid_from` None: at once; `valid_to` None: until replaced. `schedules` holds one, but for
    offers to a car that chooses among several (2.0.1). `transaction_id` is the station's own name
    of the transaction, as text.
    """

    profile_id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedules: tuple[ChargingSchedule, ...]
    recurrency: Recurrency | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    transaction_id: str | None = None

    @property
    def schedule(self) -> ChargingSchedule:
        """The schedule that counts: the first. Raises IndexError for a profile without one."""
        return self.schedules[0]


class Certainty(StrEnum):
    """How sure we are that a station holds what our mirror says (§3.6.4)."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    """It may or may not be there: stations differ, or an answer never came."""


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """A profile was sent anew because local clocks are `utc_offset_s` ahead of UTC now, and was not taken so far."""

    utc_offset_s: int
    asked: int
    """How often the station has been asked."""
    refused: bool = False


class InstalledProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile at the place it was installed for: the station as a whole, or one EVSE."""

    location: Location
    profile: ChargingProfile
    certainty: Certainty = Certainty.KNOWN
    installed_at: Instant | None = None
    local_time_zone: str | None = None
    """The zone (IANA name) whose wall clock a recurring profile follows: nobody but that clock gave it its start."""
    renewal: Renewal | None = None
    """How it stands to the latest change of that clock; None when there is nothing to tell."""

    @property
    def slot(self) -> tuple[int | None, Purpose, int]:
        """What only one profile can occupy: place, purpose, level (§3.6.4)."""
        return (self.location.evse_id, self.profile.purpose, self.profile.stack_level)


class RunningTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that has started and not ended: what profiles are relative to."""

    transaction_id: str
    evse_id: int
    started_at: Instant
