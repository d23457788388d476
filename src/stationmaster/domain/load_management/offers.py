"""What a station has been offered, and what it may therefore draw at the most.

The rule that shapes this file: between a command and its answer both the old limit and the new
one may hold, so both are kept, and the larger counts. An offer never rises by itself: later steps
are falls of the site's limit that the station follows even when it cannot be reached.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from stationmaster.domain.load_management.lanes import UNLIMITED, ZERO, Lanes, Phase
from stationmaster.instants import Instant

__all__ = ["LimitStep", "Offer", "Slot", "falling", "spread"]

_MOST_KEPT: Final = 4
"""So many offers in doubt are told apart; more become one that is as large as any of them."""


class LimitStep(msgspec.Struct, frozen=True, gc=False):
    """From `since` on, `deciamps` per phase."""

    since: Instant
    deciamps: int


class Offer(msgspec.Struct, frozen=True, gc=False):
    """A limit that was sent, or what stood before we came.

    `phases` turns it into power: watts are amperes times nominal volts times phases. 0: no limit
    at all, the connector's own maximum on each phase.
    """

    steps: tuple[LimitStep, ...]
    phases: int

    def at(self, instant: Instant) -> int:
        """Deciamps at an instant by the station's clock; before the first step, the first."""
        steps = self.steps
        if len(steps) == 1:
            return steps[0].deciamps
        value = steps[0].deciamps
        for step in steps:
            if step.since > instant:
                break
            value = step.deciamps
        return value


def falling(sinces: Sequence[Instant], amounts: Sequence[int]) -> tuple[LimitStep, ...]:
    """The steps of an offer that is to be `amounts` from `sinces` on, of which the first is now.

    What would rise is left as it was; what has fallen already has fallen from the beginning.
    """
    now = sinces[0]
    steps = [LimitStep(now, min(amount for since, amount in zip(sinces, amounts, strict=True) if since <= now))]
    for since, amount in zip(sinces, amounts, strict=True):
        if amount < steps[-1].deciamps:
            steps.append(LimitStep(since, amount))
    return tuple(steps)


class Slot(msgspec.Struct):
    """A place for one limit at a station: for the connector, or for its running transaction.

    `offers` may each hold; `certain` says that exactly the one offer does. An empty slot holds
    nothing, for certain or not.
    """

    offers: list[Offer]
    certain: bool = True

    def most_at(self, instant: Instant) -> int:
        """The largest deciamps that may hold at an instant."""
        return max((offer.at(instant) for offer in self.offers), default=0)

    @property
    def settled(self) -> Offer | None:
        """The offer that holds for certain, if there is one."""
        return self.offers[0] if self.certain and len(self.offers) == 1 else None

    def sending(self, offer: Offer) -> None:
        """A command is on its way: from now on its offer may hold as well."""
        self.offers.append(offer)
        self.certain = False
        if len(self.offers) > _MOST_KEPT:
            self._merge()

    def settle(self, offer: Offer) -> None:
        """The station confirmed an offer, so nothing else holds."""
        self.offers = [offer]
        self.certain = True

    def withdraw(self, offer: Offer, *, certain: bool) -> None:
        """The station refused an offer: what held before still holds, and is as `certain` as it was."""
        if offer in self.offers:
            self.offers.remove(offer)
            self.certain = certain

    def _merge(self) -> None:
        newest = self.offers[-1]
        rest = self.offers[:-1]
        largest = max(step.deciamps for offer in rest for step in offer.steps[:1])
        phases = max(offer.phases for offer in rest)
        self.offers = [Offer((LimitStep(rest[0].steps[0].since, largest),), phases), newest]


@lru_cache(maxsize=1 << 16)
def spread(
    deciamps: int, phases: tuple[Phase, ...], power_phases: int = 0, evenly: bool = True, ceiling: int = UNLIMITED
) -> Lanes:
    """The lanes that an offer can fill at the most.

    `phases` are those it may be drawn from. `power_phases` 0: the limit holds on each phase.
    Otherwise it is power, worth `deciamps` on so many phases, and can be drawn from any one of
    `phases` alone, up to the connector's `ceiling`, unless it is known to be drawn `evenly`.
    Remembered, because the same few combinations are asked for thousands of times per plan.
    """
    if deciamps == 0:
        return ZERO
    if power_phases:
        total = deciamps * power_phases
        each = -(-total // len(phases)) if evenly else min(total, max(ceiling, deciamps))
    else:
        total = deciamps * len(phases)
        each = deciamps
    if len(phases) == len(ZERO) - 1:
        return (each, each, each, total)
    lanes = [0, 0, 0, total]
    for phase in phases:
        lanes[phase] = each
    return (lanes[0], lanes[1], lanes[2], lanes[3])
