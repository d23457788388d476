"""Facts that wait for a ride on the next commit, bounded in number and in bytes.

When there are too many, the oldest frames of the message log go first: they are the bulk and
the least missed. Other notes are only turned away when even they are too many.
"""

from collections import deque
from typing import Final

from stationmaster.domain.facts import Fact, MessageLogged

__all__ = ["Notes"]

_MAX_MESSAGES: Final = 50_000
_MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_OTHERS: Final = 50_000


class Notes:
    """The waiting notes; `dropped` counts those that were given up."""

    def __init__(
        self, *, max_messages: int = _MAX_MESSAGES, max_bytes: int = _MAX_BYTES, max_others: int = _MAX_OTHERS
    ) -> None:
        """Limits: frames of the message log, their characters in all, and all other notes."""
        self._messages: deque[MessageLogged] = deque()
        self._others: deque[Fact] = deque()
        self._bytes = 0
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._max_others = max_others
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages) + len(self._others)

    def add(self, fact: Fact) -> None:
        """Take a note in; may drop the oldest frames."""
        if isinstance(fact, MessageLogged):
            self._messages.append(fact)
            self._bytes += len(fact.frame) + (0 if fact.answer is None else len(fact.answer))
            if self._bytes > self._max_bytes or len(self._messages) > self._max_messages:
                self._make_room()
        elif len(self._others) < self._max_others:
            self._others.append(fact)
        else:
            self.dropped += 1

    def take(self, limit: int) -> list[Fact]:
        """The oldest notes, at most `limit`, to be written."""
        if len(self) <= limit:
            notes = [*self._others, *self._messages]
            self._others.clear()
            self._messages.clear()
            self._bytes = 0
            return notes
        others = [self._others.popleft() for _ in range(min(limit, len(self._others)))]
        messages = [self._messages.popleft() for _ in range(min(limit - len(others), len(self._messages)))]
        self._bytes -= sum(map(_size, messages))
        return [*others, *messages]

    def put_back(self, notes: list[Fact]) -> None:
        """Return notes that could not be written; they are the oldest."""
        for fact in reversed(notes):
            if isinstance(fact, MessageLogged):
                self._messages.appendleft(fact)
                self._bytes += _size(fact)
            else:
                self._others.appendleft(fact)
        self._make_room()

    def _make_room(self) -> None:
        while self._bytes > self._max_bytes or len(self._messages) > self._max_messages:
            self._bytes -= _size(self._messages.popleft())
            self.dropped += 1


def _size(fact: MessageLogged) -> int:
    return len(fact.frame) + len(fact.answer or "")
