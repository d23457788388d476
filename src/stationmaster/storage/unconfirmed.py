"""Starts whose answer could not be written: marked then, which is rare, and found by a stop without an id (§3.2.8)."""

import sqlalchemy as sa

from stationmaster.domain.transactions import START_UNCONFIRMED
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.tables import transaction
from stationmaster.storage.transactions import flags_text, read_flags

__all__ = ["mark_unconfirmed"]

_t = transaction.c


def mark_unconfirmed(transaction_id: int) -> Program[None]:
    """The station did not hear that its start was stored, nor under which id."""
    found = yield from execute(sa.select(_t.flags).where(_t.id == transaction_id, _t.state == "open"))
    for (text,) in found.rows:
        flags = flags_text(tuple(dict.fromkeys((*read_flags(text), START_UNCONFIRMED))))
        yield from execute(sa.update(transaction).where(_t.id == transaction_id).values(flags=flags))
