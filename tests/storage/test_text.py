"""Texts that every database takes."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.domain.facts import MeterSample
from stationmaster.storage.text import clean, cleaned, clip, key_text
from tests.storage.facts import register, sampled

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


@given(texts)
def test_a_cleaned_text_can_be_stored_and_keeps_what_is_harmless(text: str) -> None:
    result = clean(text)
    result.encode()
    assert "\0" not in result
    assert clean(result) == result
    harmless = "".join(c for c in text if c in "\t\n\r" or (c.isprintable() and not "\ud800" <= c <= "\udfff"))
    assert "".join(c for c in result if c in "\t\n\r" or (c.isprintable() and c != "\ufffd")) == harmless.replace(
        "\ufffd", ""
    )


def test_every_text_in_a_fact_is_cleaned() -> None:
    sample = MeterSample(raw="1\x00", value=None, flags=("a\x00",))
    fact = sampled(7, sample, register(1), reported_transaction_id="\ud800", seconds=3)
    assert cleaned(fact) == msgspec.structs.replace(
        fact,
        samples=(MeterSample(raw="1", value=None, flags=("a",)), register(1)),
        reported_transaction_id="\ufffd",
    )
    assert cleaned({"a\x00": ["b\x00", 1, None]}) == {"a": ["b", 1, None]}


def test_keys_are_short() -> None:
    assert clip("x" * 300) == "x" * 255
    assert key_text("\x00" + "é" * 300) == "é" * 255
