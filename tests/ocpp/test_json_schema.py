"""The schemas for forms, held against those of the specification."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ocpp.json_schema import json_schema_of
from stationmaster.ocpp.v16 import V16
from tests.ocpp.schemas import payloads, schema

ACTIONS = sorted(V16.actions)


def ours(action: str) -> dict[str, Any]:
    return json_schema_of(V16.actions[action].request)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_has_the_fields_of_the_specification(action: str) -> None:
    found, wanted = ours(action), schema(action, "request")
    root = found["$defs"][found["$ref"].rpartition("/")[2]]
    assert set(root.get("properties", {})) == set(wanted.get("properties", {}))
    mended = {"chargePointVendor", "chargePointModel"}  # some stations leave them out; we never send them
    assert set(wanted.get("required", [])) - set(root.get("required", [])) <= mended


@pytest.mark.parametrize("action", ACTIONS)
@settings(max_examples=25)
@given(data=st.data())
def test_what_the_specification_takes_a_form_takes(action: str, data: st.DataObject) -> None:
    payload = data.draw(payloads(action, "request"))
    jsonschema_rs.validate(ours(action), payload)
