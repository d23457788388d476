"""Messages that a station sends because it is asked to (handbook §3.3.16, §4.8)."""

from typing import Any

from stationmaster.conformance.life.answers import After, Reply, status
from stationmaster.conformance.life.charging import meter_values
from stationmaster.conformance.life.connectors import Connector
from stationmaster.conformance.life.core import StationCore
from stationmaster.conformance.life.obey_transfers import tell_diagnostics, tell_firmware

__all__ = ["trigger_message"]


def trigger_message(station: StationCore, request: dict[str, Any]) -> Reply:
    """TriggerMessage and ExtendedTriggerMessage: the answer first, then what was asked for.

    A boot is repeated only while the station waits to be accepted [E 3.35].
    """
    message, number = request["requestedMessage"], request.get("connectorId")
    chosen = [connector for connector in station.connectors if number in (None, 0, connector.number)]
    if message == "BootNotification" and station.online.is_set():
        return status("Rejected")
    if message in ("StatusNotification", "MeterValues") and not chosen:
        return status("Rejected")
    after = _messages(station, chosen, whole=not number).get(message)
    return status("NotImplemented") if after is None else status("Accepted", after)


def _messages(station: StationCore, chosen: list[Connector], *, whole: bool) -> dict[str, After]:
    async def boot() -> None:
        station.boot_now.set()

    async def statuses() -> None:
        if whole:
            await station.announce_station(anyway=True)
        for connector in chosen:
            await station.announce(connector, anyway=True)

    async def values() -> None:
        measurands = station.configuration.items("MeterValuesSampledData")
        for connector in chosen:
            meter_values(station, connector, measurands, "Trigger", station.clock.now())

    async def log_status() -> None:
        word = station.transfer_statuses["log"]
        running = {} if word == "Idle" else {"requestId": station.last_log_request}
        await station.tell("LogStatusNotification", {"status": word, **running})

    return {
        "BootNotification": boot,
        "Heartbeat": lambda: station.tell("Heartbeat", {}),
        "StatusNotification": statuses,
        "MeterValues": values,
        "FirmwareStatusNotification": lambda: tell_firmware(station, station.transfer_statuses["firmware"]),
        "DiagnosticsStatusNotification": lambda: tell_diagnostics(station, station.transfer_statuses["diagnostics"]),
        "LogStatusNotification": log_status,
    }
