"""Every command of OCPP 1.6 in each of its outcomes: what goes over the line, and what becomes of the job."""

import json
from typing import Any

import pytest

from stationmaster.actions.v16 import CALLS, COMMANDS
from stationmaster.domain.errors import Conflict, Invalid, NotFound, Offline
from stationmaster.domain.jobs import Job
from stationmaster.ocpp.protocol import Sender
from stationmaster.ocpp.v16 import V16
from tests.actions.line import SILENCE, Line, connect
from tests.services.node import ORGANISATION, Node, until

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {
        "startSchedule": "2025-03-01T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}],
    },
}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1"}
FIRMWARE = {
    "location": "https://files.example/f",
    "retrieveDateTime": "2025-03-01T12:00:00Z",
    "signingCertificate": "PEM",
    "signature": "c2ln",
}

OUTCOMES: list[tuple[str, dict[str, Any], dict[str, Any], str, str | None]] = [
    ("CancelReservation", {"reservationId": 1}, {"status": "Accepted"}, "done", "Accepted"),
    ("CancelReservation", {"reservationId": 1}, {"status": "Rejected"}, "done", "Rejected"),
    ("CertificateSigned", {"certificateChain": "PEM"}, {"status": "Accepted"}, "done", "Accepted"),
    ("CertificateSigned", {"certificateChain": "PEM"}, {"status": "Rejected"}, "done", "Rejected"),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}, {"status": "Scheduled"}, "done", "Scheduled"),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}, {"status": "Rejected"}, "done", "Rejected"),
    ("ChangeConfiguration", {"key": "X", "value": ""}, {"status": "Accepted"}, "done", "Accepted"),
    ("ChangeConfiguration", {"key": "X", "value": "1"}, {"status": "RebootRequired"}, "done", "RebootRequired"),
    ("ChangeConfiguration", {"key": "X", "value": "1"}, {"status": "Rejected"}, "done", "Rejected"),
    ("ChangeConfiguration", {"key": "X", "value": "1"}, {"status": "NotSupported"}, "done", "NotSupported"),
    ("ClearCache", {}, {"status": "Accepted"}, "done", "Accepted"),
    ("ClearCache", {}, {"status": "Rejected"}, "done", "Rejected"),
    ("ClearChargingProfile", {}, {"status": "Accepted"}, "done", "Accepted"),
    ("ClearChargingProfile", {"id": 7}, {"status": "Unknown"}, "done", "Unknown"),
    (
        "ClearChargingProfile",
        {"connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 0},
        {"status": "Accepted"},
        "done",
        "Accepted",
    ),
    ("DataTransfer", {"vendorId": "de.volt"}, {"status": "UnknownVendorId"}, "done", "UnknownVendorId"),
    (
        "DataTransfer",
        {"vendorId": "de.volt", "messageId": "m", "data": "d"},
        {"status": "Accepted", "data": "x"},
        "done",
        "Accepted",
    ),
    ("DeleteCertificate", {"certificateHashData": HASHES}, {"status": "Accepted"}, "done", "Accepted"),
    ("DeleteCertificate", {"certificateHashData": HASHES}, {"status": "NotFound"}, "done", "NotFound"),
    (
        "ExtendedTriggerMessage",
        {"requestedMessage": "SignChargePointCertificate"},
        {"status": "NotImplemented"},
        "done",
        "NotImplemented",
    ),
    ("ExtendedTriggerMessage", {"requestedMessage": "Heartbeat"}, {"status": "Accepted"}, "done", "Accepted"),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}, {"status": "Rejected"}, "done", "Rejected"),
    (
        "GetCompositeSchedule",
        {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"},
        {"status": "Accepted", "connectorId": 1},
        "done",
        "Accepted",
    ),
    ("GetConfiguration", {}, {"configurationKey": []}, "done", None),
    ("GetConfiguration", {"key": []}, {}, "done", None),
    ("GetDiagnostics", {"location": "ftp://u:p@files/x"}, {}, "done", None),
    ("GetDiagnostics", {"location": "ftp://files/x"}, {"fileName": "d.zip"}, "waiting", None),
    (
        "GetInstalledCertificateIds",
        {"certificateType": "CentralSystemRootCertificate"},
        {"status": "NotFound"},
        "done",
        "NotFound",
    ),
    (
        "GetInstalledCertificateIds",
        {"certificateType": "ManufacturerRootCertificate"},
        {"status": "Accepted", "certificateHashData": [HASHES]},
        "done",
        "Accepted",
    ),
    ("GetLocalListVersion", {}, {"listVersion": -1}, "done", None),
    (
        "GetLog",
        {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": "https://f/x"}},
        {"status": "Accepted", "filename": "l"},
        "waiting",
        "Accepted",
    ),
    (
        "GetLog",
        {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": "https://f/x"}},
        {"status": "Rejected"},
        "done",
        "Rejected",
    ),
    (
        "InstallCertificate",
        {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"},
        {"status": "Failed"},
        "done",
        "Failed",
    ),
    (
        "InstallCertificate",
        {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"},
        {"status": "Accepted"},
        "done",
        "Accepted",
    ),
    ("RemoteStartTransaction", {"idTag": "A1"}, {"status": "Accepted"}, "waiting", "Accepted"),
    ("RemoteStartTransaction", {"idTag": "A1", "connectorId": 1}, {"status": "Rejected"}, "done", "Rejected"),
    ("RemoteStopTransaction", {"transactionId": -7}, {"status": "Accepted"}, "waiting", "Accepted"),
    ("RemoteStopTransaction", {"transactionId": 4711}, {"status": "Rejected"}, "done", "Rejected"),
    (
        "ReserveNow",
        {"connectorId": 0, "expiryDate": "2025-03-01T13:00:00Z", "idTag": "A1", "reservationId": 1},
        {"status": "Accepted"},
        "done",
        "Accepted",
    ),
    (
        "ReserveNow",
        {
            "connectorId": 1,
            "expiryDate": "2025-03-01T13:00:00Z",
            "idTag": "A1",
            "parentIdTag": "P",
            "reservationId": 1,
        },
        {"status": "Occupied"},
        "done",
        "Occupied",
    ),
    ("Reset", {"type": "Hard"}, {"status": "Accepted"}, "waiting", "Accepted"),
    ("Reset", {"type": "Soft"}, {"status": "Rejected"}, "done", "Rejected"),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full"}, {"status": "Accepted"}, "done", "Accepted"),
    (
        "SendLocalList",
        {"listVersion": 2, "updateType": "Differential", "localAuthorizationList": [{"idTag": "A1"}]},
        {"status": "VersionMismatch"},
        "done",
        "VersionMismatch",
    ),
    (
        "SetChargingProfile",
        {"connectorId": 0, "csChargingProfiles": PROFILE},
        {"status": "Accepted"},
        "done",
        "Accepted",
    ),
    (
        "SetChargingProfile",
        {"connectorId": 0, "csChargingProfiles": PROFILE},
        {"status": "NotSupported"},
        "done",
        "NotSupported",
    ),
    ("SignedUpdateFirmware", {"requestId": 1, "firmware": FIRMWARE}, {"status": "Accepted"}, "waiting", "Accepted"),
    (
        "SignedUpdateFirmware",
        {"requestId": 1, "firmware": FIRMWARE},
        {"status": "InvalidCertificate"},
        "done",
        "InvalidCertificate",
    ),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}, {"status": "Accepted"}, "done", "Accepted"),
    (
        "TriggerMessage",
        {"requestedMessage": "MeterValues", "connectorId": 1},
        {"status": "Rejected"},
        "done",
        "Rejected",
    ),
    ("UnlockConnector", {"connectorId": 99}, {"status": "NotSupported"}, "done", "NotSupported"),
    ("UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"}, "done", "Unlocked"),
    ("UnlockConnector", {"connectorId": 1}, {"status": "UnlockFailed"}, "done", "UnlockFailed"),
    (
        "UpdateFirmware",
        {"location": "https://files.example/f", "retrieveDate": "2025-03-01T12:00:00Z"},
        {},
        "waiting",
        None,
    ),
]


async def send(node: Node, action: str, payload: dict[str, Any], **more: Any) -> Job:
    words: dict[str, Any] = {"requested_by": "test", "wait_s": 5, **more}
    return await node.services.commands.send(ORGANISATION, "CP7", action, payload, **words)


@pytest.mark.parametrize(("action", "payload", "answer", "state", "result"), OUTCOMES)
async def test_what_is_asked_goes_out_as_it_is_and_the_answer_is_kept(
    node: Node, action: str, payload: dict[str, Any], answer: dict[str, Any], state: str, result: str | None
) -> None:
    line = await connect(node)
    line.will_answer(action, answer)
    job = await send(node, action, payload)
    assert line.heard == [(action, payload)]
    assert (job.state, job.result, job.error) == (state, result, None)
    assert json.loads(job.response or "null") == answer
    assert (job.requested_by, job.protocol, job.queued_at, job.sent_at, job.answered_at) == (
        "test",
        "ocpp1.6",
        *[node.clock()] * 3,
    )
    assert (job.finished_at is None) == (state == "waiting")


def test_the_two_tables_are_the_whole_protocol() -> None:
    ours = {Sender.STATION: CALLS.keys(), Sender.CSMS: COMMANDS.keys(), Sender.BOTH: CALLS.keys() & COMMANDS.keys()}
    for action in V16.actions.values():
        assert action.name in ours[action.sender], action.name
    assert CALLS.keys() | COMMANDS.keys() == V16.actions.keys()


def test_every_command_is_asked_here_in_two_outcomes() -> None:
    for action in COMMANDS.keys() - {"GetLocalListVersion", "GetConfiguration", "UpdateFirmware"}:
        assert len({str(row[2]) for row in OUTCOMES if row[0] == action}) >= 2, action


# Ways to end without an answer


async def test_a_callerror_is_a_result(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", ("NotSupported", "no cache here"))
    job = await send(node, "ClearCache", {})
    assert (job.state, job.result, job.response) == ("error", "NotSupported", None)
    assert json.loads(job.error or "") == {"code": "NotSupported", "description": "no cache here", "details": {}}
    node.clock.pass_s(1)
    line.will_answer("ClearCache", status="Accepted")
    again = await send(node, "ClearCache", {})
    assert again.warnings == ("The station answered NotSupported to its last ClearCache.",)
    node.clock.pass_s(1)
    line.will_answer("ClearCache", status="Accepted")
    assert (await send(node, "ClearCache", {})).warnings == ()


async def test_an_answer_that_breaks_the_schema_is_kept_as_it_is(node: Node) -> None:
    line = await connect(node)
    line.will_answer("Reset", status="Perhaps")
    job = await send(node, "Reset", {"type": "Hard"})
    assert job.state == "invalid_response"
    assert json.loads(job.response or "") == {"status": "Perhaps"}
    assert json.loads(job.error or "")["code"] == "PropertyConstraintViolation"


async def test_no_answer_in_time(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", SILENCE)
    job = await send(node, "ClearCache", {}, wait_s=0, timeout_s=7)
    await _comes_to(node, job, "sent")
    line.passes_s(6.9)
    await node.storage.check()
    assert (await _job(node, job)).state == "sent"
    line.passes_s(0.2)
    ended = await _comes_to(node, job, "timeout")
    assert json.loads(ended.error or "")["description"] == "no answer within 7 s"


async def test_the_connection_ends_before_the_answer(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", SILENCE)
    first, second = await send(node, "ClearCache", {}, wait_s=0), await send(node, "GetConfiguration", {}, wait_s=0)
    await _comes_to(node, first, "sent")
    line.hangs_up()
    for job, code in ((first, "outcome_unknown"), (second, "not_sent")):
        assert json.loads((await _comes_to(node, job, "not_delivered")).error or "")["code"] == code


async def test_a_command_that_waits_too_long_expires_unsent(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", SILENCE)
    await send(node, "ClearCache", {}, wait_s=0, timeout_s=600)
    late = await send(node, "Reset", {"type": "Hard"}, wait_s=0, expires_at=node.clock() + 10_000_000)
    line.passes_s(11)
    await _comes_to(node, late, "expired")
    assert [action for action, _ in line.heard] == ["ClearCache"]


async def test_one_at_a_time_in_order(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", SILENCE)
    await send(node, "ClearCache", {}, wait_s=0)
    line.will_answer("UnlockConnector", status="Unlocked")
    later = await send(node, "UnlockConnector", {"connectorId": 1}, wait_s=0)
    await node.storage.check()
    assert [action for action, _ in line.heard] == ["ClearCache"]
    assert (await _job(node, later)).state == "queued"
    line.passes_s(31)
    await _comes_to(node, later, "done")


# Refused before a byte is written


@pytest.mark.parametrize(
    ("action", "payload", "field"),
    [
        ("Reset", {}, "type"),
        ("Reset", {"type": "Medium"}, "type"),
        ("UnlockConnector", {"connectorId": 1, "force": True}, "force"),
        ("UnlockConnector", {"connectorId": 0}, "connectorId"),
        ("ChangeConfiguration", {"key": "X", "value": 60}, "value"),
        ("RemoteStartTransaction", {"idTag": "x" * 21}, "idTag"),
        (
            "SetChargingProfile",
            {
                "connectorId": 0,
                "csChargingProfiles": {
                    **PROFILE,
                    "chargingSchedule": {
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.15}],
                    },
                },
            },
            "csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit",
        ),
    ],
)
async def test_a_payload_that_breaks_the_schema_is_not_sent(
    node: Node, action: str, payload: dict[str, Any], field: str
) -> None:
    line = await connect(node)
    with pytest.raises(Invalid) as refused:
        await send(node, action, payload)
    assert refused.value.code == "payload_invalid"
    assert [each["field"] for each in refused.value.fields] == [field]
    assert line.heard == []
    assert (await node.storage.jobs.find(ORGANISATION)).items == []


@pytest.mark.parametrize("action", ["Heartbeat", "reset", "Teleport", ""])
async def test_an_action_that_stations_do_not_take(node: Node, action: str) -> None:
    await connect(node)
    with pytest.raises(NotFound) as refused:
        await send(node, action, {})
    assert refused.value.code == "unknown_action"


async def test_a_station_that_is_not_connected(node: Node) -> None:
    await node.station()
    with pytest.raises(Offline) as refused:
        await send(node, "Reset", {"type": "Hard"})
    assert refused.value.code == "station_offline"
    assert (await node.storage.jobs.find(ORGANISATION)).items == []


async def test_a_station_of_nobody_or_of_another_organisation(node: Node) -> None:
    await connect(node)
    with pytest.raises(NotFound):
        await node.services.commands.send("o2", "CP7", "Reset", {"type": "Hard"}, requested_by="x", wait_s=0)
    with pytest.raises(NotFound):
        await node.services.commands.send(ORGANISATION, "CP9", "Reset", {}, requested_by="x", wait_s=0)


TX_PROFILE = {**PROFILE, "chargingProfilePurpose": "TxProfile"}


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("SendLocalList", {"listVersion": 0, "updateType": "Full"}),
        ("SendLocalList", {"listVersion": -1, "updateType": "Full"}),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("ExtendedTriggerMessage", {"requestedMessage": "BootNotification"}),
        ("ChangeConfiguration", {"key": "securityprofile", "value": "1"}),
        *(
            ("ChangeConfiguration", {"key": "SecurityProfile", "value": value})
            for value in ("0", " 1", "+1", "01", "-1", "-0")
        ),
        ("RemoteStartTransaction", {"idTag": "A1", "chargingProfile": PROFILE}),
        ("RemoteStartTransaction", {"idTag": "A1", "chargingProfile": {**TX_PROFILE, "transactionId": 1}}),
        ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": TX_PROFILE}),
        ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": {**TX_PROFILE, "transactionId": 1}}),
        (
            "SetChargingProfile",
            {"connectorId": 1, "csChargingProfiles": {**PROFILE, "chargingProfilePurpose": "ChargePointMaxProfile"}},
        ),
    ],
)
async def test_a_hard_block_stops_a_command(node: Node, action: str, payload: dict[str, Any]) -> None:
    line = await connect(node, security_profile=1)
    await _boot(line)
    with pytest.raises(Conflict) as refused:
        await send(node, action, payload)
    assert refused.value.code == "blocked"
    assert line.heard == []
    assert (await node.storage.jobs.find(ORGANISATION)).items == []


@pytest.mark.parametrize(
    ("state", "action", "payload", "goes"),
    [
        ("Pending", "RemoteStartTransaction", {"idTag": "A1"}, False),
        ("Pending", "RemoteStopTransaction", {"transactionId": 1}, False),
        ("Pending", "GetConfiguration", {}, True),
        ("Pending", "TriggerMessage", {"requestedMessage": "BootNotification"}, True),
        ("Rejected", "GetConfiguration", {}, False),
    ],
)
async def test_what_a_station_that_is_not_accepted_may_be_asked(
    node: Node, state: str, action: str, payload: dict[str, Any], goes: bool
) -> None:
    line = await connect(node, operator_state=state)
    await _boot(line)
    line.will_answer(action, {"status": "Accepted"} if action == "TriggerMessage" else {})
    if goes:
        assert (await send(node, action, payload)).state == "done"
    else:
        with pytest.raises(Conflict, match=state):
            await send(node, action, payload)


@pytest.mark.parametrize("transaction_id", [0, -1, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)])
async def test_a_stop_is_sent_with_any_integer(node: Node, transaction_id: int) -> None:
    """As it was given, also one that no central system has allotted (§3.3.11)."""
    line = await connect(node)
    await _boot(line)
    for status, state in (("Rejected", "done"), ("Accepted", "waiting")):
        line.will_answer("RemoteStopTransaction", status=status)
        job = await send(node, "RemoteStopTransaction", {"transactionId": transaction_id})
        assert (job.state, job.result) == (state, status)
        assert line.heard[-1] == ("RemoteStopTransaction", {"transactionId": transaction_id})


@pytest.mark.parametrize("transaction_id", [2**63, -(2**63) - 1, 1.5, "1", True])
async def test_what_is_no_integer_of_64_bits_stops_nothing(node: Node, transaction_id: Any) -> None:
    line = await connect(node)
    await _boot(line)
    with pytest.raises(Invalid):
        await send(node, "RemoteStopTransaction", {"transactionId": transaction_id})
    assert line.heard == []


async def test_a_test_may_force_the_profile_down_and_nothing_else(node: Node) -> None:
    line = await connect(node, security_profile=1)
    line.will_answer("ChangeConfiguration", status="Rejected")
    job = await send(node, "ChangeConfiguration", {"key": "SecurityProfile", "value": "0"}, force=True)
    assert job.result == "Rejected"
    with pytest.raises(Conflict):
        await send(node, "SendLocalList", {"listVersion": 0, "updateType": "Full"}, force=True)


@pytest.mark.parametrize("wrong", [{"wait_s": -1}, {"wait_s": 601}, {"timeout_s": 0.5}, {"timeout_s": 601}])
async def test_figures_out_of_range(node: Node, wrong: dict[str, float]) -> None:
    await connect(node)
    with pytest.raises(Invalid, match="seconds"):
        await send(node, "ClearCache", {}, **wrong)


async def _boot(line: Line) -> None:
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")


async def _job(node: Node, job: Job) -> Job:
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    return found


async def _comes_to(node: Node, job: Job, state: str) -> Job:
    async def arrived() -> bool:
        return (await _job(node, job)).state == state

    await until(arrived)
    return await _job(node, job)
