"""The reading of JSON that trusts nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ocpp.plain_json import Number, element_text, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_ordinary_json_means_what_it_means_to_everyone(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["12.0", "12.60", "1e400", "-0.5E-3", "9" * 100_000])
def test_a_number_that_is_no_short_integer_stays_text(text: str) -> None:
    number = read_json(text)

    assert isinstance(number, Number)
    assert number == text


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}', "", "{", "{'a':1}", "[1,]", "01", "[] x"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_characters_that_json_does_not_allow_are_let_through_inside_a_text() -> None:
    assert read_json('["a\0b", "\\ud800", "\n"]') == ["a\0b", "\ud800", "\n"]


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RecursionError):
        read_json("[" * 100_000 + "]" * 100_000)


@given(st.lists(VALUES, min_size=1, max_size=5), st.sampled_from([None, 1]))
def test_each_element_of_an_array_can_be_cut_out_as_it_stands(values: list[object], indent: int | None) -> None:
    text = json.dumps(values, indent=indent)

    for index, value in enumerate(values):
        assert json.loads(element_text(text, index)) == value


def test_the_cut_is_exact() -> None:
    assert element_text(' [ 2 , "a]," , { "b" : [1, 2.50] } ] ', 2) == '{ "b" : [1, 2.50] }'
