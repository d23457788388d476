"""Bad input on the wire (handbook §1.9, RELIABILITY D-03 to D-05), against a running node on either database.

Whatever a station sends: it gets exactly the answer described and is served on, its neighbour notices nothing, and
the store holds the whole of a message or nothing of it.
"""

import asyncio
from typing import Any

import pytest

from stationmaster.session.readable import SHOWN_BYTES
from tests.gateway.conftest import basic
from tests.gateway.raw import BINARY, CONTINUATION, RawStation, frame, upgrade
from tests.walks.raw_stations import entered, logged, served, stored
from tests.walks.running import PASSWORD, Api, NodeProcess

LIMIT_BYTES = 1_048_576
NOON = "2026-03-01T12:00:00Z"
START = {"connectorId": 1, "idTag": "NOBODY", "meterStart": 100, "timestamp": NOON}


# What can be answered with nothing at all


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{}",
        "null",
        "[]",
        "[2]",
        "[3]",
        "[4]",
        '[2,"1","Heartbeat",',
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "9" * 100_000,
        '[2,"1","StatusNotification",{"connectorId":NaN,"errorCode":"NoError","status":"Available"}]',
        '[2,"1","StatusNotification",{"connectorId":,"errorCode":"NoError","status":"Available"}]',
        '[1,"1","Heartbeat",{}]',
        '[5,"1","Heartbeat",{}]',
        '["2","1","Heartbeat",{}]',
        '[2.5,"1","Heartbeat",{}]',
        '[1180591620717411303424,"1","Heartbeat",{}]',
        '[3,"never asked",{}]',
        '[4,"never asked","GenericError","",{}]',
        '[4,"never asked"]',
        "",
    ],
    ids=lambda text: text[:24],
)
@pytest.mark.usefixtures("neighbour")
async def test_what_cannot_be_answered_is_logged_and_nothing_is_said(node: NodeProcess, api: Api, text: str) -> None:
    async with entered(node, api) as (identity, station):
        await station.say(text)
        await served(station)
        assert await stored(api, identity) == ([], [], [])
        assert ("in", text) in await logged(api, identity)


# What gets a CALLERROR, and leaves nothing behind


def deep(brackets: int = 100_000) -> str:
    return "[" * brackets + "]" * brackets


STATUS = '"connectorId":1,"errorCode":"NoError","status":"Available"'


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('[2,"1","MakeCoffee",{}]', [4, "1", "NotImplemented"]),
        ('[2,"1","Reset",{"type":"Soft"}]', [4, "1", "NotSupported"]),
        ('[2,"1","heartbeat",{}]', [4, "1", "NotImplemented"]),
        ('[2,"1"]', [4, "1", "FormationViolation"]),
        ('[2,"1","Heartbeat"]', [4, "1", "FormationViolation"]),
        ('[2,"1","Heartbeat",{},{}]', [4, "1", "FormationViolation"]),
        ('[2,"1","Heartbeat",{},{},{}]', [4, "1", "FormationViolation"]),
        ('[2,"1",17,{}]', [4, "1", "FormationViolation"]),
        ('[2,null,"Heartbeat",{}]', [4, "", "FormationViolation"]),
        ('[2,{"id":1},"Heartbeat",{}]', [4, "", "FormationViolation"]),
        ('[2,1.5,"Heartbeat",{}]', [4, "", "FormationViolation"]),
        ('[2,1180591620717411303424,"Heartbeat",{}]', [4, "", "FormationViolation"]),
        ('[2,"1","Heartbeat",[]]', [4, "1", "FormationViolation"]),
        ('[2,"1","Heartbeat","x"]', [4, "1", "FormationViolation"]),
        (f'[2,"1","Heartbeat",{deep()}]', [4, "1", "FormationViolation"]),
        (f'[2,"1","DataTransfer",{{"vendorId":"v","data":{deep()}}}]', [4, "1", "FormationViolation"]),
        (f'[2,"1","StatusNotification",{{{STATUS},"x":{deep()}}}]', [4, "1", "FormationViolation"]),
        (f'[2,"1","MeterValues",{{"connectorId":1,"meterValue":{deep()}}}]', [4, "1", "FormationViolation"]),
        ('[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError"}]', [4, "1", "ProtocolError"]),
        (
            '[2,"1","StatusNotification",{"connectorId":[1],"errorCode":"NoError","status":"Available"}]',
            [4, "1", "TypeConstraintViolation"],
        ),
        (
            '[2,"1","StatusNotification",{"connectorId":1180591620717411303424,"errorCode":"NoError","status":"Available"}]',
            [4, "1", "PropertyConstraintViolation"],
        ),
        ('[2,"1","MeterValues",{"meterValue":[]}]', [4, "1", "ProtocolError"]),
        (
            '[2,"1","StartTransaction",{"connectorId":{},"idTag":"A","meterStart":0,"timestamp":"2026-03-01T12:00:00Z"}]',
            [4, "1", "TypeConstraintViolation"],
        ),
        ('[2,"1","StopTransaction",{"meterStop":0,"timestamp":"2026-03-01T12:00:00Z"}]', [4, "1", "ProtocolError"]),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else value[2],
)
@pytest.mark.usefixtures("neighbour")
async def test_what_is_no_proper_call_gets_its_callerror_and_leaves_nothing(
    node: NodeProcess, api: Api, text: str, answer: list[Any]
) -> None:
    async with entered(node, api) as (identity, station):
        await station.say(text)
        kind, message_id, code, description, details = await station.hear()
        assert [kind, message_id, code] == answer
        assert len(description) <= 255
        assert description.isascii()
        assert isinstance(details, dict)
        await served(station)
        assert await stored(api, identity) == ([], [], [])


