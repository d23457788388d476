"""From what is to what is planned: which limits to send now, and which must wait.

The rule that shapes this file: what lowers a limit goes out at once when it is needed; what raises
one goes out only when the room for it is there for certain, that is after others have confirmed
less. Nobody is cut back for a plan's sake, only when somebody else needs the room; small changes,
and changes too soon after the last, are left alone.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from stationmaster.domain.load_management.effects import SetLimit
from stationmaster.domain.load_management.lanes import Lanes
from stationmaster.domain.load_management.offers import LimitStep, Offer, Slot, falling
from stationmaster.domain.load_management.reservations import Reservations
from stationmaster.domain.load_management.site import Settings
from stationmaster.domain.load_management.state import ConnectorState, InFlight, offer_lanes
from stationmaster.domain.load_management.targets import Target, standby_offer
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["Dispatcher"]

_SECOND: Final = MICROSECONDS_PER_SECOND


class _Wish(msgspec.Struct):
    """A limit that should be sent, and what it would allow per moment."""

    state: ConnectorState
    slot: Slot
    offer: Offer
    for_transaction: str | None
    lanes: list[Lanes]

    @property
    def in_doubt(self) -> bool:
        """Whether less may hold than is reserved, so that even an offer within that may raise what holds."""
        return not self.state.slot.certain or not self.slot.certain


class Dispatcher:
    """Turns the targets of one plan into commands.

    `wake_at` is when a command that was held back for its time may go.
    """

    def __init__(
        self, reservations: Reservations, now: Instant, settings: Settings, next_command_id: Callable[[], int]
    ) -> None:
        self._reservations = reservations
        self._now = now
        self._settings = settings
        self._next_command_id = next_command_id
        self._commands: list[SetLimit] = []
        self._cuts: list[tuple[int, _Wish]] = []
        self._could_yield: list[_Wish] = []
        self._could_yield_little: list[_Wish] = []
        self._relief: set[int] = set()
        self.wake_at: Instant | None = None
        self.waiting: dict[int, int] = {}
        """By id() of a state: the lane on which its offer waits until others have confirmed less."""

    def run(self, targets: list[Target]) -> list[SetLimit]:
        """Send what can be sent; states are changed as if it had been."""
        growing: list[_Wish] = []
        for target in targets:
            in_flight = target.state.in_flight
            if in_flight is not None:
                own = in_flight.for_transaction is not None
                slot = target.state.transaction_slot if own else target.state.slot
                self._relief |= self._reservations.expect(target.state, slot, in_flight.offer)
        for target in targets:
            state = target.state
            if state.in_flight is not None:
                continue
            wish = self._wish(target)
            if wish is None:
                continue
            if wish.in_doubt or self._grows(wish):
                growing.append(wish)
            else:
                self._send(wish)
        for _, wish in sorted(self._cuts, key=lambda cut: cut[0]):
            self._cut(wish)
        self._yield_to(growing)
        return self._commands

    def _yield_to(self, growing: list[_Wish]) -> None:
        """Send what grows; where there is no room for it, cut back those who have more than planned."""
        blocked = [(wish, lanes) for wish in growing if (lanes := self._send_or_block(wish)) is not None]
        needed = {lane for _, lanes in blocked for lane in lanes}
        for wish in self._could_yield:
            self._send_if_it_frees(needed, wish)
        # A little from many only for a car that otherwise could not charge at all.
        urgent = {lane for wish, lanes in blocked if self._starts(wish) for lane in lanes} - self._relief
        for wish in self._could_yield_little:
            self._send_if_it_frees(urgent, wish)
        for wish, lanes in blocked:
            # Room that will be there once others have confirmed is worth waiting for.
            part = None if lanes & self._relief else self._part(wish)
            if part is not None and not self._missing(part):
                self._send(part)
            elif lanes:
                self.waiting[id(wish.state)] = min(lanes)

    def _send_if_it_frees(self, lanes: set[int], wish: _Wish) -> None:
        reserved = self._reservations.bounds[id(wish.state)][0]
        if any(wish.lanes[0][lane] < reserved[lane] for lane in lanes):
            self._send(self._without_growth(wish))

    def _without_growth(self, wish: _Wish) -> _Wish:
        """The same for now, and after falls ahead no more than is reserved already."""
        present = wish.slot.settled
        if present is None or not self._grows(wish):
            return wish
        reservations = self._reservations
        before, after = reservations.amounts_of(present), reservations.amounts_of(wish.offer)
        amounts = [min(old, new) for old, new in zip(before, after, strict=True)]
        offer = Offer(falling(reservations.sinces, amounts), wish.offer.phases)
        return self._made(wish.state, wish.slot, offer, wish.for_transaction)

    def _starts(self, wish: _Wish) -> bool:
        """Whether a car begins to charge by this."""
        least = wish.state.connector.least_deciamps
        present = max((each.at(self._now) for each in wish.slot.offers), default=0)
        return present < least <= wish.offer.steps[0].deciamps

    def _wish(self, target: Target) -> _Wish | None:
        """What should be sent to a connector, if anything, and if now is the time."""
        state = target.state
        if not state.online or state.refusing:
            return None
        if self._now < state.retry_at:
            self._wake(state.retry_at)
            return None
        if target.offer is None:
            return self._reminder(state)
        transaction = state.transaction
        own = transaction is not None and not state.connector.limits_outlive_transactions
        for_transaction = transaction.transaction_id if transaction is not None and own else None
        wish = self._if_needed(state, state.transaction_slot, target.offer, for_transaction)
        if wish is None and own:
            wish = self._if_needed(state, state.slot, standby_offer(state, self._now), None)
        return wish

    def _reminder(self, state: ConnectorState) -> _Wish | None:
        """A connector that ignores its limit is told again, now and then: it may have lost it."""
        slot = state.transaction_slot
        offer = slot.settled
        if offer is None:
            return None
        due = state.changed_at + self._settings.retry_s[-1] * _SECOND
        if self._now < due:
            self._wake(due)
            return None
        steps = (LimitStep(self._now, offer.at(self._now)), *(each for each in offer.steps if each.since > self._now))
        transaction_id = state.transaction.transaction_id if state.transaction is not None else None
        for_transaction = None if slot is state.slot else transaction_id
        return self._made(state, slot, Offer(steps, offer.phases), for_transaction)

    def _if_needed(self, state: ConnectorState, slot: Slot, offer: Offer, for_transaction: str | None) -> _Wish | None:
        present = slot.settled
        if present is not None:
            return self._if_changed(state, slot, present, offer, for_transaction)
        standing = state.slot.settled
        if slot.offers or standing is None or standing.phases == 0:
            return self._made(state, slot, offer, for_transaction)
        # The connector's own limit holds for the transaction until it has one of its own.
        if offer.steps[0].deciamps <= standing.at(self._now):
            return None
        return self._made(state, slot, offer, for_transaction)

    def _if_changed(
        self, state: ConnectorState, slot: Slot, present: Offer, offer: Offer, for_transaction: str | None
    ) -> _Wish | None:
        change = offer.steps[0].deciamps - present.at(self._now)
        respread = state.connector.by_power and present.phases not in {0, offer.phases}
        if change == 0 and not respread and offer.steps[1:] == present.steps[1:]:
            return None
        wish = self._made(state, slot, offer, for_transaction)
        if present.phases == 0 or respread or self._crosses_minimum(state, present, offer):
            return wish
        if self._reservations.relieves(state, wish.lanes):
            self._cuts.append((change, wish))
            return None
        return self._unless_too_little(state, wish, change)

    def _cut(self, wish: _Wish) -> None:
        """Bring down what is too much, the largest cuts first and no more of them than it takes."""
        if self._reservations.relieves(wish.state, wish.lanes):
            self._send(self._without_growth(wish))
        else:
            self._could_yield_little.append(wish)

    def _unless_too_little(self, state: ConnectorState, wish: _Wish, change: int) -> _Wish | None:
        small = abs(change) < self._settings.hysteresis_deciamps
        due = state.changed_at + self._settings.change_interval_s * _SECOND
        early = not small and self._now < due
        if early:
            self._wake(due)
        if change < 0:
            (self._could_yield_little if small or early else self._could_yield).append(wish)
            return None
        return None if small or early else wish

    def _crosses_minimum(self, state: ConnectorState, present: Offer, offer: Offer) -> bool:
        """Whether a car starts or stops charging by this: that is never a small change."""
        least = state.connector.least_deciamps
        return (present.at(self._now) >= least) is not (offer.steps[0].deciamps >= least)

    def _made(self, state: ConnectorState, slot: Slot, offer: Offer, for_transaction: str | None) -> _Wish:
        lanes = self._reservations.lanes_of(state, offer, for_transaction=for_transaction is not None)
        return _Wish(state, slot, offer, for_transaction, lanes)

    def _grows(self, wish: _Wish) -> bool:
        return self._reservations.grows(wish.state, wish.lanes)

    def _missing(self, wish: _Wish) -> list[tuple[int, int]]:
        return self._reservations.lanes_without_room(wish.state, wish.lanes, in_doubt=wish.in_doubt)

    def _send_or_block(self, wish: _Wish) -> set[int] | None:
        """Send what raises a limit if there is room for all of it; otherwise the lanes where there is none now."""
        missing = self._missing(wish)
        if missing:
            return {lane for index, lane in missing if self._reservations.sinces[index] <= self._now}
        self._send(wish)
        return None

    def _part(self, wish: _Wish) -> _Wish | None:
        """As much of an offer as there is room for, if that is worth a command."""
        state, offer = wish.state, wish.offer
        step_deciamps, least = state.connector.step_deciamps, state.connector.least_deciamps
        used = state.transaction.used if state.transaction is not None else None
        weights = offer_lanes(state.connector, used, 1, offer.phases)
        rooms = self._reservations.room_for(state, weights, in_doubt=wish.in_doubt)
        amounts = self._reservations.amounts_of(offer)
        tight = {index for index, _ in self._missing(wish)}
        possible = [
            # Where all of it fits it fits, even if so many times the cost of a tenth of an ampere did not.
            amount if index not in tight else min(amount, room - room % step_deciamps)
            for index, (amount, room) in enumerate(zip(amounts, rooms, strict=True))
        ]
        # Too little to charge with: pause, as far as there is room for even that.
        possible = [each if each >= least else min(each, state.connector.pause_deciamps) for each in possible]
        steps = falling(self._reservations.sinces, possible)
        part = self._made(state, wish.slot, Offer(steps, offer.phases), wish.for_transaction)
        if wish.slot.offers and wish.slot.settled is None:
            return part
        present = max((each.at(self._now) for each in wish.slot.offers), default=state.slot.most_at(self._now))
        lowers = amounts[0] <= present
        resumes = present < least <= steps[0].deciamps
        if lowers or resumes or steps[0].deciamps >= present + self._settings.hysteresis_deciamps:
            return part
        return None

    def _send(self, wish: _Wish) -> None:
        state, offer = wish.state, wish.offer
        self._reservations.enter(state, wish.lanes)
        self._relief |= self._reservations.expect(state, wish.slot, offer)
        command_id = self._next_command_id()
        state.in_flight = InFlight(command_id, offer, wish.for_transaction, self._now, wish.slot.certain)
        wish.slot.sending(offer)
        state.unanswered = None
        state.changed_at = self._now
        self._wake(self._now + self._settings.command_timeout_s * _SECOND)
        self._commands.append(
            SetLimit(
                command_id=command_id,
                location=state.connector.location,
                transaction_id=wish.for_transaction,
                steps=offer.steps,
                phases=offer.phases,
            )
        )

    def _wake(self, at: Instant) -> None:
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)
