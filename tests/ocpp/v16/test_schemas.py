"""All 39 actions against an independent oracle: the JSON schemas of the PyPI package `ocpp`.

Where our limits are narrower than the schemas, the handbook says so: connector numbers, seconds
and ids have ranges (2.1, 3.3), a schedule we send has a period (2.5), and a location is a URI.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.fields import Message
from stationmaster.ocpp.frames import encode_payload
from stationmaster.ocpp.oddities import Oddity
from stationmaster.ocpp.protocol import Read, Sender
from stationmaster.ocpp.v16 import V16
from tests.ocpp.messages import wire_names
from tests.ocpp.schemas import MESSAGES, is_valid, mutants, payloads, schema

every_message = pytest.mark.parametrize(("action", "kind"), MESSAGES)
TOLERATED = [(action, "request") for action in ("StartTransaction", "StopTransaction", "MeterValues")]


def read(action: str, kind: str, payload: object, *, strict: bool) -> Read:
    text = json.dumps(payload).encode()
    if kind == "response":
        return V16.read_response(action, text, strict)
    sender = V16.actions[action].sender
    return V16.read_request(action, text, Sender.STATION if sender is Sender.BOTH else sender, strict)


def outcome(action: str, kind: str, payload: object) -> tuple[str | None, tuple[Oddity, ...]]:
    """The error code of strict reading, or what it tolerated."""
    try:
        return None, read(action, kind, payload, strict=True).oddities
    except OcppError as error:
        return error.code, ()


def build(action: str, kind: str, payload: object) -> Message:
    return (V16.check_outgoing if kind == "request" else V16.check_outgoing_response)(action, payload)


@every_message
@settings(max_examples=25)
@given(data=st.data())
def test_what_the_schema_allows_is_read_without_an_oddity(data: st.DataObject, action: str, kind: str) -> None:
    payload = data.draw(payloads(action, kind))
    assert is_valid(action, kind, payload)

    for strict in (False, True):
        assert read(action, kind, payload, strict=strict).oddities == ()


@every_message
@settings(max_examples=25)
@given(data=st.data())
def test_what_we_build_passes_the_schema_and_keeps_exactly_the_given_members(
    data: st.DataObject, action: str, kind: str
) -> None:
    payload = data.draw(payloads(action, kind))

    message = build(action, kind, payload)

    sent = json.loads(encode_payload(message))
    assert is_valid(action, kind, sent)
    assert sent == payload
    assert read(action, kind, payload, strict=True).value == message


@every_message
@settings(max_examples=5)
@given(data=st.data())
def test_what_the_schema_refuses_is_refused_in_strict_mode_with_the_right_code(
    data: st.DataObject, action: str, kind: str
) -> None:
    for mutant in mutants(data.draw(payloads(action, kind))):
        if is_valid(action, kind, mutant.payload) or _accepted_in_both(action, mutant.payload):
            continue
        code, oddities = outcome(action, kind, mutant.payload)
        assert code is None or code in mutant.codes, mutant
        if code is None:
            assert (action, kind) in TOLERATED, mutant
            assert oddities, mutant


@every_message
@settings(max_examples=5)
@given(data=st.data())
def test_what_the_schema_refuses_never_leaves_us(data: st.DataObject, action: str, kind: str) -> None:
    for mutant in mutants(data.draw(payloads(action, kind))):
        if is_valid(action, kind, mutant.payload) or _accepted_in_both(action, mutant.payload):
            continue
        with pytest.raises(OcppError) as caught:
            build(action, kind, mutant.payload)
        assert caught.value.code in mutant.codes, mutant


def _accepted_in_both(action: str, payload: object) -> bool:
    """`Hertz` is missing in one of the two schemas and accepted in both messages (handbook 2.5)."""
    return action == "StopTransaction" and '"Hertz"' in json.dumps(payload)


@every_message
def test_the_members_are_those_of_the_schema(action: str, kind: str) -> None:
    message: type[Message] = getattr(V16.actions[action], kind)

    assert set(wire_names(message)) == set(schema(action, kind).get("properties", {}))
