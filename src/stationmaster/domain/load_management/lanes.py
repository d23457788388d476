"""Current on the three phases of a supply, and over all of them: four numbers that go together.

The rule that shapes this file: current is a whole number of tenths of an ampere ("deciamps"), so
sums are exact. A limit in watts is a limit of the fourth lane, the sum over the phases.
"""

from enum import IntEnum
from typing import Final

__all__ = [
    "LANE_NAMES",
    "UNLIMITED",
    "UNLIMITED_LANES",
    "ZERO",
    "Lanes",
    "Phase",
    "fits",
    "least",
    "minus",
    "most",
    "plus",
]

Lanes = tuple[int, int, int, int]
"""Deciamps on L1, L2, L3, and their sum."""

ZERO: Final[Lanes] = (0, 0, 0, 0)
UNLIMITED: Final = 10**9
"""More than any supply can carry."""
UNLIMITED_LANES: Final[Lanes] = (UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
LANE_NAMES: Final = ("L1", "L2", "L3", "the total")


class Phase(IntEnum):
    """A phase of the site's supply; its number is its lane."""

    L1 = 0
    L2 = 1
    L3 = 2


def plus(one: Lanes, other: Lanes) -> Lanes:
    """The sum on each lane."""
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])


def minus(one: Lanes, other: Lanes) -> Lanes:
    """The difference on each lane; may be negative."""
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3])


def most(one: Lanes, other: Lanes) -> Lanes:
    """The larger on each lane."""
    if one is other:
        return one
    a, b, c, d = one
    e, f, g, h = other
    # Not max(): this runs some thousand times per plan, and a call costs more than the comparison.
    return (a if a > e else e, b if b > f else f, c if c > g else g, d if d > h else h)  # noqa: FURB136


def least(one: Lanes, other: Lanes) -> Lanes:
    """The smaller on each lane."""
    a, b, c, d = one
    e, f, g, h = other
    return (a if a < e else e, b if b < f else f, c if c < g else g, d if d < h else h)  # noqa: FURB136 -- as above


def fits(one: Lanes, other: Lanes) -> bool:
    """Whether no lane of `one` is above that of `other`."""
    return one[0] <= other[0] and one[1] <= other[1] and one[2] <= other[2] and one[3] <= other[3]
