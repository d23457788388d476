"""Diagnostics and logs: the commands, and what stations tell of their uploads (handbook §3.2.4, §3.3.8, §4.9)."""

from typing import Final

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Asking, Command, Settled
from stationmaster.actions.v16.context import Situation
from stationmaster.actions.v16.firmware import warn_of_address
from stationmaster.domain.jobs import awaits
from stationmaster.ocpp.v16.diagnostics import (
    DiagnosticsStatusNotificationRequest,
    DiagnosticsStatusNotificationResponse,
    GetDiagnosticsRequest,
    GetDiagnosticsResponse,
    GetLogRequest,
    GetLogResponse,
    LogStatusNotificationRequest,
    LogStatusNotificationResponse,
)
from stationmaster.services.transfers import Report

__all__ = ["GET_DIAGNOSTICS", "GET_LOG", "diagnostics_status_notification", "log_status_notification"]

_DIAGNOSTICS_ENDS: Final = frozenset({"Uploaded", "UploadFailed"})
_LOG_ENDS: Final = frozenset({"Uploaded", "UploadFailure", "BadMessage", "NotSupportedOperation", "PermissionDenied"})


async def diagnostics_status_notification(situation: Situation) -> Answer:
    """It belongs to the latest GetDiagnostics; confirmed in any case."""
    context, station, call = situation.context, situation.station, situation.call
    request: DiagnosticsStatusNotificationRequest = call.request
    report = Report("diagnostics", "GetDiagnostics", request.status, request.status in _DIAGNOSTICS_ENDS)
    await context.services.transfers.report(station, report, call.received_at)
    return Answer(DiagnosticsStatusNotificationResponse())


async def log_status_notification(situation: Situation) -> Answer:
    """It names the request of its GetLog."""
    context, station, call = situation.context, situation.station, situation.call
    request: LogStatusNotificationRequest = call.request
    report = Report("log", "GetLog", request.status, request.status in _LOG_ENDS, request.request_id)
    await context.services.transfers.report(station, report, call.received_at)
    return Answer(LogStatusNotificationResponse())


async def _warn_of_diagnostics_address(asking: Asking, message: GetDiagnosticsRequest) -> str | None:
    return await warn_of_address(asking, message.location)


async def _warn_of_log_address(asking: Asking, message: GetLogRequest) -> str | None:
    return await warn_of_address(asking, message.log.remote_location)


async def _upload_begun(asking: Asking, _message: GetDiagnosticsRequest, response: GetDiagnosticsResponse) -> Settled:
    """Without a file name there is nothing to upload, and the job has ended (§3.9.2)."""
    if not response.file_name:
        return Settled()
    until = asking.in_s(asking.settings.transfer_wait_s)
    return Settled(awaits=awaits("transfer", until), file_name=response.file_name)


async def _log_answered(asking: Asking, message: GetLogRequest, response: GetLogResponse) -> Settled:
    if response.status not in {"Accepted", "AcceptedCanceled"}:
        return Settled()
    replaces = response.status == "AcceptedCanceled"
    if not response.filename:
        return Settled(replaces=replaces)
    until = asking.in_s(asking.settings.transfer_wait_s)
    return Settled(
        awaits=awaits("transfer", until, request_id=message.request_id),
        file_name=response.filename,
        replaces=replaces,
    )


GET_DIAGNOSTICS = Command(warnings=(_warn_of_diagnostics_address,), settle=_upload_begun)
GET_LOG = Command(warnings=(_warn_of_log_address,), settle=_log_answered)
