"""The mirror of handbook §3.6.4: what replaces what, what a clearing takes, what becomes doubtful."""

import pytest

from stationmaster.domain.smart_charging.installed import (
    LARGEST_PROFILE_ID,
    Change,
    ClearFilter,
    Mirror,
    clear,
    clear_unanswered,
    end_transaction,
    free_profile_id,
    install,
    install_at_start,
    install_unanswered,
)
from stationmaster.domain.smart_charging.profiles import Certainty, Kind, Purpose
from stationmaster.domain.smart_charging.refusals import Refusal
from tests.domain.smart_charging.builders import at, place, profile

MAX, DEFAULT, TX = Purpose.STATION_MAX, Purpose.TX_DEFAULT, Purpose.TX
NOW = at("2024-03-05T10:00Z")


def station(*entries: tuple[int, int, Purpose, int]) -> Mirror:
    """`(place, id, purpose, level)` of each, installed one after another."""
    mirror: Mirror = ()
    for number, identifier, purpose, level in entries:
        transaction_id = "17" if purpose is TX else None
        what = profile(purpose, (0, "16"), profile_id=identifier, level=level, transaction_id=transaction_id)
        mirror = install(mirror, place(number), what, NOW).mirror
    return mirror


def ids(mirror: Mirror) -> list[int]:
    return [entry.profile.profile_id for entry in mirror]


def doubtful(change: Change) -> list[int]:
    return [entry.profile.profile_id for entry in change.mirror if entry.certainty is Certainty.UNKNOWN]


FLEET = station(
    (0, 1, MAX, 0), (0, 2, DEFAULT, 0), (1, 3, DEFAULT, 0), (1, 4, DEFAULT, 1), (1, 5, TX, 0), (2, 6, TX, 0)
)


class TestInstalling:
    def test_adds_what_has_a_new_id_and_a_free_slot(self) -> None:
        change = install(FLEET, place(2), profile(DEFAULT, (0, "8"), profile_id=9), NOW)
        assert ids(change.mirror) == [1, 2, 3, 4, 5, 6, 9]
        assert change.added[0].installed_at == NOW
        assert (change.removed, change.made_unknown) == ((), ())

    def test_replaces_the_same_place_purpose_and_level(self) -> None:
        change = install(FLEET, place(1), profile(DEFAULT, (0, "8"), profile_id=9, level=1), NOW)
        assert (ids(change.mirror), ids(change.removed)) == ([1, 2, 3, 5, 6, 9], [4])

    def test_replaces_the_same_id_wherever_it_was(self) -> None:
        change = install(FLEET, place(2), profile(DEFAULT, (0, "8"), profile_id=1), NOW)
        assert (ids(change.mirror), ids(change.removed)) == ([2, 3, 4, 5, 6, 1], [1])

    def test_replaces_two_when_id_and_slot_belong_to_different_ones(self) -> None:
        change = install(FLEET, place(1), profile(DEFAULT, (0, "8"), profile_id=2, level=0), NOW)
        assert (ids(change.mirror), ids(change.removed)) == ([1, 4, 5, 6, 2], [2, 3])

    def test_for_all_connectors_puts_their_own_defaults_of_that_level_in_doubt(self) -> None:
        change = install(FLEET, place(0), profile(DEFAULT, (0, "8"), profile_id=9), NOW)
        assert (ids(change.mirror), ids(change.removed)) == ([1, 3, 4, 5, 6, 9], [2])
        assert doubtful(change) == ids(change.made_unknown) == [3]

    def test_for_one_connector_leaves_the_default_of_the_station_as_it_is(self) -> None:
        change = install(FLEET, place(1), profile(DEFAULT, (0, "8"), profile_id=9), NOW)
        assert doubtful(change) == []

    def test_a_confirmed_profile_ends_the_doubt_about_its_slot(self) -> None:
        before = install(FLEET, place(0), profile(DEFAULT, (0, "8"), profile_id=9), NOW).mirror
        change = install(before, place(1), profile(DEFAULT, (0, "8"), profile_id=10), NOW)
        assert doubtful(change) == []

    def test_without_an_answer_both_the_old_and_the_new_may_be_there(self) -> None:
        change = install_unanswered(FLEET, place(1), profile(DEFAULT, (0, "8"), profile_id=9, level=1), NOW)
        assert ids(change.mirror) == [1, 2, 3, 4, 5, 6, 9]
        assert doubtful(change) == [4, 9]
        again = install(change.mirror, place(1), profile(DEFAULT, (0, "8"), profile_id=9, level=1), NOW)
        assert (ids(again.mirror), doubtful(again)) == ([1, 2, 3, 5, 6, 9], [])


