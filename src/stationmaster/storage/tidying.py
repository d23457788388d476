"""Writing what was tidied: closed only while it is open, opened again only if it was we who closed it."""

import msgspec
import sqlalchemy as sa

from stationmaster.domain.tidying import CLOSED_BY_POLICY, TransactionTidied
from stationmaster.domain.transactions import Beginning
from stationmaster.storage.programs import Batch, Program, execute
from stationmaster.storage.tables import transaction
from stationmaster.storage.transactions import read_flags

__all__ = ["store_tidied"]

_t = transaction.c
_other = transaction.alias().c


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
                    state="superseded" if (yield from _is_followed(fact.id)) else "open",
                    stopped_at=None,
                    stop_reason=None,
                    meter_stop_wh=None,
                    flags=msgspec.json.encode([*others, "reopened"]).decode(),
                )
            )
        outcomes.append(bool((yield from execute(statement)).rowcount))
    return outcomes


def _is_followed(transaction_id: int) -> Program[bool]:
    """Whether another began on its connector since: then it is not the one that runs there."""
    found = yield from execute(
        sa.select(
            *(_t.started_at, _t.start_received_at, _t.flags),
            *(_other.started_at, _other.start_received_at, _other.flags),
        ).where(
            _t.id == transaction_id,
            _other.id != _t.id,
            _other.station_id == _t.station_id,
            _other.evse_id == _t.evse_id,
            sa.or_(_other.started_at > _t.started_at, _other.start_received_at > _t.start_received_at),
        )
    )
    return any(_follows(_beginning(*row[3:]), _beginning(*row[:3])) for row in found.rows)


def _follows(other: Beginning, began: Beginning) -> bool:
    """Whether another start is the newer one, whichever was heard of first."""
    if other.received_at > began.received_at:
        return not other.came_late_after(began)
    return began.came_late_after(other)


def _beginning(started_at: int, received_at: int, flags: str) -> Beginning:
    return Beginning(started_at, received_at, read_flags(flags))