# What is mended, stored whole and confirmed


def values(samples: str, more: str = "") -> str:
    sets = f'[{{"timestamp":"{NOON}","sampledValue":{samples}}}]'
    return f'[2,"1","MeterValues",{{"connectorId":1,{more}"meterValue":{sets}}}]'


@pytest.mark.parametrize(
    ("value", "raw", "number", "flags"),
    [
        ('"NaN"', "NaN", None, ["not_a_number"]),
        ('"1e400"', "1e400", None, ["not_a_number"]),
        ("1e400", "1e400", None, ["not_a_number"]),
        ('"1\\u0000"', "1", 1.0, []),
        ('"1\0"', "1", 1.0, []),
        ('"\\ud800"', "\ufffd", None, ["not_a_number"]),
        (str(2**70), str(2**70), float(2**70), ["beyond_physical_limit"]),
        (f'"{"9" * 100_000}"', "9" * 100_000, None, ["not_a_number"]),
        ("9" * 100_000, "9" * 100_000, None, ["not_a_number"]),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
@pytest.mark.usefixtures("neighbour")
async def test_a_value_that_is_nonsense_is_kept_in_quarantine(
    node: NodeProcess, api: Api, value: str, raw: str, number: float | None, flags: list[str]
) -> None:
    async with entered(node, api) as (identity, station):
        await station.say(values(f'[{{"value":"7","measurand":"Voltage"}},{{"value":{value}}}]'))
        assert await station.hear() == [3, "1", {}]
        await served(station)
        _, (only,), _ = await stored(api, identity)
        good, odd = only["samples"]
        assert (good["raw"], good["value"]) == ("7", 7.0)
        assert (odd["raw"], odd["value"], odd["flags"]) == (raw, number, flags)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"idTag": "A\0B"}, {"id_tag": "AB"}),
        ({"idTag": "\ud800A"}, {"id_tag": "\ufffdA"}),
        ({"idTag": "x" * 900_000}, {"id_tag": "x" * 900_000}),
        ({"meterStart": 2**70}, {"meter_start_wh": None}),
        ({"meterStart": float("nan")}, None),
        ({"meterStart": "many"}, {"meter_start_wh": None}),
        ({"timestamp": "\0"}, {"flags": ["time_unreadable"]}),
        ({"timestamp": "9" * 100_000}, {"flags": ["time_unreadable"]}),
        ({"timestamp": "+275760-09-13T00:00:00Z"}, {"flags": ["time_unreadable"]}),
        ({"reservationId": 2**70}, {"reservation_id": None}),
        ({"connectorId": 2**31}, {"connector_id": 2**31}),
        ({"colour": {"red": [1, None]}}, {"id_tag": "NOBODY"}),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.usefixtures("neighbour")
