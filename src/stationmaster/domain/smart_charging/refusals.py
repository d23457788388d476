"""The four ways in which a station refuses a profile, and what each one teaches us.

The rule that shapes this file: a refusal never changes the mirror; one of them means that the
station has no smart charging at all (handbook §3.6.4; errata 3.38, 3.39).
"""

from enum import StrEnum

__all__ = ["Refusal"]


class Refusal(StrEnum):
    """Why a profile was not installed."""

    REJECTED = "rejected"
    """Answered, and refused: the profile as it is, at this moment."""
    NOT_SUPPORTED = "not_supported"
    """Answered: the station does not do what the profile asks for."""
    BAD_VALUE = "bad_value"
    """Not answered but faulted: the station knows no such place or value."""
    NO_SMART_CHARGING = "no_smart_charging"
    """Not answered but faulted: the station does not know the message."""

    @property
    def capability_missing(self) -> bool:
        """Whether asking again, with any profile, is pointless."""
        return self in {Refusal.NOT_SUPPORTED, Refusal.NO_SMART_CHARGING}

    @property
    def words(self) -> str:
        """What it means, for people."""
        return _WORDS[self]


_WORDS = {
    Refusal.REJECTED: "the station refused this profile; what it held before still holds",
    Refusal.NOT_SUPPORTED: "the station does not support charging profiles",
    Refusal.BAD_VALUE: "the station does not know this connector, or a value in the profile",
    Refusal.NO_SMART_CHARGING: "the station has no smart charging",
}
