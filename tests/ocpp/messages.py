"""Payloads and look-ups that several tests of this folder share."""

import json
import re
from typing import Any

import msgspec

from stationmaster.ocpp.fields import Message
from stationmaster.ocpp.protocol import Read, Sender
from stationmaster.ocpp.v16 import V16

BOOT = {"chargePointVendor": "Virta", "chargePointModel": "One"}
START = {"connectorId": 1, "idTag": "AABBCCDD", "meterStart": 1000, "timestamp": "2025-03-01T12:34:56Z"}
STOP = {"transactionId": 7, "meterStop": 2000, "timestamp": "2025-03-01T13:34:56Z"}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
SAMPLE = {"value": "1234.5", "measurand": "Voltage", "phase": "L1-N", "unit": "V"}
METER_VALUES = {
    "connectorId": 1,
    "transactionId": 7,
    "meterValue": [{"timestamp": "2025-03-01T12:44:56Z", "sampledValue": [SAMPLE]}],
}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.1}]}
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": SCHEDULE,
}


def from_station(action: str, payload: Any, *, strict: bool = False) -> Read:
    """Read a request of a station; `payload` is JSON text or a value to be written as such."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return V16.read_request(action, text.encode(), Sender.STATION, strict)


def kinds(read: Read) -> list[tuple[str, str, str]]:
    """What was tolerated, in a form that is easy to compare."""
    return [(oddity.kind.value, oddity.path, oddity.raw) for oddity in read.oddities]


def wire_names(message: type[Message]) -> list[str]:
    """The members of a message in the order in which they are written."""
    return [field.encode_name for field in msgspec.structs.fields(message)]


def at(message: Any, path: str) -> Any:
    """What stands in a message at a path in the words of the wire: `meterValue[0].timestamp`."""
    for name in re.findall(r"\w+", path):
        snake_name = re.sub(r"(?=[A-Z])", "_", name).lower()
        message = message[int(name)] if name.isdigit() else getattr(message, snake_name)
    return message
