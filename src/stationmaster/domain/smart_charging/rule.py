"""What a rule of the profile editor is: a name, a severity, a check, and words.

The rule that shapes this file: a check looks at a draft and yields what it finds, in words that
say what to do; it decides nothing (handbook §3.1 "No local veto", §3.6).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

import msgspec

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.capabilities import Capabilities
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    InstalledProfile,
    RunningTransaction,
)
from stationmaster.instants import Instant

__all__ = ["Check", "Draft", "Finding", "Rule", "Sending", "Severity", "Violation"]


class Severity(StrEnum):
    """What follows from a violation."""

    HARD_BLOCK = "hard_block"
    """It has no meaning, or the specification forbids it: it is not sent."""
    WARNING = "warning"
    """It is probably not what is wanted; a person may send it anyway."""


class Sending(StrEnum):
    """What is about to happen with the profile."""

    LIBRARY = "library"
    """It is kept for later: what is filled in at sending time is not asked for yet."""
    INSTALL = "install"
    REMOTE_START = "remote_start"
    """It travels within a remote start and belongs to the transaction that begins."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A profile, and everything known that it can be checked against.

    `location` is where it goes: None in the library, and in a remote start that leaves the
    choice of the connector to the station. `installed` and `transactions` are the station's.
    """

    profile: ChargingProfile
    now: Instant
    sending: Sending = Sending.INSTALL
    location: Location | None = None
    capabilities: Capabilities = Capabilities()
    installed: tuple[InstalledProfile, ...] = ()
    transactions: tuple[RunningTransaction, ...] = ()

    @property
    def schedules(self) -> Iterator[tuple[str, ChargingSchedule]]:
        """Each schedule with the path to it."""
        for index, schedule in enumerate(self.profile.schedules):
            yield f"schedules[{index}]", schedule

    @property
    def evse_id(self) -> int | None:
        """The EVSE it goes to, if it goes to one."""
        return self.location.evse_id if self.location else None

    @property
    def to_station(self) -> bool:
        """Whether it is addressed to the station as a whole."""
        return self.location is not None and self.location.evse_id is None


Finding = tuple[str, str]
"""Path of the field at fault, and the message in words."""


class Check(Protocol):
    """Looks at a draft; its name is the name of the rule."""

    __name__: str

    def __call__(self, draft: Draft, /) -> Iterator[Finding]:
        """Yield what is found."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of §3.6. `holds_for_raw`: it is one of the few that no way of sending may break (§3.1)."""

    name: str
    severity: Severity
    source: str
    check: Check
    holds_for_raw: bool = False

    @property
    def description(self) -> str:
        """The rule in one sentence, for people."""
        return self.check.__doc__ or self.name


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a draft breaks: where, and what to do about it."""

    rule: str
    severity: Severity
    field: str
    message: str
