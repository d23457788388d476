"""The reading of JSON that trusts nothing."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ocpp.plain_json import Number, element_text, kept_object, read_json

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


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_an_object_is_kept_as_it_was_written_or_as_everybody_can_read_it(value: dict[str, object]) -> None:
    text = json.dumps(value)
    kept = kept_object(text)

    assert kept is not None
    if not re.search(r"\\[ubf]", json.dumps(value, ensure_ascii=False)):  # no control characters
        assert kept == text
    assert isinstance(msgspec.json.decode(kept), dict)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (' {"a" : 1.50}', ' {"a" : 1.50}'),
        ('{"a":"\\ud800"}', '{"a":"\ufffd"}'),
        ('{"a\\u0000":"\0"}', '{"a":""}'),
        ('{"a":1e400}', '{"a":"1e400"}'),
        ('{"a":99999999999999999999}', '{"a":1e20}'),
        ("[]", None),
        ("7", None),
        ('{"a":NaN}', None),
        ('{"a":' + "[" * 100_000, None),
        ('{"a":' + "[" * 64 + "]" * 64 + "}", '{"a":' + "[" * 63 + '"(nested too deeply)"' + "]" * 63 + "}"),
        ('{"a":' + "[" * 63 + "]" * 63 + "}", '{"a":' + "[" * 63 + "]" * 63 + "}"),
    ],
)
def test_what_cannot_be_kept_is_mended_or_no_object(text: str, kept: str | None) -> None:
    assert kept_object(text) == kept
