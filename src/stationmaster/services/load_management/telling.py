"""What a planner decided and raised, as facts; and the load of a site over time.

The rule that shapes this file: the curve of a day is made of changes. The load is told when the limit,
what is offered or what is reserved has changed, and what is measured at most twice a minute.
"""

from collections.abc import Sequence
from typing import Final

from stationmaster.domain.facts import Fact
from stationmaster.domain.load_management.effects import AlertCleared, AlertRaised, Decision, DecisionChanged, Effect
from stationmaster.domain.load_management.facts import (
    LanesA,
    SiteAlertCleared,
    SiteAlertRaised,
    SiteDecided,
    SiteLoadSampled,
)
from stationmaster.domain.load_management.lanes import UNLIMITED, Lanes
from stationmaster.domain.load_management.overview import totals_of
from stationmaster.domain.load_management.planner import PlannerSnapshot
from stationmaster.domain.load_management.timeline import lanes_at
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["LIMITED_BY", "LoadTeller", "facts_of"]

LIMITED_BY: Final = ("L1", "L2", "L3", "total")
_MEASURED_EVERY_US: Final = 30 * MICROSECONDS_PER_SECOND


class LoadTeller:
    """Tells the load of one site when it has changed."""

    def __init__(self, key: tuple[str, str]) -> None:
        self._organisation_id, self._site_id = key
        self._last: SiteLoadSampled | None = None
        self._pending = False

    def due(self) -> Instant | None:
        """When what was measured meanwhile may be told; None when there is nothing to tell."""
        return self._last.received_at + _MEASURED_EVERY_US if self._pending and self._last is not None else None

    def load(self, snapshot: PlannerSnapshot, now: Instant) -> SiteLoadSampled | None:
        """The load now; None when there is nothing new to tell."""
        totals = totals_of(snapshot.connectors, now)
        limits = [None if each >= UNLIMITED else each / 10 for each in lanes_at(snapshot.site, now)]
        load = SiteLoadSampled(
            organisation_id=self._organisation_id,
            station_id="",
            received_at=now,
            site_id=self._site_id,
            limit_a=(limits[0], limits[1], limits[2], limits[3]),
            offered_a=lanes_a(totals.offered),
            reserved_a=lanes_a(totals.reserved),
            measured_a=lanes_a(totals.measured),
            other_loads_a=lanes_a(snapshot.other_loads.lanes(snapshot.site.meter, now, snapshot.site.settings)),
            transactions=totals.transactions,
            paused=totals.paused,
        )
        last = self._last
        if last is not None and _same_plan(last, load):
            self._pending = load.measured_a != last.measured_a
            if not self._pending or now < last.received_at + _MEASURED_EVERY_US:
                return None
        self._last, self._pending = load, False
        return load


def facts_of(key: tuple[str, str], effects: Sequence[Effect], now: Instant) -> list[Fact]:
    """The facts of what was decided, raised and cleared."""
    found: list[Fact] = []
    for effect in effects:
        match effect:
            case DecisionChanged(decision=decision):
                found.append(_decided(key, decision, now))
            case AlertRaised(kind=kind, location=location, message=message):
                found.append(
                    SiteAlertRaised(
                        organisation_id=key[0],
                        station_id="" if location is None else location.station_id,
                        received_at=now,
                        site_id=key[1],
                        kind=kind.value,
                        location=location,
                        message=message,
                    )
                )
            case AlertCleared(kind=kind, location=location):
                found.append(
                    SiteAlertCleared(
                        organisation_id=key[0],
                        station_id="" if location is None else location.station_id,
                        received_at=now,
                        site_id=key[1],
                        kind=kind.value,
                        location=location,
                    )
                )
    return found


def lanes_a(lanes: Lanes) -> LanesA:
    """Currents in amperes."""
    return (lanes[0] / 10, lanes[1] / 10, lanes[2] / 10, lanes[3] / 10)


def _decided(key: tuple[str, str], decision: Decision, now: Instant) -> SiteDecided:
    target, offered = decision.target_deciamps, decision.offered_deciamps
    return SiteDecided(
        organisation_id=key[0],
        station_id=decision.location.station_id,
        received_at=now,
        site_id=key[1],
        location=decision.location,
        transaction_id=decision.transaction_id,
        target_a=None if target is None else target / 10,
        offered_a=None if offered is None else offered / 10,
        reserved_a=lanes_a(decision.reserved),
        reason=decision.reason.value,
        limited_by=None if decision.lane is None else LIMITED_BY[decision.lane],
        message=decision.message,
        since_at=decision.since,
    )


def _same_plan(one: SiteLoadSampled, other: SiteLoadSampled) -> bool:
    return (
        one.limit_a == other.limit_a
        and one.offered_a == other.offered_a
        and one.reserved_a == other.reserved_a
        and one.other_loads_a == other.other_loads_a
        and (one.transactions, one.paused) == (other.transactions, other.paused)
    )
