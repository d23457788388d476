"""Core, remote operations: an operator presses, the station answers (handbook §5.3)."""

from typing import Any

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, LabStation, same

CORE = Functionality.CORE
ACCEPTED = {"status": "Accepted"}


async def _remote_start(lab: Lab, station: LabStation, answer: str, **more: Any) -> dict[str, Any]:
    lab.press(
        "RemoteStartTransaction", {"idTag": lab.settings.valid_id_tag, "connectorId": lab.settings.connector_id} | more
    )
    sent = (await station.obey("RemoteStartTransaction", {"status": answer})).payload
    same(sent["idTag"], lab.settings.valid_id_tag, "idTag")
    if "connectorId" not in sent:
        lab.warnings.append("RemoteStartTransaction names no connector")
    return sent


@case("TC_010", "Remote start, plugged in first", CORE, operator=True)
async def remote_start_plugged_in(lab: Lab) -> None:
    """>> Preparing; << RemoteStartTransaction; >> Authorize, StartTransaction, Charging."""
    async with lab.station() as station:
        await station.status("Preparing")
        await _remote_start(lab, station, "Accepted")
        await station.authorize()
        await station.start()
        await station.status("Charging")


@case("TC_011_1", "Remote start first", CORE, operator=True)
async def remote_start_first(lab: Lab) -> None:
    """<< RemoteStartTransaction; >> Authorize, Preparing, StartTransaction, Charging."""
    async with lab.station() as station:
        await _remote_start(lab, station, "Accepted")
        await station.authorize()
        await station.status("Preparing")
        await station.start()
        await station.status("Charging")


@case("TC_011_2", "Remote start first, time out", CORE, operator=True)
async def remote_start_timeout(lab: Lab) -> None:
    """<< RemoteStartTransaction; >> Authorize, Preparing, and nobody plugs in."""
    async with lab.station() as station:
        await _remote_start(lab, station, "Accepted")
        await station.authorize()
        await station.status("Preparing")
        await lab.pause()
        await station.status("Available")


@case("TC_012", "Remote stop", CORE, operator=True)
async def remote_stop(lab: Lab) -> None:
    """>> Charging; << RemoteStopTransaction; >> StopTransaction Remote."""
    async with lab.station() as station:
        transaction_id = await station.charge()
        lab.press("RemoteStopTransaction", {"transactionId": transaction_id})
        sent = (await station.obey("RemoteStopTransaction", ACCEPTED)).payload
        same(sent["transactionId"], transaction_id, "transactionId")
        await station.stop(transaction_id, "Remote")
        await station.status("Finishing")
        await station.status("Available")


@case("TC_026", "Remote start, rejected", CORE, operator=True)
async def remote_start_rejected(lab: Lab) -> None:
    """<< RemoteStartTransaction; >> Rejected; it is not sent again."""
    async with lab.station() as station:
        await _remote_start(lab, station, "Rejected")
        await station.silence(lab.settings.wait_s)


@case("TC_028", "Remote stop, rejected", CORE, operator=True)
async def remote_stop_rejected(lab: Lab) -> None:
    """>> Charging; << RemoteStopTransaction; >> Rejected."""
    async with lab.station() as station:
        transaction_id = await station.charge()
        lab.press("RemoteStopTransaction", {"transactionId": transaction_id})
        await station.obey("RemoteStopTransaction", {"status": "Rejected"})
        await station.silence(lab.settings.wait_s)


async def _reset(lab: Lab, kind: str) -> None:
    async with lab.station() as station:
        lab.press("Reset", {"type": kind})
        sent = (await station.obey("Reset", ACCEPTED)).payload
        same(sent["type"], kind, "type")
        await lab.pause()
        await station.disconnect()
        await station.connect()
        await station.boot()


@case("TC_013", "Hard reset", CORE, operator=True)
async def hard_reset(lab: Lab) -> None:
    """<< Reset Hard; >> Accepted, reconnect, boot."""
    await _reset(lab, "Hard")


@case("TC_014", "Soft reset", CORE, operator=True)
async def soft_reset(lab: Lab) -> None:
    """<< Reset Soft; >> Accepted, reconnect, boot."""
    await _reset(lab, "Soft")


async def _unlock(lab: Lab, station: LabStation, answer: str, connector_id: int | None = None) -> None:
    number = lab.settings.connector_id if connector_id is None else connector_id
    lab.press("UnlockConnector", {"connectorId": number})
    sent = (await station.obey("UnlockConnector", {"status": answer})).payload
    must(sent["connectorId"] >= 1, f"connectorId is {sent['connectorId']}")


