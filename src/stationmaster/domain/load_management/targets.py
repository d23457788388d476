"""The plan: what each connector should be offered, now and after each fall of the limit ahead.

The rule that shapes this file: what cannot be steered is taken off the top with its worst case;
the rest is shared among the running transactions in the order of the policy. How to get from here
to there safely is not decided here.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from stationmaster.domain.load_management.effects import Reason
from stationmaster.domain.load_management.lanes import ZERO, Lanes, minus, most, plus
from stationmaster.domain.load_management.offers import LimitStep, Offer, falling
from stationmaster.domain.load_management.sharing import Claim, Share, share
from stationmaster.domain.load_management.site import Connector, Policy, Settings, Site
from stationmaster.domain.load_management.state import ConnectorState, TransactionState, offer_lanes
from stationmaster.domain.load_management.timeline import Outlook
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["Plan", "Target", "make_plan", "standby_offer"]

_SECOND: Final = MICROSECONDS_PER_SECOND
_ONE: Final = 1
_Claimant = tuple[ConnectorState, TransactionState]


class Target(msgspec.Struct):
    """What a connector should be offered, and why. `offer` None: nothing can be offered."""

    state: ConnectorState
    offer: Offer | None
    reason: Reason
    lane: int | None = None


class Plan(msgspec.Struct):
    """Targets: first those of running transactions, in the order of the policy, then the others.

    `unreachable` says that worst cases and pauses alone are above the limit; `wake_at` is when
    the plan would be another one if nothing else happened.
    """

    targets: list[Target]
    unreachable: bool
    wake_at: Instant | None


def make_plan(
    states: Iterable[ConnectorState],
    bounds: dict[int, list[Lanes]],
    site: Site,
    ahead: Outlook,
    capacities: Sequence[Lanes],
    now: Instant,
) -> Plan:
    """Share what is left beside worst cases; `bounds` by id() of a state and `capacities`: now, then per fall."""
    left = list(capacities)
    targets: list[Target] = []
    claimants: list[_Claimant] = []
    for state in states:
        if not state.fixed and state.transaction is not None:
            claimants.append((state, state.transaction))
            if state.overdraw is not None:
                left = [minus(each, _excess(state, now)) for each in left]
            continue
        if state.fixed:
            reserved: Sequence[Lanes] = bounds[id(state)]
            targets.append(Target(state, None, _why_fixed(state)))
        else:
            standby = standby_offer(state, now)
            lanes = offer_lanes(state.connector, None, standby.steps[0].deciamps, standby.phases)
            reserved = [lanes] * len(left)
            targets.append(Target(state, standby, Reason.STANDBY))
        left = [minus(each, lanes) for each, lanes in zip(left, reserved, strict=True)]
    order, wake_at = _order(claimants, site, now)
    groups = _groups(order, site.policy)
    claims = [_claim(*each, group, now, site.settings) for each, group in zip(order, groups, strict=True)]
    shares = [share(claims, left[0])]
    for capacity in left[1:]:
        shares.append(share([_no_more_than(*each) for each in zip(claims, shares[-1].amounts, strict=True)], capacity))
    _remember(order, claims, shares[0], now)
    fullest_first = sorted(range(4), key=lambda lane: shares[0].left[lane])
    sinces = [now, *(fall.since for fall in ahead.falls)]
    planned = [
        _target(*each, claim, index, shares, sinces, fullest_first)
        for index, (each, claim) in enumerate(zip(order, claims, strict=True))
    ]
    return Plan(planned + targets, unreachable=_unreachable(claims, left[0]), wake_at=wake_at)


def standby_offer(state: ConnectorState, now: Instant) -> Offer:
    """What a connector without a transaction is offered."""
    connector = state.connector
    return Offer((LimitStep(now, connector.standby_deciamps),), len(connector.wired))


def _excess(state: ConnectorState, now: Instant) -> Lanes:
    """What a car was seen to draw above its limit, so little that it may go on."""
    drawn = state.overdraw
    offer = state.transaction_slot.settled
    if drawn is None or offer is None:
        return ZERO
    used = state.transaction.used if state.transaction is not None else None
    allowed = offer_lanes(state.connector, used, offer.at(now), offer.phases)
    return most(minus(drawn, allowed), ZERO)


def _why_fixed(state: ConnectorState) -> Reason:
    if not state.online:
        return Reason.OFFLINE
    if state.overruled:
        return Reason.OVERRULED
    return Reason.REFUSING if state.refusing else Reason.IGNORING


def _order(claimants: list[_Claimant], site: Site, now: Instant) -> tuple[list[_Claimant], Instant | None]:
    """The order in which minimum currents are given, and when time alone changes it."""
    turn_us = site.settings.turn_s * _SECOND
    keyed = []
    waiting = False
    turns_end: list[Instant] = []
    pauses_end: list[Instant] = []
    for state, transaction in claimants:
        rank, since = 1, transaction.waiting_since
        if transaction.served_since is not None:
            since = transaction.served_since
            rank = 0 if now < since + turn_us else 2
            turns_end.append(since + turn_us)
        else:
            waiting |= not transaction.idle
            if transaction.paused_at is not None:
                pauses_end.append(transaction.paused_at + site.settings.pause_s * _SECOND)
        location = state.connector.location
        place = (location.station_id, location.evse_id or 0, location.connector_id or 0)
        keyed.append((_key(transaction, site.policy, rank, since), place, (state, transaction)))
    keyed.sort(key=lambda each: each[:2])
    moments = pauses_end + (turns_end if waiting and site.policy is not Policy.FIRST_COME else [])
    return [claimant for _, _, claimant in keyed], min((each for each in moments if each > now), default=None)


def _key(transaction: TransactionState, policy: Policy, rank: int, since: Instant) -> tuple[int, ...]:
    if policy is Policy.EQUAL:
        return (transaction.idle, rank, since)
    if policy is Policy.PRIORITY:
        return (transaction.idle, -transaction.priority, rank, since)
    return (transaction.idle, transaction.started_at)


def _groups(order: Sequence[_Claimant], policy: Policy) -> list[int]:
    if policy is Policy.FIRST_COME:
        return list(range(len(order)))
    if policy is Policy.PRIORITY:
        return [-transaction.priority for _, transaction in order]
    return [0] * len(order)


def _claim(state: ConnectorState, transaction: TransactionState, group: int, now: Instant, settings: Settings) -> Claim:
    connector = state.connector
    floor = connector.pause_deciamps
    if not connector.limits_outlive_transactions:
        floor = max(floor, connector.standby_deciamps)
    minimum = max(connector.least_deciamps, floor)
    maximum = connector.most_deciamps
    if transaction.max_deciamps is not None:
        step = connector.step_deciamps
        maximum = min(maximum, max(transaction.max_deciamps // step * step, minimum))
    if transaction.idle:
        maximum = minimum
    elif transaction.wanted_deciamps is not None:
        maximum = max(min(maximum, transaction.wanted_deciamps), minimum)
    paused = transaction.paused_at is not None and transaction.served_since is None
    if paused and transaction.paused_at is not None and now < transaction.paused_at + settings.pause_s * _SECOND:
        maximum = floor
    return Claim(
        weights=offer_lanes(connector, transaction.used, _ONE, _offer_phases(connector, transaction)),
        floor=floor,
        minimum=minimum,
        maximum=maximum,
        step=connector.step_deciamps,
        group=group,
    )


def _offer_phases(connector: Connector, transaction: TransactionState) -> int:
    """Over how many phases an offer is told: where power is limited, as many as the car uses."""
    return len(transaction.used) if connector.by_power and transaction.used else len(connector.wired)


def _no_more_than(claim: Claim, amount: int) -> Claim:
    """What a claim may have after a fall: what it has before it, at the most."""
    return Claim(
        weights=claim.weights,
        floor=claim.floor,
        minimum=claim.minimum,
        maximum=amount,
        step=claim.step,
        group=claim.group,
    )


def _remember(order: Sequence[_Claimant], claims: Sequence[Claim], outcome: Share, now: Instant) -> None:
    """Keep who is served since when: the order of the next plan rests on it."""
    for (_, transaction), claim, amount in zip(order, claims, outcome.amounts, strict=True):
        if amount >= claim.minimum:
            transaction.served_since = transaction.served_since if transaction.served_since is not None else now
        elif transaction.served_since is not None:
            transaction.served_since = None
            transaction.waiting_since = transaction.paused_at = now


def _target(
    state: ConnectorState,
    transaction: TransactionState,
    claim: Claim,
    index: int,
    shares: Sequence[Share],
    sinces: Sequence[Instant],
    fullest_first: Sequence[int],
) -> Target:
    amounts = [each.amounts[index] for each in shares]
    offer = Offer(falling(sinces, amounts), _offer_phases(state.connector, transaction))
    refused_by = shares[0].refused_by[index]
    if amounts[0] < claim.minimum:
        if transaction.idle:
            return Target(state, offer, Reason.IDLE, refused_by)
        return Target(state, offer, Reason.PAUSED_WHILE if refused_by is None else Reason.PAUSED, refused_by)
    if amounts[0] >= claim.maximum:
        modest = transaction.idle or transaction.wanted_deciamps is not None
        return Target(state, offer, Reason.DEMAND if modest else Reason.FULL)
    lane = next(lane for lane in fullest_first if claim.weights[lane])
    return Target(state, offer, Reason.SHARED, lane)


def _unreachable(claims: Sequence[Claim], left: Lanes) -> bool:
    floors: Lanes = (0, 0, 0, 0)
    for claim in claims:
        if claim.floor:
            first, second, third, total = (weight * claim.floor for weight in claim.weights)
            floors = plus(floors, (first, second, third, total))
    return any(need > room for need, room in zip(floors, left, strict=True))
