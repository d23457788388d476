"""The message log, and what stations tell of themselves."""

import asyncio
import json
from typing import Any

from tests.api.conftest import Client, connected, eventually


async def test_every_frame_is_in_the_log_and_secrets_are_not(api: Client) -> None:
    async with connected(api) as station:
        await station.ask('[2,"id-1","DataTransfer",{"vendorId":"com.example","data":"hello"}]')
        await station.say("this is no frame")
        station.violations.clear()  # what was said raw is not expected to be answered
        identity = station.identity

    async def logged() -> Any:
        items = (await api.get("/messages", station_id=identity))["items"]
        return items if any(each["kind"] == "unreadable" for each in items) else None

    items = await eventually(logged)
    transfer = next(each for each in items if each["action"] == "DataTransfer")
    assert (transfer["direction"], transfer["kind"], transfer["message_id"]) == ("in", "call", "id-1")
    assert json.loads(transfer["frame"])[3] == {"vendorId": "com.example", "data": "hello"}
    assert json.loads(transfer["answer"])[0] == 3
    assert transfer["latency_us"] >= 0
    assert transfer["at"].endswith("Z")
    unreadable = next(each for each in items if each["kind"] == "unreadable")
    assert unreadable["frame"] == "this is no frame"

    async def found(**query: Any) -> set[str | None]:
        return {each["action"] for each in (await api.get("/messages", station_id=identity, **query))["items"]}

    assert await found(action="BootNotification") == {"BootNotification"}
    assert await found(search="com.example") == {"DataTransfer"}
    assert await found(kind="unreadable") == {None}
    assert await found(message_id="id-1") == {"DataTransfer"}
    assert await found(until="2020-01-01T00:00:00Z") == set()


async def test_reports_of_a_station(api: Client) -> None:
    async with connected(api) as station:
        event = {"type": "StartupOfTheDevice", "timestamp": "2025-03-01T12:00:00Z", "techInfo": "cold"}
        await station.call("SecurityEventNotification", event)
        await station.call("FirmwareStatusNotification", {"status": "Downloading"})
        await station.call("DataTransfer", {"vendorId": "com.example", "messageId": "m", "data": "d"})
        of_station = {"station_id": station.identity}
        (security,) = (await api.get("/security-events", critical="true", **of_station))["items"]
        (transfer,) = (await api.get("/transfers", transfer="firmware", **of_station))["items"]
        (vendor,) = (await api.get("/vendor-messages", vendor_id="com.example", **of_station))["items"]
    assert (security["type"], security["occurred_at"]) == ("StartupOfTheDevice", "2025-03-01T12:00:00.000Z")
    assert (transfer["transfer"], transfer["status"], transfer["job_id"]) == ("firmware", "Downloading", None)
    assert (vendor["message_id"], vendor["data"]) == ("m", "d")
    assert (await api.get("/security-events", critical="false", **of_station))["items"] == []
    assert (await api.get("/transfers", transfer="log", **of_station))["items"] == []


async def test_a_value_for_the_next_boot_is_told_beside_the_one_in_force(api: Client) -> None:
    async with connected(api) as station:
        commands = f"/stations/{station.identity}/commands"
        asked = asyncio.create_task(api.post(f"{commands}/GetConfiguration", {}, 200))
        key = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
        await station.obey("GetConfiguration", {"configurationKey": [key]})
        await asked
        change = {"key": "HeartbeatInterval", "value": "60"}
        asked = asyncio.create_task(api.post(f"{commands}/ChangeConfiguration", change, 200))
        await station.obey("ChangeConfiguration", {"status": "RebootRequired"})
        await asked
        (variable,) = (await api.get(f"/stations/{station.identity}/configuration"))["items"]
    assert (variable["value"], variable["pending_value"], variable["write_status"]) == ("300", "60", "reboot_required")


async def test_configuration_as_last_read(api: Client) -> None:
    async with connected(api) as station:
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/GetConfiguration", {}, 200))
        key = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
        await station.obey("GetConfiguration", {"configurationKey": [key]})
        await asked
        (variable,) = (await api.get(f"/stations/{station.identity}/configuration"))["items"]
    assert (variable["component"], variable["variable"], variable["value"]) == ("OCPP16", "HeartbeatInterval", "300")
    assert variable["pending_value"] is None
    assert variable["readonly"] is False
    assert variable["read_at"].endswith("Z")
