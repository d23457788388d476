"""BootNotification, Heartbeat, Reset, GetConfiguration, ChangeConfiguration.

Source: handbook 3.2.2, 3.2.6, 3.3.3, 3.3.7, 3.3.13.
"""

from typing import Literal

from stationmaster.ocpp.fields import (
    CiString20,
    CiString25,
    CiString50,
    CiString500,
    Maybe,
    Message,
    MissableCiString20,
    ReportedKey,
    Seconds,
    Timestamp,
)

RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]
ResetType = Literal["Hard", "Soft"]
ResetStatus = Literal["Accepted", "Rejected"]
ConfigurationStatus = Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]


class BootNotificationRequest(Message, frozen=True, kw_only=True):
    """Sent at every boot. Vendor and model are empty if a station left them out."""

    charge_point_vendor: MissableCiString20
    charge_point_model: MissableCiString20
    charge_point_serial_number: Maybe[CiString25] = None
    charge_box_serial_number: Maybe[CiString25] = None
    firmware_version: Maybe[CiString50] = None
    iccid: Maybe[CiString20] = None
    imsi: Maybe[CiString20] = None
    meter_type: Maybe[CiString25] = None
    meter_serial_number: Maybe[CiString25] = None


class BootNotificationResponse(Message, frozen=True, kw_only=True):
    """`interval` in seconds: of heartbeats if accepted, else before the next boot message."""

    status: RegistrationStatus
    current_time: Timestamp
    interval: Seconds


class HeartbeatRequest(Message, frozen=True, kw_only=True):
    """A sign of life that asks for the time."""


class HeartbeatResponse(Message, frozen=True, kw_only=True):
    """The time of sending, by which stations set their clock."""

    current_time: Timestamp


class ResetRequest(Message, frozen=True, kw_only=True):
    """Restart the software, or the hardware."""

    type: ResetType


class ResetResponse(Message, frozen=True, kw_only=True):
    """Whether the station will restart."""

    status: ResetStatus


class KeyValue(Message, frozen=True, kw_only=True):
    """A configuration key; no value means known but not set."""

    key: ReportedKey
    readonly: bool
    value: Maybe[CiString500] = None


class GetConfigurationRequest(Message, frozen=True, kw_only=True):
    """Ask for some keys; absent or empty means all."""

    key: Maybe[tuple[CiString50, ...]] = None


class GetConfigurationResponse(Message, frozen=True, kw_only=True):
    """The keys that are known, and the names of those that are not."""

    configuration_key: Maybe[tuple[KeyValue, ...]] = None
    unknown_key: Maybe[tuple[ReportedKey, ...]] = None


class ChangeConfigurationRequest(Message, frozen=True, kw_only=True):
    """Set a key. The value is always text and may be empty."""

    key: CiString50
    value: CiString500


class ChangeConfigurationResponse(Message, frozen=True, kw_only=True):
    """`RebootRequired` means stored, not yet effective."""

    status: ConfigurationStatus
