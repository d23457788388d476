"""Frames that break the rules, row by row of handbook 1.9, and the hostile ones of D-04 and D-05.

`>>` is what the station sends, `<<` what becomes of it.
"""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stationmaster.ocpp.errors import ErrorCode
from stationmaster.ocpp.frames import (
    BrokenCall,
    Call,
    CallError,
    CallResult,
    Frame,
    Ignored,
    MessageId,
    Unanswerable,
    decode,
    encode_error,
)

DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{",
        "[2,",
        '[2,"1","Heartbeat",{]',
        '[2,"1","Heartbeat",{}',
        '[2,"1","Heartbeat",{}] trailing',
        '[2,"1","StartTransaction",{"meterStart":NaN}]',
        '[2,"1","StartTransaction",{"meterStart":Infinity}]',
        '[2,"1","StartTransaction",{"transactionId":,}]',
        "[2,'1','Heartbeat',{}]",
        '{"a":1}',
        '"text"',
        "12",
        "null",
        "[]",
        "[2]",
        "[3]",
        "[4]",
        "[3,null,{}]",
        '[4,{},"GenericError","",{}]',
        DEEP,
        "[3," + DEEP + "]",
        "9" * 100_000,
        '[2,"\\q","MeterValues",' + DEEP + "]",
        "[2,01," + DEEP + "]",
    ],
)
def test_text_without_a_readable_call_gets_no_answer(text: str) -> None:
    assert isinstance(decode(text), Unanswerable)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \r\n ",
        "\0\0",
        "\ufeff",
        '[1,"1","Heartbeat",{}]',
        '[5,"1"]',
        "[0]",
        '[-2,"1","Heartbeat",{}]',
        '["2","1","Heartbeat",{}]',
        '[2.0,"1","Heartbeat",{}]',
        '[true,"1","Heartbeat",{}]',
        '[null,"1","Heartbeat",{}]',
        "[[2]]",
        "[" + "9" * 100_000 + ',"1"]',
    ],
)
def test_an_unknown_type_number_and_an_empty_frame_are_ignored(text: str) -> None:
    assert isinstance(decode(text), Ignored)


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ('[2,"1"]', "1"),
        ('[2,"1","Heartbeat"]', "1"),
        ('[2,"1","Heartbeat",{},{}]', "1"),
        ('[2,"1","Heartbeat",{},null,1,2,3]', "1"),
        ('[2,"1",7,{}]', "1"),
        ('[2,"1",null,{}]', "1"),
        ('[2,"1",{},"Heartbeat"]', "1"),
        ("[2,7]", 7),
        ('[2,null,"Heartbeat",{}]', ""),
        ('[2,1.5,"Heartbeat",{}]', ""),
        ('[2,true,"Heartbeat",{}]', ""),
        ('[2,["1"],"Heartbeat",{}]', ""),
        ('[2,1180591620717411303424,"Heartbeat",{}]', ""),
        ('[2,"' + "x" * 256 + '","Heartbeat",{}]', "x" * 256),
        ('[2,"1","MeterValues",' + DEEP + "]", "1"),
        ('[2,"1","MeterValues",{"a":' + '{"a":' * 100_000 + "1" + "}" * 100_001 + "]", "1"),
        (' [ 2 , 17 , "MeterValues",' + DEEP + "]", 17),
        ('[2,"a\\"b","MeterValues",' + DEEP + "]", 'a"b'),
    ],
)
def test_a_broken_call_is_answered_with_the_id_it_has(text: str, message_id: MessageId) -> None:
    frame = decode(text)

    assert isinstance(frame, BrokenCall)
    assert frame.message_id == message_id
    assert frame.error.code is ErrorCode.FORMATION_VIOLATION
    answer = json.loads(encode_error(frame.message_id, frame.error))
    assert answer[1] == message_id
    assert answer[3]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,7,"Heartbeat",{}]', Call(7, "Heartbeat", b"{}", ("integer_id",))),
        ('[2,"","Heartbeat",{}]', Call("", "Heartbeat", b"{}", ("empty_id",))),
        (f'[2,"{"x" * 37}","Heartbeat",{{}}]', Call("x" * 37, "Heartbeat", b"{}", ("long_id",))),
        (f'[2,"{"x" * 36}","Heartbeat",{{}}]', Call("x" * 36, "Heartbeat", b"{}")),
        ('[2,"a\\u0000","Heartbeat",{}]', Call("a\0", "Heartbeat", b"{}", ("control_characters_in_id",))),
        ('\ufeff[2,"1","Heartbeat",{}]', Call("1", "Heartbeat", b"{}", ("byte_order_mark",))),
        ('[2,"1","Heartbeat",{}]\0', Call("1", "Heartbeat", b"{}")),
        ('[2,"1","Heartbeat",null]', Call("1", "Heartbeat", b"null")),
        ('[2,"1","Heartbeat",[]]', Call("1", "Heartbeat", b"[]")),
        ('[2,"1","",{}]', Call("1", "", b"{}")),
        ('[2,"1","A",{"a":"x\0y"}]', Call("1", "A", b'{"a":"x\0y"}', ("invalid_characters",))),
        ('[2,"1","A",{"a":"\\ud800"}]', Call("1", "A", b'{"a":"\\ud800"}', ("invalid_characters",))),
        ('[2,"1","A",{"a":"\ud800"}]', Call("1", "A", b'{"a":"\xed\xa0\x80"}', ("invalid_characters",))),
        ('[2,"1","A",{"a":1e400}]', Call("1", "A", b'{"a":1e400}')),
        ('[2,"1","A",{"a":1,"a":2}]', Call("1", "A", b'{"a":1,"a":2}')),
        ('[3,"a\\u0000",{}]', CallResult("a\0", b"{}", ("control_characters_in_id",))),
        ("[3,7,{}]", CallResult(7, b"{}", ("integer_id",))),
        ('[3,"1"]', CallResult("1", b"null", ("missing_elements",))),
        ('[3,"1",{},{}]', CallResult("1", b"{}", ("extra_elements",))),
        ('[4,"1"]', CallError("1", "", "", b"{}", ("missing_elements",))),
        ('[4,"1","GenericError"]', CallError("1", "GenericError", "", b"{}", ("missing_elements",))),
        ('[4,"1","GenericError","x"]', CallError("1", "GenericError", "x", b"{}", ("missing_elements",))),
        ('[4,"1",7,null,[]]', CallError("1", "", "", b"{}")),
        (
            '[4,"1","\\ud800","a\\ud800",{"b":"\\ud800"}]',
            CallError("1", "\ufffd", "a\ufffd", b'{"b":"\\ud800"}', ("invalid_characters",)),
        ),
        ('[3,"1",' + DEEP + "]", CallResult("1", (DEEP + "]").encode())),
        ('[4,"1","GenericError","",' + DEEP + "]", CallError("1", "", "", b"{}")),
        (
            '[4,"1","GenericError","x",{"a":[1.5]},9]',
            CallError("1", "GenericError", "x", b'{"a":[1.5]}', ("extra_elements",)),
        ),
    ],
)
def test_an_odd_frame_is_handled_and_told(text: str, frame: Frame) -> None:
    assert decode(text) == frame


