"""Which profile is to be sent: one of the library, a preset with its figures, or one written in the request."""

from typing import Annotated

import msgspec
from pydantic import BeforeValidator, Field

from stationmaster.api.access import Principal, unknown
from stationmaster.api.charging_values import LimitIn, ProfileBody
from stationmaster.api.context import ApiContext
from stationmaster.api.values import Body, Text
from stationmaster.domain.errors import Conflict, FieldError, Invalid
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.library import LibraryProfile
from stationmaster.domain.smart_charging.presets import Preset, PresetSettings, TransactionNeeded, fill
from stationmaster.domain.smart_charging.profiles import ChargingProfile, RateUnit
from stationmaster.domain.stations import Station
from stationmaster.services.profile_start import Begun, begun

__all__ = ["PresetFigures", "ProfileChoice", "chosen_profile", "library_profile"]

_LARGEST = 2**31 - 1


class PresetFigures(Body):
    """What a preset says instead of its usual figures: 6 A (6000 W) on three phases for a day."""

    unit: Annotated[RateUnit, BeforeValidator(RateUnit)] = RateUnit.AMPERE
    limit: LimitIn | None = None
    number_phases: int | None = Field(default=3, description="null leaves the member out, which says 3 just as well.")
    duration_s: int = Field(default=86_400, ge=1, le=_LARGEST)


class ProfileChoice(Body):
    """A profile to be sent: one of the library by its id, a preset, or one written here."""

    library_id: Text | None = None
    preset: Annotated[Preset | None, BeforeValidator(lambda value: value and Preset(value))] = None
    figures: PresetFigures | None = Field(default=None, description="Of the preset.")
    profile: ProfileBody | None = None
    stack_level: int | None = Field(
        default=None, ge=0, le=_LARGEST, description="Instead of that of the library or preset."
    )
    send_anyway: bool = False


async def chosen_profile(
    context: ApiContext,
    principal: Principal,
    station: Station,
    location: Location,
    choice: ProfileChoice,
    transaction_id: int | None = None,
) -> Begun:
    """The profile of a choice, for this place and moment. Raises Invalid, NotFound, Conflict."""
    profile = await _profile(context, principal, location, choice, transaction_id)
    if choice.stack_level is not None:
        profile = msgspec.structs.replace(profile, stack_level=choice.stack_level)
    if choice.library_id is None:
        return Begun(profile)
    site = station.site_id and await context.storage.sites.get(principal.organisation_id, station.site_id)
    return begun(profile, context.clock(), site.time_zone if site else "UTC")


async def library_profile(context: ApiContext, principal: Principal, profile_id: str) -> LibraryProfile:
    """A profile of the library that whoever asks may see. Raises NotFound."""
    kept = await context.storage.charging_profiles.get(profile_id)
    if kept is None or not principal.sees(kept):
        raise unknown("charging profile", "charging_profile_unknown")
    return kept


async def _profile(
    context: ApiContext, principal: Principal, location: Location, choice: ProfileChoice, transaction_id: int | None
) -> ChargingProfile:
    given = [each for each in (choice.library_id, choice.preset, choice.profile) if each is not None]
    if len(given) != 1:
        raise Invalid("profile_choice", "Give one of library_id, preset and profile.")
    if choice.figures is not None and choice.preset is None:
        words = "Figures belong to a preset; a profile has its own."
        raise Invalid("profile_choice", words, fields=(FieldError("figures", "no_preset", words),))
    if choice.profile is not None:
        return choice.profile.noun()
    if choice.library_id is not None:
        return (await library_profile(context, principal, choice.library_id)).profile
    return await _preset(context, location, choice, transaction_id)


async def _preset(
    context: ApiContext, location: Location, choice: ProfileChoice, transaction_id: int | None
) -> ChargingProfile:
    figures = choice.figures or PresetFigures()
    named = None if transaction_id is None else str(transaction_id)
    if named is None and choice.preset is Preset.TX:
        running = await context.services.smart_charging.running_at(location.station_id)
        named = next((each.transaction_id for each in running if each.evse_id == location.evse_id), None)
    try:
        filled = fill(
            choice.preset or Preset.TX_DEFAULT,
            PresetSettings(
                evse_id=location.evse_id or 1,
                unit=figures.unit,
                limit_tenths=figures.limit,
                number_phases=figures.number_phases,
                duration_s=figures.duration_s,
            ),
            station_id=location.station_id,
            profile_id=await context.services.smart_charging.free_id(location.station_id),
            now=context.clock(),
            transaction_id=named,
        )
    except TransactionNeeded as error:
        raise Conflict(
            "no_transaction", "A profile for a transaction needs one that runs on this connector."
        ) from error
    return filled.profile
