"""The memory of CALLs already seen on this connection (handbook §1.9, row "CALL id equal to one already seen").

A thousand ids with digests and answers are kept for each station, so they are kept small: two
rings of eight bytes per CALL, and the answers, of which the commonest are shared. Ids and contents
are compared by Python's keyed 64-bit hash. Which hash an id has differs from run to run; what is
decided from it does not.
"""

from typing import Final

from stationmaster.ocpp.frames import MessageId

__all__ = ["Repeats"]

_NO_ANSWER_YET: Final = ""
_WIDTH: Final = 8
_SHARED: Final = {"3,{}]": "3,{}]"}


class Repeats:
    """The last `limit` CALLs: what they were and how they were answered."""

    __slots__ = ("_answers", "_contents", "_ids", "_limit", "_next")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids = bytearray()
        self._contents = bytearray()
        self._answers: list[str] = []
        self._next = 0

    def find(self, message_id: MessageId, content: int) -> tuple[int, bool] | None:
        """Where a CALL of this id is remembered, and whether it had the same content; None if it is new."""
        needle = _fingerprint(message_id)
        at = self._ids.find(needle)
        while at % _WIDTH and at > 0:
            at = self._ids.find(needle, at + 1)
        if at < 0:
            return None
        return at // _WIDTH, self._contents[at : at + _WIDTH] == content.to_bytes(_WIDTH, "little", signed=True)

    def remember(self, message_id: MessageId, content: int) -> int:
        """Remember a CALL that has no answer yet, in place of the oldest; returns where."""
        place = self._next
        self._next = (place + 1) % self._limit
        fingerprint = _fingerprint(message_id)
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
        return place

    def answered(self, message_id: MessageId, place: int, text: str) -> None:
        """Keep the answer `text`, unless the place has been used again since."""
        at = place * _WIDTH
        if self._ids[at : at + _WIDTH] == _fingerprint(message_id):
            id_text = _id_text(message_id)
            kept = text[1] + text[3 + len(id_text) :] if text.startswith(id_text, 3) else text
            self._answers[place] = _SHARED.get(kept, kept)

    def forget(self, message_id: MessageId, place: int) -> None:
        """Let the CALL be processed anew when it comes again: our own failure is no answer to repeat."""
        at = place * _WIDTH
        if self._ids[at : at + _WIDTH] == _fingerprint(message_id):
            self._ids[at : at + _WIDTH] = _fingerprint(("forgotten", place))

    def answer(self, message_id: MessageId, place: int) -> str | None:
        """The answer as it was sent; None while there is none."""
        kept = self._answers[place]
        if not kept or kept[0] == "[":
            return kept or None
        return f"[{kept[0]},{_id_text(message_id)}{kept[1:]}"


def _id_text(message_id: MessageId) -> str:
    """An id as it nearly always stands in JSON. An answer with another spelling of it is kept whole."""
    return f'"{message_id}"' if isinstance(message_id, str) else str(message_id)


def _fingerprint(value: MessageId | tuple[str, int]) -> bytes:
    return hash(value).to_bytes(_WIDTH, "little", signed=True)
