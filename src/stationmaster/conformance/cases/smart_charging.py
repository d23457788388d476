"""Smart charging (handbook §5.8)."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, same

SMART = Functionality.SMART_CHARGING
ACCEPTED = {"status": "Accepted"}
LIMITS = {"A": 6.0, "W": 6000.0}
_ids = itertools.count(1)


def _default_profile(lab: Lab, purpose: str, **more: Any) -> dict[str, Any]:
    """Absolute, from today's midnight, for as long as configured."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today.isoformat().replace("+00:00", "Z")
    end = (today + timedelta(seconds=lab.settings.duration_s)).isoformat().replace("+00:00", "Z")
    schedule = {
        "duration": lab.settings.duration_s,
        "startSchedule": start,
        "chargingRateUnit": lab.settings.charging_rate_unit,
        "chargingSchedulePeriod": [_period(lab) | {"numberPhases": lab.settings.number_phases}],
    }
    return {
        "chargingProfileId": next(_ids),
        "stackLevel": lab.settings.stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "validFrom": start,
        "validTo": end,
        "chargingSchedule": schedule,
    } | more


def _period(lab: Lab) -> dict[str, Any]:
    return {"startPeriod": 0, "limit": LIMITS[lab.settings.charging_rate_unit]}


def _tx_profile(lab: Lab, **more: Any) -> dict[str, Any]:
    """Relative, for a transaction."""
    return {
        "chargingProfileId": next(_ids),
        "stackLevel": lab.settings.stack_level,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": lab.settings.charging_rate_unit,
            "chargingSchedulePeriod": [_period(lab)],
        },
    } | more


def _check_kind(profile: dict[str, Any]) -> None:
    """What goes with the kind of a profile, and the first period."""
    schedule = profile["chargingSchedule"]
    must("recurrencyKind" not in profile, "recurrencyKind is there")
    if profile["chargingProfileKind"] == "Relative":
        must("startSchedule" not in schedule, "a relative profile has a startSchedule")
    else:
        missing = [name for name in ("validFrom", "validTo") if name not in profile]
        missing += [name for name in ("startSchedule", "duration") if name not in schedule]
        must(not missing, f"missing: {', '.join(missing)}")
    same(schedule["chargingSchedulePeriod"][0]["startPeriod"], 0, "the first startPeriod")


async def _set(lab: Lab, station: LabStation, connector_id: int, profile: dict[str, Any]) -> dict[str, Any]:
    """An operator sends a profile; what came, of this purpose and for this place."""
    lab.press("SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile})
    sent = (await station.obey("SetChargingProfile", ACCEPTED)).payload
    same(sent["connectorId"], connector_id, "connectorId")
    got: dict[str, Any] = sent["csChargingProfiles"]
    same(got["chargingProfilePurpose"], profile["chargingProfilePurpose"], "chargingProfilePurpose")
    same(got["stackLevel"], lab.settings.stack_level, "stackLevel")
    same(got.get("transactionId"), profile.get("transactionId"), "transactionId")
    await lab.settled()
    return got


@case("TC_056", "Central smart charging, TxDefaultProfile", SMART, operator=True)
async def default_profile(lab: Lab) -> None:
    """<< SetChargingProfile: an absolute TxDefaultProfile with everything that was configured."""
    async with lab.station() as station:
        got = await _set(lab, station, lab.settings.connector_id, _default_profile(lab, "TxDefaultProfile"))
        _check_kind(got)
        same(got["chargingProfileKind"], "Absolute", "chargingProfileKind")
        schedule = got["chargingSchedule"]
        same(schedule["chargingRateUnit"], lab.settings.charging_rate_unit, "chargingRateUnit")
        same(schedule["duration"], lab.settings.duration_s, "duration")
        period = schedule["chargingSchedulePeriod"][0]
        same(period["limit"], LIMITS[lab.settings.charging_rate_unit], "limit")
        # Three may be left out, other numbers may not.
        same(period.get("numberPhases", 3), lab.settings.number_phases, "numberPhases")


@case("TC_057", "Central smart charging, TxProfile", SMART, operator=True)
async def tx_profile(lab: Lab) -> None:
    """>> Charging; << SetChargingProfile: a TxProfile that names the transaction."""
    async with lab.station() as station:
        transaction_id = await station.charge()
        got = await _set(lab, station, lab.settings.connector_id, _tx_profile(lab, transactionId=transaction_id))
        _check_kind(got)


@case("TC_059", "Remote start with a charging profile", SMART, operator=True)
async def remote_start(lab: Lab) -> None:
    """<< RemoteStartTransaction with a TxProfile that names no transaction; >> Charging."""
    async with lab.station() as station:
        wish = {"idTag": lab.settings.valid_id_tag, "connectorId": lab.settings.connector_id}
        lab.press("RemoteStartTransaction", wish | {"chargingProfile": _tx_profile(lab)})
        sent = (await station.obey("RemoteStartTransaction", ACCEPTED)).payload
        same(sent["idTag"], lab.settings.valid_id_tag, "idTag")
        same(sent.get("connectorId"), lab.settings.connector_id, "connectorId")
        must("chargingProfile" in sent, "there is no chargingProfile")
        profile = sent["chargingProfile"]
        same(profile["chargingProfilePurpose"], "TxProfile", "chargingProfilePurpose")
        must("transactionId" not in profile, "the profile names a transaction")
        _check_kind(profile)
        await station.authorize()
        await station.status("Preparing")
        await station.start()
        await station.status("Charging")


@case("TC_066", "Get composite schedule", SMART, operator=True)
async def composite_schedule(lab: Lab) -> None:
    """<< GetCompositeSchedule with a unit; >> a schedule."""
    async with lab.station() as station:
        wish = {
            "connectorId": lab.settings.connector_id,
            "duration": lab.settings.composite_duration_s,
            "chargingRateUnit": lab.settings.charging_rate_unit,
        }
        lab.press("GetCompositeSchedule", wish)
        schedule = {
            "duration": lab.settings.composite_duration_s,
            "chargingRateUnit": lab.settings.charging_rate_unit,
            "chargingSchedulePeriod": [_period(lab)],
        }
        answer = {"status": "Accepted", "connectorId": lab.settings.connector_id, "chargingSchedule": schedule}
        sent = (await station.obey("GetCompositeSchedule", answer)).payload
        for name, value in wish.items():
            same(sent.get(name), value, name)


@case("TC_067", "Clear charging profiles", SMART, operator=True)
async def clear(lab: Lab) -> None:
    """>> Charging; << three profiles of three purposes; << cleared by id, by place and level, and all."""
    number, level = lab.settings.connector_id, lab.settings.stack_level
    async with lab.station() as station:
        transaction_id = await station.charge()
        first = await _set(lab, station, 0, _default_profile(lab, "ChargePointMaxProfile"))
        second = await _set(lab, station, number, _default_profile(lab, "TxDefaultProfile"))
        third = await _set(lab, station, number, _tx_profile(lab, transactionId=transaction_id))
        ids = {profile["chargingProfileId"] for profile in (first, second, third)}
        must(len(ids) == 3, "the profiles share an id")  # noqa: PLR2004 -- three profiles
        by_place = {"connectorId": number, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": level}
        for wish in ({"id": first["chargingProfileId"]}, by_place, {}):
            lab.press("ClearChargingProfile", wish)
            sent = (await station.obey("ClearChargingProfile", ACCEPTED)).payload
            same(sent, wish, "the request")
            await lab.settled()
