"""What lenient reading tolerates: handbook 1.9 and the quirks of real stations, row by row.

A row says what a station sends, what is understood, and what is told about it.
"""

import json
from typing import Any

import pytest

from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.oddities import LONGEST_RAW, MOST_DEFECTS, MOST_ODDITIES, OddityKind
from stationmaster.ocpp.protocol import Sender
from stationmaster.ocpp.v16 import V16
from tests.ocpp.messages import BOOT, METER_VALUES, PROFILE, SAMPLE, START, STATUS, STOP, at, from_station, kinds

LONG = "x" * 33
NOON = "2025-03-01T12:34:56Z"
LEAP = "2025-02-30T00:00:00Z"
HUGE = "1e999999999"


def boot(**fields: object) -> dict[str, Any]:
    return {**BOOT, **fields}


def status(**fields: object) -> dict[str, Any]:
    return {**STATUS, **fields}


def start(**fields: object) -> dict[str, Any]:
    return {**START, **fields}


def stop(**fields: object) -> dict[str, Any]:
    return {**STOP, **fields}


def event(**fields: object) -> dict[str, Any]:
    return {"type": "X", **fields}


def values(*samples: object) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": NOON, "sampledValue": list(samples)}]}


def sample(**fields: object) -> dict[str, Any]:
    return values({**SAMPLE, **fields})


def key(**fields: object) -> dict[str, Any]:
    return {"configurationKey": [{"key": "A", "readonly": True, **fields}]}


# What is sent; where; what is understood; what is told about it: the kind, and the value as it was sent.
IN_ANY_MESSAGE = [
    # null and missing fields
    ("BootNotification", boot(iccid=None), "iccid", None, "null_optional", "null"),
    ("BootNotification", {"chargePointModel": "One"}, "chargePointVendor", "", "missing_field", ""),
    ("BootNotification", boot(chargePointModel=None), "chargePointModel", "", "missing_field", "null"),
    # over-long texts are kept whole
    ("BootNotification", boot(meterSerialNumber=LONG), "meterSerialNumber", LONG, "long_text", LONG),
    ("Authorize", {"idTag": LONG}, "idTag", LONG, "long_text", LONG),
    # wrong JSON types
    ("StatusNotification", status(connectorId="1"), "connectorId", 1, "number_as_text", "1"),
    ("StatusNotification", status(connectorId=" 1.0 "), "connectorId", 1, "number_as_text", " 1.0 "),
    ("StatusNotification", status(connectorId=1.0), "connectorId", 1, "fraction_for_integer", "1.0"),
    ("Authorize", {"idTag": 1234}, "idTag", "1234", "text_as_number", "1234"),
    ("Authorize", '{"idTag":12.50}', "idTag", "12.50", "text_as_number", "12.50"),
    ("StatusNotification", status(info=True), "info", "true", "text_as_boolean", "true"),
    # characters
    ("Authorize", {"idTag": "AA\0BB\x1f"}, "idTag", "AABB", "control_characters", "AA\\x00BB\\x1f"),
    ("Authorize", '{"idTag":"AA\0BB"}', "idTag", "AABB", "control_characters", "AA\\x00BB"),
    ("Authorize", '{"idTag":"AA\\ud800"}', "idTag", "AA\ufffd", "control_characters", "AA\\ud800"),
    # enumerations
    ("StatusNotification", status(status="Available "), "status", "Available", "padded_text", "Available "),
    ("StatusNotification", status(errorCode="Error"), "errorCode", "OtherError", "unknown_enum", "Error"),
    ("StatusNotification", status(errorCode="NoError\0"), "errorCode", "NoError", "control_characters", "NoError\\x00"),
    # timestamps
    ("StatusNotification", status(timestamp="yesterday"), "timestamp", None, "bad_timestamp", "yesterday"),
    ("StatusNotification", status(timestamp=1740832496), "timestamp", None, "bad_timestamp", "1740832496"),
    ("StatusNotification", status(timestamp=f" {NOON}\n"), "timestamp", NOON, "padded_text", f" {NOON}\\n"),
    ("SecurityEventNotification", event(timestamp="?"), "timestamp", None, "bad_timestamp", "?"),
    ("SecurityEventNotification", event(), "timestamp", None, "missing_field", ""),
]


@pytest.mark.parametrize(("action", "payload", "path", "value", "kind", "raw"), IN_ANY_MESSAGE)
def test_in_any_message(action: str, payload: Any, path: str, value: object, kind: str, raw: str) -> None:
    read = from_station(action, payload)

    assert at(read.value, path) == value
    assert kinds(read) == [(kind, path, raw)]


