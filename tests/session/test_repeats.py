"""The memory of CALLs, on its own. An integer is its own fingerprint, so integers can be made to look alike."""

from stationmaster.session.repeats import Repeats

FIRST = int.from_bytes(bytes((1, 2, 3, 4, 5, 6, 7, 0)), "little")
SECOND = int.from_bytes(bytes((8, 9, 10, 0, 12, 13, 14, 0)), "little")
ACROSS = int.from_bytes(bytes((5, 6, 7, 0, 8, 9, 10, 0)), "little")
"""The end of the first and the beginning of the second."""


def test_an_id_is_not_found_between_two_others() -> None:
    repeats = Repeats(10)
    repeats.remember(FIRST, 1)
    repeats.remember(SECOND, 2)
    assert repeats.find(ACROSS, 3) is None
    number = repeats.remember(ACROSS, 3)
    assert repeats.find(ACROSS, 3) == (number, True)
    assert repeats.find(ACROSS, 4) == (number, False)


def test_an_answer_is_given_back_as_it_was_however_the_id_is_written() -> None:
    repeats = Repeats(10)
    for message_id, text in (
        ("a", '[3,"a",{}]'),
        (7, "[3,7,{}]"),
        ('q"', '[4,"q\\"","GenericError","",{}]'),
        ("\u00e4", '[3,"\\u00e4",{"x":1}]'),
    ):
        number = repeats.remember(message_id, 1)
        assert repeats.answer(message_id, number) is None
        repeats.answered(message_id, number, text)
        assert repeats.answer(message_id, number) == text


def test_what_comes_late_does_not_touch_a_place_that_was_used_again() -> None:
    repeats = Repeats(1)
    old, new = repeats.remember("old", 1), repeats.remember("new", 2)
    repeats.answered("old", old, '[3,"old",{}]')
    repeats.forget(old)
    assert repeats.find("new", 2) == (new, True)
    assert repeats.answer("new", new) is None
    repeats.forget(new)
    assert repeats.find("new", 2) is None


def test_the_last_ids_are_found_and_older_ones_are_not_however_many_there_were() -> None:
    limit = 200
    repeats = Repeats(limit)
    ids = [f"id-{number}" for number in range(5 * limit)]
    for count, message_id in enumerate(ids):
        assert repeats.find(message_id, count) is None
        repeats.remember(message_id, count)
        oldest = max(0, count + 1 - limit)
        for at in {oldest, oldest + 1, (oldest + count) // 2, count} & set(range(count + 1)):
            assert repeats.find(ids[at], at) == (at, True)
        if oldest:
            assert repeats.find(ids[oldest - 1], oldest - 1) is None
