"""What the result of a command means for what a connector may draw.

The rule that shapes this file: confirmed is certain; refused leaves what was; no answer leaves
both, until something is confirmed. Failures wait longer and longer before the next attempt.
"""

from typing import Final

from stationmaster.domain.load_management.offers import Slot
from stationmaster.domain.load_management.site import Settings
from stationmaster.domain.load_management.state import BEGINNING, ConnectorState, InFlight, uncontrolled
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["acknowledged", "command_of", "connection_changed", "control_lost", "refused", "released", "unanswered"]

_SECOND: Final = MICROSECONDS_PER_SECOND


def command_of(state: ConnectorState, command_id: int) -> InFlight | None:
    """The command of that id: the one under way, or the last one whose time ran out."""
    under_way = state.in_flight or state.unanswered
    return under_way if under_way is not None and under_way.command_id == command_id else None


def acknowledged(state: ConnectorState, command: InFlight, now: Instant) -> None:
    """The station confirmed: this offer holds and nothing else."""
    _slot(state, command).settle(command.offer)
    state.in_flight = state.unanswered = None
    state.failures = state.refused = state.missed = 0
    state.retry_at = BEGINNING
    state.settled_at = now


def refused(state: ConnectorState, command: InFlight, now: Instant, settings: Settings, *, permanent: bool) -> None:
    """The station refused: what held before still holds."""
    _slot(state, command).withdraw(command.offer, certain=command.was_certain)
    state.in_flight = state.unanswered = None
    state.refused += 1
    state.refusing = state.refusing or permanent
    _back_off(state, now, settings)


def unanswered(state: ConnectorState, now: Instant, settings: Settings) -> None:
    """No result: both what was and what was sent may hold."""
    state.unanswered, state.in_flight = state.in_flight, None
    state.missed += 1
    _back_off(state, now, settings)


def connection_changed(state: ConnectorState, *, online: bool) -> None:
    """The station came or went. What was under way may or may not have arrived; it may be asked anew."""
    state.online = online
    if state.in_flight is not None:
        state.unanswered, state.in_flight = state.in_flight, None
    state.failures = state.refused = state.missed = 0
    state.retry_at = BEGINNING
    state.refusing = False


def control_lost(state: ConnectorState) -> None:
    """The station may have forgotten every limit."""
    state.slot.offers.append(uncontrolled(state.connector))
    state.slot.certain = False
    if state.transaction is not None and state.transaction.slot.offers:
        state.transaction.slot.certain = False


def released(state: ConnectorState) -> bool:
    """Forget every limit of a connector; tell whether there may be one to remove."""
    had_limit = any(offer.phases for offer in state.slot.offers)
    if state.transaction is not None:
        had_limit = had_limit or bool(state.transaction.slot.offers)
        state.transaction.slot = Slot([])
    state.slot = Slot([uncontrolled(state.connector)])
    state.in_flight = state.unanswered = None
    return had_limit


def _slot(state: ConnectorState, command: InFlight) -> Slot:
    if command.for_transaction is None or state.transaction is None:
        return state.slot
    return state.transaction.slot


def _back_off(state: ConnectorState, now: Instant, settings: Settings) -> None:
    state.retry_at = now + settings.retry_s[min(state.failures, len(settings.retry_s) - 1)] * _SECOND
    state.failures += 1