VALUE, FIRST = "meterValue[0]", "meterValue[0].sampledValue[0]"
IN_TRANSACTION_MESSAGES = [
    # numbers
    ("StartTransaction", start(meterStart="1000"), "meterStart", 1000, "number_as_text", "1000"),
    ("StartTransaction", start(meterStart=12.0), "meterStart", 12, "fraction_for_integer", "12.0"),
    ("StartTransaction", start(meterStart=12.6), "meterStart", 13, "fraction_for_integer", "12.6"),
    ("StartTransaction", start(meterStart=12.5), "meterStart", 13, "fraction_for_integer", "12.5"),
    ("StartTransaction", start(meterStart="12.6"), "meterStart", 13, "number_as_text", "12.6"),
    ("StartTransaction", start(connectorId=1.0), "connectorId", 1, "fraction_for_integer", "1.0"),
    ("StartTransaction", start(connectorId=0), "connectorId", 0, "out_of_range", "0"),
    ("StartTransaction", start(connectorId=-5), "connectorId", -5, "out_of_range", "-5"),
    ("StopTransaction", stop(transactionId="7"), "transactionId", 7, "number_as_text", "7"),
    # unreadable and missing values become None
    ("StartTransaction", start(meterStart=None), "meterStart", None, "missing_field", "null"),
    ("StartTransaction", start(meterStart="n/a"), "meterStart", None, "unreadable_value", "n/a"),
    ("StartTransaction", start(meterStart=""), "meterStart", None, "unreadable_value", ""),
    ("StartTransaction", start(meterStart=True), "meterStart", None, "unreadable_value", "true"),
    ("StartTransaction", start(meterStart=2**70), "meterStart", None, "unreadable_value", str(2**70)),
    ("StartTransaction", json.dumps(START).replace("1000", HUGE), "meterStart", None, "unreadable_value", HUGE),
    ("StopTransaction", {"transactionId": 7, "timestamp": NOON}, "meterStop", None, "missing_field", ""),
    ("StartTransaction", start(timestamp="now"), "timestamp", None, "bad_timestamp", "now"),
    ("StartTransaction", start(timestamp=LEAP), "timestamp", None, "bad_timestamp", LEAP),
    ("StartTransaction", start(timestamp=None), "timestamp", None, "missing_field", "null"),
    ("StartTransaction", start(reservationId="none"), "reservationId", None, "unreadable_value", "none"),
    ("StopTransaction", stop(transactionData="none"), "transactionData", None, "unreadable_value", "none"),
    # tokens
    ("StartTransaction", start(idTag=LONG), "idTag", LONG, "long_text", LONG),
    ("StartTransaction", start(idTag=None), "idTag", None, "missing_field", "null"),
    ("StartTransaction", start(idTag=["AA"]), "idTag", None, "unreadable_value", '["AA"]'),
    # reasons
    ("StopTransaction", stop(reason="Bored"), "reason", "Bored", "unknown_enum", "Bored"),
    ("StopTransaction", stop(reason=""), "reason", None, "unreadable_value", ""),
    ("StopTransaction", stop(reason="Local "), "reason", "Local", "padded_text", "Local "),
    # lists of meter values
    ("MeterValues", {"connectorId": 1}, "meterValue", (), "missing_field", ""),
    ("MeterValues", {"connectorId": 1, "meterValue": []}, "meterValue", (), "empty_list", "[]"),
    ("MeterValues", {"connectorId": 1, "meterValue": None}, "meterValue", (), "missing_field", "null"),
    ("MeterValues", {"connectorId": 1, "meterValue": {}}, "meterValue", (), "unreadable_value", "{}"),
    ("MeterValues", {**METER_VALUES, "transactionId": "?"}, "transactionId", None, "unreadable_value", "?"),
    ("MeterValues", values(), f"{VALUE}.sampledValue", (), "empty_list", "[]"),
    # samples
    ("MeterValues", sample(value=12.5), f"{FIRST}.value", "12.5", "text_as_number", "12.5"),
    ("MeterValues", sample(value=None), f"{FIRST}.value", None, "missing_field", "null"),
    ("MeterValues", sample(measurand="Luck"), f"{FIRST}.measurand", "Luck", "unknown_enum", "Luck"),
    ("MeterValues", sample(context="Now"), f"{FIRST}.context", "Now", "unknown_enum", "Now"),
    ("MeterValues", sample(format="Cooked"), f"{FIRST}.format", "Cooked", "unknown_enum", "Cooked"),
    ("MeterValues", sample(phase="L4"), f"{FIRST}.phase", "L4", "unknown_enum", "L4"),
    ("MeterValues", sample(location="Roof"), f"{FIRST}.location", "Roof", "unknown_enum", "Roof"),
    ("MeterValues", sample(unit="furlong"), f"{FIRST}.unit", "furlong", "unknown_enum", "furlong"),
    ("MeterValues", sample(unit="Hz"), f"{FIRST}.unit", "Hertz", "alias", "Hz"),
    ("MeterValues", sample(unit=""), f"{FIRST}.unit", None, "unreadable_value", ""),
    ("MeterValues", sample(unit=5), f"{FIRST}.unit", None, "unreadable_value", "5"),
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("action", "payload", "path", "value", "kind", "raw"), IN_TRANSACTION_MESSAGES)
def test_in_transaction_messages_in_both_modes(
    action: str, payload: Any, path: str, value: object, kind: str, raw: str, strict: bool
) -> None:
    read = from_station(action, payload, strict=strict)

    assert at(read.value, path) == value
    assert kinds(read) == [(kind, path, raw)]


