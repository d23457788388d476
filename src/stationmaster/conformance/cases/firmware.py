"""Firmware management, the plain kind (handbook §5.5)."""

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, now, same

FIRMWARE = Functionality.FIRMWARE


async def _update(lab: Lab, station: LabStation) -> None:
    lab.press("UpdateFirmware", {"location": lab.settings.firmware_url, "retrieveDate": now()})
    sent = (await station.obey("UpdateFirmware", {})).payload
    same(sent["location"], lab.settings.firmware_url, "location")
    must(sent["retrieveDate"], "retrieveDate is missing")


async def _tell(station: LabStation, *words: str, action: str = "FirmwareStatusNotification") -> None:
    for word in words:
        answer = await station.call(action, {"status": word})
        must(answer == {}, f"{action} was answered with {answer}")


async def _install(station: LabStation, end: str) -> None:
    await _tell(station, "Downloading", "Downloaded")
    await station.statuses("Unavailable")
    await _tell(station, "Installing")
    await station.disconnect()
    await station.connect()
    await station.boot()
    await _tell(station, end)


@case("TC_044_1", "Firmware update, download and install", FIRMWARE, operator=True)
async def update(lab: Lab) -> None:
    """<< UpdateFirmware; >> Downloading, Downloaded, Unavailable, Installing, boot, Installed."""
    async with lab.station() as station:
        await _update(lab, station)
        await _install(station, "Installed")


@case("TC_044_2", "Firmware update, download failed", FIRMWARE, operator=True)
async def download_failed(lab: Lab) -> None:
    """<< UpdateFirmware; >> Downloading, DownloadFailed."""
    async with lab.station() as station:
        await _update(lab, station)
        await _tell(station, "Downloading", "DownloadFailed")


@case("TC_044_3", "Firmware update, installation failed", FIRMWARE, operator=True)
async def installation_failed(lab: Lab) -> None:
    """<< UpdateFirmware; >> ..., InstallationFailed."""
    async with lab.station() as station:
        await _update(lab, station)
        await _install(station, "InstallationFailed")


async def _diagnostics(lab: Lab, end: str) -> None:
    async with lab.station() as station:
        lab.press("GetDiagnostics", {"location": lab.settings.upload_url})
        sent = (await station.obey("GetDiagnostics", {"fileName": "diagnostics.zip"})).payload
        must(sent["location"], "location is empty")
        await _tell(station, "Uploading", end, action="DiagnosticsStatusNotification")


@case("TC_045_1", "Get diagnostics", FIRMWARE, operator=True)
async def diagnostics(lab: Lab) -> None:
    """<< GetDiagnostics; >> Uploading, Uploaded."""
    await _diagnostics(lab, "Uploaded")


@case("TC_045_2", "Get diagnostics, upload failed", FIRMWARE, operator=True)
async def diagnostics_failed(lab: Lab) -> None:
    """<< GetDiagnostics; >> Uploading, UploadFailed."""
    await _diagnostics(lab, "UploadFailed")
