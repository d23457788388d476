"""Cursors: what goes in comes out, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.storage.paging import BadCursor, bounded, read_cursor, write_cursor


@given(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text()))
def test_a_cursor_holds_its_key(key: tuple[int, str]) -> None:
    cursor = write_cursor(key)
    assert read_cursor(cursor, tuple[int, str]) == key
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?#")


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_anything_else_is_a_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor("!" + text, int)


def test_a_cursor_of_another_list_is_a_bad_cursor() -> None:
    with pytest.raises(BadCursor):
        read_cursor(write_cursor("CP1"), int)


def test_pages_have_one_to_a_thousand_items() -> None:
    assert [bounded(limit) for limit in (-5, 0, 1, 50, 1000, 9999)] == [1, 1, 1, 50, 1000, 1000]
