"""Two devices that claim one identity, and when that is more than a station on the move (RELIABILITY S-02).

The rule that shapes this file: a connection that is replaced from another address while its device lives is one
move. A few of them are told and no more. One too many begins a contest, which only a person ends: whoever is in
stays in meanwhile, and whoever comes from elsewhere is refused.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import ClassVar, Final

from stationmaster.domain.facts import Fact

__all__ = [
    "CONTESTED",
    "COUNTED",
    "COUNTED_US",
    "MOST_MOVES",
    "MOVED",
    "SETTLED",
    "IdentityContested",
    "IdentitySettled",
    "is_one_too_many",
]

MOST_MOVES: Final = 3
COUNTED_US: Final = 600 * 1_000_000
"""So long a move counts."""

MOVED: Final = "StationIdentityMoved"
CONTESTED: Final = "StationIdentityContested"
SETTLED: Final = "StationIdentitySettled"
"""Types of our own security events. Moves are counted by them: every node knows those of all, after any restart."""
COUNTED: Final = (MOVED, SETTLED)


class IdentityContested(Fact, frozen=True, kw_only=True, gc=False):
    """One move too many. `remote_addresses`: whose connection was replaced, and who is in now."""

    event_type: ClassVar[str | None] = "station.identity_contested"

    remote_addresses: tuple[str, str]


class IdentitySettled(Fact, frozen=True, kw_only=True, gc=False):
    """A person has decided, and the newest connection wins again."""

    event_type: ClassVar[str | None] = "station.identity_settled"


def is_one_too_many(earlier: Sequence[str]) -> bool:
    """Whether a move after these events (types of `COUNTED`, the newest first) begins a contest.

    What was before a person settled it is forgotten, so that the next single move does not begin another.
    """
    return len(list(takewhile(lambda each: each == MOVED, earlier))) >= MOST_MOVES
