"""What the planner remembers of each connector and its transaction.

The rule that shapes this file: everything that matters after a restart is a plain structure that
can be written down and read back; what can be drawn at the most is computed from it and nothing
else (`bound`).
"""

from typing import Final

import msgspec

from stationmaster.domain.load_management.effects import Decision
from stationmaster.domain.load_management.lanes import ZERO, Lanes, Phase, most
from stationmaster.domain.load_management.offers import LimitStep, Offer, Slot, spread
from stationmaster.domain.load_management.site import Connector
from stationmaster.instants import Instant

__all__ = [
    "BEGINNING",
    "ConnectorState",
    "InFlight",
    "TransactionState",
    "bound",
    "offer_lanes",
    "uncontrolled",
]

BEGINNING: Final[Instant] = 0
"""Before anything happened."""


class InFlight(msgspec.Struct):
    """A command without a result: its offer may already hold. `for_transaction` None: the connector's slot."""

    command_id: int
    offer: Offer
    for_transaction: str | None
    sent_at: Instant
    was_certain: bool
    """Whether the slot was certain before, and is again if the station refuses."""


class TransactionState(msgspec.Struct, kw_only=True):
    """A running transaction: what is known of the car, and its place in the order."""

    transaction_id: str
    started_at: Instant
    priority: int = 0
    max_deciamps: int | None = None
    used: tuple[Phase, ...] | None = None
    """The supply phases the car uses, once declared or seen; None: any of the connector's.

    Never known where limits outlive the transaction: there a limit holds for the next car, too.
    """
    slot: Slot
    seen_phases: tuple[Phase, ...] | None = None
    seen_times: int = 0
    wanted_deciamps: int | None = None
    """What the car seems to use; None: as much as it can get."""
    low_since: Instant | None = None
    silent_since: Instant | None = None
    idle: bool = False
    served_since: Instant | None = None
    """Since when the plan gives it at least its minimum; None while it waits."""
    waiting_since: Instant
    paused_at: Instant | None = None
    """When it was last taken from charging to waiting."""


class ConnectorState(msgspec.Struct, kw_only=True):
    """A connector: its limits as far as they are known, its troubles, its transaction."""

    connector: Connector
    slot: Slot
    """The limit for whatever transaction comes; holds the uncontrolled maximum until we know better."""
    online: bool = False
    transaction: TransactionState | None = None
    in_flight: InFlight | None = None
    unanswered: InFlight | None = None
    """The last command whose time ran out, in case its answer comes late."""
    failures: int = 0
    """Commands in a row that were refused or not answered: the waits grow with it."""
    refused: int = 0
    missed: int = 0
    retry_at: Instant = BEGINNING
    refusing: bool = False
    overruled: bool = False
    """Somebody else's profile at the station goes before ours."""
    changed_at: Instant = BEGINNING
    """When a command was last sent."""
    settled_at: Instant = BEGINNING
    """When what may be drawn last changed."""
    ignoring: bool = False
    offences: int = 0
    offended_at: Instant = BEGINNING
    overdraw: Lanes | None = None
    """What was measured above what may be drawn, until it is no longer so."""
    measured: Lanes | None = None
    measured_at: Instant = BEGINNING
    decision: Decision | None = None

    @property
    def fixed(self) -> bool:
        """Whether nothing we say changes what it may draw, for all we know at this moment."""
        return not self.online or self.refusing or self.ignoring or self.overruled or self.offences > 0

    @property
    def flawless(self) -> bool:
        """Whether there is nothing to report about it: it is there, and does what it is told."""
        return self.online and not (self.ignoring or self.refusing or self.overruled or self.refused or self.missed)

    @property
    def transaction_slot(self) -> Slot:
        """Where the limit of the running transaction is kept."""
        if self.transaction is None or self.connector.limits_outlive_transactions:
            return self.slot
        return self.transaction.slot


def uncontrolled(connector: Connector) -> Offer:
    """What stands where nobody has set a limit."""
    return Offer((LimitStep(BEGINNING, connector.uncontrolled_deciamps),), 0)


def offer_lanes(connector: Connector, used: tuple[Phase, ...] | None, deciamps: int, offer_phases: int) -> Lanes:
    """What an offer allows at the most to a car that uses some phases; None: to any car."""
    if not connector.by_power:
        return spread(deciamps, used or connector.wired)
    evenly = used is not None or connector.all_phases
    return spread(deciamps, used or connector.wired, offer_phases, evenly, connector.uncontrolled_deciamps)


def bound(state: ConnectorState, at: Instant) -> Lanes:
    """What a connector can draw at the most at `at`, by the station's clock, from now on.

    The connector's own limit counts beside that of the transaction: the next car may come before
    we hear of it. What disregards limits, or may have forgotten them, counts with its maximum.
    """
    connector = state.connector
    used = state.transaction.used if state.transaction is not None else None
    lanes = ZERO
    for offer in state.slot.offers:
        deciamps = offer.at(at)
        if deciamps:
            lanes = most(lanes, offer_lanes(connector, None, deciamps, offer.phases))
    if state.transaction is not None:
        for offer in state.transaction.slot.offers:
            deciamps = offer.at(at)
            if deciamps:
                lanes = most(lanes, offer_lanes(connector, used, deciamps, offer.phases))
    if state.ignoring or state.overruled or (connector.forgets_offline and not state.online):
        worst = offer_lanes(connector, used if state.online else None, connector.uncontrolled_deciamps, 0)
        lanes = most(lanes, worst)
    return lanes if state.overdraw is None else most(lanes, state.overdraw)
