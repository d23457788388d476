"""Frames that follow the rules, in both directions (handbook 1.4, 1.5)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.frames import (
    Call,
    CallError,
    CallResult,
    MessageId,
    decode,
    encode_call,
    encode_error,
    encode_payload,
    encode_result,
)
from stationmaster.ocpp.v16 import V16
from stationmaster.ocpp.v16.authorization import AuthorizeResponse, IdTagInfo
from stationmaster.ocpp.v16.provisioning import BootNotificationResponse, ChangeConfigurationRequest, HeartbeatRequest
from stationmaster.ocpp.v16.smart_charging import ChargingSchedulePeriod
from tests.ocpp.messages import PROFILE


def test_a_call() -> None:
    frame = decode('[2,"19223201","Authorize",{"idTag":"AABB"}]')

    assert frame == Call("19223201", "Authorize", b'{"idTag":"AABB"}')


def test_a_call_with_blanks_keeps_its_payload_as_it_was_sent() -> None:
    frame = decode(' [ 2 , "1" , "Authorize" , { "idTag" : "AABB" } ] \n')

    assert frame == Call("1", "Authorize", b'{ "idTag" : "AABB" }')


def test_a_result() -> None:
    assert decode('[3,"19223201",{"status":"Accepted"}]') == CallResult("19223201", b'{"status":"Accepted"}')
    assert decode('[ 3, "19223201", {}]') == CallResult("19223201", b"{}")


def test_an_error() -> None:
    frame = decode('[4,"19223201","NotSupported","no such thing",{"a":1}]')

    assert frame == CallError("19223201", "NotSupported", "no such thing", b'{"a":1}')


def test_what_we_send_is_compact_and_in_the_order_of_the_tables() -> None:
    boot = BootNotificationResponse(interval=300, current_time="2025-03-01T12:34:56.789Z", status="Accepted")

    assert encode_result("7", boot) == (
        '[3,"7",{"status":"Accepted","currentTime":"2025-03-01T12:34:56.789Z","interval":300}]'
    )
    assert encode_call("8", "Heartbeat", HeartbeatRequest()) == '[2,"8","Heartbeat",{}]'


def test_an_absent_field_is_left_out_and_an_empty_text_is_not() -> None:
    info = AuthorizeResponse(id_tag_info=IdTagInfo(status="Invalid"))

    assert encode_result("7", info) == '[3,"7",{"idTagInfo":{"status":"Invalid"}}]'
    assert encode_payload(ChangeConfigurationRequest(key="AllowedTags", value="")) == '{"key":"AllowedTags","value":""}'


def test_a_payload_of_ones_own_goes_out_unseen() -> None:
    assert encode_call("8", "Heartbeat", b'{"odd":1}') == '[2,"8","Heartbeat",{"odd":1}]'


@pytest.mark.parametrize(
    ("limit", "written"),
    [
        ("16", "16"),
        ("6.0", "6.0"),
        ("7.5", "7.5"),
        ("16.00", "16"),
        ("8.10", "8.1"),
        ("1E+1", "10"),
        ("0.1", "0.1"),
        ("-3.3", "-3.3"),
        ("999999999999.9", "999999999999.9"),
    ],
)
def test_a_limit_is_exact_and_has_at_most_one_digit(limit: str, written: str) -> None:
    period = ChargingSchedulePeriod(start_period=0, limit=Decimal(limit))

    assert encode_payload(period) == f'{{"startPeriod":0,"limit":{written}}}'


@given(st.integers(-(10**13) + 1, 10**13 - 1))
def test_every_tenth_survives_the_way_out_and_in(tenths: int) -> None:
    profile = _profile_with(tenths / 10)

    sent = encode_payload(V16.check_outgoing("SetChargingProfile", profile))

    limit = json.loads(sent, parse_float=Decimal, parse_int=Decimal)["csChargingProfiles"]["chargingSchedule"][
        "chargingSchedulePeriod"
    ][0]["limit"]
    assert limit == Decimal(tenths) / 10


def _profile_with(limit: float) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {"connectorId": 1, "csChargingProfiles": {**PROFILE, "chargingSchedule": schedule}}


@pytest.mark.parametrize(
    "broken",
    [
        ChargingSchedulePeriod(start_period=0, limit=Decimal("7.25")),
        ChargingSchedulePeriod(start_period=0, limit=Decimal("NaN")),
        ChargingSchedulePeriod(start_period=0, limit=Decimal("1E+400")),
        BootNotificationResponse(interval=-1, current_time="2025-03-01T12:34:56Z", status="Accepted"),
        BootNotificationResponse(interval=2**70, current_time="2025-03-01T12:34:56Z", status="Accepted"),
        BootNotificationResponse(interval=1, current_time="now", status="Accepted"),
        BootNotificationResponse(interval=1, current_time="2025-03-01T12:34:56Z", status="Maybe"),  # type: ignore[arg-type]  # what is wrong is the point
        ChangeConfigurationRequest(key="k" * 51, value=""),
        ChangeConfigurationRequest(key="\ud800", value=""),
        ChangeConfigurationRequest(key=None, value=""),  # type: ignore[arg-type]  # what is wrong is the point
        ChangeConfigurationRequest(key=object(), value=""),  # type: ignore[arg-type]  # what is wrong is the point
    ],
)
def test_a_message_of_ours_that_breaks_its_limits_never_leaves(broken: Any) -> None:
    with pytest.raises(OcppError, match="breaks its own limits") as caught:
        encode_result("7", broken)

    assert caught.value.code is ErrorCode.INTERNAL_ERROR


def test_an_error_of_ours_is_short_and_ascii() -> None:
    error = OcppError(ErrorCode.FORMATION_VIOLATION, "größer " + "x" * 300, {"field": "idTag"})

    sent = json.loads(encode_error("7", error))

    assert sent[:3] == [4, "7", "FormationViolation"]
    assert sent[3] == ("gr??er " + "x" * 300)[:255]
    assert sent[4] == {"field": "idTag"}


def test_an_error_without_words_still_has_five_elements() -> None:
    assert encode_error("7", OcppError(ErrorCode.INTERNAL_ERROR)) == '[4,"7","InternalError","",{}]'


def test_details_that_cannot_be_written_are_left_out() -> None:
    error = OcppError(ErrorCode.INTERNAL_ERROR, "", {"field": object()})

    assert encode_error("7", error) == '[4,"7","InternalError","",{}]'


@given(st.text(min_size=1, max_size=36) | st.integers(-(2**63) + 1, 2**63 - 1))
def test_an_id_comes_back_as_it_was_sent(message_id: MessageId) -> None:
    call = decode(json.dumps([2, message_id, "Heartbeat", {}]))
    assert isinstance(call, Call)

    answer = json.loads(encode_result(call.message_id, b"{}"))
    refusal = json.loads(encode_error(call.message_id, OcppError(ErrorCode.GENERIC_ERROR)))

    assert answer[1] == refusal[1] == message_id
    assert type(answer[1]) is type(message_id)


@pytest.mark.parametrize("message_id", ["\ud800", "a\0b", "é漢😀", '"\\'])
def test_even_a_strange_id_comes_back_as_it_was_sent(message_id: str) -> None:
    call = decode(json.dumps([2, message_id, "Heartbeat", {}]))
    assert isinstance(call, Call)

    assert json.loads(encode_result(call.message_id, b"{}"))[1] == message_id
