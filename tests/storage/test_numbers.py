"""Row ids, scrambled numbers and digests."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.storage.numbers import RowIds, digest_of, first_id_at, instant_of, node_number, scramble, unscramble
from tests.storage.facts import NOON

LARGEST = 2**31 - 1


@given(st.integers(1, LARGEST))
def test_scrambling_can_be_undone_and_stays_in_range(number: int) -> None:
    assert 1 <= scramble(number) <= LARGEST
    assert unscramble(scramble(number)) == number


def test_scrambled_numbers_do_not_tell_the_next() -> None:
    scrambled = [scramble(number) for number in range(1, 10_001)]
    steps = {b - a for a, b in pairwise(scrambled)}
    assert len(set(scrambled)) == 10_000
    assert len(steps) > 9_900
    assert sum(number > LARGEST // 2 for number in scrambled) in range(4_500, 5_500)


def test_scrambling_never_changes() -> None:
    """Stations remember these numbers across our versions."""
    assert [scramble(number) for number in (1, 2, 1_000_000, LARGEST)] == [
        1378302561,
        609154242,
        212099313,
        225286060,
    ]


def test_row_ids_grow_by_the_clock_and_without_it() -> None:
    ids = RowIds(5)
    first = list(ids.take(3, NOON))
    again = list(ids.take(2, NOON))
    back = list(ids.take(1, NOON - 1_000_000))
    later = list(ids.take(1, NOON + 1_000_000))
    given_ids = first + again + back + later
    assert given_ids == sorted(set(given_ids))
    assert first[0] >= first_id_at(NOON)
    assert instant_of(later[0]) == (NOON + 1_000_000, 5)
    assert {row_id % 1024 for row_id in given_ids} == {5}
    assert list(ids.take(0, NOON)) == []


def test_row_ids_are_given_once_to_several_threads() -> None:
    ids = RowIds(5)
    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(lambda _: list(ids.take(50, NOON)), range(200)))
    given_ids = [row_id for part in parts for row_id in part]
    assert len(set(given_ids)) == len(given_ids) == 10_000


def test_row_ids_fit_into_63_bits_for_two_centuries() -> None:
    assert first_id_at(NOON + 200 * 366 * 86_400 * 1_000_000) < 2**63


def test_two_nodes_never_give_the_same_id() -> None:
    assert not set(RowIds(1).take(100, NOON)) & set(RowIds(2).take(100, NOON))
    assert 0 <= node_number("node") < 1024
    assert node_number("a") != node_number("b")


def test_digests_tell_none_from_empty_and_parts_apart() -> None:
    parts = [
        (None,),
        ("",),
        ("None",),
        ("a", "b"),
        ("ab", ""),
        ("", "ab"),
        ("a\x1fb", None),
        (1, "b"),
        ("a", None),
        ("a",),
    ]
    digests = [digest_of(part) for part in parts]
    assert len(set(digests)) == len(parts)
    assert all(0 <= digest < 2**63 for digest in digests)
    assert digest_of(("lone \ud800",)) >= 0
