"""Throttling at the door (handbook §4.2, §1.11): who failed too often waits, and nobody else does.

Failures count for an identity from an address, so an attacker elsewhere cannot lock a station
out. All figures are generous: a station retries by itself, and a test tool goes from "refused" to
"accepted" within a second. Memory is bounded by forgetting the pairs that failed longest ago.
"""

from collections import OrderedDict
from typing import Any, Final

__all__ = ["Limits", "TokenBucket"]

MINUTE_S: Final = 60.0
PAIRS_REMEMBERED: Final = 20_000
FAILURES_PER_ADDRESS: Final = 600
"""More failures than this within a minute, and an address waits, but for identities that came in from it before."""


class Limits:
    """Failures and replacements of the last minute. Times are seconds of a monotonic clock."""

    def __init__(self, failures_per_minute: int, takeovers_per_minute: int, pairs: int = PAIRS_REMEMBERED) -> None:
        self._failures_per_minute = failures_per_minute
        self._takeovers_per_minute = takeovers_per_minute
        self._pairs = pairs
        self._failures: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._takeovers: OrderedDict[str, list[float]] = OrderedDict()
        self._addresses: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._welcome: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait_s(self, identity: str, address: str, now_s: float) -> int:
        """How many whole seconds this pair must wait; 0 if it need not."""
        since, count = self._failures.get((identity, address), (now_s, 0))
        if count <= self._failures_per_minute or now_s - since >= MINUTE_S:
            return self._address_wait_s(identity, address, now_s)
        return max(1, round(since + MINUTE_S - now_s))

    def _address_wait_s(self, identity: str, address: str, now_s: float) -> int:
        """Whoever tries many identities waits; a station that came in from there before does not."""
        since, count = self._addresses.get(address, (now_s, 0))
        if count <= FAILURES_PER_ADDRESS or now_s - since >= MINUTE_S or (identity, address) in self._welcome:
            return 0
        return max(1, round(since + MINUTE_S - now_s))

    def failed(self, identity: str, address: str, now_s: float, weight: int = 1) -> None:
        """Count a failure of this pair."""
        pair = (identity, address)
        since, count = self._failures.get(pair, (now_s, 0))
        if now_s - since >= MINUTE_S:
            since, count = now_s, 0
        self._failures[pair] = (since, count + weight)
        self._failures.move_to_end(pair)
        if len(self._failures) > self._pairs:
            self._failures.popitem(last=False)
        since, count = self._addresses.get(address, (now_s, 0))
        self._addresses[address] = (now_s, 1) if now_s - since >= MINUTE_S else (since, count + 1)
        _keep(self._addresses, address, self._pairs)

    def misbehaved(self, identity: str, address: str, now_s: float) -> None:
        """A connection ended in a flood of nonsense: the pair waits for a minute (§1.9)."""
        self.failed(identity, address, now_s, self._failures_per_minute + 1)

    def succeeded(self, identity: str, address: str) -> None:
        """The pair came in: forget its failures."""
        self._failures.pop((identity, address), None)
        self._welcome[identity, address] = None
        _keep(self._welcome, (identity, address), self._pairs)

    def took_over(self, identity: str, now_s: float) -> bool:
        """Count a replacement; True when this is the first one too many, so that an alarm is raised once."""
        recent = self._recent(identity, now_s)
        recent.append(now_s)
        self._takeovers[identity] = recent[-(self._takeovers_per_minute + 1) :]
        self._takeovers.move_to_end(identity)
        if len(self._takeovers) > self._pairs:
            self._takeovers.popitem(last=False)
        return len(recent) == self._takeovers_per_minute + 1

    def takeover_wait_s(self, identity: str, now_s: float) -> int:
        """How many whole seconds this identity must wait before it may replace its connection again."""
        recent = self._recent(identity, now_s)
        if len(recent) <= self._takeovers_per_minute:
            return 0
        return max(1, round(recent[0] + MINUTE_S - now_s))

    def _recent(self, identity: str, now_s: float) -> list[float]:
        return [moment for moment in self._takeovers.get(identity, ()) if now_s - moment < MINUTE_S]


def _keep(memory: OrderedDict[Any, Any], key: Any, most: int) -> None:
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)


class TokenBucket:
    """So many per second in the long run, and a burst at once."""

    __slots__ = ("_burst", "_level", "_rate", "_since_s")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._level = burst
        self._since_s = 0.0

    def take(self, now_s: float) -> bool:
        """Whether there is one left; it is taken."""
        self._level = min(self._burst, self._level + (now_s - self._since_s) * self._rate)
        self._since_s = now_s
        if self._level < 1:
            return False
        self._level -= 1
        return True
