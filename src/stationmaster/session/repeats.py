"""The memory of CALLs already answered on this connection (handbook §1.9, row "CALL id equal to one already seen").

A thousand ids with digests and answers are kept for each station, so they are kept small: a
ring of sixteen bytes per CALL, and the answers but for the commonest. Ids and contents
are compared by Python's keyed 64-bit hash. Which hash an id has differs from run to run; what is
decided from it does not.

A search through a full ring costs more than the rest of a short message, and nearly every id is new. So
a filter of bits is asked first: what is not in it has not been seen, what is in it is searched for.
"""

from struct import Struct
from typing import Final

from stationmaster.ocpp.frames import MessageId

__all__ = ["Repeats"]

_DIGEST: Final = Struct("<q")
_CALL: Final = Struct("<qq")
"""The digests of an id and of the content that came with it."""
_FILTER_FROM: Final = 64
"""So many ids are searched through at once; stations that say little do without the filter."""
_FILTER_BITS: Final = 16_384
_FILTER_BYTES: Final = _FILTER_BITS // 8


class Repeats:
    """The last `limit` CALLs: what they were and how they were answered."""

    __slots__ = ("_answers", "_calls", "_limit", "_next", "_older", "_recent")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls = bytearray()
        self._answers: list[str] = []
        self._next = 0
        """The place of the next CALL; from there on, once the ring is full, they are the oldest."""
        self._recent: bytearray | None = None
        """A bit for each id since the ring began anew; `_older` has those of the round before."""
        self._older = b""

    def find(self, message_id: MessageId, content: int) -> tuple[str, bool] | None:
        """How the CALL of this id was answered, and whether it had the same content; None if it is new."""
        digest = hash(message_id) if isinstance(message_id, str) else _digest_of_number(message_id)
        recent = self._recent
        if recent is not None:
            byte, bit = (digest % _FILTER_BITS) >> 3, 1 << (digest & 7)
            if not (recent[byte] | self._older[byte]) & bit:
                return None
        needle = _DIGEST.pack(digest)
        at = self._calls.find(needle)
        while at % _CALL.size and at > 0:
            at = self._calls.find(needle, at + 1)
        if at < 0:
            return None
        answer = self._answers[at // _CALL.size] or _empty_result(message_id)
        return answer, _CALL.unpack_from(self._calls, at)[1] == content

    def keep(self, message_id: MessageId, content: int, answer: str) -> None:
        """Remember a CALL and its answer, in place of the oldest."""
        place = self._next
        digest = hash(message_id) if isinstance(message_id, str) else _digest_of_number(message_id)
        recent = self._recent
        if recent is None or place == 0:
            self._enter(digest, place)
        else:
            recent[(digest % _FILTER_BITS) >> 3] |= 1 << (digest & 7)
        kept = "" if answer == _empty_result(message_id) else answer
        if place == len(self._answers):
            self._calls += _CALL.pack(digest, content)
            self._answers.append(kept)
        else:
            _CALL.pack_into(self._calls, place * _CALL.size, digest, content)
            self._answers[place] = kept
        self._next = place + 1 if place + 1 < self._limit else 0

    def _enter(self, digest: int, place: int) -> None:
        """Put an id into the filter; every id that is still in the ring is in one of the two rounds."""
        recent = self._recent
        if recent is None:
            if place < _FILTER_FROM:
                return
            recent, self._older = bytearray(_FILTER_BYTES), bytes(_FILTER_BYTES)
            self._recent = recent
            for known, _ in _CALL.iter_unpack(self._calls):
                _mark(recent, known)
        elif place == 0:
            self._older = bytes(recent)
            recent = self._recent = bytearray(_FILTER_BYTES)
        _mark(recent, digest)


def _digest_of_number(message_id: int) -> int:
    """Python's own hash of -1 is that of -2, and those of numbers repeat; their texts are told apart as texts are."""
    return hash((int, hex(message_id)))


def _mark(bits: bytearray, digest: int) -> None:
    bits[(digest % _FILTER_BITS) >> 3] |= 1 << (digest & 7)


def _empty_result(message_id: MessageId) -> str:
    """The commonest answer; it is not kept, since it can be told by the id."""
    return f'[3,"{message_id}",{{}}]'
