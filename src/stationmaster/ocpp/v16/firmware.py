"""UpdateFirmware, its notification, and the signed pair of the security extension.

Source: handbook 3.2.5, 3.3.18, 4.8, 4.10.
"""

from typing import Literal

from stationmaster.ocpp.fields import (
    Identifier,
    Maybe,
    Message,
    Seconds,
    Text800,
    Text5500,
    Timestamp,
    Uri,
    Uri512,
)

FirmwareStatus = Literal[
    "Downloaded",
    "DownloadFailed",
    "Downloading",
    "Idle",
    "InstallationFailed",
    "Installing",
    "Installed",
]
SignedFirmwareStatus = Literal[
    "Downloaded",
    "DownloadFailed",
    "Downloading",
    "DownloadScheduled",
    "DownloadPaused",
    "Idle",
    "InstallationFailed",
    "Installing",
    "Installed",
    "InstallRebooting",
    "InstallScheduled",
    "InstallVerificationFailed",
    "InvalidSignature",
    "SignatureVerified",
]
SignedUpdateFirmwareStatus = Literal[
    "Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"
]


class FirmwareStatusNotificationRequest(Message, frozen=True, kw_only=True):
    """Progress of UpdateFirmware."""

    status: FirmwareStatus


class FirmwareStatusNotificationResponse(Message, frozen=True, kw_only=True):
    """Received."""


class UpdateFirmwareRequest(Message, frozen=True, kw_only=True):
    """Fetch firmware, not before `retrieve_date`; `retry_interval` in seconds."""

    location: Uri
    retrieve_date: Timestamp
    retries: Maybe[Seconds] = None
    retry_interval: Maybe[Seconds] = None


class UpdateFirmwareResponse(Message, frozen=True, kw_only=True):
    """Received; says nothing about the firmware."""


class FirmwareType(Message, frozen=True, kw_only=True):
    """A firmware file with its certificate (PEM) and its signature (base64)."""

    location: Uri512
    retrieve_date_time: Timestamp
    install_date_time: Maybe[Timestamp] = None
    signing_certificate: Text5500
    signature: Text800


class SignedUpdateFirmwareRequest(Message, frozen=True, kw_only=True):
    """Fetch and install signed firmware; `retry_interval` in seconds."""

    request_id: Identifier
    retries: Maybe[Seconds] = None
    retry_interval: Maybe[Seconds] = None
    firmware: FirmwareType


class SignedUpdateFirmwareResponse(Message, frozen=True, kw_only=True):
    """`AcceptedCanceled`: accepted, and an update under way was cancelled."""

    status: SignedUpdateFirmwareStatus


class SignedFirmwareStatusNotificationRequest(Message, frozen=True, kw_only=True):
    """Progress of SignedUpdateFirmware; the request id may be absent if `Idle`."""

    status: SignedFirmwareStatus
    request_id: Maybe[Identifier] = None


class SignedFirmwareStatusNotificationResponse(Message, frozen=True, kw_only=True):
    """Received."""
