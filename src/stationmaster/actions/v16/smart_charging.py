"""Charging profiles and composite schedules (handbook §3.3.5, §3.3.6, §3.3.15, §3.6).

The rule that shapes this file: the mirror of what is installed moves by what the station answered,
and where no answer came, it says that it does not know.
"""

from typing import Final

from stationmaster.actions.v16.command import Asking, Command, Settled, warn_of_unknown_connector, was_never_sent
from stationmaster.actions.v16.profiles import clear_filter_of, profile_of
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging import installed
from stationmaster.ocpp.v16.smart_charging import (
    ClearChargingProfileRequest,
    ClearChargingProfileResponse,
    SetChargingProfileRequest,
    SetChargingProfileResponse,
)
from stationmaster.session.events import CallFailed

__all__ = ["CLEAR_CHARGING_PROFILE", "GET_COMPOSITE_SCHEDULE", "SET_CHARGING_PROFILE"]

_UNIT_NAMES: Final = {"A": frozenset({"current", "a"}), "W": frozenset({"power", "w"})}
"""The key speaks of Current and Power [E 3.86]; some stations write the units."""


def _block_misplaced(_asking: Asking, message: SetChargingProfileRequest) -> str | None:
    profile = message.cs_charging_profiles
    purpose = profile.charging_profile_purpose
    if purpose == "TxProfile" and profile.transaction_id is None:
        return "a TxProfile names its transaction (OCPP 1.6, 5.16)"
    if purpose == "TxProfile" and message.connector_id == 0:
        return "a TxProfile belongs to a connector, not to the whole station (OCPP 1.6, 3.13.1)"
    if purpose == "ChargePointMaxProfile" and message.connector_id != 0:
        return "a ChargePointMaxProfile belongs to the whole station, connector 0 (OCPP 1.6, 3.13.1)"
    return None


async def _warn_of_unit(asking: Asking, message: SetChargingProfileRequest) -> str | None:
    allowed = await asking.value_of("ChargingScheduleAllowedChargingRateUnit")
    unit = message.cs_charging_profiles.charging_schedule.charging_rate_unit
    if not allowed or _UNIT_NAMES[unit] & {each.strip().lower() for each in allowed.split(",")}:
        return None
    return f"The station takes limits in {allowed}, not in {unit}."


async def _warn_of_capacity(asking: Asking, message: SetChargingProfileRequest) -> str | None:
    profile = message.cs_charging_profiles
    highest = await asking.number_of("ChargeProfileMaxStackLevel")
    if highest is not None and profile.stack_level > highest:
        return f"The highest stack level of the station is {highest}."
    most = await asking.number_of("ChargingScheduleMaxPeriods")
    periods = len(profile.charging_schedule.charging_schedule_period)
    if most is not None and periods > most:
        return f"The station takes {most} periods in a schedule; these are {periods}."
    return None


async def _warn_of_kind(_asking: Asking, message: SetChargingProfileRequest) -> str | None:
    profile = message.cs_charging_profiles
    starts = profile.charging_schedule.start_schedule is not None
    if profile.recurrency_kind is not None and profile.charging_profile_kind != "Recurring":
        return "recurrencyKind is only for profiles of the kind Recurring (erratum 3.56)."
    if profile.charging_profile_kind == "Relative" and starts:
        return "A Relative profile begins with the transaction and has no startSchedule."
    if profile.charging_profile_kind != "Relative" and not starts:
        return f"A profile of the kind {profile.charging_profile_kind} needs a startSchedule."
    if profile.charging_schedule.charging_schedule_period[0].start_period != 0:
        return "The first period of a schedule starts at 0 (erratum 3.45)."
    return None


async def _installed(
    asking: Asking, message: SetChargingProfileRequest, response: SetChargingProfileResponse
) -> Settled:
    if response.status == "Accepted":
        location = Location.of_connector_number(asking.station_id, message.connector_id)
        profile = profile_of(message.cs_charging_profiles)
        await asking.context.services.smart_charging.change(
            asking.organisation_id,
            asking.station_id,
            "installed",
            lambda mirror: installed.install(
                mirror, location, profile, asking.now(), local_time_zone=asking.local_time_zone
            ),
        )
    return Settled()


async def _perhaps_installed(asking: Asking, message: SetChargingProfileRequest, failed: CallFailed) -> None:
    if was_never_sent(failed) or failed.state == "error":
        return
    location = Location.of_connector_number(asking.station_id, message.connector_id)
    profile = profile_of(message.cs_charging_profiles)
    await asking.context.services.smart_charging.change(
        asking.organisation_id,
        asking.station_id,
        "unanswered",
        lambda mirror: installed.install_unanswered(
            mirror, location, profile, asking.now(), local_time_zone=asking.local_time_zone
        ),
    )


async def _cleared(
    asking: Asking, message: ClearChargingProfileRequest, _response: ClearChargingProfileResponse
) -> Settled:
    wanted = clear_filter_of(asking.station_id, message)
    await asking.context.services.smart_charging.change(
        asking.organisation_id, asking.station_id, "cleared", lambda mirror: installed.clear(mirror, wanted)
    )
    return Settled()


async def _perhaps_cleared(asking: Asking, message: ClearChargingProfileRequest, failed: CallFailed) -> None:
    if was_never_sent(failed) or failed.state == "error":
        return
    wanted = clear_filter_of(asking.station_id, message)
    await asking.context.services.smart_charging.change(
        asking.organisation_id,
        asking.station_id,
        "unanswered",
        lambda mirror: installed.clear_unanswered(mirror, wanted),
    )


CLEAR_CHARGING_PROFILE = Command(warnings=(warn_of_unknown_connector,), settle=_cleared, unsettled=_perhaps_cleared)
GET_COMPOSITE_SCHEDULE = Command(warnings=(warn_of_unknown_connector,))
SET_CHARGING_PROFILE = Command(
    blocks=(_block_misplaced,),
    warnings=(warn_of_unknown_connector, _warn_of_unit, _warn_of_capacity, _warn_of_kind),
    settle=_installed,
    unsettled=_perhaps_installed,
)
