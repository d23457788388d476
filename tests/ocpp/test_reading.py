"""The fast decode and the careful one are one and the same reading."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.fields import DECODING_ERRORS, Message, typed_decoder
from stationmaster.ocpp.plain_json import read_json
from stationmaster.ocpp.shapes import shape_of
from stationmaster.ocpp.v16 import V16
from stationmaster.ocpp.walk import Mode, Walk
from tests.ocpp.messages import at, from_station, kinds
from tests.ocpp.schemas import MESSAGES, mutants, payloads


def fast(message: type[Message], text: str) -> Message | None:
    try:
        return typed_decoder(message).decode(text)
    except DECODING_ERRORS:
        return None


def careful(message: type[Message], text: str) -> Message | None:
    try:
        return shape_of(message).read(read_json(text), Walk(Mode.STRICT))
    except OcppError:
        return None


@pytest.mark.parametrize(("action", "kind"), MESSAGES)
@settings(max_examples=4)
@given(data=st.data())
def test_both_readings_accept_the_same_payloads_and_make_the_same_message_of_them(
    data: st.DataObject, action: str, kind: str
) -> None:
    message: type[Message] = getattr(V16.actions[action], kind)
    payload = data.draw(payloads(action, kind))

    for candidate in [payload, *(mutant.payload for mutant in mutants(payload))]:
        text = json.dumps(candidate, ensure_ascii=False)
        assert fast(message, text) == careful(message, text), candidate


@pytest.mark.parametrize(
    ("escape", "text"),
    [
        ("\\u00e9", "é"),
        ("\\n", "\n"),
        ("\\t", "\t"),
        ('\\"', '"'),
        ("\\/", "/"),
        ("\\ud83d\\ude00", "😀"),
        ("\\\\b", "\\b"),
    ],
)
def test_an_ordinary_escape_is_no_oddity(escape: str, text: str) -> None:
    read = from_station("DataTransfer", f'{{"vendorId":"x","data":"a{escape}b"}}', strict=True)

    assert read.value == V16.check_outgoing("DataTransfer", {"vendorId": "x", "data": f"a{text}b"})
    assert read.oddities == ()


@pytest.mark.parametrize("escape", ["\\u0000", "\\u0001", "\\u001F", "\\b", "\\f", "\\u000b"])
def test_an_escaped_control_character_is_found_and_removed(escape: str) -> None:
    read = from_station("DataTransfer", f'{{"vendorId":"x{escape}y"}}')

    assert read.value == V16.check_outgoing("DataTransfer", {"vendorId": "xy"})
    assert [kind for kind, _, _ in kinds(read)] == ["control_characters"]
    with pytest.raises(OcppError):
        from_station("DataTransfer", f'{{"vendorId":"x{escape}y"}}', strict=True)


@pytest.mark.parametrize("half", ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud83d\\ud83d", "\\ude00\\ud83d"])
def test_half_a_surrogate_pair_is_replaced_wherever_it_stands(half: str) -> None:
    for text in (half, f"{half} and more text", f"text and {half}"):
        read = from_station("DataTransfer", f'{{"vendorId":"{text}"}}')

        assert {kind for kind, _, _ in kinds(read)} == {"control_characters"}
        assert "\N{REPLACEMENT CHARACTER}" in at(read.value, "vendorId")
        at(read.value, "vendorId").encode()


def test_a_certificate_keeps_its_line_ends() -> None:
    pem = "-----BEGIN CERTIFICATE REQUEST-----\r\nMIIB\r\n-----END CERTIFICATE REQUEST-----\r\n"

    read = from_station("SignCertificate", {"csr": pem}, strict=True)

    assert read.value == V16.check_outgoing("SignCertificate", {"csr": pem})
