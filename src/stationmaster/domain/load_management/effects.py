"""What the planner wants done, and what it has to say.

The rule that shapes this file: effects are carried out in order; a `SetLimit` must end in exactly
one of the inputs CommandAcknowledged, CommandFailed, CommandUnanswered.
"""

from enum import StrEnum

import msgspec

from stationmaster.domain.load_management.lanes import Lanes
from stationmaster.domain.load_management.offers import LimitStep
from stationmaster.domain.locations import Location
from stationmaster.instants import Instant

__all__ = [
    "AlertCleared",
    "AlertKind",
    "AlertRaised",
    "Decision",
    "DecisionChanged",
    "Effect",
    "Reason",
    "ReleaseLimits",
    "SetLimit",
]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done or told."""


class SetLimit(Effect, frozen=True, kw_only=True):
    """Tell a station a limit of one connector.

    `transaction_id` None: for whatever transaction comes (a default); otherwise for that running
    one. `steps` are amperes per phase in tenths, the first from now on, each later one a fall at
    its time. A station that takes power is told deciamps / 10 x nominal voltage x `phases`.
    """

    command_id: int
    location: Location
    transaction_id: str | None
    steps: tuple[LimitStep, ...]
    phases: int


class ReleaseLimits(Effect, frozen=True, kw_only=True):
    """The connector is no longer managed: remove what was installed for it."""

    location: Location


class AlertKind(StrEnum):
    """What people should know of."""

    STATION_OFFLINE = "station_offline"
    LIMIT_IGNORED = "limit_ignored"
    LIMIT_REFUSED = "limit_refused"
    LIMIT_UNCONFIRMED = "limit_unconfirmed"
    LIMIT_OVERRULED = "limit_overruled"
    """A profile that somebody else installed has a higher stack level than ours."""
    LIMIT_NOT_HELD = "limit_not_held"
    """What has to be reserved alone is above the limit."""
    LIMIT_BELOW_MINIMUM = "limit_below_minimum"
    PHASES_UNDECLARED = "phases_undeclared"
    METER_SILENT = "meter_silent"


class AlertRaised(Effect, frozen=True, kw_only=True):
    """Something needs a person; raised once until it is cleared. `location` None: the site as a whole."""

    kind: AlertKind
    location: Location | None
    message: str
    raised_at: Instant = 0


class AlertCleared(Effect, frozen=True, kw_only=True):
    """It is over."""

    kind: AlertKind
    location: Location | None


class Reason(StrEnum):
    """Why a connector has what it has."""

    NOT_MANAGED = "not_managed"
    STANDBY = "standby"
    FULL = "full"
    SHARED = "shared"
    DEMAND = "demand"
    WAITING = "waiting"
    """Planned, and not sent before others have confirmed less."""
    PAUSED = "paused"
    PAUSED_WHILE = "paused_while"
    """Paused a moment ago, and not resumed at once."""
    IDLE = "idle"
    OFFLINE = "offline"
    IGNORING = "ignoring"
    REFUSING = "refusing"
    OVERRULED = "overruled"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector gets, since when and why. Currents in deciamps per phase.

    `target` is what the plan gives it, `offered` what the station last confirmed (None: nothing
    that we know of), `reserved` what is kept free for it per phase and in total. `since` is when
    target or reason last changed; `lane` is what limits it: 0 to 2 for L1 to L3, 3 for the total.
    """

    location: Location
    transaction_id: str | None
    target_deciamps: int | None
    offered_deciamps: int | None
    reserved: Lanes
    reason: Reason
    lane: int | None
    since: Instant
    message: str


class DecisionChanged(Effect, frozen=True, kw_only=True):
    """The decision about a connector is another one."""

    decision: Decision