class TestARemoteStart:
    WITHIN = profile(TX, (0, "10"), profile_id=9, kind=Kind.RELATIVE)

    def test_gives_its_profile_to_the_transaction_that_begins(self) -> None:
        change = install_at_start(FLEET, place(2), self.WITHIN, "18", NOW, smart_charging=True)
        assert change.added[0].profile.transaction_id == "18"
        assert (ids(change.removed), doubtful(change)) == ([6], [])

    @pytest.mark.parametrize("smart_charging", [False, None])
    def test_may_have_been_ignored_by_a_station_without_smart_charging(self, smart_charging: bool | None) -> None:
        change = install_at_start(FLEET, place(3), self.WITHIN, "18", NOW, smart_charging=smart_charging)
        assert doubtful(change) == [9]


class TestClearing:
    @pytest.mark.parametrize(
        "wanted, gone",
        [
            (ClearFilter(), [1, 2, 3, 4, 5, 6]),
            (ClearFilter(profile_id=4), [4]),
            (ClearFilter(profile_id=4, location=place(2), purpose=MAX, stack_level=7), [4]),
            (ClearFilter(profile_id=99), []),
            (ClearFilter(location=place(1)), [3, 4, 5]),
            (ClearFilter(location=place(0)), [1, 2]),
            (ClearFilter(purpose=DEFAULT), [2, 3, 4]),
            (ClearFilter(stack_level=1), [4]),
            (ClearFilter(location=place(1), purpose=DEFAULT, stack_level=0), [3]),
            (ClearFilter(location=place(2), purpose=DEFAULT), []),
        ],
    )
    def test_takes_what_matches(self, wanted: ClearFilter, gone: list[int]) -> None:
        change = clear(FLEET, wanted)
        assert ids(change.removed) == gone
        assert ids(change.mirror) == [each for each in ids(FLEET) if each not in gone]

    def test_without_an_answer_puts_what_matches_in_doubt(self) -> None:
        change = clear_unanswered(FLEET, ClearFilter(purpose=TX))
        assert ids(change.mirror) == ids(FLEET)
        assert doubtful(change) == [5, 6]
        assert clear_unanswered(change.mirror, ClearFilter(purpose=TX)).made_unknown == ()


def test_the_profiles_of_a_transaction_die_with_it() -> None:
    other = install_at_start(FLEET, place(2), profile(TX, (0, "9"), profile_id=9), "18", NOW, smart_charging=True)
    change = end_transaction(other.mirror, "17")
    assert (ids(change.mirror), ids(change.removed)) == ([1, 2, 3, 4, 9], [5])


class TestProfileIds:
    @pytest.mark.parametrize(
        "last_given, expected",
        [(0, 7), (6, 7), (41, 42), (LARGEST_PROFILE_ID - 1, LARGEST_PROFILE_ID), (LARGEST_PROFILE_ID, 7), (-5, 7)],
    )
    def test_are_never_given_while_they_may_be_installed(self, last_given: int, expected: int) -> None:
        assert free_profile_id(FLEET, last_given) == expected


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_has_words_and_a_consequence(refusal: Refusal) -> None:
    assert refusal.words
    expected = refusal in {Refusal.NOT_SUPPORTED, Refusal.NO_SMART_CHARGING}
    assert refusal.capability_missing is expected
