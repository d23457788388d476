"""Who gets how much: minimum currents first, in order; then the rest, evenly, lane by lane.

The rule that shapes this file: a car gets at least its minimum or is paused; what is left rises
like water among those who may have more, until a lane is full or they want no more (max-min fair).
A car on one phase is held up only by that phase. Pure arithmetic on whole deciamps.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from stationmaster.domain.load_management.lanes import UNLIMITED, Lanes

__all__ = ["Claim", "Share", "share"]


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one car may have, in deciamps per phase; all amounts are multiples of `step`.

    `weights` is what one deciamp costs on each lane. `floor` is what it has while paused,
    `minimum` what it needs to charge at all (above `maximum`: not now), `maximum` what it can use.
    `group`: lower groups are filled before higher ones.
    """

    weights: Lanes
    floor: int
    minimum: int
    maximum: int
    step: int = 1
    group: int = 0


class Share(msgspec.Struct):
    """The outcome: deciamps per claim, and what is left of each lane (negative: it does not fit the floors).

    `refused_by` is the lane that had no room for the minimum of a claim, None where it was admitted
    or did not ask.
    """

    amounts: list[int]
    refused_by: list[int | None]
    left: list[int]


def share(claims: Sequence[Claim], capacity: Lanes) -> Share:
    """Share a capacity among claims; their order is that in which minimum currents are given."""
    left = list(capacity)
    amounts = [claim.floor for claim in claims]
    for claim in claims:
        _take(left, claim.weights, claim.floor)
    refused_by: list[int | None] = [None] * len(claims)
    admitted: list[int] = []
    for index, claim in enumerate(claims):
        if claim.minimum > claim.maximum:
            continue
        extra = claim.minimum - claim.floor
        full = _full_lane(left, claim.weights, extra) if extra > 0 else None
        if full is not None:
            refused_by[index] = full
            continue
        _take(left, claim.weights, extra)
        amounts[index] = claim.minimum
        admitted.append(index)
    groups: dict[int, list[int]] = {}
    for index in admitted:
        groups.setdefault(claims[index].group, []).append(index)
    result = Share(amounts, refused_by, left)
    for group in sorted(groups):
        _raise(result, claims, groups[group])
        _give_crumbs(result, claims, groups[group])
    return result


def _take(left: list[int], weights: Lanes, deciamps: int) -> None:
    if deciamps:
        left[0] -= weights[0] * deciamps
        left[1] -= weights[1] * deciamps
        left[2] -= weights[2] * deciamps
        left[3] -= weights[3] * deciamps


def _full_lane(left: Sequence[int], weights: Lanes, deciamps: int) -> int | None:
    """The lane with the least room among those that cannot take so much more."""
    first, second, third, total = weights
    if (
        first * deciamps <= left[0]
        and second * deciamps <= left[1]
        and third * deciamps <= left[2]
        and total * deciamps <= left[3]
    ):
        return None
    full = [lane for lane in range(4) if weights[lane] and weights[lane] * deciamps > left[lane]]
    return min(full, key=lambda lane: left[lane], default=None)


def _is_full(left: Sequence[int], claim: Claim) -> bool:
    return _full_lane(left, claim.weights, claim.step) is not None


def _raise(result: Share, claims: Sequence[Claim], members: Sequence[int]) -> None:
    """Raise the lowest of the members together until each is at its maximum or on a full lane."""
    amounts, left = result.amounts, result.left
    active = [(index, claims[index].maximum) for index in members if claims[index].maximum > amounts[index]]
    while active:
        if len(active) == 1:
            _raise_one(result, claims, *active[0])
            return
        kinds = Counter((claims[index].weights, amounts[index], top) for index, top in active)
        level = _highest_level(kinds, left)
        highest = max(top for _, top in active)
        full = _fullest_lane(kinds, level, left) if level < highest else None
        rest: list[tuple[int, int]] = []
        for index, top in active:
            claim = claims[index]
            if full is not None and not claim.weights[full]:
                rest.append((index, top))
                continue
            reached = min(level, top)
            reached -= reached % claim.step
            if reached > amounts[index]:
                _take(left, claim.weights, reached - amounts[index])
                amounts[index] = reached
        active = rest


def _raise_one(result: Share, claims: Sequence[Claim], index: int, top: int) -> None:
    claim = claims[index]
    room = min(result.left[lane] // claim.weights[lane] for lane in range(4) if claim.weights[lane])
    reached = min(top, result.amounts[index] + max(room, 0))
    reached = max(reached - reached % claim.step, result.amounts[index])
    _take(result.left, claim.weights, reached - result.amounts[index])
    result.amounts[index] = reached


def _usage(kinds: Counter[tuple[Lanes, int, int]], level: int) -> list[int]:
    """What it takes on each lane to raise everybody to a level."""
    per_weights: dict[Lanes, int] = {}
    for (weights, low, top), count in kinds.items():
        reached = min(level, top)
        if reached > low:
            per_weights[weights] = per_weights.get(weights, 0) + (reached - low) * count
    usage = [0, 0, 0, 0]
    for weights, deciamps in per_weights.items():
        for lane in range(4):
            usage[lane] += weights[lane] * deciamps
    return usage


def _highest_level(kinds: Counter[tuple[Lanes, int, int]], left: Sequence[int]) -> int:
    """The highest level that overfills no lane."""
    lowest = min(low for _, low, _ in kinds)
    highest = max(top for _, _, top in kinds)

    def overfills(level: int) -> bool:
        first, second, third, total = _usage(kinds, level)
        return (
            (first > left[0] and first > 0)
            or (second > left[1] and second > 0)
            or (third > left[2] and third > 0)
            or (total > left[3] and total > 0)
        )

    if not overfills(highest):
        return highest
    # The first level that overfills, among those above the lowest; one less is the answer.
    return bisect_left(range(lowest + 1, highest + 1), True, key=overfills) + lowest


def _fullest_lane(kinds: Counter[tuple[Lanes, int, int]], level: int, left: Sequence[int]) -> int:
    """The lane that holds its users where they are: of those that one more deciamp overfills, the fullest.

    Only one, because without its users there may be room on the others.
    """
    here, above = _usage(kinds, level), _usage(kinds, level + 1)
    full = [lane for lane in range(4) if above[lane] > left[lane] and above[lane] > here[lane]]
    return min(full, key=lambda lane: (left[lane] - here[lane]) * UNLIMITED // (above[lane] - here[lane]))


def _give_crumbs(result: Share, claims: Sequence[Claim], members: Iterable[int]) -> None:
    """What was too little to raise everybody by a step: a step each, in order, as long as any fits."""
    able = [index for index in members if result.amounts[index] < claims[index].maximum]
    while able:
        given = []
        for index in able:
            claim = claims[index]
            if result.amounts[index] + claim.step > claim.maximum or _is_full(result.left, claim):
                continue
            _take(result.left, claim.weights, claim.step)
            result.amounts[index] += claim.step
            given.append(index)
        able = given
