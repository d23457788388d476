"""Transactions begin and end on a connector.

The rule that shapes this file: a transaction starts with nothing of its own, so the connector's
limit holds for it; with its end everything that was only for it is gone.
"""

from stationmaster.domain.load_management.inputs import TransactionStarted
from stationmaster.domain.load_management.offers import Slot
from stationmaster.domain.load_management.state import ConnectorState, TransactionState
from stationmaster.instants import Instant

__all__ = ["started", "stopped"]


def started(state: ConnectorState, what: TransactionStarted, now: Instant) -> None:
    """A transaction began; told again, its priority and the car's maximum are brought up to date."""
    present = state.transaction
    if present is not None and present.transaction_id == what.transaction_id:
        present.priority, present.max_deciamps = what.priority, what.max_deciamps
        return
    if present is not None:
        stopped(state, now)
    wired = state.connector.wired
    used = tuple(phase for phase in wired if phase in what.phases) if what.phases else ()
    if state.connector.limits_outlive_transactions:
        # The limit stays when this car leaves, and the next one may use every phase before we hear of it.
        used = ()
    state.transaction = TransactionState(
        transaction_id=what.transaction_id,
        started_at=what.started_at,
        priority=what.priority,
        max_deciamps=what.max_deciamps,
        used=wired if state.connector.all_phases else used or None,
        slot=Slot([]),
        waiting_since=now,
    )
    state.overdraw, state.offences = None, 0


def stopped(state: ConnectorState, now: Instant) -> None:
    """The transaction ended. Limits for it die with it, one on its way included."""
    state.transaction = None
    state.overdraw, state.offences = None, 0
    state.settled_at = now
    if state.in_flight is not None and state.in_flight.for_transaction is not None:
        state.in_flight = None
    if state.unanswered is not None and state.unanswered.for_transaction is not None:
        state.unanswered = None
