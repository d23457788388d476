"""Profiles that are kept to be sent."""

import msgspec

from stationmaster.domain.smart_charging.profiles import ChargingProfile
from stationmaster.instants import Instant

__all__ = ["LibraryProfile"]


class LibraryProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile under a name. Its `profile_id` is 0 and it names no transaction: both are filled in when it is sent.

    So is a start that it does not name.
    """

    id: str
    organisation_id: str
    name: str
    profile: ChargingProfile
    site_id: str | None = None
    note: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0
