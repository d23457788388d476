"""Which profiles of a station are to be sent anew because the clocks have changed where it stands.

The rule that shapes this file: only what the station is known to hold is sent anew, so that what somebody
cleared or replaced does not come back; and each change is asked for once, but for answers that never came.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from stationmaster.domain.smart_charging.installed import OURS_FROM, Mirror, station_wide_conflicts
from stationmaster.domain.smart_charging.local_time import in_step
from stationmaster.domain.smart_charging.profiles import Certainty, InstalledProfile, Kind, Renewal
from stationmaster.instants import Instant

__all__ = ["MOST_ASKED", "ClockOf", "asked", "is_due", "put_in_doubt", "settled"]

ClockOf = Callable[[InstalledProfile], tuple[str, int]]
"""The zone whose wall clock an entry is to follow now, and how many seconds that is ahead of UTC."""

MOST_ASKED: Final = 3
"""How often a station is asked that gives no answer: whether it holds the old or the new is unknown meanwhile."""


def is_due(entry: InstalledProfile, offset_s: int, now: Instant) -> bool:
    """Whether the station is to be sent this profile anew while local clocks are so far ahead of UTC."""
    profile, renewal = entry.profile, entry.renewal
    follows = entry.local_time_zone is not None and profile.kind is Kind.RECURRING
    if not follows or (profile.valid_to is not None and profile.valid_to <= now):
        return False
    if renewal is not None and renewal.utc_offset_s == offset_s:
        return not renewal.refused and renewal.asked < MOST_ASKED
    # An entry in doubt counts if the doubt comes from our own asking, and from nothing that somebody wanted.
    return (entry.certainty is Certainty.KNOWN or renewal is not None) and not in_step(profile, offset_s)


def asked(mirror: Mirror, entry: InstalledProfile, offset_s: int, *, refused: bool) -> Mirror:
    """The station was sent `entry` anew and refused it, or did not answer: what is remembered of that.

    It stands with the latest entry of that profile that follows local time. None: it was cleared meanwhile.
    """
    before = entry.renewal if entry.renewal is not None and entry.renewal.utc_offset_s == offset_s else None
    renewal = Renewal(utc_offset_s=offset_s, asked=(0 if before is None else before.asked) + 1, refused=refused)
    places = [place for place, each in enumerate(mirror) if _is_same(each, entry)]
    if not places:
        return mirror
    changed = list(mirror)
    changed[places[-1]] = msgspec.structs.replace(changed[places[-1]], renewal=renewal)
    return tuple(changed)


def put_in_doubt(mirror: Mirror, entry: InstalledProfile) -> Mirror:
    """What a station was known to hold and may have lost by taking `entry` anew: it has to be sent again as it is.

    Some stations overwrite the default of a connector with one for the station as a whole (handbook §3.6.4); it was
    installed after that one, so it is meant to stay.
    """
    return tuple(
        each
        for each in station_wide_conflicts(mirror, entry.location, entry.profile)
        if each.certainty is Certainty.KNOWN and each.profile.profile_id < OURS_FROM
    )


def settled(mirror: Mirror, clock_of: ClockOf) -> Mirror:
    """The mirror where what is in step follows the present zone, and nothing is told of changes that are over."""
    return tuple(entry if entry.local_time_zone is None else _settled(entry, *clock_of(entry)) for entry in mirror)


def _settled(entry: InstalledProfile, time_zone: str, offset_s: int) -> InstalledProfile:
    if not in_step(entry.profile, offset_s):
        return entry
    if entry.renewal is not None and entry.renewal.utc_offset_s == offset_s:
        return entry
    return msgspec.structs.replace(entry, local_time_zone=time_zone, renewal=None)


def _is_same(one: InstalledProfile, other: InstalledProfile) -> bool:
    return (
        one.local_time_zone is not None
        and one.profile.profile_id == other.profile.profile_id
        and one.location == other.location
    )
