"""StatusNotification and ChangeAvailability. Source: handbook 2.4, 3.2.9, 3.3.2."""

from typing import Annotated, Literal

from msgspec import Meta

from stationmaster.ocpp.fields import (
    CiString50,
    CiString255,
    ConnectorOrStation,
    Maybe,
    Message,
    Timestamp,
)

ChargePointErrorCode = Annotated[
    Literal[
        "ConnectorLockFailure",
        "EVCommunicationError",
        "GroundFailure",
        "HighTemperature",
        "InternalError",
        "LocalListConflict",
        "NoError",
        "OtherError",
        "OverCurrentFailure",
        "OverVoltage",
        "PowerMeterFailure",
        "PowerSwitchFailure",
        "ReaderFailure",
        "ResetFailure",
        "UnderVoltage",
        "WeakSignal",
    ],
    Meta(extra={"unknown": "OtherError"}),
]
"""An unknown code is read as `OtherError`; the raw text is in the oddity."""
ChargePointStatus = Literal[
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
]
AvailabilityType = Literal["Inoperative", "Operative"]
AvailabilityStatus = Literal["Accepted", "Rejected", "Scheduled"]


class StatusNotificationRequest(Message, frozen=True, kw_only=True):
    """The state of a connector, or of the main controller (0). No timestamp: time of receipt."""

    connector_id: ConnectorOrStation
    error_code: ChargePointErrorCode
    status: ChargePointStatus
    info: Maybe[CiString50] = None
    timestamp: Maybe[Timestamp] = None
    vendor_id: Maybe[CiString255] = None
    vendor_error_code: Maybe[CiString50] = None


class StatusNotificationResponse(Message, frozen=True, kw_only=True):
    """Received."""


class ChangeAvailabilityRequest(Message, frozen=True, kw_only=True):
    """Put a connector, or with 0 the whole station, in or out of service."""

    connector_id: ConnectorOrStation
    type: AvailabilityType


class ChangeAvailabilityResponse(Message, frozen=True, kw_only=True):
    """`Scheduled` means after the running transaction."""

    status: AvailabilityStatus