async def test_a_start_is_stored_once_and_whole_or_not_at_all(
    node: NodeProcess, api: Api, fields: dict[str, Any], kept: dict[str, Any] | None
) -> None:
    async with entered(node, api) as (identity, station):
        await station.say([2, "1", "StartTransaction", {**START, **fields}])
        if kept is None:  # NaN is no JSON: there is no message
            await served(station)
            assert await stored(api, identity) == ([], [], [])
            return
        kind, message_id, answer = await station.hear()
        assert (kind, message_id, answer["idTagInfo"]["status"]) == (3, "1", "Invalid")
        await served(station)
        (only,), _, _ = await stored(api, identity)
        assert (only["transaction_id"], only["state"]) == (answer["transactionId"], "open")
        assert {name: only[name] for name in kept} == kept


@pytest.mark.usefixtures("neighbour")
async def test_two_hundred_thousand_samples_are_too_many_defects_and_leave_nothing(node: NodeProcess, api: Api) -> None:
    """As short as they can be written, so that they fit into a message: each of them is a defect of its own."""
    async with entered(node, api) as (identity, station):
        for nothing in ("[" + ",".join(["{}"] * 200_000) + "]", "[" + ",".join(["0"] * 200_000) + "]"):
            await station.say(values(nothing).replace('"1"', f'"{len(nothing)}"', 1))
            kind, message_id, *rest = await station.hear(within_s=60)
            assert (kind, message_id, rest[0]) == (4, str(len(nothing)), "FormationViolation")
        await served(station)
        assert await stored(api, identity) == ([], [], [])


@pytest.mark.parametrize("samples", [1, 40_000])
@pytest.mark.usefixtures("neighbour")
async def test_a_stop_of_900_kibibytes_is_stored_whole(node: NodeProcess, api: Api, samples: int) -> None:
    async with entered(node, api) as (identity, station):
        _, _, started = await station.call([2, "1", "StartTransaction", START])
        digits = 900 * 1024 // samples - len('{"value":""},')
        many = ",".join(f'{{"value":"{number:0{digits}}"}}' for number in range(samples))
        data = f'[{{"timestamp":"{NOON}","sampledValue":[{many}]}}]'
        stop = f'"transactionId":{started["transactionId"]},"meterStop":200,"timestamp":"{NOON}"'
        text = f'[2,"2","StopTransaction",{{{stop},"transactionData":{data}}}]'
        assert 890 * 1024 < len(text) <= LIMIT_BYTES
        await station.say(text)
        assert await station.hear(within_s=60) == [3, "2", {}]
        await served(station)
        (only,), _, _ = await stored(api, identity)
        assert (only["state"], only["meter_stop_wh"]) == ("closed", 200)
        (kept,) = await api.everything(f"/transactions/{only['id']}/meter-values")
        assert [len(sample["raw"]) for sample in kept["samples"]] == [digits] * samples


# What ends the connection


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"[" + b" " * LIMIT_BYTES), 1009),
        (frame(b" " * 600_000, fin=False) + frame(b" " * 600_000, CONTINUATION), 1009),
        (frame(b'[2,"1","StartTransaction",{"idTag":"\xff"}]'), 1007),
        (frame(b"\0", BINARY) * 3, 1003),
        (frame(b"nonsense") * 21, 1008),
    ],
    ids=["one byte too long", "too long in pieces", "not UTF-8", "binary", "a flood of nonsense"],
)
@pytest.mark.usefixtures("neighbour")
async def test_what_ends_the_connection_ends_only_that(node: NodeProcess, api: Api, data: bytes, code: int) -> None:
    async with entered(node, api) as (identity, station):
        await served(station)
        await station.send(data)
        assert (await station.closed())[0] == code
        assert await stored(api, identity) == ([], [], [])


