"""How long someone waits who keeps failing to sign in (RELIABILITY S-16).

Failures count for a pair of names, such as a user and an address: whoever fails elsewhere, or for
somebody else, keeps nobody out. An attempt is counted before it is judged, so that a hundred at once
are not all the first. Memory is bounded by forgetting the pairs that failed longest ago.
"""

from collections import OrderedDict
from typing import Final

from stationmaster.instants import Instant

__all__ = ["SignInThrottle"]

SECOND_US: Final = 1_000_000


class SignInThrottle:
    """Doubles the wait after each failure beyond `free`, up to `longest_s`; forgets after `forgotten_s` of quiet."""

    def __init__(self, *, free: int, longest_s: int, forgotten_s: int = 3600, pairs: int = 20_000) -> None:
        self._free = free
        self._longest_us = longest_s * SECOND_US
        self._forgotten_us = forgotten_s * SECOND_US
        self._pairs = pairs
        self._failures: OrderedDict[tuple[str, str], tuple[int, Instant]] = OrderedDict()

    def wait_s(self, pair: tuple[str, str], now: Instant) -> int:
        """How many whole seconds the pair must wait before its next attempt; 0 if it need not."""
        count, last_at = self._failures.get(pair, (0, now))
        beyond = count - self._free
        if beyond <= 0 or now - last_at >= self._forgotten_us:
            return 0
        # 2**30 seconds is longer than any limit; a larger power would only be a large number.
        delay_us = min(self._longest_us, SECOND_US << min(beyond - 1, 30))
        left_us = last_at + delay_us - now
        return max(0, -(-left_us // SECOND_US))

    def begin(self, pair: tuple[str, str], now: Instant) -> int:
        """Count an attempt as failed until it is known to be none; returns how many there are in a row."""
        count, last_at = self._failures.get(pair, (0, now))
        if now - last_at >= self._forgotten_us:
            count = 0
        self._failures[pair] = (count + 1, now)
        self._failures.move_to_end(pair)
        if len(self._failures) > self._pairs:
            self._failures.popitem(last=False)
        return count + 1

    def withdraw(self, pair: tuple[str, str]) -> None:
        """The attempt was neither a failure nor a success: as if it had not been."""
        count, last_at = self._failures.get(pair, (0, 0))
        if count <= 1:
            self._failures.pop(pair, None)
        else:
            self._failures[pair] = (count - 1, last_at)

    def succeeded(self, pair: tuple[str, str]) -> None:
        """The pair came in: forget its failures."""
        self._failures.pop(pair, None)
