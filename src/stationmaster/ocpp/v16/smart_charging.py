"""SetChargingProfile, ClearChargingProfile, GetCompositeSchedule and the profile itself.

The cross-field rules of profiles (handbook 3.6.2 to 3.6.4) are no limits of a field and stand
elsewhere. Source: handbook 3.3.5, 3.3.6, 3.3.15, 3.6.1.
"""

from typing import Annotated, Literal

from msgspec import Meta

from stationmaster.ocpp.fields import (
    ConnectorOrStation,
    Identifier,
    Integer,
    Maybe,
    Message,
    Seconds,
    Tenths,
    Timestamp,
)

ChargingProfilePurpose = Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
ChargingProfileKind = Literal["Absolute", "Recurring", "Relative"]
RecurrencyKind = Literal["Daily", "Weekly"]
ChargingRateUnit = Literal["W", "A"]
ChargingProfileStatus = Literal["Accepted", "Rejected", "NotSupported"]
ClearChargingProfileStatus = Literal["Accepted", "Unknown"]
GetCompositeScheduleStatus = Literal["Accepted", "Rejected"]


class ChargingSchedulePeriod(Message, frozen=True, kw_only=True):
    """From `start_period` (seconds after the schedule's start) on, `limit` in W or A."""

    start_period: Integer
    limit: Tenths
    number_phases: Maybe[Integer] = None


class ChargingSchedule(Message, frozen=True, kw_only=True):
    """Limits over time; `duration` in seconds."""

    duration: Maybe[Integer] = None
    start_schedule: Maybe[Timestamp] = None
    charging_rate_unit: ChargingRateUnit
    charging_schedule_period: Annotated[tuple[ChargingSchedulePeriod, ...], Meta(extra={"least_sent": 1})]
    min_charging_rate: Maybe[Tenths] = None


class ChargingProfile(Message, frozen=True, kw_only=True):
    """A schedule with its purpose, its level and its time of validity."""

    charging_profile_id: Identifier
    transaction_id: Maybe[Identifier] = None
    stack_level: Integer
    charging_profile_purpose: ChargingProfilePurpose
    charging_profile_kind: ChargingProfileKind
    recurrency_kind: Maybe[RecurrencyKind] = None
    valid_from: Maybe[Timestamp] = None
    valid_to: Maybe[Timestamp] = None
    charging_schedule: ChargingSchedule


class SetChargingProfileRequest(Message, frozen=True, kw_only=True):
    """Install a profile at a connector, or at the station (0)."""

    connector_id: ConnectorOrStation
    cs_charging_profiles: ChargingProfile


class SetChargingProfileResponse(Message, frozen=True, kw_only=True):
    """Whether the profile is installed."""

    status: ChargingProfileStatus


class ClearChargingProfileRequest(Message, frozen=True, kw_only=True):
    """Remove profiles: all of them, or those that match every given field."""

    id: Maybe[Identifier] = None
    connector_id: Maybe[ConnectorOrStation] = None
    charging_profile_purpose: Maybe[ChargingProfilePurpose] = None
    stack_level: Maybe[Integer] = None


class ClearChargingProfileResponse(Message, frozen=True, kw_only=True):
    """`Unknown` means that nothing matched."""

    status: ClearChargingProfileStatus


class GetCompositeScheduleRequest(Message, frozen=True, kw_only=True):
    """The limits of the next `duration` seconds; connector 0 is the grid connection."""

    connector_id: ConnectorOrStation
    duration: Seconds
    charging_rate_unit: Maybe[ChargingRateUnit] = None


class GetCompositeScheduleResponse(Message, frozen=True, kw_only=True):
    """The station's own calculation."""

    status: GetCompositeScheduleStatus
    connector_id: Maybe[ConnectorOrStation] = None
    schedule_start: Maybe[Timestamp] = None
    charging_schedule: Maybe[ChargingSchedule] = None
