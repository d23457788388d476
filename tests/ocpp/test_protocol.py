"""The table of actions at work: who may send what, and the codes of handbook 1.8."""

import json
from typing import Any

import pytest

from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.frames import encode_payload
from stationmaster.ocpp.protocol import Sender
from stationmaster.ocpp.v16 import V16
from stationmaster.ocpp.v16.authorization import AuthorizeRequest
from stationmaster.ocpp.v16.provisioning import ChangeConfigurationRequest, GetConfigurationRequest
from tests.ocpp.messages import BOOT, METER_VALUES, PROFILE, START, STATUS, STOP, from_station


def refused(action: str, payload: Any, *, strict: bool = False) -> OcppError:
    with pytest.raises(OcppError) as caught:
        from_station(action, payload, strict=strict)
    return caught.value


@pytest.mark.parametrize("action", ["", "Autorize", "authorize", "Authorize.req", "DataTransfer ", "\0"])
def test_an_unknown_action_is_not_implemented(action: str) -> None:
    assert refused(action, {}).code is ErrorCode.NOT_IMPLEMENTED


@pytest.mark.parametrize("action", [name for name, row in V16.actions.items() if row.sender is Sender.CSMS])
def test_a_station_may_not_send_what_we_send(action: str) -> None:
    assert refused(action, {}).code is ErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize("action", [name for name, row in V16.actions.items() if row.sender is Sender.STATION])
def test_a_station_refuses_what_stations_send(action: str) -> None:
    with pytest.raises(OcppError) as caught:
        V16.read_request(action, b"{}", Sender.CSMS)
    assert caught.value.code is ErrorCode.NOT_SUPPORTED


