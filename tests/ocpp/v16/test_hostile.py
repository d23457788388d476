"""Hostile values in every field of every action (RELIABILITY.md D-04): an answer, never an accident."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ocpp.errors import OcppError
from stationmaster.ocpp.frames import Call, decode
from stationmaster.ocpp.protocol import Read, Sender
from stationmaster.ocpp.v16 import V16
from tests.ocpp.schemas import MESSAGES, payloads

RAW_VALUES = [
    "null",
    "true",
    "-1",
    "0",
    str(2**31),
    str(2**63),
    str(2**70),
    "9" * 5000,
    "12.0",
    "12.6",
    "1e400",
    "-1e999999999999",
    "0.1e-400",
    "NaN",
    "-Infinity",
    '""',
    '" "',
    '"12"',
    '"1e999999999"',
    '"\\u0000"',
    '"\\ud800"',
    '"\ud800"',
    '"a\0b"',
    '"\\u202e\\ufeff"',
    '"' + "x" * 20_000 + '"',
    "[]",
    "{}",
    "[[]]",
    "[null]",
    '[{"a":1,"a":2}]',
    '{"":{"\\u0000":[]}}',
    "[" * 200 + "]" * 200,
    "[" * 2000 + "]" * 2000,
    "'",
    "",
]


@pytest.mark.parametrize(("action", "kind"), MESSAGES)
@settings(max_examples=2)
@given(data=st.data())
def test_a_hostile_value_anywhere_is_read_or_refused(data: st.DataObject, action: str, kind: str) -> None:
    payload = data.draw(payloads(action, kind))
    for path in _paths(payload):
        for raw in RAW_VALUES:
            text = json.dumps(_with_mark(payload, path)).replace('"@"', raw, 1)
            frame = decode(f'[2,"1","{action}",{text}]')
            if isinstance(frame, Call):
                _read_in_every_way(action, kind, frame.payload)


def _read_in_every_way(action: str, kind: str, payload: bytes) -> None:
    for strict in (False, True):
        outcome = _outcome(action, kind, payload, strict=strict)
        if isinstance(outcome, OcppError):
            assert outcome.description.isprintable()
            continue
        assert all(oddity.path.isprintable() and oddity.raw.isprintable() for oddity in outcome.oddities)
        assert "\\x00" not in repr(outcome.value)


def _outcome(action: str, kind: str, payload: bytes, *, strict: bool) -> Read | OcppError:
    sender = V16.actions[action].sender
    try:
        if kind == "response":
            return V16.read_response(action, payload, strict)
        return V16.read_request(action, payload, Sender.STATION if sender is Sender.BOTH else sender, strict)
    except OcppError as error:
        return error


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    paths = [path] if path else []
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        paths += _paths(value, (*path, key))
    return paths


def _with_mark(node: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return "@"
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = _with_mark(copy[path[0]], path[1:])
    return copy
