"""Limits are exact: at most one digit after the point, refused by name otherwise."""

from decimal import Decimal

import pytest

from stationmaster.domain.smart_charging.tenths import (
    MAX_TENTHS,
    NotTenths,
    decimal_of_tenths,
    tenths_of,
    words_of_tenths,
)


@pytest.mark.parametrize(
    "value, tenths",
    [(Decimal("7.5"), 75), ("8.1", 81), (16, 160), ("6.0", 60), ("6.000", 60), ("0", 0), ("1E+2", 1000), ("1E1", 100)],
)
def test_a_limit_is_so_many_tenths(value: Decimal | int | str, tenths: int) -> None:
    assert tenths_of(value) == tenths
    assert tenths_of(decimal_of_tenths(tenths)) == tenths


@pytest.mark.parametrize("value", ["6.01", "8.125", "7.5" + "0" * 40 + "1", "1E-999999"])
def test_more_than_one_digit_is_refused(value: str) -> None:
    with pytest.raises(NotTenths) as caught:
        tenths_of(value)
    assert caught.value.rule == "limit_one_decimal"


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1E+999999", "nine", "", MAX_TENTHS])
def test_what_cannot_be_a_limit_is_refused(value: str | int) -> None:
    with pytest.raises(NotTenths) as caught:
        tenths_of(value)
    assert caught.value.rule == "limit_in_range"
    assert len(str(caught.value)) < 120


def test_a_limit_is_written_with_one_digit() -> None:
    assert str(decimal_of_tenths(60)) == "6.0"
    assert (words_of_tenths(75, "A"), words_of_tenths(160, "A")) == ("7.5 A", "16 A")