@pytest.mark.parametrize(
    ("data", "kind", "text", "reason"),
    [
        (frame(b"[" + b"x" * LIMIT_BYTES), "unreadable", "[" + "x" * (SHOWN_BYTES - 1) + "…", "1009 "),
        (frame(b"[12", length=LIMIT_BYTES + 1), "unreadable", "[12", "1009 "),
        (frame(b'[2,"1","A\xffZ\xc3\xbc"'), "unreadable", '[2,"1","A\\xffZü"', "1007 the text is not UTF-8"),
        (frame(b"\x01\xfe[]", BINARY), "binary", "\x01\\xfe[]", ""),
        (
            frame(b'\xff{"key":"AuthorizationKey","value":"C0FFEE"}'),
            "unreadable",
            '\\xff{"key":"AuthorizationKey","value":"***"}',
            "1007 the text is not UTF-8",
        ),
    ],
    ids=["too long", "announced too long", "not UTF-8", "binary", "not UTF-8, and secret"],
)
async def test_what_is_no_message_is_in_the_message_log(
    node: NodeProcess, api: Api, data: bytes, kind: str, text: str, reason: str
) -> None:
    async with entered(node, api) as (identity, station):
        await station.send(data)
        (kept,) = await api.eventually("/messages", station_id=identity)
        assert (kept["kind"], kept["frame"], kept["direction"]) == (kind, text, "in")
        assert (kept["error_code"] or "").startswith(reason)


@pytest.mark.usefixtures("neighbour")
async def test_whoever_floods_with_nonsense_is_kept_out_for_a_while(node: NodeProcess, api: Api) -> None:
    async with entered(node, api) as (identity, station):
        await station.send(frame(b"nonsense") * 21)
        await station.closed()
    again = await RawStation.connect(node.ocpp_port)
    answer = await again.request(upgrade(f"/ocpp/{identity}", Authorization=basic(identity, PASSWORD.encode())))
    again.drop()
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.usefixtures("neighbour")
async def test_a_message_of_exactly_the_limit_is_taken(node: NodeProcess, api: Api) -> None:
    async with entered(node, api) as (_, station):
        head, tail = '[2,"1","DataTransfer",{"vendorId":"v","data":"', '"}]'
        await station.say(head + "x" * (LIMIT_BYTES - len(head) - len(tail)) + tail)
        assert await station.hear() == [3, "1", {"status": "UnknownVendorId"}]


# Ids (§1.5, §1.9)


@pytest.mark.usefixtures("neighbour")
async def test_a_strict_station_is_held_to_the_letter(node: NodeProcess, api: Api) -> None:
    async with entered(node, api, strict=True) as (identity, station):
        for number, (text, code) in enumerate(
            [
                ('[2,17,"Heartbeat",{}]', "FormationViolation"),
                (f'[2,"{"x" * 37}","Heartbeat",{{}}]', "FormationViolation"),
                ('[2,"@","Authorize",{"idTag":"A","colour":"red"}]', "FormationViolation"),
                ('[2,"@","Authorize",{"idTag":"123456789012345678901"}]', "PropertyConstraintViolation"),
                ('[2,"@","Authorize",{"idTag":7}]', "TypeConstraintViolation"),
                (f'[2,"@","StatusNotification",{{{STATUS},"info":null}}]', "TypeConstraintViolation"),
            ]
        ):
            await station.say(text.replace("@", str(number)))
            assert (await station.hear())[2] == code, text
        await served(station)
        assert await stored(api, identity) == ([], [], [])


@pytest.mark.usefixtures("neighbour")
async def test_an_answer_to_somebody_elses_call_is_nobodys(node: NodeProcess, api: Api) -> None:
    async with entered(node, api) as (asked, station), entered(node, api) as (_, other):
        command = asyncio.create_task(api.command(asked, "ClearCache", {}))
        question = await station.hear()
        await other.say([3, question[1], {"status": "Rejected"}])
        await served(other)
        await station.say([3, question[1], {"status": "Accepted"}])
        assert (await command).json()["response"] == {"status": "Accepted"}
