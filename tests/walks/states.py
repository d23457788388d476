"""The states that dialogues begin in (handbook §5.1), as the station's side of a conversation."""

from typing import Any

from stationmaster.conformance.link import now
from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import format_instant

CONNECTORS = (0, 1, 2)


def timestamp(ago_s: float = 0) -> str:
    """A moment, so many seconds ago, as stations write it."""
    return format_instant(now() - round(ago_s * 1_000_000))


async def status(station: ScriptedStation, word: str, connector: int = 1, error_code: str = "NoError") -> None:
    """StatusNotification, which is always confirmed."""
    message = {"connectorId": connector, "errorCode": error_code, "status": word, "timestamp": timestamp()}
    assert await station.call("StatusNotification", message) == {}


async def booted(station: ScriptedStation) -> dict[str, Any]:
    """Booted: accepted, everything available; the answer to the boot."""
    boot = {"chargePointVendor": "Walk", "chargePointModel": "One", "firmwareVersion": "1.0"}
    answer = await station.call("BootNotification", boot)
    assert answer["status"] == "Accepted"
    for connector in CONNECTORS:
        await status(station, "Available", connector)
    return answer


async def authorize(station: ScriptedStation, id_tag: str) -> str:
    """Authorize; the status."""
    return str((await station.call("Authorize", {"idTag": id_tag}))["idTagInfo"]["status"])


async def start(
    station: ScriptedStation, id_tag: str, *, ago_s: float = 0, meter_wh: int = 1000, connector: int = 1
) -> dict[str, Any]:
    """StartTransaction; the answer."""
    message = {"connectorId": connector, "idTag": id_tag, "meterStart": meter_wh, "timestamp": timestamp(ago_s)}
    answer = await station.call("StartTransaction", message)
    assert 0 < answer["transactionId"] < 2**31
    return answer


async def stop(
    station: ScriptedStation, transaction_id: int, *, ago_s: float = 0, meter_wh: int = 5000, **more: Any
) -> dict[str, Any]:
    """StopTransaction; the answer."""
    message = {"transactionId": transaction_id, "meterStop": meter_wh, "timestamp": timestamp(ago_s), **more}
    return await station.call("StopTransaction", message)


async def charging(station: ScriptedStation, id_tag: str) -> int:
    """Charging: authorized, prepared, started; the transaction id."""
    assert await authorize(station, id_tag) == "Accepted"
    await status(station, "Preparing")
    answer = await start(station, id_tag)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await status(station, "Charging")
    return int(answer["transactionId"])
