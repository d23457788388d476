"""Decimals with one digit after the point, and what a typed decode of one may meet."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ocpp.fields import DECODING_ERRORS, holds_tenths, in_tenths, typed_decoder
from stationmaster.ocpp.v16 import V16
from stationmaster.ocpp.v16.smart_charging import ChargingSchedulePeriod


@pytest.mark.parametrize("text", ["0", "-0.0", "16", "6.0", "8.10", "1E+3", "12.300", "999999999999.9", "-7.5"])
def test_a_multiple_of_a_tenth_keeps_its_value(text: str) -> None:
    tenths = in_tenths(Decimal(text))

    assert tenths == Decimal(text)
    assert tenths.as_tuple().exponent in (0, -1)


@pytest.mark.parametrize(
    "text",
    [
        "0.05",
        "8.11",
        "6.000000001",
        "1E-9",
        "1E+12",
        "-1E+12",
        "1E+999999999999",
        "1E-999999999999",
        "NaN",
        "sNaN",
        "-Infinity",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"out of range|multiple of 0\.1"):
        in_tenths(Decimal(text))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_tenth_is_what_becomes_whole_when_multiplied_by_ten(value: Decimal) -> None:
    with localcontext(prec=2000):
        is_tenth = abs(value) < 10**12 and value * 10 == (value * 10).to_integral_value()

    try:
        tenths = in_tenths(value)
    except ValueError:
        assert not is_tenth
    else:
        assert is_tenth
        assert tenths == value


@pytest.mark.parametrize(
    "limit", ["1e400", "-1e999999999999", "1e9999999999999999999999", "0.1e-400", "7.25", '"8.1"', "null", "true"]
)
def test_a_typed_decode_raises_nothing_unforeseen(limit: str) -> None:
    with pytest.raises(DECODING_ERRORS):
        typed_decoder(ChargingSchedulePeriod).decode(f'{{"startPeriod":0,"limit":{limit}}}')


def test_decimals_occur_in_three_messages() -> None:
    requests = {name for name, row in V16.actions.items() if holds_tenths(row.request)}
    responses = {name for name, row in V16.actions.items() if holds_tenths(row.response)}

    assert requests == {"RemoteStartTransaction", "SetChargingProfile"}
    assert responses == {"GetCompositeSchedule"}
