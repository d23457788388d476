"""The memory of CALLs already seen on this connection (handbook §1.9, row "CALL id equal to one already seen").

A thousand ids with digests and answers are kept for each station, so they are kept small: a
ring of sixteen bytes per CALL, and the answers, of which the commonest are shared. Ids and contents
are compared by Python's keyed 64-bit hash. Which hash an id has differs from run to run; what is
decided from it does not.

A search through a full ring costs more than the rest of a short message, and nearly every id is new. So
a filter of bits is asked first: what is not in it has not been seen, what is in it is searched for.
"""

from struct import Struct
from typing import Final

from stationmaster.ocpp.frames import MessageId

__all__ = ["Repeats"]

_NO_ANSWER_YET: Final = ""
_DIGEST: Final = Struct("<q")
_CALL: Final = Struct("<qq")
"""The digests of an id and of the content that came with it."""
_FILTER_FROM: Final = 64
"""So many ids are searched through at once; stations that say little do without the filter."""
_FILTER_BITS: Final = 16_384
_FILTER_BYTES: Final = _FILTER_BITS // 8
_SHARED: Final = {"3,{}]": "3,{}]"}


class Repeats:
    """The last `limit` CALLs: what they were and how they were answered."""

    __slots__ = ("_answers", "_calls", "_limit", "_older", "_recent", "_remembered")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls = bytearray()
        self._answers: list[str] = []
        self._remembered = 0
        """How many CALLs there have been: the number of each is how many there were before it."""
        self._recent: bytearray | None = None
        """A bit for each id since the ring began anew; `_older` has those of the round before."""
        self._older = b""

    def find(self, message_id: MessageId, content: int) -> tuple[int, bool] | None:
        """The number of the CALL of this id, and whether it had the same content; None if it is new."""
        digest = hash(message_id)
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
        latest = self._remembered - 1
        number = latest - (latest - at // _CALL.size) % self._limit
        return number, _CALL.unpack_from(self._calls, at)[1] == content

    def remember(self, message_id: MessageId, content: int) -> int:
        """Remember a CALL that has no answer yet, in place of the oldest; returns its number."""
        number = self._remembered
        self._remembered = number + 1
        place = number % self._limit
        digest = hash(message_id)
        recent = self._recent
        if recent is None or place == 0:
            self._enter(digest, place)
        else:
            recent[(digest % _FILTER_BITS) >> 3] |= 1 << (digest & 7)
        if place == len(self._answers):
            self._calls += _CALL.pack(digest, content)
            self._answers.append(_NO_ANSWER_YET)
        else:
            _CALL.pack_into(self._calls, place * _CALL.size, digest, content)
            self._answers[place] = _NO_ANSWER_YET
        return number

    def answered(self, message_id: MessageId, number: int, text: str) -> None:
        """Keep the answer `text` to a CALL, unless its place has been used again since."""
        if self._remembered - number <= self._limit:
            id_text = _id_text(message_id)
            kept = text[1] + text[3 + len(id_text) :] if text.startswith(id_text, 3) else text
            self._answers[number % self._limit] = _SHARED.get(kept, kept)

    def forget(self, number: int) -> None:
        """Let the CALL be processed anew when it comes again: our own failure is no answer to repeat."""
        if self._remembered - number <= self._limit:
            nobody = hash(("forgotten", number))
            _DIGEST.pack_into(self._calls, number % self._limit * _CALL.size, nobody)

    def answer(self, message_id: MessageId, number: int) -> str | None:
        """The answer as it was sent; None while there is none."""
        kept = self._answers[number % self._limit]
        if not kept or kept[0] == "[":
            return kept or None
        return f"[{kept[0]},{_id_text(message_id)}{kept[1:]}"

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


def _mark(bits: bytearray, digest: int) -> None:
    bits[(digest % _FILTER_BITS) >> 3] |= 1 << (digest & 7)


def _id_text(message_id: MessageId) -> str:
    """An id as it nearly always stands in JSON. An answer with another spelling of it is kept whole."""
    return f'"{message_id}"' if isinstance(message_id, str) else str(message_id)
