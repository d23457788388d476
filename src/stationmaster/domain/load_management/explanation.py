"""Why a connector has what it has, in one sentence; and what needs a person, in another.

The rule that shapes this file: every figure that a decision rests on is in its sentence, so that
an operator needs nothing else to answer a driver's question. A decision keeps its date as long as
it stays the same.
"""

from typing import Final

from stationmaster.domain.load_management.effects import AlertKind, Decision, Reason
from stationmaster.domain.load_management.lanes import LANE_NAMES, ZERO, Lanes
from stationmaster.domain.load_management.site import Site
from stationmaster.domain.load_management.state import ConnectorState
from stationmaster.domain.load_management.targets import Target
from stationmaster.domain.load_management.timeline import limiting_names
from stationmaster.domain.smart_charging.tenths import words_of_tenths
from stationmaster.instants import Instant

__all__ = ["ALERT_WORDS", "Explainer", "not_managed"]

_RESERVED: Final = frozenset({Reason.OFFLINE, Reason.IGNORING, Reason.REFUSING, Reason.OVERRULED})
"""Reasons whose sentence tells what is reserved."""

_SENTENCES: Final = {
    Reason.NOT_MANAGED: "the site has no limit, so nothing is shared",
    Reason.STANDBY: "no transaction runs; a car that comes may draw {amount} until the plan is made",
    Reason.FULL: "{amount}: as much as the connector or the car can take",
    Reason.SHARED: "{amount}: its share by the policy {policy!r} of {lane}",
    Reason.DEMAND: "{amount}: the car seems to use no more; it keeps more only while nobody else needs it",
    Reason.WAITING: "{amount} is planned, and waits until others have confirmed less on {lane}",
    Reason.PAUSED: "paused at {amount}: no room on {lane} for the minimum of {least}",
    Reason.PAUSED_WHILE: "paused at {amount}: it was paused a moment ago and is not resumed at once",
    Reason.IDLE: "paused at {amount}: the car has drawn nothing for long, and others need the supply",
    Reason.OFFLINE: "the station is offline: {held} stay reserved, the most it may draw",
    Reason.IGNORING: "the station draws more than its limit: {held} are reserved for it",
    Reason.OVERRULED: "a profile of somebody else goes before its limit: {held} are reserved, the most it may draw",
    Reason.REFUSING: "the station refuses limits: {held} are reserved, the most it may draw",
}

ALERT_WORDS: Final = {
    AlertKind.STATION_OFFLINE: "the station is offline; what it may draw stays reserved for it",
    AlertKind.LIMIT_IGNORED: "the station draws more than its limit; the most it can draw is reserved for it",
    AlertKind.LIMIT_REFUSED: "the station refuses its limit; what it may draw stays reserved for it",
    AlertKind.LIMIT_UNCONFIRMED: "the station does not confirm its limit; what it may draw stays reserved for it",
    AlertKind.LIMIT_OVERRULED: "a profile of somebody else, with a higher stack level, goes before the limit",
    AlertKind.LIMIT_NOT_HELD: "what stations may draw that cannot be steered is alone above the site's limit",
    AlertKind.LIMIT_BELOW_MINIMUM: "the site's limit is below the minimum current of one car",
    AlertKind.PHASES_UNDECLARED: "the phases of this connector are not declared for the site: the worst is assumed",
    AlertKind.METER_SILENT: "the site's meter does not report; the last safe assumption about other loads holds",
}


class Explainer:
    """Puts the decisions of one plan into words."""

    def __init__(self, site: Site, now: Instant) -> None:
        self._site = site
        self._now = now
        self._lanes: dict[int | None, str] = {}

    def decide(self, target: Target, reserved: Lanes) -> Decision:
        """The decision about a connector: the last one if nothing has changed."""
        state = target.state
        target_deciamps = target.offer.steps[0].deciamps if target.offer is not None else None
        transaction_id = state.transaction.transaction_id if state.transaction is not None else None
        offered_deciamps = self._offered(state)
        before = state.decision
        since = self._now
        message = None
        if before is not None and (before.transaction_id, before.target_deciamps, before.reason, before.lane) == (
            transaction_id,
            target_deciamps,
            target.reason,
            target.lane,
        ):
            if before.offered_deciamps == offered_deciamps and before.reserved == reserved:
                return before
            since = before.since
            message = None if target.reason in _RESERVED else before.message
        return Decision(
            location=state.connector.location,
            transaction_id=transaction_id,
            target_deciamps=target_deciamps,
            offered_deciamps=offered_deciamps,
            reserved=reserved,
            reason=target.reason,
            lane=target.lane,
            since=since,
            message=message or self._words(target, target_deciamps or 0, reserved),
        )

    def _offered(self, state: ConnectorState) -> int | None:
        """What the station has confirmed for the car that is there or may come."""
        slot = state.transaction_slot
        settled = slot.settled if slot.offers else state.slot.settled
        return None if settled is None or settled.phases == 0 else settled.at(self._now)

    def _words(self, target: Target, deciamps: int, reserved: Lanes) -> str:
        return _SENTENCES[target.reason].format(
            amount=words_of_tenths(deciamps, "A"),
            held=f"{words_of_tenths(max(reserved[:3]), 'A')} per phase",
            least=words_of_tenths(target.state.connector.least_deciamps, "A"),
            lane=self._lane(target.lane),
            policy=self._site.policy.value,
        )

    def _lane(self, lane: int | None) -> str:
        if lane not in self._lanes:
            names = "" if lane is None else ", ".join(limiting_names(self._site, self._now, lane))
            words = "the supply" if lane is None else LANE_NAMES[lane]
            self._lanes[lane] = f"{words} (limit {names})" if names else words
        return self._lanes[lane]


def not_managed(state: ConnectorState, now: Instant) -> Decision:
    """The decision about a connector of a site without a limit."""
    before = state.decision
    transaction_id = state.transaction.transaction_id if state.transaction is not None else None
    if before is not None and (before.reason, before.transaction_id) == (Reason.NOT_MANAGED, transaction_id):
        return before
    return Decision(
        location=state.connector.location,
        transaction_id=transaction_id,
        target_deciamps=None,
        offered_deciamps=None,
        reserved=ZERO,
        reason=Reason.NOT_MANAGED,
        lane=None,
        since=now,
        message=_SENTENCES[Reason.NOT_MANAGED],
    )