def test_a_missing_value_is_repaired_only_for_stations_known_for_it() -> None:
    text = '[2,"1","StopTransaction",{"transactionId":,"idTag":":,}","a":[{"b": }]}]'

    assert isinstance(decode(text), Unanswerable)
    frame = decode(text, repair_missing_values=True)
    assert isinstance(frame, Call)
    assert json.loads(frame.payload) == {"transactionId": None, "idTag": ":,}", "a": [{"b": None}]}
    assert frame.oddities == ("missing_value",)


@pytest.mark.parametrize("text", ["[2,", '[2,"1","A",{"a":nonsense}]', ":,", "["])
def test_the_repair_mends_nothing_else(text: str) -> None:
    assert isinstance(decode(text, repair_missing_values=True), Unanswerable)


@pytest.mark.parametrize(
    "text", [':,"' + '\\"' * 500_000, '"' * 999_999, ": " * 500_000, ":" + " " * 1_000_000, ":," * 500_000]
)
def test_the_repair_takes_no_longer_than_the_text_is(text: str) -> None:
    """Were it more, this would run for minutes: nothing here needs a clock."""
    assert isinstance(decode(text, repair_missing_values=True), Unanswerable)


def test_a_megabyte_in_one_text_is_only_long() -> None:
    frame = decode('[2,"1","DataTransfer",{"vendorId":"' + "x" * 1_000_000 + '"}]')

    assert isinstance(frame, Call)
    assert len(frame.payload) > 1_000_000


HEADS = st.sampled_from(
    ["", "[", "[2", "[3", "[4", '[2,"1"', '[2,"1","Heartbeat"', '[3,"1",', '[4,"1",', "\ufeff", "[2,["]
)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(HEADS, st.text(st.characters(), max_size=60), st.booleans())
@example("", "\ud800", True)
@example('[2,"', '\\q","' + "[" * 100_000, True)
def test_no_text_of_any_kind_raises(head: str, rest: str, repair: bool) -> None:
    assert isinstance(decode(head + rest, repair_missing_values=repair), Frame)


@given(st.lists(st.sampled_from([2, 3, 4]) | JSON_VALUES, max_size=6))
def test_no_json_of_any_kind_raises(elements: list[Any]) -> None:
    frame = decode(json.dumps(elements))

    assert isinstance(frame, Frame)
    if isinstance(frame, BrokenCall):
        assert json.loads(encode_error(frame.message_id, frame.error))[0] == 4


@given(st.text(max_size=36), st.text(max_size=20), JSON_VALUES.filter(lambda value: "NaN" not in repr(value)))
def test_a_call_with_any_payload_arrives_whole(message_id: str, action: str, payload: Any) -> None:
    text = json.dumps([2, message_id, action, payload])
    if "NaN" in text or "Infinity" in text:
        return

    frame = decode(text)

    assert isinstance(frame, Call)
    assert (frame.message_id, frame.action) == (message_id, action)
    assert json.loads(frame.payload) == payload
