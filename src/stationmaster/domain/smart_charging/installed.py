"""The mirror of the profiles that a station holds, since older stations cannot be asked for them.

The rule that shapes this file: the mirror moves only by what the station confirmed; where
stations are known to differ, or an answer never came, the entry stays and says that it is
unknown (handbook §3.6.4, §3.3.5, §3.3.10). Every function returns a new mirror.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.profiles import Certainty, ChargingProfile, InstalledProfile, Purpose
from stationmaster.instants import Instant

__all__ = [
    "OURS_FROM",
    "Change",
    "ClearFilter",
    "Mirror",
    "clear",
    "clear_unanswered",
    "end_transaction",
    "free_profile_id",
    "install",
    "install_at_start",
    "install_unanswered",
    "station_wide_conflicts",
]

LARGEST_PROFILE_ID: Final = 2**31 - 1
"""The largest id that a signed 32 bit integer of a station can hold."""

OURS_FROM: Final = 1_000_000_000
"""Ids from here on are for the profiles of load management."""

Mirror = tuple[InstalledProfile, ...]
"""What a station holds as far as we know, in the order of installation."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A new mirror, and how it came from the old one."""

    mirror: Mirror
    added: Mirror = ()
    removed: Mirror = ()
    made_unknown: Mirror = ()


class ClearFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which profiles to clear (§3.3.5). No field: all. `profile_id` given: the others are ignored.

    Otherwise all fields given must match. A location without an EVSE means the profiles of the
    station as a whole; None means anywhere.
    """

    profile_id: int | None = None
    location: Location | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None

    def matches(self, entry: InstalledProfile) -> bool:
        """Whether the station drops this entry."""
        if self.profile_id is not None:
            return entry.profile.profile_id == self.profile_id
        return (
            (self.location is None or entry.location.evse_id == self.location.evse_id)
            and (self.purpose is None or entry.profile.purpose is self.purpose)
            and (self.stack_level is None or entry.profile.stack_level == self.stack_level)
        )


def install(
    mirror: Mirror, location: Location, profile: ChargingProfile, now: Instant, *, local_time_zone: str | None = None
) -> Change:
    """The station accepted a profile: it replaces by id, and by place, purpose and level."""
    new = InstalledProfile(location=location, profile=profile, installed_at=now, local_time_zone=local_time_zone)
    removed = tuple(entry for entry in mirror if _gives_way(entry, new))
    kept = tuple(entry for entry in mirror if not _gives_way(entry, new))
    doubtful = {id(entry) for entry in station_wide_conflicts(kept, location, profile)}
    marked, made_unknown = _marked(kept, lambda entry: id(entry) in doubtful)
    return Change(mirror=(*marked, new), added=(new,), removed=removed, made_unknown=made_unknown)


def install_unanswered(
    mirror: Mirror, location: Location, profile: ChargingProfile, now: Instant, *, local_time_zone: str | None = None
) -> Change:
    """A profile was sent and no answer came: it may be there, and so may what it would replace."""
    new = InstalledProfile(
        location=location,
        profile=profile,
        installed_at=now,
        certainty=Certainty.UNKNOWN,
        local_time_zone=local_time_zone,
    )
    # Sent again in the same words, it is still one profile that may be there.
    others = tuple(entry for entry in mirror if (entry.location, entry.profile) != (location, profile))
    doubtful = {id(entry) for entry in station_wide_conflicts(others, location, profile)}
    marked, made_unknown = _marked(others, lambda entry: id(entry) in doubtful or _gives_way(entry, new))
    return Change(mirror=(*marked, new), added=(new,), made_unknown=made_unknown)


def install_at_start(
    mirror: Mirror,
    location: Location,
    profile: ChargingProfile,
    transaction_id: str,
    now: Instant,
    *,
    smart_charging: bool | None,
    local_time_zone: str | None = None,
) -> Change:
    """A remote start carried a profile and its transaction began: the profile belongs to it (§3.3.10).

    `smart_charging` tells whether the station is known to support profiles; one that is not may
    have ignored it, so the entry is unknown.
    """
    bound = msgspec.structs.replace(profile, transaction_id=transaction_id)
    record = install if smart_charging else install_unanswered
    return record(mirror, location, bound, now, local_time_zone=local_time_zone)


def clear(mirror: Mirror, wanted: ClearFilter) -> Change:
    """The station answered a clearing, with "cleared" or with "nothing matched": they are gone either way."""
    removed = tuple(entry for entry in mirror if wanted.matches(entry))
    return Change(mirror=tuple(entry for entry in mirror if not wanted.matches(entry)), removed=removed)


def clear_unanswered(mirror: Mirror, wanted: ClearFilter) -> Change:
    """A clearing was sent and no answer came: what matches may or may not be there."""
    marked, made_unknown = _marked(mirror, wanted.matches)
    return Change(mirror=marked, made_unknown=made_unknown)


def end_transaction(mirror: Mirror, transaction_id: str) -> Change:
    """A transaction ended: its profiles died with it. Connection loss and reboot remove nothing."""

    def dies(entry: InstalledProfile) -> bool:
        return entry.profile.purpose is Purpose.TX and entry.profile.transaction_id == transaction_id

    removed = tuple(entry for entry in mirror if dies(entry))
    return Change(mirror=tuple(entry for entry in mirror if not dies(entry)), removed=removed)


def station_wide_conflicts(mirror: Mirror, location: Location, profile: ChargingProfile) -> Mirror:
    """The entries of single EVSEs whose fate is undefined when this profile is installed station-wide.

    Some stations overwrite them, others keep them; clearing them first is the safe way.
    """
    if profile.purpose is not Purpose.TX_DEFAULT or location.evse_id is not None:
        return ()
    return tuple(
        entry
        for entry in mirror
        if entry.location.evse_id is not None
        and entry.profile.purpose is Purpose.TX_DEFAULT
        and entry.profile.stack_level == profile.stack_level
        and entry.profile.profile_id != profile.profile_id
    )


def free_profile_id(taken: Sequence[InstalledProfile], last_given: int) -> int:
    """The next profile id after `last_given` that no entry bears, starting anew at 1 after the largest.

    `last_given` may be 0 for "none yet". An id is not given again while its profile may be installed.
    """
    used = {entry.profile.profile_id for entry in taken}
    candidate = last_given
    while True:
        candidate = candidate + 1 if 0 <= candidate < LARGEST_PROFILE_ID else 1
        if candidate not in used:
            return candidate


def _gives_way(entry: InstalledProfile, new: InstalledProfile) -> bool:
    return entry.profile.profile_id == new.profile.profile_id or entry.slot == new.slot


def _marked(mirror: Mirror, doubtful: Callable[[InstalledProfile], bool]) -> tuple[Mirror, Mirror]:
    """The mirror with some entries marked as unknown, and those that were not so before.

    Whoever made them doubtful wanted something else there, so they are not sent anew (`renewals`).
    """
    marked: list[InstalledProfile] = []
    newly: list[InstalledProfile] = []
    for entry in mirror:
        if not doubtful(entry):
            marked.append(entry)
            continue
        marked.append(msgspec.structs.replace(entry, certainty=Certainty.UNKNOWN, renewal=None))
        if entry.certainty is Certainty.KNOWN:
            newly.append(marked[-1])
    return tuple(marked), tuple(newly)
