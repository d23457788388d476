"""No local veto: what a station might refuse is warned about and sent all the same (handbook §3.1)."""

from typing import Any

import pytest

from tests.actions.line import Line, connect
from tests.actions.test_commands import PROFILE
from tests.services.node import ORGANISATION, Node

KEYS = {
    "ConnectionTimeOut": "60",
    "GetConfigurationMaxKeys": "1",
    "SupportedFeatureProfiles": "Core,Reservation",
    "SupportedFileTransferProtocols": "FTP, HTTP",
    "SendLocalListMaxLength": "1",
    "LocalAuthListMaxLength": "2",
    "ReserveConnectorZeroSupported": "false",
    "ChargeProfileMaxStackLevel": "3",
    "ChargingScheduleMaxPeriods": "1",
    "ChargingScheduleAllowedChargingRateUnit": "Power",
}


@pytest.fixture
async def line(node: Node) -> Line:
    """A station that has told of two connectors, one of them charging, and of its limits."""
    line = await connect(node)
    for connector_id, status in ((0, "Available"), (1, "Available"), (2, "Charging")):
        await line.says("StatusNotification", connectorId=connector_id, errorCode="NoError", status=status)
    line.will_answer(
        "GetConfiguration",
        configurationKey=[{"key": key, "readonly": True, "value": value} for key, value in KEYS.items()],
    )
    await node.services.commands.send(ORGANISATION, "CP7", "GetConfiguration", {}, requested_by="test", wait_s=5)
    node.clock.pass_s(1)
    return line


def profile(**changes: Any) -> dict[str, Any]:
    return {**PROFILE, **changes}


def schedule(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {**PROFILE["chargingSchedule"], "chargingRateUnit": "W"}  # type: ignore[dict-item]  # it is an object there
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


WATTS = schedule()
TX = {**PROFILE, "chargingProfilePurpose": "TxProfile", "chargingSchedule": WATTS}
FULL = {"listVersion": 1, "updateType": "Full"}
ENTRY = {"idTag": "A1", "idTagInfo": {"status": "Accepted"}}
SOON = "2025-03-01T13:00:00Z"


def reserve(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "expiryDate": SOON, "idTag": "A1", "reservationId": 1, **changes}


@pytest.mark.parametrize(
    ("action", "payload", "warning"),
    [
        ("UnlockConnector", {"connectorId": 9}, "The station never reported a connector 9."),
        ("ChangeAvailability", {"connectorId": 9, "type": "Operative"}, "The station never reported a connector 9."),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 9}, "connector 9"),
        ("RemoteStartTransaction", {"idTag": "A1", "connectorId": 2}, "Connector 2 is Charging."),
        ("RemoteStartTransaction", {"idTag": "A1", "chargingProfile": TX}, "does not support smart charging"),
        ("RemoteStopTransaction", {"transactionId": 4711}, "The station never told of a transaction 4711."),
        ("GetConfiguration", {"key": ["A", "B"]}, "The station takes 1 keys at a time."),
        ("UpdateFirmware", {"location": "gopher://x", "retrieveDate": SOON}, "`gopher://x` is no FTP or HTTP address."),
        ("UpdateFirmware", {"location": "https://x", "retrieveDate": SOON}, "by FTP, HTTP, not by HTTPS"),
        ("GetDiagnostics", {"location": "ftps://x"}, "not by FTPS"),
        (
            "GetLog",
            {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "https://x"}},
            "not by HTTPS",
        ),
        (
            "SendLocalList",
            {**FULL, "localAuthorizationList": [ENTRY, {**ENTRY, "idTag": "B"}]},
            "1 tokens in a message",
        ),
        ("SendLocalList", {**FULL, "localAuthorizationList": [{"idTag": "A1"}]}, "every token needs its idTagInfo"),
        ("ReserveNow", reserve(expiryDate="2025-03-01T12:00:00Z"), "expired before it begins"),
        ("ReserveNow", reserve(connectorId=2), "Connector 2 is Charging."),
        ("ReserveNow", reserve(connectorId=0), "single connectors only"),
        ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": PROFILE}, "limits in Power, not in A"),
        (
            "SetChargingProfile",
            {"connectorId": 0, "csChargingProfiles": profile(stackLevel=4, chargingSchedule=WATTS)},
            "The highest stack level of the station is 3.",
        ),
        (
            "SetChargingProfile",
            {
                "connectorId": 0,
                "csChargingProfiles": profile(
                    chargingSchedule=schedule(
                        chargingSchedulePeriod=[{"startPeriod": 0, "limit": 1}, {"startPeriod": 9, "limit": 2}]
                    )
                ),
            },
            "1 periods in a schedule; these are 2",
        ),
        (
            "SetChargingProfile",
            {"connectorId": 0, "csChargingProfiles": profile(recurrencyKind="Daily", chargingSchedule=WATTS)},
            "recurrencyKind is only for",
        ),
        (
            "SetChargingProfile",
            {"connectorId": 0, "csChargingProfiles": profile(chargingSchedule=schedule(startSchedule=None))},
            "needs a startSchedule",
        ),
        (
            "SetChargingProfile",
            {"connectorId": 0, "csChargingProfiles": profile(chargingProfileKind="Relative", chargingSchedule=WATTS)},
            "has no startSchedule",
        ),
        (
            "SetChargingProfile",
            {
                "connectorId": 0,
                "csChargingProfiles": profile(
                    chargingSchedule=schedule(chargingSchedulePeriod=[{"startPeriod": 5, "limit": 1}])
                ),
            },
            "starts at 0",
        ),
    ],
)
async def test_it_is_warned_about_and_sent(
    node: Node, line: Line, action: str, payload: dict[str, Any], warning: str
) -> None:
    line.will_answer(action, ("GenericError", "no"))
    job = await node.services.commands.send(ORGANISATION, "CP7", action, payload, requested_by="test", wait_s=5)
    assert len(job.warnings) == 1
    assert warning in job.warnings[0]
    assert line.heard[-1] == (action, payload)


async def test_a_closed_transaction_is_warned_about(node: Node, line: Line) -> None:
    started = await line.says(
        "StartTransaction", connectorId=1, idTag="A", meterStart=0, timestamp="2025-03-01T12:34:56Z"
    )
    transaction_id = started["transactionId"]
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=1, timestamp="2025-03-01T12:34:57Z")
    line.will_answer("RemoteStopTransaction", status="Rejected")
    job = await node.services.commands.send(
        ORGANISATION,
        "CP7",
        "RemoteStopTransaction",
        {"transactionId": transaction_id},
        requested_by="test",
        wait_s=5,
    )
    assert job.warnings == (f"Transaction {transaction_id} is closed.",)
    assert job.result == "Rejected"