KEY = "configurationKey[0]"
IN_RESPONSES = [
    ("GetConfiguration", key(key="A "), f"{KEY}.key", "A", "padded_text", "A "),
    ("GetConfiguration", key(readonly="True"), f"{KEY}.readonly", True, "boolean_as_text", "True"),
    ("GetConfiguration", key(readonly=0), f"{KEY}.readonly", False, "boolean_as_number", "0"),
    ("GetConfiguration", key(value=None), f"{KEY}.value", None, "null_optional", "null"),
    ("GetConfiguration", key(value="v" * 900), f"{KEY}.value", "v" * 900, "long_text", "v" * LONGEST_RAW),
    ("GetConfiguration", {"unknownKey": [" B"]}, "unknownKey[0]", "B", "padded_text", " B"),
    ("GetConfiguration", {"configurationKey": None}, "configurationKey", None, "null_optional", "null"),
    ("GetLocalListVersion", {"listVersion": "-1"}, "listVersion", -1, "number_as_text", "-1"),
    ("GetDiagnostics", {"fileName": 7}, "fileName", "7", "text_as_number", "7"),
]


@pytest.mark.parametrize(("action", "payload", "path", "value", "kind", "raw"), IN_RESPONSES)
def test_in_responses(action: str, payload: Any, path: str, value: object, kind: str, raw: str) -> None:
    text = json.dumps(payload).encode()

    read = V16.read_response(action, text)

    assert at(read.value, path) == value
    assert kinds(read) == [(kind, path, raw)]
    with pytest.raises(OcppError):
        V16.read_response(action, text, strict=True)


@pytest.mark.parametrize("readonly", ["maybe", "", 2, 1.0, {}, "1"])
def test_not_everything_is_a_truth_value(readonly: object) -> None:
    with pytest.raises(OcppError) as caught:
        V16.read_response("GetConfiguration", json.dumps(key(readonly=readonly)).encode())
    assert caught.value.field == f"{KEY}.readonly"


def test_an_extra_field_is_dropped_and_told() -> None:
    assert kinds(from_station("Heartbeat", {"x": {"y": 1}})) == [("extra_field", "x", '{"y":1}')]


@pytest.mark.parametrize(
    "payload",
    [
        {**STOP, "transactionData": [{"timestamp": NOON, "sampledValue": []}]},
        {**STOP, "transactionData": [{"timestamp": NOON, "sampledValue": [{**SAMPLE, "unit": "Hertz"}]}]},
        {**STOP, "transactionData": [{"timestamp": NOON, "sampledValue": [{**SAMPLE, "unit": "Celcius"}]}]},
        {**STOP, "transactionId": -1},
        {**STOP, "transactionId": 0},
        {**STOP, "transactionId": 2**40},
        {**STOP, "meterStop": -5},
    ],
)
def test_what_is_no_oddity_at_all(payload: Any) -> None:
    assert from_station("StopTransaction", payload, strict=True).oddities == ()


def test_a_phase_at_the_end_of_a_measurand_is_put_where_it_belongs() -> None:
    read = from_station("MeterValues", values({"value": "1", "measurand": "Voltage.L1-N"}))

    assert at(read.value, f"{FIRST}.measurand") == "Voltage"
    assert at(read.value, f"{FIRST}.phase") == "L1-N"
    assert kinds(read) == [("alias", f"{FIRST}.measurand", "Voltage.L1-N")]


@pytest.mark.parametrize(
    "odd", [{"measurand": "Luck.L1"}, {"measurand": "Voltage.L9"}, {"measurand": "Voltage.L1", "phase": "L2"}]
)
def test_a_measurand_that_merely_looks_like_one_with_a_phase_is_kept(odd: dict[str, str]) -> None:
    read = from_station("MeterValues", values({"value": "1", **odd}))

    assert at(read.value, f"{FIRST}.measurand") == odd["measurand"]
    assert kinds(read) == [("unknown_enum", f"{FIRST}.measurand", odd["measurand"])]


