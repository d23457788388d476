"""GetDiagnostics and its notification, GetLog and LogStatusNotification.

Source: handbook 3.2.4, 3.3.8, 4.8, 4.9.
"""

from typing import Literal

from stationmaster.ocpp.fields import (
    CiString255,
    Identifier,
    Maybe,
    Message,
    Seconds,
    Timestamp,
    Uri,
    Uri512,
)

DiagnosticsStatus = Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]
LogType = Literal["DiagnosticsLog", "SecurityLog"]
LogStatus = Literal["Accepted", "Rejected", "AcceptedCanceled"]
UploadLogStatus = Literal[
    "BadMessage",
    "Idle",
    "NotSupportedOperation",
    "PermissionDenied",
    "Uploaded",
    "UploadFailure",
    "Uploading",
]


class DiagnosticsStatusNotificationRequest(Message, frozen=True, kw_only=True):
    """Progress of a diagnostics upload."""

    status: DiagnosticsStatus


class DiagnosticsStatusNotificationResponse(Message, frozen=True, kw_only=True):
    """Received."""


class GetDiagnosticsRequest(Message, frozen=True, kw_only=True):
    """Upload diagnostics to the directory `location`; `retry_interval` in seconds."""

    location: Uri
    retries: Maybe[Seconds] = None
    retry_interval: Maybe[Seconds] = None
    start_time: Maybe[Timestamp] = None
    stop_time: Maybe[Timestamp] = None


class GetDiagnosticsResponse(Message, frozen=True, kw_only=True):
    """No file name means that there is nothing to upload."""

    file_name: Maybe[CiString255] = None


class LogParameters(Message, frozen=True, kw_only=True):
    """Where the log goes, and which part of it."""

    remote_location: Uri512
    oldest_timestamp: Maybe[Timestamp] = None
    latest_timestamp: Maybe[Timestamp] = None


class GetLogRequest(Message, frozen=True, kw_only=True):
    """Upload a log; `retry_interval` in seconds."""

    log_type: LogType
    request_id: Identifier
    retries: Maybe[Seconds] = None
    retry_interval: Maybe[Seconds] = None
    log: LogParameters


class GetLogResponse(Message, frozen=True, kw_only=True):
    """No file name means that there is nothing to upload."""

    status: LogStatus
    filename: Maybe[CiString255] = None


class LogStatusNotificationRequest(Message, frozen=True, kw_only=True):
    """Progress of a log upload; the request id may be absent if `Idle`."""

    status: UploadLogStatus
    request_id: Maybe[Identifier] = None


class LogStatusNotificationResponse(Message, frozen=True, kw_only=True):
    """Received."""
