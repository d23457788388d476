"""What is reserved for each connector, now and after each fall of the limit, and what that leaves.

The rule that shapes this file: this is the safety of the whole package. A larger offer is entered
before it is sent and only if the sum of everything that may be drawn stays within the limit; a
smaller one changes nothing until the station has confirmed it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from stationmaster.domain.load_management.lanes import ZERO, Lanes, fits, minus, most, plus
from stationmaster.domain.load_management.offers import Offer, Slot
from stationmaster.domain.load_management.site import Settings
from stationmaster.domain.load_management.state import ConnectorState, bound, offer_lanes
from stationmaster.domain.load_management.timeline import Outlook
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["Reservations"]

_SECOND: Final = MICROSECONDS_PER_SECOND


class Reservations:
    """The sums, per moment: now is the first, then each fall ahead.

    `sinces` says when an offer must change by the station's clock for each moment. `enforced` and
    `planned` are the limits less other loads; new offers must fit `planned`, what
    is above `enforced` must be brought down.
    """

    def __init__(
        self, states: Iterable[ConnectorState], ahead: Outlook, other_loads: Lanes, now: Instant, settings: Settings
    ) -> None:
        margin_us = settings.clock_margin_s * _SECOND
        # A station whose clock is late follows a fall late, by the margin at the most.
        self._moments = [now - margin_us, *(fall.at - margin_us for fall in ahead.falls)]
        self.sinces = [now, *(fall.since for fall in ahead.falls)]
        falls = [minus(fall.lanes, other_loads) for fall in ahead.falls]
        self.enforced = [minus(ahead.enforced, other_loads), *falls]
        self.planned = [minus(ahead.planned, other_loads), *falls]
        self.bounds = {id(state): [bound(state, at) for at in self._moments] for state in states}
        self._totals = [ZERO] * len(self._moments)
        for lanes in self.bounds.values():
            self._totals = [plus(total, each) for total, each in zip(self._totals, lanes, strict=True)]
        self.over_now = not fits(self._totals[0], self.enforced[0])
        """Whether what may be drawn is above the limit at this moment."""
        self._expected = list(self._totals)
        """The sums once everything that is under way has been confirmed."""

    def lanes_of(self, state: ConnectorState, offer: Offer, *, for_transaction: bool) -> list[Lanes]:
        """What an offer would allow, per moment."""
        connector = state.connector
        used = state.transaction.used if state.transaction is not None else None
        if not for_transaction:
            used = None
        return [offer_lanes(connector, used, offer.at(at), offer.phases) for at in self._moments]

    def amounts_of(self, offer: Offer) -> list[int]:
        """The deciamps of an offer per moment."""
        return [offer.at(at) for at in self._moments]

    def grows(self, state: ConnectorState, lanes: Sequence[Lanes]) -> bool:
        """Whether an offer allows anything that is not reserved already."""
        return any(not fits(new, old) for new, old in zip(lanes, self.bounds[id(state)], strict=True))

    def relieves(self, state: ConnectorState, lanes: Sequence[Lanes]) -> bool:
        """Whether an offer takes load off a lane that has and will have too much, now or after a fall ahead."""
        for new, old, total, limit in zip(lanes, self.bounds[id(state)], self._expected, self.enforced, strict=True):
            if not fits(total, limit) and any(total[lane] > limit[lane] and new[lane] < old[lane] for lane in range(4)):
                return True
        return False

    def expect(self, state: ConnectorState, slot: Slot, offer: Offer) -> set[int]:
        """A command is under way: reckon with its confirmation. Returns the lanes that it relieves now."""
        held, slot.offers = slot.offers, [offer]
        after = [bound(state, at) for at in self._moments]
        slot.offers = held
        reserved = self.bounds[id(state)]
        self._expected = [
            plus(minus(total, old), new) for total, old, new in zip(self._expected, reserved, after, strict=True)
        ]
        return {lane for lane in range(4) if after[0][lane] < reserved[0][lane]}

    def lanes_without_room(
        self, state: ConnectorState, lanes: Sequence[Lanes], *, in_doubt: bool
    ) -> list[tuple[int, int]]:
        """Where (moment, lane) an offer would not fit that grows, or may do so because what holds is `in_doubt`."""
        missing: list[tuple[int, int]] = []
        for index, (new, old) in enumerate(zip(lanes, self.bounds[id(state)], strict=True)):
            total, limit = self._totals[index], self.planned[index]
            missing += [
                (index, lane)
                for lane in range(4)
                if new[lane] > (0 if in_doubt else old[lane]) and total[lane] - old[lane] + new[lane] > limit[lane]
            ]
        return missing

    def room_for(self, state: ConnectorState, weights: Lanes, *, in_doubt: bool) -> list[int]:
        """The deciamps per phase that an offer may have at each moment; `weights` is what one of them costs.

        What is reserved for the connector for certain may stay, even where there is too much.
        """
        rooms: list[int] = []
        for index, old in enumerate(self.bounds[id(state)]):
            total, limit = self._totals[index], self.planned[index]
            rooms.append(
                min(
                    max(limit[lane] - total[lane] + old[lane], 0 if in_doubt else old[lane], 0) // weights[lane]
                    for lane in range(4)
                    if weights[lane]
                )
            )
        return rooms

    def enter(self, state: ConnectorState, lanes: Sequence[Lanes]) -> None:
        """An offer is about to be sent: reserve what it allows."""
        reserved = self.bounds[id(state)]
        for index, new in enumerate(lanes):
            grown = most(reserved[index], new)
            more = minus(grown, reserved[index])
            self._totals[index] = plus(self._totals[index], more)
            self._expected[index] = plus(self._expected[index], more)
            reserved[index] = grown
