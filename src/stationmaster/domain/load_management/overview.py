"""A site as it stands, from what its planner has written down: for people, and for the day's curve.

The rule that shapes this file: it computes nothing that the planner has not decided; it adds up and
puts side by side. The limit is that of the present, whenever the plan was made.
"""

from collections.abc import Iterable

import msgspec

from stationmaster.domain.load_management.effects import AlertRaised, Reason
from stationmaster.domain.load_management.lanes import UNLIMITED, ZERO, Lanes, plus
from stationmaster.domain.load_management.planner import PlannerSnapshot
from stationmaster.domain.load_management.site import Site
from stationmaster.domain.load_management.state import ConnectorState, offer_lanes
from stationmaster.domain.load_management.timeline import changes_of, lanes_at, limiting_names
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["LimitAt", "OtherLoadsNow", "Overview", "Totals", "limits_ahead", "overview", "totals_of"]

_FRESH_US = 300 * MICROSECONDS_PER_SECOND
_PAUSED = frozenset({Reason.PAUSED, Reason.PAUSED_WHILE, Reason.IDLE})


class LimitAt(msgspec.Struct, frozen=True):
    """The limit from a moment on, and what sets it on each lane (nothing where there is none)."""

    at: Instant
    lanes: Lanes
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]


class OtherLoadsNow(msgspec.Struct, frozen=True, kw_only=True):
    """What else is reckoned with. `last_read_at` None: the meter has not been read yet, or there is none."""

    lanes: Lanes
    metered: bool
    silent: bool
    last_read_at: Instant | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all connectors, in deciamps per lane; `held_back` is what those reserve that cannot be steered."""

    offered: Lanes
    reserved: Lanes
    held_back: Lanes
    measured: Lanes
    transactions: int
    paused: int


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the load of a site at a moment."""

    limit: LimitAt
    ahead: tuple[LimitAt, ...]
    other_loads: OtherLoadsNow
    totals: Totals
    connectors: tuple[ConnectorState, ...]
    alerts: tuple[AlertRaised, ...]


def overview(snapshot: PlannerSnapshot, now: Instant, horizon_s: int = 86_400) -> Overview:
    """The site as it stands at `now`, with the limit for so long ahead."""
    site = snapshot.site
    first, *ahead = limits_ahead(site, now, now + horizon_s * MICROSECONDS_PER_SECOND)
    readings = snapshot.other_loads.readings
    return Overview(
        limit=first,
        ahead=tuple(ahead),
        other_loads=OtherLoadsNow(
            lanes=snapshot.other_loads.lanes(site.meter, now, site.settings),
            metered=site.meter is not None,
            silent=site.meter is not None and snapshot.other_loads.silent(now, site.settings),
            last_read_at=readings[-1][0] if readings else None,
        ),
        totals=totals_of(snapshot.connectors, now),
        connectors=tuple(snapshot.connectors),
        alerts=tuple(snapshot.alerts),
    )


def limits_ahead(site: Site, start: Instant, end: Instant) -> list[LimitAt]:
    """The limit at `start`, and at each moment until `end` at which it becomes another one."""
    found: list[LimitAt] = []
    for at in (start, *changes_of(site, start, end)):
        lanes = lanes_at(site, at)
        names = tuple(() if lanes[lane] >= UNLIMITED else limiting_names(site, at, lane) for lane in range(4))
        limit = LimitAt(at, lanes, (names[0], names[1], names[2], names[3]))
        if not found or (found[-1].lanes, found[-1].names) != (limit.lanes, limit.names):
            found.append(limit)
    return found


def totals_of(connectors: Iterable[ConnectorState], now: Instant) -> Totals:
    """What all connectors together were offered, may draw and do draw."""
    offered = reserved = held_back = measured = ZERO
    transactions = paused = 0
    for state in connectors:
        decision = state.decision
        if decision is not None:
            reserved = plus(reserved, decision.reserved)
            if state.fixed:
                held_back = plus(held_back, decision.reserved)
        if state.measured is not None and state.measured_at >= now - _FRESH_US:
            measured = plus(measured, state.measured)
        if state.transaction is None:
            continue
        transactions += 1
        paused += decision is not None and decision.reason in _PAUSED
        settled = state.transaction_slot.settled or state.slot.settled
        if settled is not None and settled.phases:
            used = state.transaction.used
            offered = plus(offered, offer_lanes(state.connector, used, settled.at(now), settled.phases))
    return Totals(
        offered=offered,
        reserved=reserved,
        held_back=held_back,
        measured=measured,
        transactions=transactions,
        paused=paused,
    )