def test_one_bad_sample_does_not_spoil_the_others() -> None:
    payload = values(SAMPLE, 5, {**SAMPLE, "value": [1]}, {**SAMPLE, "unit": "parsec"}, SAMPLE)
    payload["meterValue"] += ["x", {"timestamp": NOON, "sampledValue": [SAMPLE]}, {"timestamp": NOON}]

    read = from_station("MeterValues", payload)

    samples = at(read.value, "meterValue[0].sampledValue")
    assert [sampled.value for sampled in samples] == ["1234.5", None, "1234.5", "1234.5"]
    assert [len(value.sampled_value) for value in at(read.value, "meterValue")] == [4, 1, 0]
    assert kinds(read) == [
        ("unreadable_value", "meterValue[0].sampledValue[1]", "5"),
        ("unreadable_value", "meterValue[0].sampledValue[2].value", "[1]"),
        ("unknown_enum", "meterValue[0].sampledValue[3].unit", "parsec"),
        ("unreadable_value", "meterValue[1]", "x"),
        ("missing_field", "meterValue[3].sampledValue", ""),
    ]


def test_the_path_is_right_again_after_a_value_that_was_given_up_deep_inside() -> None:
    broken = {**STOP, "transactionData": [{"timestamp": NOON, "sampledValue": [{"value": {}}]}], "extra": 1}

    assert kinds(from_station("StopTransaction", broken)) == [
        ("unreadable_value", "transactionData[0].sampledValue[0].value", "{}"),
        ("extra_field", "extra", "1"),
    ]


@pytest.mark.parametrize(
    ("limit", "value", "kind"),
    [("16.666", "16.7", "long_fraction"), ("6.000000001", "6.0", "long_fraction"), ('"16"', "16", "number_as_text")],
)
def test_a_station_may_be_sloppy_about_limits(limit: str, value: str, kind: str) -> None:
    period = f'{{"startPeriod":0,"limit":{limit}}}'
    schedule = f'{{"chargingRateUnit":"A","chargingSchedulePeriod":[{period}]}}'

    read = V16.read_response("GetCompositeSchedule", f'{{"status":"Accepted","chargingSchedule":{schedule}}}'.encode())

    assert str(at(read.value, "chargingSchedule.chargingSchedulePeriod[0].limit")) == value
    assert [oddity.kind for oddity in read.oddities] == [kind]


def test_the_list_of_oddities_is_closed_and_every_one_of_them_occurs() -> None:
    rows = (*IN_ANY_MESSAGE, *IN_TRANSACTION_MESSAGES, *IN_RESPONSES)
    seen = {row[4] for row in rows} | {"extra_field", "long_fraction"}

    assert seen == {kind.value for kind in OddityKind}


def test_a_message_reports_a_bounded_number_of_oddities() -> None:
    odd = [{**SAMPLE, "unit": "parsec"}] * (MOST_ODDITIES + 50)

    read = from_station("MeterValues", values(*odd))

    assert len(read.oddities) == MOST_ODDITIES
    assert len(at(read.value, "meterValue[0].sampledValue")) == MOST_ODDITIES + 50


@pytest.mark.parametrize(
    "payload",
    [
        {"connectorId": 1, "meterValue": [{}] * 200_000},
        {"connectorId": 1, "meterValue": list(range(200_000))},
        {"connectorId": 1, **{f"x{number}": number for number in range(MOST_DEFECTS + 1)}},
    ],
    ids=["empty objects", "numbers", "extra fields"],
)
def test_a_message_made_of_defects_is_refused(payload: Any) -> None:
    with pytest.raises(OcppError, match=f"more than {MOST_DEFECTS} defects"):
        from_station("MeterValues", payload)


def test_a_message_of_many_good_samples_is_read_whole() -> None:
    payload = {**STOP, "transactionData": [{"timestamp": NOON, "sampledValue": [SAMPLE] * 10}] * 600}
    assert len(json.dumps(payload)) > 400_000

    read = from_station("StopTransaction", payload)

    assert read.oddities == ()
    assert len(at(read.value, "transactionData")) == 600


def test_an_oddity_shows_only_the_beginning_of_a_long_value_and_of_a_long_name() -> None:
    read = from_station("Heartbeat", {"n" * 5000: "v" * 5000})

    assert kinds(read) == [("extra_field", "n" * 100, "v" * LONGEST_RAW)]


def test_a_value_that_cannot_be_shown_is_told_without_it() -> None:
    deep = "[" * 900 + "]" * 900

    read = from_station("Heartbeat", f'{{"x":{deep}}}')

    assert read.oddities[0].kind == "extra_field"


def test_a_profile_for_a_station_is_never_mended_in_part() -> None:
    payload = json.dumps({"connectorId": 1, "csChargingProfiles": {**PROFILE, "stackLevel": "high"}}).encode()

    with pytest.raises(OcppError) as caught:
        V16.read_request("SetChargingProfile", payload, Sender.CSMS)
    assert caught.value.field == "csChargingProfiles.stackLevel"
