"""The memory of CALLs, on its own. An id may bring a fingerprint of its own, so ids can be made to look alike."""

import pytest

from stationmaster.session.repeats import Repeats


class Id(str):
    """A text whose hash is the number that its bytes are."""

    __slots__ = ()

    def __hash__(self) -> int:
        return int.from_bytes(self.encode(), "little")

    def __eq__(self, other: object) -> bool:
        return str(self) == other


FIRST = Id("\1\2\3\4\5\6\7\0")
SECOND = Id("\x08\x09\x0a\0\x0c\x0d\x0e\0")
ACROSS = Id("\5\6\7\0\x08\x09\x0a\0")
"""The end of the first and the beginning of the second."""


def test_an_id_is_not_found_between_two_others() -> None:
    repeats = Repeats(10)
    repeats.keep(FIRST, 1, "[3,1,{}]")
    repeats.keep(SECOND, 2, "[3,2,{}]")
    assert repeats.find(ACROSS, 3) is None
    repeats.keep(ACROSS, 3, "[3,3,{}]")
    assert repeats.find(ACROSS, 3) == ("[3,3,{}]", True)
    assert repeats.find(ACROSS, 4) == ("[3,3,{}]", False)


def test_an_id_is_not_found_in_the_content_of_another() -> None:
    repeats = Repeats(10)
    repeats.keep("a", hash(FIRST), '[3,"a",{}]')
    assert repeats.find(FIRST, 1) is None


def test_an_answer_is_given_back_as_it_was_however_the_id_is_written() -> None:
    repeats = Repeats(10)
    for message_id, text in (
        ("a", '[3,"a",{}]'),
        (7, "[3,7,{}]"),
        ('q"', '[4,"q\\"","GenericError","",{}]'),
        ("\u00e4", '[3,"\\u00e4",{"x":1}]'),
    ):
        repeats.keep(message_id, 1, text)
        assert repeats.find(message_id, 1) == (text, True)


def test_the_last_ids_are_found_and_older_ones_are_not_however_many_there_were() -> None:
    limit = 200
    repeats = Repeats(limit)
    ids = [f"id-{number}" for number in range(5 * limit)]
    answers = [f'[3,"{each}",{{"transactionId":{at}}}]' for at, each in enumerate(ids)]
    for count, message_id in enumerate(ids):
        assert repeats.find(message_id, count) is None
        repeats.keep(message_id, count, answers[count])
        oldest = max(0, count + 1 - limit)
        for at in {oldest, oldest + 1, (oldest + count) // 2, count} & set(range(count + 1)):
            assert repeats.find(ids[at], at) == (answers[at], True)
        if oldest:
            assert repeats.find(ids[oldest - 1], oldest - 1) is None


@pytest.mark.parametrize(("one", "other"), [(-1, -2), (0, 2**61 - 1), (5, 2**61 + 4), (5, "5")])
def test_ids_are_told_apart_where_python_hashes_them_alike(one: int, other: int | str) -> None:
    repeats = Repeats(10)
    repeats.keep(one, 1, f"[3,{one},{{}}]")
    assert repeats.find(other, 1) is None
    assert repeats.find(one, 1) == (f"[3,{one},{{}}]", True)
