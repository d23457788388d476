"""What measured currents teach: which phases a car uses, how much it wants, whether a limit is obeyed.

The rule that shapes this file: a measurement may always make us more careful at once, and only
makes us less careful when it has been seen more than once (handbook §3.5; QUIRKS, Commands:
limits that are accepted and ignored).
"""

from typing import Final

from stationmaster.domain.load_management.lanes import Lanes, Phase
from stationmaster.domain.load_management.site import Connector, Settings
from stationmaster.domain.load_management.state import BEGINNING, ConnectorState, TransactionState, bound
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["measured"]

_SECOND: Final = MICROSECONDS_PER_SECOND
_FLOWING: Final = 10
"""A phase carries current from 1 A on; less is electronics, and counts as nothing."""
_CHARGING: Final = 30
"""From 3 A on a car charges, and shows which phases it uses."""
_SEEN_ENOUGH: Final = 2
"""So many measurements with the same phases settle which ones a car uses."""
_NEAR: Final = 10
"""Within 1 A of its limit a car is held back by it."""
_SLACK: Final = 30
"""Clearly below its limit is 3 A."""
_HEADROOM: Final = 20
"""A car that wants little gets 2 A more than it draws, so that it can show that it wants more."""


def measured(
    state: ConnectorState, deciamps: tuple[int | None, int | None, int | None], now: Instant, settings: Settings
) -> bool:
    """Take a measurement into account; tell whether it is a reason to plan anew."""
    connector = state.connector
    readings = {
        phase: value if value >= _FLOWING else 0
        for phase, value in zip(connector.wired, deciamps, strict=False)
        if value is not None and phase is not None
    }
    if not readings:
        return False
    state.measured = _lanes(readings)
    state.measured_at = now
    changed = False
    transaction = state.transaction
    if transaction is not None:
        changed |= _see_phases(transaction, connector, readings)
        changed |= _see_demand(state, transaction, max(readings.values()), now, settings)
    return _see_obedience(state, state.measured, now, settings) or changed


def _lanes(readings: dict[Phase, int]) -> Lanes:
    first, second, third = (readings.get(phase, 0) for phase in Phase)
    return (first, second, third, first + second + third)


def _see_phases(transaction: TransactionState, connector: Connector, readings: dict[Phase, int]) -> bool:
    """Learn which phases the car uses; a further one counts at once, fewer only when seen again."""
    flowing = tuple(phase for phase in connector.wired if readings.get(phase, 0) >= _FLOWING)
    if transaction.used is not None:
        union = tuple(phase for phase in connector.wired if phase in transaction.used or phase in flowing)
        changed = len(union) > len(transaction.used)
        if changed:
            transaction.used = union
        return changed
    if (
        connector.all_phases
        or connector.limits_outlive_transactions
        or len(readings) < len(connector.wired)
        or max(readings.values()) < _CHARGING
    ):
        return False
    if flowing != transaction.seen_phases:
        transaction.seen_phases, transaction.seen_times = flowing, 1
        return False
    transaction.seen_times += 1
    if transaction.seen_times < _SEEN_ENOUGH:
        return False
    transaction.used = flowing
    return True


def _see_demand(
    state: ConnectorState, transaction: TransactionState, drawn: int, now: Instant, settings: Settings
) -> bool:
    """Learn how much the car wants, as long as its limit lets it show that."""
    connector = state.connector
    offer = state.transaction_slot.settled
    limit = offer.at(now) if offer is not None else 0
    if offer is None or limit < connector.least_deciamps or now < state.settled_at + settings.settle_s * _SECOND:
        transaction.low_since = transaction.silent_since = None
        return False
    before = (transaction.wanted_deciamps, transaction.idle)
    if drawn == 0:
        transaction.silent_since = transaction.silent_since or now
        transaction.idle = now - transaction.silent_since >= settings.idle_after_s * _SECOND
    else:
        transaction.silent_since, transaction.idle = None, False
    if drawn > limit - _SLACK:
        transaction.low_since = None
        if drawn >= limit - _NEAR:
            transaction.wanted_deciamps = None
    else:
        transaction.low_since = transaction.low_since or now
        if now - transaction.low_since >= settings.demand_after_s * _SECOND:
            step = connector.step_deciamps
            wanted = -(-(drawn + _HEADROOM) // step) * step
            transaction.wanted_deciamps = max(wanted, connector.least_deciamps)
    return before != (transaction.wanted_deciamps, transaction.idle)


def _see_obedience(state: ConnectorState, lanes: Lanes, now: Instant, settings: Settings) -> bool:
    """Learn whether the limit is obeyed. What is drawn above it is reserved from the first time on."""
    if now < state.settled_at + settings.settle_s * _SECOND:
        return False
    before = (state.overdraw, state.ignoring)
    overdraw, was_ignoring = state.overdraw, state.ignoring
    state.overdraw, state.ignoring = None, False
    # Without what we have learned from earlier measurements: what may it draw by its limits?
    allowed = bound(state, now - settings.clock_margin_s * _SECOND)
    state.overdraw, state.ignoring = overdraw, was_ignoring
    # The total, too: power that one phase alone may carry is not theirs on each of them.
    above = [lane for lane in range(4) if lanes[lane] > allowed[lane]]
    if not above:
        state.overdraw = None
        state.offences = 0
        if state.ignoring and now - state.offended_at >= settings.forgive_after_s * _SECOND:
            state.ignoring = False
            state.offended_at = BEGINNING
        return before != (state.overdraw, state.ignoring)
    state.overdraw = lanes
    if any(lanes[lane] > allowed[lane] + _tolerance(lane, allowed, settings) for lane in above):
        state.offences += 1
        state.offended_at = now
        state.ignoring = state.ignoring or state.offences >= settings.offences
    return before != (state.overdraw, state.ignoring)


def _tolerance(lane: int, allowed: Lanes, settings: Settings) -> int:
    """How much above its limit is no offence on a lane; the total is the sum of three."""
    phases = 3 if lane == len(Phase) else 1
    return max(settings.tolerance_deciamps * phases, allowed[lane] // 20)
