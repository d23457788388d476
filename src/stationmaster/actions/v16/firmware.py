"""Firmware, plain and signed: the commands, and what stations tell (handbook §3.2.5, §3.3.18, §4.10)."""

from typing import Final
from urllib.parse import urlsplit

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Asking, Command, Settled
from stationmaster.actions.v16.context import Situation
from stationmaster.domain.jobs import awaits
from stationmaster.instants import Instant, parse_instant
from stationmaster.ocpp.v16.firmware import (
    FirmwareStatusNotificationRequest,
    FirmwareStatusNotificationResponse,
    SignedFirmwareStatusNotificationRequest,
    SignedFirmwareStatusNotificationResponse,
    SignedUpdateFirmwareRequest,
    SignedUpdateFirmwareResponse,
    UpdateFirmwareRequest,
    UpdateFirmwareResponse,
)
from stationmaster.services.transfers import Report

__all__ = [
    "SIGNED_UPDATE_FIRMWARE",
    "UPDATE_FIRMWARE",
    "firmware_status_notification",
    "signed_firmware_status_notification",
    "warn_of_address",
]

_PLAIN_ENDS: Final = frozenset({"Installed", "DownloadFailed", "InstallationFailed"})
_SIGNED_ENDS: Final = frozenset(
    {"Installed", "DownloadFailed", "InvalidSignature", "InstallVerificationFailed", "InstallationFailed"}
)
_SCHEMES: Final = frozenset({"ftp", "ftps", "http", "https", "sftp"})


async def firmware_status_notification(situation: Situation) -> Answer:
    """Confirmed even if no update was ever asked for."""
    context, station, call = situation.context, situation.station, situation.call
    request: FirmwareStatusNotificationRequest = call.request
    report = Report("firmware", "UpdateFirmware", request.status, request.status in _PLAIN_ENDS)
    await context.services.transfers.report(station, report, call.received_at)
    return Answer(FirmwareStatusNotificationResponse())


async def signed_firmware_status_notification(situation: Situation) -> Answer:
    """The same of a signed update, which names its request."""
    context, station, call = situation.context, situation.station, situation.call
    request: SignedFirmwareStatusNotificationRequest = call.request
    report = Report(
        "signed_firmware",
        "SignedUpdateFirmware",
        request.status,
        request.status in _SIGNED_ENDS,
        request.request_id,
    )
    await context.services.transfers.report(station, report, call.received_at)
    return Answer(SignedFirmwareStatusNotificationResponse())


async def warn_of_address(asking: Asking, location: str) -> str | None:
    """An address that the station cannot use, as far as we know."""
    scheme = urlsplit(location).scheme.lower()
    if scheme not in _SCHEMES:
        return f"`{location[:100]}` is no FTP or HTTP address."
    protocols = await asking.value_of("SupportedFileTransferProtocols")
    if protocols is None or scheme in {each.strip().lower() for each in protocols.split(",")}:
        return None
    return f"The station transfers files by {protocols}, not by {scheme.upper()}."


async def _warn_of_plain_address(asking: Asking, message: UpdateFirmwareRequest) -> str | None:
    return await warn_of_address(asking, message.location)


async def _warn_of_signed_address(asking: Asking, message: SignedUpdateFirmwareRequest) -> str | None:
    return await warn_of_address(asking, message.firmware.location)


async def _update_begun(asking: Asking, message: UpdateFirmwareRequest, _response: UpdateFirmwareResponse) -> Settled:
    return Settled(awaits=awaits("transfer", _patience(asking, message.retrieve_date)))


async def _signed_update_answered(
    asking: Asking, message: SignedUpdateFirmwareRequest, response: SignedUpdateFirmwareResponse
) -> Settled:
    if response.status not in {"Accepted", "AcceptedCanceled"}:
        return Settled()
    firmware = message.firmware
    until = _patience(asking, firmware.retrieve_date_time, firmware.install_date_time)
    return Settled(
        awaits=awaits("transfer", until, request_id=message.request_id),
        replaces=response.status == "AcceptedCanceled",
    )


def _patience(asking: Asking, *not_before: str | None) -> Instant:
    """Until when an update may take: the time for one begins when the station may begin (§3.9.1)."""
    times = [parse_instant(text) for text in not_before if text is not None]
    return max([asking.now(), *times]) + round(asking.settings.transfer_wait_s * 1_000_000)


UPDATE_FIRMWARE = Command(warnings=(_warn_of_plain_address,), settle=_update_begun)
SIGNED_UPDATE_FIRMWARE = Command(warnings=(_warn_of_signed_address,), settle=_signed_update_answered)
