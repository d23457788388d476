"""Quirk profiles: kept by operators, matched to stations.

The rule that shapes this file: all profiles are in memory, and what applies to a station follows from what
is stored with it: the profile that was chosen for it, else the best match of what it said at its last boot.
It is worked out once per connection and again at each boot, never for a message.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.quirks import NO_QUIRKS, QuirkProfile, Quirks, best_profile
from stationmaster.domain.stations import Station
from stationmaster.services.context import ServiceContext
from stationmaster.services.in_turn import in_turn
from stationmaster.storage import errors as storage_errors

__all__ = ["QUIRKS", "QuirkProfiles"]

QUIRKS = "quirks"
"""The kind of `Invalidate` that says: a quirk profile was made, changed or deleted."""
LONGEST_TEXT = 200
LONGEST_NOTE = 2000
MOST_PROFILES = 1000
MOST_MINUTES = 14 * 60
LARGEST_SCALE = 1_000_000.0


class QuirkProfiles:
    """Keeps the profiles of all organisations, and says which applies."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._profiles: dict[str, dict[str, QuirkProfile]] = {}

    @in_turn
    async def load(self) -> None:
        """Learn all profiles: at the start, and when one was changed."""
        found: dict[str, dict[str, QuirkProfile]] = {}
        for profile in await self._storage.quirk_profiles.everything():
            found.setdefault(profile.organisation_id, {})[profile.id] = profile
        self._profiles = found

    # What applies.

    def profile_of(self, station: Station) -> QuirkProfile | None:
        """The profile that applies to a station, if one does."""
        profiles = self._profiles.get(station.organisation_id)
        if not profiles:
            return None
        if station.quirk_profile_id is not None and (chosen := profiles.get(station.quirk_profile_id)) is not None:
            return chosen
        return best_profile(profiles.values(), station.vendor, station.model, station.firmware_version)

    def of(self, station: Station) -> Quirks:
        """The switches that apply to a station."""
        profile = self.profile_of(station)
        return NO_QUIRKS if profile is None else profile.quirks

    # What operators keep.

    async def get(self, organisation_id: str, profile_id: str) -> QuirkProfile:
        """A profile of the organisation. Raises NotFound."""
        profile: QuirkProfile | None = await self._storage.quirk_profiles.get(profile_id)
        if profile is None or profile.organisation_id != organisation_id:
            raise _not_found()
        return profile

    async def create(self, organisation_id: str, given: Mapping[str, Any], kinds: frozenset[str]) -> QuirkProfile:
        """Make a profile of members by name. `kinds` are the tolerances that can be disabled. Raises Invalid."""
        if len(self._profiles.get(organisation_id, {})) >= MOST_PROFILES:
            raise _invalid("name", f"An organisation has at most {MOST_PROFILES} quirk profiles.")
        empty = QuirkProfile(id=uuid.uuid4().hex, organisation_id=organisation_id, name="", quirks=NO_QUIRKS)
        return await self._save(_changed(empty, given, kinds))

    async def update(
        self, organisation_id: str, profile_id: str, given: Mapping[str, Any], kinds: frozenset[str]
    ) -> QuirkProfile:
        """Change members by name. Stations hear of it when they connect or boot the next time."""
        return await self._save(_changed(await self.get(organisation_id, profile_id), given, kinds))

    async def delete(self, organisation_id: str, profile_id: str) -> None:
        """Remove a profile. Raises NotFound."""
        await self.get(organisation_id, profile_id)
        try:
            await self._storage.quirk_profiles.delete(profile_id)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._tell(organisation_id, profile_id)

    def check_choice(self, organisation_id: str, profile_id: str | None) -> None:
        """Raise Invalid unless a station of the organisation may have this profile."""
        if profile_id is not None and profile_id not in self._profiles.get(organisation_id, {}):
            raise _invalid("quirk_profile_id", "There is no such quirk profile.")

    async def _save(self, profile: QuirkProfile) -> QuirkProfile:
        try:
            saved: QuirkProfile = await self._storage.quirk_profiles.save(profile)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._tell(saved.organisation_id, saved.id)
        return saved

    async def _tell(self, organisation_id: str, profile_id: str) -> None:
        await self.load()
        message = Invalidate(kind=QUIRKS, key=profile_id, organisation_id=organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))


def _changed(profile: QuirkProfile, given: Mapping[str, Any], kinds: frozenset[str]) -> QuirkProfile:
    """The profile with the members that were given, checked."""
    texts = {
        name: check_text(name, given[name], LONGEST_NOTE if name == "note" else LONGEST_TEXT, lines=name == "note")
        for name in ("name", "vendor", "model", "firmware", "note")
        if name in given
    }
    switches = {name: given[name] for name in Quirks.__struct_fields__ if name in given}
    defaults = {name: getattr(NO_QUIRKS, name) for name, value in switches.items() if value is None}
    quirks = msgspec.structs.replace(profile.quirks, **(switches | defaults))
    changed = msgspec.structs.replace(profile, quirks=quirks, **texts)
    if not changed.name:
        raise _invalid("name", "A quirk profile has a name.")
    if changed.vendor is None and (changed.model is not None or changed.firmware is not None):
        raise _invalid("vendor", "A model or firmware is of a vendor.")
    _check(quirks, kinds)
    return changed


def _check(quirks: Quirks, kinds: frozenset[str]) -> None:
    minutes, scale = quirks.timestamps_are_local, quirks.energy_scale
    if minutes is not None and abs(minutes) > MOST_MINUTES:
        raise _invalid("timestamps_are_local", f"A zone is at most {MOST_MINUTES} minutes from UTC.")
    if scale is not None and not 0 < scale <= LARGEST_SCALE:
        raise _invalid("energy_scale", f"A scale is above 0 and at most {LARGEST_SCALE:g}.")
    unknown = sorted(set(quirks.disabled_tolerances) - kinds)
    if unknown:
        raise _invalid("disabled_tolerances", f"No such oddity: {', '.join(unknown)[:200]}.")


def _not_found() -> NotFound:
    return NotFound("quirk_profile_unknown", "There is no such quirk profile.")


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "invalid", words),))
