"""Every action of handbook §3.0 and §4.8, in every outcome that the specification has, over a real socket.

To the station: each answer becomes the result of the job that the API returns, and so does a CALLERROR.
From the station: each is confirmed, whatever it says.
"""

import asyncio
from typing import Any, get_args, get_type_hints

import pytest

from stationmaster.conformance.station import ScriptedStation
from stationmaster.ocpp.errors import ErrorCode
from stationmaster.ocpp.protocol import Sender
from stationmaster.ocpp.v16 import V16
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, charging, stop

LATER = "2099-01-01T00:00:00Z"
PEM = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "AA", "issuerKeyHash": "BB", "serialNumber": "1"}
PERIODS = [{"startPeriod": 0, "limit": 6}]
SCHEDULE = {"chargingRateUnit": "A", "startSchedule": "2026-01-01T00:00:00Z", "chargingSchedulePeriod": PERIODS}
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": SCHEDULE,
}
FIRMWARE = {
    "location": "https://example.org/f.bin",
    "retrieveDateTime": "2026-01-01T00:00:00Z",
    "signingCertificate": PEM,
    "signature": "AAAA",
}

WISHES: dict[str, dict[str, Any]] = {
    "CancelReservation": {"reservationId": 4711},
    "CertificateSigned": {"certificateChain": PEM},
    "ChangeAvailability": {"connectorId": 1, "type": "Inoperative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "60"},
    "ClearCache": {},
    "ClearChargingProfile": {},
    "DataTransfer": {"vendorId": "org.example", "messageId": "m", "data": "d"},
    "DeleteCertificate": {"certificateHashData": HASHES},
    "ExtendedTriggerMessage": {"requestedMessage": "Heartbeat"},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"},
    "GetConfiguration": {},
    "GetDiagnostics": {"location": "https://example.org/up"},
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "GetLocalListVersion": {},
    "GetLog": {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "https://example.org/up"}},
    "InstallCertificate": {"certificateType": "ManufacturerRootCertificate", "certificate": PEM},
    "RemoteStartTransaction": {"idTag": "SOMEBODY", "connectorId": 1},
    "RemoteStopTransaction": {"transactionId": 99},
    "ReserveNow": {"connectorId": 1, "expiryDate": LATER, "idTag": "SOMEBODY", "reservationId": 4711},
    "Reset": {"type": "Soft"},
    "SendLocalList": {"listVersion": 1, "updateType": "Full"},
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "SignedUpdateFirmware": {"requestId": 1, "firmware": FIRMWARE},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": {"location": "https://example.org/f.bin", "retrieveDate": "2026-01-01T00:00:00Z"},
}
"""A request of each action that we send."""

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "GetConfiguration": [{"configurationKey": [], "unknownKey": ["Any"]}],
    "GetDiagnostics": [{"fileName": "log.zip"}, {}],
    "GetLocalListVersion": [{"listVersion": 0}, {"listVersion": -1}, {"listVersion": 3}],
    "UpdateFirmware": [{}],
}
"""The answers of actions whose answer is no status."""


def _answers(action: str) -> list[dict[str, Any]]:
    if action in ANSWERS:
        return ANSWERS[action]
    words = get_args(get_type_hints(V16.actions[action].response)["status"])
    certificates = {"certificateHashData": [HASHES]} if action == "GetInstalledCertificateIds" else {}
    return [{"status": word} | (certificates if word == "Accepted" else {}) for word in words]


OUTCOMES = [pytest.param(action, answer, id=f"{action}-{answer}") for action in WISHES for answer in _answers(action)]


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


def test_the_table_is_whole() -> None:
    sent = {name for name, action in V16.actions.items() if action.sender in {Sender.CSMS, Sender.BOTH}}
    assert set(WISHES) == sent
    told = {name for name, action in V16.actions.items() if action.sender in {Sender.STATION, Sender.BOTH}}
    assert {report[0] for report in REPORTS} | {"StartTransaction", "StopTransaction"} == told


@pytest.mark.parametrize(("action", "answer"), OUTCOMES)
async def test_what_the_station_answers_is_the_result(
    node: NodeProcess, api: Api, action: str, answer: dict[str, Any]
) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        request, job = await api.press(station, action, WISHES[action], answer)
        assert request.payload == WISHES[action]
        assert job["state"] in {"done", "waiting"}
        assert job["response"] == answer
        assert job["result"] == answer.get("status")


@pytest.mark.parametrize("action", WISHES)
async def test_an_error_is_a_result_too(node: NodeProcess, api: Api, action: str) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        command = asyncio.create_task(api.command(station.identity, action, WISHES[action]))
        await station.refuse(await station.expect(action), ErrorCode.NOT_SUPPORTED, "not here")
        job = (await command).json()
        assert (job["state"], job["result"]) == ("error", "NotSupported")
        assert job["error"]["description"] == "not here"


REPORTS: list[tuple[str, dict[str, Any]]] = [
    ("Authorize", {"idTag": "NOBODY"}),
    ("BootNotification", {"chargePointVendor": "Vendor", "chargePointModel": "Model"}),
    ("DataTransfer", {"vendorId": "org.example.unknown"}),
    ("Heartbeat", {}),
    ("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": LATER, "sampledValue": [{"value": "1"}]}]}),
    *[
        (action, {"status": word})
        for action in ("DiagnosticsStatusNotification", "FirmwareStatusNotification")
        for word in get_args(get_type_hints(V16.actions[action].request)["status"])
    ],
    *[
        (action, {"status": word, "requestId": 1})
        for action in ("LogStatusNotification", "SignedFirmwareStatusNotification")
        for word in get_args(get_type_hints(V16.actions[action].request)["status"])
    ],
    *[
        ("StatusNotification", {"connectorId": 1, "status": word, "errorCode": "NoError"})
        for word in get_args(get_type_hints(V16.actions["StatusNotification"].request)["status"])
    ],
    ("SecurityEventNotification", {"type": "AnyType", "timestamp": "2026-01-01T00:00:00Z"}),
    ("SignCertificate", {"csr": "no request at all"}),
]
"""What a station reports by itself; transactions have walks of their own."""

ANSWERED: dict[str, Any] = {
    "Authorize": {"idTagInfo": {"status": "Invalid"}},
    "DataTransfer": {"status": "UnknownVendorId"},
    "SignCertificate": {"status": "Rejected"},
}


@pytest.mark.parametrize(("action", "report"), REPORTS, ids=[f"{name}-{what}" for name, what in REPORTS])
async def test_what_the_station_reports_is_confirmed(
    node: NodeProcess, api: Api, action: str, report: dict[str, Any]
) -> None:
    async with await connected(node, api) as station:
        answer = await station.call(action, report)
        if action in {"BootNotification", "Heartbeat"}:
            assert answer["currentTime"].endswith("Z")
        else:
            assert answer == ANSWERED.get(action, {})


@pytest.mark.parametrize("known", [True, False])
async def test_a_transaction_is_confirmed_for_any_token(node: NodeProcess, api: Api, known: bool) -> None:
    tag = await api.token() if known else "NEVERSEEN"
    async with await connected(node, api) as station:
        if known:
            await stop(station, await charging(station, tag))
            return
        body = {"connectorId": 1, "idTag": tag, "meterStart": 5, "timestamp": "2026-01-01T00:00:00Z"}
        answer = await station.call("StartTransaction", body)
        assert answer["idTagInfo"]["status"] == "Invalid"
        assert answer["transactionId"] > 0
        ending = {"transactionId": answer["transactionId"], "meterStop": 6, "timestamp": "2026-01-01T01:00:00Z"}
        assert await station.call("StopTransaction", ending) == {}