@case("TC_017_1", "Unlock connector, no charging session, unlocked", CORE, operator=True)
async def unlock(lab: Lab) -> None:
    """<< UnlockConnector; >> Unlocked."""
    async with lab.station() as station:
        await _unlock(lab, station, "Unlocked")


@case("TC_017_2", "Unlock connector, no charging session, not supported", CORE, operator=True)
async def unlock_not_supported(lab: Lab) -> None:
    """<< UnlockConnector; >> NotSupported."""
    async with lab.station() as station:
        await _unlock(lab, station, "NotSupported")


@case("TC_018_1", "Unlock connector during a charging session", CORE, operator=True)
async def unlock_in_session(lab: Lab) -> None:
    """>> Charging; << UnlockConnector; >> Unlocked, Finishing, StopTransaction UnlockCommand, Available."""
    async with lab.station() as station:
        transaction_id = await station.charge()
        await _unlock(lab, station, "Unlocked")
        await station.status("Finishing")
        await station.stop(transaction_id, "UnlockCommand")
        await station.status("Available")


@case("TC_030", "Unlock connector, failure", CORE, operator=True)
async def unlock_failure(lab: Lab) -> None:
    """<< UnlockConnector; >> UnlockFailed."""
    async with lab.station() as station:
        await _unlock(lab, station, "UnlockFailed")


@case("TC_031", "Unlock unknown connector", CORE, operator=True)
async def unlock_unknown(lab: Lab) -> None:
    """<< UnlockConnector of a connector that the station has not; >> NotSupported."""
    async with lab.station() as station:
        await _unlock(lab, station, "NotSupported", 99)


@case("TC_061", "Clear authorization data", CORE, operator=True)
async def clear_cache(lab: Lab) -> None:
    """<< ClearCache; >> Accepted."""
    async with lab.station() as station:
        lab.press("ClearCache", {})
        await station.obey("ClearCache", ACCEPTED)


@case("TC_019_1", "Retrieve all configuration keys", CORE, operator=True)
async def all_keys(lab: Lab) -> None:
    """<< GetConfiguration without keys; >> everything."""
    async with lab.station() as station:
        lab.press("GetConfiguration", {})
        keys = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
        sent = (await station.obey("GetConfiguration", {"configurationKey": keys})).payload
        must(not sent.get("key"), f"keys were named: {sent.get('key')}")


@case("TC_019_2", "Retrieve one configuration key", CORE, operator=True)
async def one_key(lab: Lab) -> None:
    """<< GetConfiguration of SupportedFeatureProfiles and nothing else."""
    async with lab.station() as station:
        lab.press("GetConfiguration", {"key": ["SupportedFeatureProfiles"]})
        keys = [{"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core"}]
        sent = (await station.obey("GetConfiguration", {"configurationKey": keys})).payload
        same(sent.get("key"), ["SupportedFeatureProfiles"], "key")


async def _change(lab: Lab, key: str, value: str, answer: str) -> dict[str, Any]:
    async with lab.station() as station:
        lab.press("ChangeConfiguration", {"key": key, "value": value})
        return (await station.obey("ChangeConfiguration", {"status": answer})).payload


@case("TC_021", "Change a configuration key", CORE, operator=True)
async def change_key(lab: Lab) -> None:
    """<< ChangeConfiguration MeterValueSampleInterval = "60"."""
    sent = await _change(lab, "MeterValueSampleInterval", "60", "Accepted")
    same((sent["key"], sent["value"]), ("MeterValueSampleInterval", "60"), "key and value")


@case("TC_040_1", "Change a configuration key, not supported", CORE, operator=True)
async def change_unknown_key(lab: Lab) -> None:
    """<< ChangeConfiguration of any key; >> NotSupported."""
    await _change(lab, "SomeUnknownKey", "1", "NotSupported")


@case("TC_040_2", "Change a configuration key, invalid value", CORE, operator=True)
async def change_to_invalid_value(lab: Lab) -> None:
    """<< ChangeConfiguration of MeterValueSampleInterval to nonsense; >> Rejected."""
    sent = await _change(lab, "MeterValueSampleInterval", "-1", "Rejected")
    same(sent["key"], "MeterValueSampleInterval", "key")
