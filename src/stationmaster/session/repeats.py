"""The memory of CALLs already seen on this connection (handbook §1.9, row "CALL id equal to one already seen").

A thousand ids with digests and answers are kept for each station, so they are kept small: two
rings of eight bytes per CALL, and the answers, of which the commonest are shared. Ids and contents
are compared by Python's keyed 64-bit hash. Which hash an id has differs from run to run; what is
decided from it does not.

A search through a full ring costs more than the rest of a short message, and nearly every id is new. So
a filter of bits is asked first: what is not in it has not been seen, what is in it is searched for.
"""

from typing import Final

from stationmaster.ocpp.frames import MessageId

__all__ = ["Repeats"]

_NO_ANSWER_YET: Final = ""
_WIDTH: Final = 8
_FILTER_FROM: Final = 64
"""So many ids are searched through at once; stations that say little do without the filter."""
_FILTER_BITS: Final = 16_384
_FILTER_BYTES: Final = _FILTER_BITS // 8
_SHARED: Final = {"3,{}]": "3,{}]"}


class Repeats:
    """The last `limit` CALLs: what they were and how they were answered."""

    __slots__ = ("_answers", "_contents", "_ids", "_limit", "_older", "_recent", "_remembered")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids = bytearray()
        self._contents = bytearray()
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
        needle = digest.to_bytes(_WIDTH, "little", signed=True)
        at = self._ids.find(needle)
        while at % _WIDTH and at > 0:
            at = self._ids.find(needle, at + 1)
        if at < 0:
            return None
        latest = self._remembered - 1
        number = latest - (latest - at // _WIDTH) % self._limit
        return number, self._contents[at : at + _WIDTH] == content.to_bytes(_WIDTH, "little", signed=True)

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
        fingerprint = digest.to_bytes(_WIDTH, "little", signed=True)
        contents = content.to_bytes(_WIDTH, "little", signed=True)
        if place == len(self._answers):
            self._ids += fingerprint
            self._contents += contents
            self._answers.append(_NO_ANSWER_YET)
        else:
            at = place * _WIDTH
            self._ids[at : at + _WIDTH] = fingerprint
            self._contents[at : at + _WIDTH] = contents
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
            at = number % self._limit * _WIDTH
            nobody = hash(("forgotten", number))
            self._ids[at : at + _WIDTH] = nobody.to_bytes(_WIDTH, "little", signed=True)

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
            for at in range(0, len(self._ids), _WIDTH):
                _mark(recent, int.from_bytes(self._ids[at : at + _WIDTH], "little", signed=True))
        elif place == 0:
            self._older = bytes(recent)
            recent = self._recent = bytearray(_FILTER_BYTES)
        _mark(recent, digest)


def _mark(bits: bytearray, digest: int) -> None:
    bits[(digest % _FILTER_BITS) >> 3] |= 1 << (digest & 7)


def _id_text(message_id: MessageId) -> str:
    """An id as it nearly always stands in JSON. An answer with another spelling of it is kept whole."""
    return f'"{message_id}"' if isinstance(message_id, str) else str(message_id)
