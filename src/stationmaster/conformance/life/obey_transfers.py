"""Firmware, diagnostics and the security log, as a station obeys them (handbook §3.9, §4.9)."""

from typing import Any

from stationmaster.conformance.life.answers import After, Reply
from stationmaster.conformance.life.connectors import Phase
from stationmaster.conformance.life.core import StationCore
from stationmaster.conformance.life.transfers import download, upload, with_retries
from stationmaster.instants import parse_instant

__all__ = ["get_diagnostics", "get_log", "tell_diagnostics", "tell_firmware", "update_firmware"]

PAUSE_S = 30.0
INSTALLING_S = 20.0
MOST_WAITING_S = 4 * 3600.0


def update_firmware(station: StationCore, request: dict[str, Any]) -> Reply:
    """Fetch an image when it is time, install it when nobody charges, come back with a new version."""

    async def update() -> None:
        await station.clock.sleep_until(parse_instant(request["retrieveDate"]))
        await tell_firmware(station, "Downloading")
        if not await with_retries(
            lambda: download(request["location"]), request.get("retries", 0), _pause(station, request)
        ):
            await tell_firmware(station, "DownloadFailed")
            return
        await tell_firmware(station, "Downloaded")
        station.running.clear()
        waited_s = 0.0
        while any(connector.phase is not Phase.IDLE for connector in station.connectors) and waited_s < MOST_WAITING_S:
            await station.clock.sleep(10)
            waited_s += 10
        await tell_firmware(station, "Installing")
        await station.clock.sleep(INSTALLING_S)
        station.firmware_version = _next_version(station.firmware_version)
        station.reboot("Reboot")
        await station.clock.sleep(1)
        await station.online.wait()
        await tell_firmware(station, "Installed")

    return Reply({}, _spawned(station, update))


def get_diagnostics(station: StationCore, request: dict[str, Any]) -> Reply:
    """Bring a report to where it is wanted."""
    name = f"{station.target.identity}-diagnostics-{station.clock.now() // 1_000_000}.log"

    async def bring() -> None:
        await tell_diagnostics(station, "Uploading")
        content = _report(station)
        done = await with_retries(
            lambda: upload(request["location"], name, content), request.get("retries", 0), _pause(station, request)
        )
        await tell_diagnostics(station, "Uploaded" if done else "UploadFailed")
        station.transfer_statuses["diagnostics"] = "Idle"

    return Reply({"fileName": name}, _spawned(station, bring))


def get_log(station: StationCore, request: dict[str, Any]) -> Reply:
    """The same for GetLog, with the id of the request in every status (§4.9)."""
    request_id, log = request["requestId"], request["log"]
    name = f"{station.target.identity}-{request['logType']}-{request_id}.log"

    async def tell(word: str) -> None:
        station.transfer_statuses["log"] = word
        await station.tell("LogStatusNotification", {"status": word, "requestId": request_id})

    async def bring() -> None:
        station.last_log_request = request_id
        await tell("Uploading")
        content = _report(station)
        done = await with_retries(
            lambda: upload(log["remoteLocation"], name, content), request.get("retries", 0), _pause(station, request)
        )
        await tell("Uploaded" if done else "UploadFailure")
        station.transfer_statuses["log"] = "Idle"

    return Reply({"status": "Accepted", "filename": name}, _spawned(station, bring))


def _spawned(station: StationCore, doing: After) -> After:
    async def begin() -> None:
        station.spawn(doing)

    return begin


def _pause(station: StationCore, request: dict[str, Any]) -> After:
    return lambda: station.clock.sleep(request.get("retryInterval", PAUSE_S))


async def tell_firmware(station: StationCore, word: str) -> None:
    """Report how far an update has come."""
    station.transfer_statuses["firmware"] = "Idle" if word in ("Installed", "DownloadFailed") else word
    await station.tell("FirmwareStatusNotification", {"status": word})


async def tell_diagnostics(station: StationCore, word: str) -> None:
    """Report how far an upload has come."""
    station.transfer_statuses["diagnostics"] = word
    await station.tell("DiagnosticsStatusNotification", {"status": word})


def _next_version(version: str) -> str:
    head, _, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}" if head and last.isdigit() else f"{version}.1"


def _report(station: StationCore) -> bytes:
    """What a technician would want to see."""
    traits = station.traits
    lines = [
        f"# {traits.vendor} {traits.model}, serial number {traits.serial_number}, firmware {station.firmware_version}",
        f"# written at {station.clock.text()}",
        *(f"{name}: {count}" for name, count in sorted(station.counts.items())),
        *(
            f"connector {one.number}: {one.status}, register {one.meter.reading_wh} Wh, error {one.error_code}"
            for one in station.connectors
        ),
        *(f"profile at {one.connector}: {one.content}" for one in station.profiles.installed),
    ]
    return ("\n".join(lines) + "\n").encode()
