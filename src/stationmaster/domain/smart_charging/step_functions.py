"""Functions of time that change in steps, and how several become one.

The rule that shapes this file: a function is a list of (second, value) in order, beginning at
second 0, each value holding until the next entry. None means that there is no limit.
"""

from collections.abc import Callable, Sequence
from functools import reduce

__all__ = ["Limit", "Steps", "least", "total"]

Limit = int | None
Steps = list[tuple[int, Limit]]


def least(functions: Sequence[Steps]) -> Steps:
    """The smallest of the limits at each instant, leaving out those that are missing there."""
    limiting = [steps for steps in functions if steps != [(0, None)]]
    return reduce(lambda one, other: _merged(one, other, _smaller), limiting) if limiting else [(0, None)]


def total(functions: Sequence[Steps]) -> Steps:
    """The sum of the limits at each instant; one that is missing makes the sum missing. Of none: 0."""
    return reduce(lambda one, other: _merged(one, other, _added), functions) if functions else [(0, 0)]


def _smaller(one: Limit, other: Limit) -> Limit:
    if one is None:
        return other
    return one if other is None or one < other else other


def _added(one: Limit, other: Limit) -> Limit:
    return None if one is None or other is None else one + other


def _merged(one: Steps, other: Steps, combine: Callable[[Limit, Limit], Limit]) -> Steps:
    """Walk along both at once; an entry wherever either changes."""
    result: Steps = []
    position = other_position = 0
    value: Limit = None
    other_value: Limit = None
    while position < len(one) or other_position < len(other):
        second = one[position][0] if position < len(one) else other[other_position][0]
        if other_position < len(other) and other[other_position][0] <= second:
            second, other_value = other[other_position]
            other_position += 1
        if position < len(one) and one[position][0] == second:
            value = one[position][1]
            position += 1
        result.append((second, combine(value, other_value)))
    return result
