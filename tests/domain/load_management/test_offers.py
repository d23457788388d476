"""Offers: what may hold while nothing is confirmed, and how much current that can be."""

import pytest

from stationmaster.domain.load_management.lanes import ZERO, Lanes, Phase
from stationmaster.domain.load_management.offers import LimitStep, Offer, Slot, falling, spread

L1, L2, L3 = Phase


def offer(*steps: tuple[int, int], phases: int = 3) -> Offer:
    return Offer(tuple(LimitStep(since, deciamps) for since, deciamps in steps), phases)


def test_an_offer_falls_at_its_times() -> None:
    falls = offer((100, 160), (200, 80), (300, 0))
    assert [falls.at(instant) for instant in (0, 100, 199, 200, 299, 300, 10**9)] == [160, 160, 160, 80, 80, 0, 0]


def test_steps_that_would_rise_are_left_out() -> None:
    assert falling([0, 10, 20, 30], [160, 160, 80, 120]) == (LimitStep(0, 160), LimitStep(20, 80))


def test_what_has_fallen_already_has_fallen_from_the_beginning() -> None:
    assert falling([10, 5, 20], [160, 80, 40]) == (LimitStep(10, 80), LimitStep(20, 40))


class TestASlot:
    OLD, NEW = offer((0, 160)), offer((50, 80))

    def test_while_a_command_is_under_way_the_larger_counts(self) -> None:
        slot = Slot([self.OLD])
        slot.sending(self.NEW)
        assert slot.most_at(60) == 160
        assert slot.settled is None

    def test_confirmed_is_certain(self) -> None:
        slot = Slot([self.OLD])
        slot.sending(self.NEW)
        slot.settle(self.NEW)
        assert slot.settled == self.NEW

    def test_refused_leaves_what_was(self) -> None:
        slot = Slot([self.OLD])
        slot.sending(self.NEW)
        slot.withdraw(self.NEW, certain=True)
        assert slot.settled == self.OLD

    def test_refused_does_not_end_an_older_doubt(self) -> None:
        slot = Slot([self.OLD])
        slot.sending(self.NEW)
        third = offer((90, 120))
        slot.sending(third)
        slot.withdraw(third, certain=False)
        assert slot.settled is None
        assert slot.most_at(100) == 160

    def test_many_doubts_become_one_that_is_as_large(self) -> None:
        slot = Slot([self.OLD])
        for number in range(20):
            slot.sending(offer((number, 100 + number), (number + 5, 0)))
        assert len(slot.offers) <= 4
        assert slot.most_at(10**9) >= 118, "the falls of what was merged are forgotten, not its heights"
        assert slot.offers[-1].steps[0].deciamps == 119

    def test_an_empty_slot_allows_nothing_of_its_own(self) -> None:
        assert Slot([]).most_at(0) == 0
        assert Slot([]).settled is None


@pytest.mark.parametrize(
    "phases, power_phases, evenly, lanes",
    [
        ((L1, L2, L3), 0, True, (160, 160, 160, 480)),
        ((L2,), 0, True, (0, 160, 0, 160)),
        ((L3, L1), 0, True, (160, 0, 160, 320)),
        ((L1, L2, L3), 3, True, (160, 160, 160, 480)),
        ((L1, L2, L3), 3, False, (320, 320, 320, 480)),
        ((L2,), 3, True, (0, 480, 0, 480)),
        ((L1, L2), 3, True, (240, 240, 0, 480)),
        ((L1, L2, L3), 1, True, (54, 54, 54, 160)),
    ],
)
def test_an_offer_of_16_a_can_fill(phases: tuple[Phase, ...], power_phases: int, evenly: bool, lanes: Lanes) -> None:
    """By current it holds on each phase; by power it may all be drawn from one, up to the connector's 32 A."""
    assert spread(160, phases, power_phases, evenly, 320 if not evenly else 10**9) == lanes


def test_nothing_fills_nothing() -> None:
    assert spread(0, (L1,), 3, False) == ZERO
