"""Writing what was tidied: closed only while it is open, opened again only if it was we who closed it."""

import msgspec
import sqlalchemy as sa

from stationmaster.domain.tidying import CLOSED_BY_POLICY, TransactionTidied
from stationmaster.storage.programs import Batch, Program, execute
from stationmaster.storage.tables import transaction

__all__ = ["store_tidied"]

_t = transaction.c


def store_tidied(_batch: Batch, facts: list[TransactionTidied]) -> Program[list[bool]]:
    """Close and reopen; each outcome tells whether the transaction was in a state that allowed it."""
    outcomes: list[bool] = []
    for fact in facts:
        found = yield from execute(sa.select(_t.flags).where(_t.id == fact.id))
        flags = [] if not found.rows else msgspec.json.decode(found.rows[0][0])
        others = [flag for flag in flags if flag != CLOSED_BY_POLICY]
        if fact.what == "closed":
            statement = (
                sa.update(transaction)
                .where(_t.id == fact.id, _t.state != "closed")
                .values(
                    state="closed",
                    stopped_at=fact.stopped_at,
                    stop_reason=fact.reason,
                    meter_stop_wh=fact.meter_stop_wh,
                    flags=msgspec.json.encode([*others, CLOSED_BY_POLICY]).decode(),
                )
            )
        else:
            statement = (
                sa.update(transaction)
                .where(_t.id == fact.id, _t.state == "closed", _t.stop_received_at.is_(None))
                .values(
                    state="open",
                    stopped_at=None,
                    stop_reason=None,
                    meter_stop_wh=None,
                    flags=msgspec.json.encode([*others, "reopened"]).decode(),
                )
            )
        outcomes.append(bool((yield from execute(statement)).rowcount))
    return outcomes
