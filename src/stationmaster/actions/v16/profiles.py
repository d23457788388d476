"""Charging profiles between the words of OCPP 1.6 and the domain (handbook §3.6.1, §3.3.5, §3.3.6)."""

from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from stationmaster.domain.errors import FieldError, Invalid
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.comparison import ReportedSchedule
from stationmaster.domain.smart_charging.installed import ClearFilter
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
)
from stationmaster.domain.smart_charging.tenths import decimal_of_tenths, tenths_of
from stationmaster.instants import Instant, format_instant, parse_instant
from stationmaster.ocpp.v16 import smart_charging as wire

__all__ = [
    "clear_filter_of",
    "clear_payload",
    "install_payload",
    "profile_of",
    "profile_payload",
    "reported_schedule_of",
    "start_payload",
]

_PURPOSES: Final = MappingProxyType(
    {
        "ChargePointMaxProfile": Purpose.STATION_MAX,
        "TxDefaultProfile": Purpose.TX_DEFAULT,
        "TxProfile": Purpose.TX,
    }
)
_PURPOSE_NAMES: Final = MappingProxyType({purpose: name for name, purpose in _PURPOSES.items()})


def profile_of(message: wire.ChargingProfile) -> ChargingProfile:
    """A profile of the wire as the domain knows it. Its times were checked when it was read."""
    return ChargingProfile(
        profile_id=message.charging_profile_id,
        stack_level=message.stack_level,
        purpose=_PURPOSES[message.charging_profile_purpose],
        kind=Kind(message.charging_profile_kind.lower()),
        recurrency=None if message.recurrency_kind is None else Recurrency(message.recurrency_kind.lower()),
        valid_from=_instant(message.valid_from),
        valid_to=_instant(message.valid_to),
        transaction_id=None if message.transaction_id is None else str(message.transaction_id),
        schedules=(_schedule_of(message.charging_schedule),),
    )


def reported_schedule_of(response: wire.GetCompositeScheduleResponse, received_at: Instant) -> ReportedSchedule | None:
    """The schedule that a station computed; None when it gave none."""
    schedule = response.charging_schedule
    if schedule is None:
        return None
    start = _instant(response.schedule_start) or _instant(schedule.start_schedule) or received_at
    return ReportedSchedule(
        start=start,
        unit=RateUnit(schedule.charging_rate_unit),
        periods=_schedule_of(schedule).periods,
        duration_s=schedule.duration,
    )


def clear_filter_of(station_id: str, message: wire.ClearChargingProfileRequest) -> ClearFilter:
    """Which profiles a clearing means."""
    number, purpose = message.connector_id, message.charging_profile_purpose
    return ClearFilter(
        profile_id=message.id,
        location=None if number is None else Location.of_connector_number(station_id, number),
        purpose=None if purpose is None else _PURPOSES[purpose],
        stack_level=message.stack_level,
    )


def install_payload(location: Location, profile: ChargingProfile) -> dict[str, Any]:
    """The payload of SetChargingProfile."""
    return {"connectorId": location.connector_number, "csChargingProfiles": profile_payload(profile)}


def start_payload(location: Location, id_tag: str, profile: ChargingProfile) -> dict[str, Any]:
    """The payload of RemoteStartTransaction with a profile."""
    return {"connectorId": location.connector_number, "idTag": id_tag, "chargingProfile": profile_payload(profile)}


def clear_payload(wanted: ClearFilter) -> dict[str, Any]:
    """The payload of ClearChargingProfile: what is not given is left out. Raises Invalid as `profile_payload` does."""
    return _given(
        {
            "id": wanted.profile_id,
            "connectorId": None if wanted.location is None else wanted.location.connector_number,
            "chargingProfilePurpose": None if wanted.purpose is None else _purpose_name(wanted.purpose),
            "stackLevel": wanted.stack_level,
        }
    )


def profile_payload(profile: ChargingProfile) -> dict[str, Any]:
    """A profile as it is written; raises Invalid for a purpose that 1.6 has no word for."""
    return _given(
        {
            "chargingProfileId": profile.profile_id,
            "transactionId": None if profile.transaction_id is None else int(profile.transaction_id),
            "stackLevel": profile.stack_level,
            "chargingProfilePurpose": _purpose_name(profile.purpose),
            "chargingProfileKind": profile.kind.value.capitalize(),
            "recurrencyKind": None if profile.recurrency is None else profile.recurrency.value.capitalize(),
            "validFrom": _text(profile.valid_from),
            "validTo": _text(profile.valid_to),
            "chargingSchedule": _schedule_payload(profile.schedule),
        }
    )


def _purpose_name(purpose: Purpose) -> str:
    name = _PURPOSE_NAMES.get(purpose)
    if name is None:
        words = f"OCPP 1.6 has no word for the purpose `{purpose}`"
        raise Invalid("purpose_unknown", f"{words}.", fields=(FieldError("purpose", "purpose_unknown", words),))
    return name


def _schedule_of(schedule: wire.ChargingSchedule) -> ChargingSchedule:
    least = schedule.min_charging_rate
    return ChargingSchedule(
        unit=RateUnit(schedule.charging_rate_unit),
        periods=tuple(
            ChargingSchedulePeriod(
                start_period_s=period.start_period,
                limit_tenths=_tenths(period.limit),
                number_phases=period.number_phases,
            )
            for period in schedule.charging_schedule_period
        ),
        duration_s=schedule.duration,
        start_schedule=_instant(schedule.start_schedule),
        min_charging_rate_tenths=None if least is None else _tenths(least),
    )


def _schedule_payload(schedule: ChargingSchedule) -> dict[str, Any]:
    least = schedule.min_charging_rate_tenths
    return _given(
        {
            "duration": schedule.duration_s,
            "startSchedule": _text(schedule.start_schedule),
            "chargingRateUnit": schedule.unit.value,
            "chargingSchedulePeriod": [
                _given(
                    {
                        "startPeriod": period.start_period_s,
                        "limit": decimal_of_tenths(period.limit_tenths),
                        "numberPhases": period.number_phases,
                    }
                )
                for period in schedule.periods
            ],
            "minChargingRate": None if least is None else decimal_of_tenths(least),
        }
    )


def _tenths(value: Decimal) -> int:
    """Tenths of a limit; one below zero, which only a station can send, stays below zero."""
    return tenths_of(value) if value >= 0 else -tenths_of(-value)


def _instant(text: str | None) -> Instant | None:
    return None if text is None else parse_instant(text)


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _given(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