def test_data_transfer_goes_both_ways() -> None:
    for sender in (Sender.STATION, Sender.CSMS):
        assert V16.read_request("DataTransfer", b'{"vendorId":"x"}', sender).oddities == ()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("action", "payload", "code", "field"),
    [
        ("Authorize", "[]", ErrorCode.FORMATION_VIOLATION, ""),
        ("Authorize", '"AABB"', ErrorCode.FORMATION_VIOLATION, ""),
        ("Authorize", "{not json", ErrorCode.FORMATION_VIOLATION, ""),
        ("Authorize", '{"a":NaN}', ErrorCode.FORMATION_VIOLATION, ""),
        ("Authorize", '{"a":' + "[" * 5000 + "]" * 5000 + "}", ErrorCode.FORMATION_VIOLATION, ""),
        ("MeterValues", "[]", ErrorCode.FORMATION_VIOLATION, ""),
        ("Authorize", "{}", ErrorCode.PROTOCOL_ERROR, "idTag"),
        ("Authorize", "null", ErrorCode.PROTOCOL_ERROR, "idTag"),
        ("StatusNotification", {**STATUS, "connectorId": "one"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("StatusNotification", {**STATUS, "connectorId": True}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("StatusNotification", {**STATUS, "connectorId": 1.5}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("StatusNotification", {**STATUS, "connectorId": [1]}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("StatusNotification", {**STATUS, "connectorId": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("StatusNotification", {**STATUS, "status": 5}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "status"),
        ("StatusNotification", {**STATUS, "info": {}}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "info"),
        ("StatusNotification", {**STATUS, "status": "Busy"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "status"),
        ("StatusNotification", {**STATUS, "status": ""}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "status"),
        ("StatusNotification", {**STATUS, "status": "available"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "status"),
        ("StatusNotification", {**STATUS, "connectorId": -1}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "connectorId"),
        (
            "StatusNotification",
            {**STATUS, "connectorId": 2**31},
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "connectorId",
        ),
        (
            "StatusNotification",
            {**STATUS, "connectorId": 2**70},
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "connectorId",
        ),
        (
            "StatusNotification",
            '{"connectorId":' + "9" * 100_000 + ',"errorCode":"NoError","status":"Available"}',
            ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
            "connectorId",
        ),
    ],
)
def test_a_defect_that_no_mode_tolerates(action: str, payload: Any, code: ErrorCode, field: str, strict: bool) -> None:
    error = refused(action, payload, strict=strict)

    assert (error.code, error.field) == (code, field)
    assert error.description


@pytest.mark.parametrize(
    ("action", "payload", "code", "field"),
    [
        ("Heartbeat", {"extra": 1}, ErrorCode.FORMATION_VIOLATION, "extra"),
        ("BootNotification", {**BOOT, "iccid": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "iccid"),
        ("BootNotification", {"chargePointModel": "x"}, ErrorCode.PROTOCOL_ERROR, "chargePointVendor"),
        ("BootNotification", {**BOOT, "iccid": 8949}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "iccid"),
        ("StatusNotification", {**STATUS, "connectorId": "1"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("StatusNotification", {**STATUS, "connectorId": 1.0}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId"),
        ("Authorize", {"idTag": "x" * 21}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "idTag"),
        ("Authorize", {"idTag": "AA\0"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "idTag"),
        ("Authorize", '{"idTag":"\\ud800"}', ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "idTag"),
        ("StatusNotification", {**STATUS, "timestamp": "now"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "timestamp"),
        ("StatusNotification", {**STATUS, "errorCode": "Error"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "errorCode"),
        ("StatusNotification", {**STATUS, "status": "Available "}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "status"),
        ("SecurityEventNotification", {"type": "x"}, ErrorCode.PROTOCOL_ERROR, "timestamp"),
    ],
)
def test_a_defect_that_only_strict_mode_refuses(action: str, payload: Any, code: ErrorCode, field: str) -> None:
    error = refused(action, payload, strict=True)

    assert (error.code, error.field) == (code, field)
    assert from_station(action, payload).oddities != ()


@pytest.mark.parametrize("connector_id", [-1, 2**31, 2**63, 2**70])
def test_a_number_out_of_range_is_a_property_violation(connector_id: int) -> None:
    error = refused("StatusNotification", {**STATUS, "connectorId": connector_id})

    assert (error.code, error.field) == (ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "connectorId")


def test_an_empty_list_that_must_not_be_empty_is_an_occurrence_violation() -> None:
    payload = b'{"status":"Accepted","certificateHashData":[]}'

    with pytest.raises(OcppError) as caught:
        V16.read_response("GetInstalledCertificateIds", payload, strict=True)
    assert caught.value.code is ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION
    assert V16.read_response("GetInstalledCertificateIds", payload).oddities[0].kind == "empty_list"


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("StartTransaction", {k: v for k, v in START.items() if k != "connectorId"}, ErrorCode.PROTOCOL_ERROR),
        ("StartTransaction", {**START, "connectorId": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ("StartTransaction", {**START, "connectorId": "left"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ("StartTransaction", {**START, "connectorId": 2**70}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        ("StopTransaction", {k: v for k, v in STOP.items() if k != "transactionId"}, ErrorCode.PROTOCOL_ERROR),
        ("StopTransaction", {**STOP, "transactionId": "?"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ("MeterValues", {"meterValue": METER_VALUES["meterValue"]}, ErrorCode.PROTOCOL_ERROR),
    ],
)
def test_only_an_unreadable_connector_or_transaction_id_makes_us_refuse_a_transaction_message(
    action: str, payload: Any, code: ErrorCode, strict: bool
) -> None:
    assert refused(action, payload, strict=strict).code is code


def test_a_null_payload_is_an_empty_one() -> None:
    assert from_station("Heartbeat", "null", strict=True) == from_station("Heartbeat", "{}", strict=True)


def test_of_a_member_that_is_given_twice_the_last_one_counts() -> None:
    assert from_station("Authorize", '{"idTag":"first","idTag":"last"}').value == AuthorizeRequest(id_tag="last")


def test_a_response_is_read_by_its_action() -> None:
    assert V16.read_response("Reset", b'{"status":"Accepted"}').oddities == ()
    with pytest.raises(OcppError) as caught:
        V16.read_response("Reset", b'{"status":"Unlocked"}')
    assert caught.value.code is ErrorCode.PROPERTY_CONSTRAINT_VIOLATION


def test_a_response_to_an_unknown_action_is_refused() -> None:
    with pytest.raises(OcppError) as caught:
        V16.read_response("Autorize", b"{}")
    assert caught.value.code is ErrorCode.NOT_IMPLEMENTED


def test_a_request_of_ours_keeps_exactly_what_was_given() -> None:
    assert V16.check_outgoing("GetConfiguration", {}) == GetConfigurationRequest(key=None)
    assert V16.check_outgoing("GetConfiguration", {"key": []}) == GetConfigurationRequest(key=())
    emptied = V16.check_outgoing("ChangeConfiguration", {"key": "AllowedTags", "value": ""})
    assert emptied == ChangeConfigurationRequest(key="AllowedTags", value="")


@pytest.mark.parametrize(
    ("action", "payload", "code", "description"),
    [
        ("Fly", {}, ErrorCode.NOT_IMPLEMENTED, "the action is not known"),
        ("Reset", [], ErrorCode.FORMATION_VIOLATION, "the payload is not a JSON object"),
        ("Reset", {}, ErrorCode.PROTOCOL_ERROR, "type is missing"),
        ("Reset", {"type": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "type is null"),
        ("Reset", {"type": "hard"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "type is not one of the values"),
        ("Reset", {"type": "Hard", "now": True}, ErrorCode.FORMATION_VIOLATION, "now is not a field of this message"),
        ("GetConfiguration", {"key": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "key is null; leave the field out"),
        ("GetConfiguration", {"key": [5]}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, r"key\[0\] is not a text"),
        ("GetConfiguration", {"key": "a"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "key is not a list"),
        ("UnlockConnector", {"connectorId": 0}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "connectorId is not within 1"),
        ("UnlockConnector", {"connectorId": 1.0}, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "connectorId is not an integer"),
        ("UnlockConnector", {"connectorId": 2**31}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "is not within"),
        ("ReserveNow", {"connectorId": 0, "expiryDate": "soon"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "ISO 8601"),
        ("GetDiagnostics", {"location": "my computer"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "is not a URI"),
        ("DataTransfer", {"vendorId": "\ud800"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "control characters"),
    ],
)
def test_a_request_of_ours_that_breaks_a_limit_is_told_in_words(
    action: str, payload: object, code: ErrorCode, description: str
) -> None:
    with pytest.raises(OcppError, match=description) as caught:
        V16.check_outgoing(action, payload)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStopTransaction", {"transactionId": -1}),
        ("RemoteStopTransaction", {"transactionId": 0}),
        ("CancelReservation", {"reservationId": -5}),
        ("ClearChargingProfile", {"id": -1, "stackLevel": -1, "connectorId": 0}),
        ("SendLocalList", {"listVersion": 0, "updateType": "Full"}),
        ("UnlockConnector", {"connectorId": 99}),
        ("ChangeConfiguration", {"key": " no such key ", "value": "\t"}),
        ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": {**PROFILE, "stackLevel": -1}}),
    ],
)
def test_what_a_station_should_judge_itself_may_be_sent(action: str, payload: dict[str, object]) -> None:
    assert json.loads(encode_payload(V16.check_outgoing(action, payload))) == payload


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        (7.25, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (6.000000001, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (float("nan"), ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (float("inf"), ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (10**12, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        pytest.param(10**5000, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, id="5001 digits"),
        ("8.1", ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ("much", ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        (True, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ([], ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        (None, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
    ],
)
def test_a_limit_of_ours_must_be_a_number_of_tenths(limit: object, code: ErrorCode) -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}

    with pytest.raises(OcppError) as caught:
        V16.check_outgoing(
            "SetChargingProfile",
            {"connectorId": 1, "csChargingProfiles": {**PROFILE, "chargingSchedule": schedule}},
        )
    assert caught.value.code is code
    assert caught.value.field == "csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit"


def test_a_schedule_of_ours_has_a_period_and_a_stations_may_have_none() -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": []}

    with pytest.raises(OcppError) as caught:
        V16.check_outgoing(
            "SetChargingProfile",
            {"connectorId": 1, "csChargingProfiles": {**PROFILE, "chargingSchedule": schedule}},
        )
    assert caught.value.code is ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION
    answer = b'{"status":"Accepted","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[]}}'
    assert V16.read_response("GetCompositeSchedule", answer, strict=True).oddities == ()


def test_a_transaction_message_that_we_send_is_held_to_the_rules() -> None:
    with pytest.raises(OcppError) as caught:
        V16.check_outgoing("StartTransaction", {**START, "meterStart": None})
    assert caught.value.code is ErrorCode.TYPE_CONSTRAINT_VIOLATION
    with pytest.raises(OcppError) as caught:
        V16.check_outgoing("StopTransaction", {**STOP, "transactionData": [{"timestamp": "x", "sampledValue": []}]})
    assert caught.value.field == "transactionData[0].timestamp"
