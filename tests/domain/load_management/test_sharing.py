"""Sharing: who is admitted, how the rest rises, and that it is as even as the lanes allow."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.domain.load_management.lanes import UNLIMITED, Lanes
from stationmaster.domain.load_management.sharing import Claim, Share, share

THREE: Lanes = (1, 1, 1, 3)
ONE: tuple[Lanes, ...] = ((1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1))


def claim(
    weights: Lanes = THREE, *, floor: int = 0, minimum: int = 60, maximum: int = 320, step: int = 1, group: int = 0
) -> Claim:
    return Claim(weights=weights, floor=floor, minimum=minimum, maximum=maximum, step=step, group=group)


def amperes(deciamps: int) -> Lanes:
    """So much on each phase, no matter how much in total."""
    return (deciamps, deciamps, deciamps, UNLIMITED)


def test_equal_cars_get_equal_shares() -> None:
    assert share([claim(), claim(), claim()], amperes(480)).amounts == [160, 160, 160]


def test_what_one_cannot_use_the_others_get() -> None:
    assert share([claim(maximum=100), claim(), claim()], amperes(480)).amounts == [100, 190, 190]


def test_who_comes_too_late_for_a_minimum_is_paused_and_not_starved() -> None:
    outcome = share([claim(), claim(), claim()], amperes(170))
    assert outcome.amounts == [85, 85, 0]
    assert outcome.refused_by == [None, None, 0]


def test_a_car_on_one_phase_uses_that_phase_only() -> None:
    outcome = share([claim(ONE[0]), claim(ONE[0]), claim(ONE[1])], amperes(200))
    assert outcome.amounts == [100, 100, 200]
    assert outcome.left[:3] == [0, 0, 200]


def test_a_car_on_three_phases_waits_for_each_of_them() -> None:
    outcome = share([claim(ONE[1], minimum=160, maximum=160), claim()], amperes(200))
    assert outcome.amounts == [160, 0]
    assert outcome.refused_by == [None, 1]


def test_a_full_phase_does_not_hold_up_the_others() -> None:
    outcome = share([claim(ONE[0]), claim(ONE[0]), claim(ONE[0]), claim(ONE[2])], amperes(300))
    assert outcome.amounts == [100, 100, 100, 300]


def test_a_limit_in_watts_counts_all_phases() -> None:
    """6.9 kW at 230 V are 30 A in total."""
    assert share([claim(ONE[0]), claim()], (UNLIMITED, UNLIMITED, UNLIMITED, 300)).amounts == [75, 75]


def test_lower_groups_are_filled_first_once_all_have_their_minimum() -> None:
    assert share([claim(group=0), claim(group=1)], amperes(400)).amounts == [320, 80]


def test_steps_are_kept_and_crumbs_are_given_in_order() -> None:
    assert share([claim(step=10) for _ in range(8)], amperes(630)).amounts == [80] * 7 + [70]


def test_floors_are_given_even_where_they_do_not_fit() -> None:
    outcome = share([claim(floor=60), claim(floor=60)], amperes(100))
    assert outcome.amounts == [60, 60]
    assert outcome.left[0] == -20


def test_a_claim_that_may_not_charge_now_keeps_its_floor() -> None:
    outcome = share([claim(floor=10, maximum=10), claim()], amperes(100))
    assert (outcome.amounts, outcome.refused_by) == ([10, 90], [None, None])


def test_nothing_is_shared_among_nobody() -> None:
    assert share([], amperes(630)).left == [630, 630, 630, UNLIMITED]


WEIGHTS = st.sampled_from([*ONE, (1, 1, 0, 2), (0, 1, 1, 2), THREE, (3, 3, 3, 3), (2, 2, 0, 2)])


@st.composite
def many_claims(draw: st.DrawFn, steps: st.SearchStrategy[int]) -> list[Claim]:
    claims = []
    for _ in range(draw(st.integers(0, 25))):
        step = draw(steps)
        floor = draw(st.sampled_from((0, 0, 0, 6))) * step
        minimum = floor + draw(st.integers(0, 6)) * step
        claims.append(
            claim(
                draw(WEIGHTS),
                floor=floor,
                minimum=minimum,
                maximum=minimum + draw(st.integers(0, 30)) * step,
                step=step,
                group=draw(st.integers(0, 2)),
            )
        )
    return claims


CAPACITIES = st.tuples(*[st.integers(-10, 700) | st.just(UNLIMITED)] * 4)


def used(claims: list[Claim], amounts: list[int]) -> list[int]:
    return [sum(each.weights[lane] * amount for each, amount in zip(claims, amounts, strict=True)) for lane in range(4)]


def within_bounds(claims: list[Claim], capacity: Lanes, outcome: Share) -> None:
    floors = used(claims, [each.floor for each in claims])
    total = used(claims, outcome.amounts)
    for lane in range(4):
        assert outcome.left[lane] == capacity[lane] - total[lane]
        assert total[lane] <= max(capacity[lane], floors[lane])
    for each, amount, refused_by in zip(claims, outcome.amounts, outcome.refused_by, strict=True):
        assert amount == each.floor or each.minimum <= amount <= each.maximum
        assert (amount - each.minimum) % each.step == 0 or amount == each.floor
        if refused_by is not None:
            assert amount == each.floor
            assert each.weights[refused_by], "it is refused by a lane that it would use"


@settings(max_examples=400, deadline=None)
@given(many_claims(st.sampled_from((1, 5, 10, 20))), CAPACITIES)
def test_no_lane_is_overfilled_and_no_claim_gets_what_it_did_not_ask_for(claims: list[Claim], capacity: Lanes) -> None:
    within_bounds(claims, capacity, share(claims, capacity))


@settings(max_examples=400, deadline=None)
@given(many_claims(st.just(1)), CAPACITIES)
def test_a_claim_below_its_maximum_is_held_by_a_lane_that_nobody_fills_with_more(
    claims: list[Claim], capacity: Lanes
) -> None:
    """The definition of max-min fairness.

    Whoever could use more meets a lane that is full, on which nobody of its own or a later group has more, but for
    minimum currents and for crumbs: less than it takes to give everybody one deciamp more.
    """
    outcome = share(claims, capacity)
    within_bounds(claims, capacity, outcome)
    for each, amount in zip(claims, outcome.amounts, strict=True):
        if not each.minimum <= amount < each.maximum:
            continue
        assert any(
            each.weights[lane]
            and outcome.left[lane] < crumbs(claims, lane)
            and richer(claims, outcome, each, amount, lane) < crumbs(claims, lane)
            for lane in range(4)
        ), (each, amount, outcome)


def crumbs(claims: list[Claim], lane: int) -> int:
    return sum(each.weights[lane] for each in claims)


def richer(claims: list[Claim], outcome: Share, each: Claim, amount: int, lane: int) -> int:
    """What others of the same or a later group have above the amount, on a lane."""
    return sum(
        max(theirs - max(amount + 1, other.minimum, other.floor), 0) * other.weights[lane]
        for other, theirs in zip(claims, outcome.amounts, strict=True)
        if other.group >= each.group
    )
