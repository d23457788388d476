"""Which profiles at a station are those of load management, and which go before them.

The rule that shapes this file: each connector has two profiles of ours, one for whatever transaction
comes and one for the running transaction, with ids that nobody else is given. So a new one replaces the
old one by its id, and everybody can see whose it is (handbook §3.6.2, §3.6.4).
"""

from typing import Final

from stationmaster.domain.smart_charging.installed import OURS_FROM, Mirror
from stationmaster.domain.smart_charging.profiles import Purpose

__all__ = ["DEFAULT_STACK_LEVEL", "REQUESTED_BY", "default_id", "has", "is_overruled", "transaction_profile_id"]

REQUESTED_BY: Final = "load_management"
DEFAULT_STACK_LEVEL: Final = 1
"""For stations that never said which level is their highest."""


def default_id(evse_id: int) -> int:
    """The id of our profile for whatever transaction comes to a connector."""
    return OURS_FROM + 2 * evse_id


def transaction_profile_id(evse_id: int) -> int:
    """The id of our profile for the running transaction of a connector."""
    return OURS_FROM + 2 * evse_id + 1


def has(mirror: Mirror, profile_id: int) -> bool:
    """Whether a station holds one of our profiles, for all we know."""
    return any(entry.profile.profile_id == profile_id for entry in mirror)


def is_overruled(mirror: Mirror, evse_id: int, stack_level: int, *, by_transaction: bool) -> bool:
    """Whether somebody else's profile goes before ours at a connector.

    `by_transaction`: limits are set for the running transaction; otherwise any profile of a
    transaction goes before our default.
    """
    for entry in mirror:
        profile = entry.profile
        if profile.profile_id >= OURS_FROM or entry.location.evse_id not in {None, evse_id}:
            continue
        if profile.purpose is Purpose.TX_DEFAULT and profile.stack_level > stack_level:
            return True
        if profile.purpose is Purpose.TX and (profile.stack_level > stack_level or not by_transaction):
            return True
    return False
