"""Which move is one too many."""

import pytest

from stationmaster.domain.identity_contests import MOST_MOVES, MOVED, SETTLED, is_one_too_many


@pytest.mark.parametrize(
    ("earlier", "too_many"),
    [
        ([], False),
        ([MOVED] * (MOST_MOVES - 1), False),
        ([MOVED] * MOST_MOVES, True),
        ([MOVED] * MOST_MOVES + [SETTLED, MOVED], True),
        ([MOVED] * (MOST_MOVES - 1) + [SETTLED] + [MOVED] * MOST_MOVES, False),
        ([SETTLED] + [MOVED] * MOST_MOVES, False),
    ],
)
def test_moves_count_since_a_person_settled_it(earlier: list[str], too_many: bool) -> None:
    assert is_one_too_many(earlier) is too_many
