"""Starts whose answer did not reach the station: marked, which is rare, and found by a stop without an id (§3.2.8)."""

from stationmaster.domain.facts import StartUnanswered
from stationmaster.domain.transactions import START_UNCONFIRMED
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import select_by, update_by
from stationmaster.storage.tables import transaction
from stationmaster.storage.transactions import flags_text, read_flags

__all__ = ["store_unanswered"]

_FIND_OPEN = select_by(transaction, ("id",), ("id", "flags"), where="t.id = :id AND t.state = 'open'")
_SET_FLAGS = update_by(transaction, ("id",), ("flags",))


def store_unanswered(_: Batch, facts: list[StartUnanswered]) -> Program[None]:
    """Mark those that are open still; a resend of the start takes the mark back."""
    found = yield Execute(_FIND_OPEN, [(number,) for number in {fact.transaction_id for fact in facts}])
    marked = [
        (number, flags_text((*flags, START_UNCONFIRMED)))
        for number, flags in ((number, read_flags(text)) for number, text in found.rows)
        if START_UNCONFIRMED not in flags
    ]
    if marked:
        yield Execute(_SET_FLAGS, marked)
