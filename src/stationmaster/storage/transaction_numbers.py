"""Drawing transaction numbers: a block is reserved durably, then given out from memory.

What is left of a block when the node stops is never used; 31 bits leave room for millions of
restarts.
"""

import asyncio
from typing import Final

from stationmaster.storage.counters import advance
from stationmaster.storage.errors import Refused
from stationmaster.storage.programs import Program
from stationmaster.storage.queries.base import Access

__all__ = ["LAST_NUMBER", "TransactionNumbers", "reserve_numbers"]

LAST_NUMBER: Final = 2**31 - 1
_BLOCK: Final = 256
_NAME: Final = "transaction"


class TransactionNumbers:
    """Numbers from 1 to 2**31-1, each given once over all nodes and restarts."""

    def __init__(self, access: Access) -> None:
        """Blocks are reserved through `access`."""
        self._access = access
        self._next = 1
        self._last = 0
        self._reserving = asyncio.Lock()

    async def draw(self) -> int:
        """The next number; raises `Refused` when there are no more."""
        while self._next > self._last:
            async with self._reserving:
                if self._next > self._last:
                    self._last = await self._access.write(reserve_numbers, _BLOCK)
                    self._next = self._last - _BLOCK + 1
        number = self._next
        self._next += 1
        return number


def reserve_numbers(count: int) -> Program[int]:
    """Reserve the next `count` numbers; returns the last of them."""
    last = yield from advance(_NAME, count)
    if last > LAST_NUMBER:
        raise Refused("all transaction numbers are used up")
    return last
