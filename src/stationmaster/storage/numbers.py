"""Numbers that must never be given twice: row and event ids, and the transaction ids of 1.6.

Row ids are ordered by time (microseconds times 1024, plus the node's number), so rows are
written at the right edge of their table and event ids tell the order of things on a node.
Transaction ids are drawn in sequence and shown to stations scrambled: unique by construction,
yet the next one cannot be told from the last (handbook §3.2.8 duty 3, RELIABILITY S-05).
"""

from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import Final

from stationmaster.instants import Instant

__all__ = ["RowIds", "digest_of", "first_id_at", "instant_of", "node_number", "scramble", "unscramble"]

_NODE_BITS: Final = 10
_STEP: Final = 1 << _NODE_BITS
_FARTHEST: Final = (1 << 63 - _NODE_BITS) - 1

_BITS: Final = 31
_MASK: Final = (1 << _BITS) - 1
_FACTORS: Final = (0x2C1B3C6D, 0x297A2D39)
_INVERSES: Final = tuple(pow(factor, -1, 1 << _BITS) for factor in _FACTORS)
_SHIFT: Final = 16


def first_id_at(instant: Instant) -> int:
    """The smallest row id that a row made at `instant` can have.

    Ids reach to the year 2255, what people ask for to 9999: what lies beyond is as good as the end.
    """
    return max(-_FARTHEST, min(instant, _FARTHEST)) << _NODE_BITS


def instant_of(row_id: int) -> tuple[Instant, int]:
    """When a row id was given, and by which node."""
    return row_id >> _NODE_BITS, row_id % _STEP


def node_number(node_id: str) -> int:
    """A node's place (0 to 1023) in the row ids it gives."""
    return int.from_bytes(blake2b(node_id.encode(), digest_size=2).digest()) % _STEP


class RowIds:
    """Gives ids that grow from row to row and lie at the present where the clock allows.

    A clock that steps back, or more than one row in a microsecond, only makes ids run ahead of it.
    """

    def __init__(self, number: int) -> None:
        """`number` is the node's, 0 to 1023: two nodes never give the same id."""
        self._number = number
        self._last = number
        # A batch takes its ids on the writer's thread, a token takes its own on the event loop's.
        self._lock = Lock()

    def take(self, count: int, now: Instant) -> range:
        """The next `count` ids, in order."""
        with self._lock:
            first = max(self._last + _STEP, (now << _NODE_BITS) | self._number)
            ids = range(first, first + count * _STEP, _STEP)
            if ids:
                self._last = ids[-1]
        return ids


def scramble(number: int) -> int:
    """The 31-bit number that stands for `number` (1 to 2**31-1): another one for each, never 0."""
    number ^= number >> _SHIFT
    for factor in _FACTORS:
        number = number * factor & _MASK
        number ^= number >> _SHIFT
    return number


def unscramble(number: int) -> int:
    """The number that `scramble` made `number` of."""
    for inverse in reversed(_INVERSES):
        number ^= number >> _SHIFT
        number = number * inverse & _MASK
    return number ^ number >> _SHIFT


def digest_of(parts: Sequence[object]) -> int:
    """A 63-bit number that stands for `parts` in a unique key, whatever their length."""
    text = "\x1f".join("" if part is None else f"={part}" for part in parts)
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()) >> 1
