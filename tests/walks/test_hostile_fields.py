"""A hostile value in every field of every CALL, over a real socket and on either database (RELIABILITY D-04)."""

import json
from typing import Any

import pytest

from stationmaster.ocpp.protocol import Sender
from stationmaster.ocpp.v16 import V16
from tests.walks.raw_stations import entered, served, stored
from tests.walks.running import Api, NodeProcess

NOON = "2026-03-01T12:00:00Z"
VALUES = [
    '"\\u0000"',
    '"a\0b"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    str(2**31),
    str(2**63),
    str(2**70),
    "-" + str(2**70),
    "9" * 20_000,
    "1e400",
    "-0.0",
    "null",
    "true",
    '""',
    '"' + "x" * 20_000 + '"',
    "[]",
    "{}",
    '{"\\u0000":"\\ud800"}',
    '{"a":1,"a":2}',
    "[" * 500 + "]" * 500,
]

SAMPLE = {"value": "1", "context": "Other", "format": "Raw", "measurand": "SoC", "phase": "L1", "location": "EV"}
METERED = [{"timestamp": NOON, "sampledValue": [{**SAMPLE, "unit": "Percent"}]}]
CALLS: dict[str, dict[str, Any]] = {
    "Authorize": {"idTag": "A"},
    "BootNotification": {
        **dict.fromkeys(["chargePointVendor", "chargePointModel", "chargePointSerialNumber", "firmwareVersion"], "x"),
        **dict.fromkeys(["chargeBoxSerialNumber", "iccid", "imsi", "meterType", "meterSerialNumber"], "x"),
    },
    "DataTransfer": {"vendorId": "v", "messageId": "m", "data": "d"},
    "DiagnosticsStatusNotification": {"status": "Idle"},
    "FirmwareStatusNotification": {"status": "Idle"},
    "LogStatusNotification": {"status": "Idle", "requestId": 1},
    "MeterValues": {"connectorId": 1, "transactionId": 1, "meterValue": METERED},
    "SecurityEventNotification": {"type": "t", "timestamp": NOON, "techInfo": "i"},
    "SignCertificate": {"csr": "c"},
    "SignedFirmwareStatusNotification": {"status": "Idle", "requestId": 1},
    "StartTransaction": {"connectorId": 1, "idTag": "NOBODY", "meterStart": 100, "timestamp": NOON, "reservationId": 1},
    "StatusNotification": {
        "connectorId": 1,
        "errorCode": "NoError",
        "status": "Available",
        "timestamp": NOON,
        "info": "i",
        "vendorId": "v",
        "vendorErrorCode": "e",
    },
    "StopTransaction": {
        "transactionId": 1,
        "meterStop": 1,
        "timestamp": NOON,
        "idTag": "A",
        "reason": "Local",
        "transactionData": METERED,
    },
}


def test_the_table_of_calls_is_whole() -> None:
    told = {name for name, action in V16.actions.items() if action.sender in {Sender.STATION, Sender.BOTH}}
    assert {*CALLS, "Heartbeat"} == told


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload, as the way that leads there."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in inside] + [way for key, one in inside for way in places(one, (*path, key))]


def written(payload: Any, way: tuple[Any, ...], value: str) -> str:
    """The payload as JSON, with a text of any kind at one place."""
    return json.dumps(replaced(payload, way)).replace('"@"', value)


def replaced(value: Any, way: tuple[Any, ...]) -> Any:
    """The payload with a mark at one place."""
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[way[0]] = replaced(copy[way[0]], way[1:]) if way[1:] else "@"
    return copy


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("action", CALLS)
@pytest.mark.usefixtures("neighbour")
async def test_a_hostile_value_in_any_field_is_answered_and_can_be_read_back(
    node: NodeProcess, api: Api, action: str
) -> None:
    async with entered(node, api) as (identity, station):
        await station.call([2, "boot", "BootNotification", CALLS["BootNotification"]])
        number = 0
        for way in places(CALLS[action]):
            for value in VALUES:
                number += 1
                await station.say(f'[2,"{number}","{action}",{written(CALLS[action], way, value)}]')
                kind, message_id, *rest = await station.hear(within_s=30)
                assert message_id == str(number)
                assert kind == 3 or rest[0] != "InternalError", (way, value, rest)
        await served(station)
        await stored(api, identity)
        for path in ("oddities", "configuration"):
            await api.everything(f"/stations/{identity}/{path}")
        await api.get(f"/stations/{identity}")
        await api.everything("/past-events", station_id=identity)
