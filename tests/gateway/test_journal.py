"""What is told of frames can be stored everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.gateway.journal import clean


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Cs", "Cc"])))
def test_whatever_was_said_becomes_text_that_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned
    cleaned.encode("utf-8")
    assert len(cleaned) == len(text)


@pytest.mark.parametrize("text", ["", "plain", "Zürich \U0001f50c", "line\nline\t"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def test_what_is_replaced_can_be_seen() -> None:
    assert clean("a\0b\ud800c") == "a\u2400b\ufffdc"
