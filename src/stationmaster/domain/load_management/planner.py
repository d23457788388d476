"""The planner of one site: inputs in, effects out, time as an argument.

The rule that shapes this file: an input only changes what is known; commands are the effects of
`Tick` alone, so that any number of inputs lead to one plan. Whoever runs the planner hands it a
`Tick` when `next_deadline()` has come, carries out the effects in order, and answers each
`SetLimit` with exactly one input (handbook §3.6.6; issue "Fleet", point 1).
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management import results
from stationmaster.domain.load_management.alerts import Alerts
from stationmaster.domain.load_management.comings import started, stopped
from stationmaster.domain.load_management.dispatch import Dispatcher
from stationmaster.domain.load_management.effects import (
    AlertKind,
    AlertRaised,
    Decision,
    DecisionChanged,
    Effect,
    Reason,
    ReleaseLimits,
)
from stationmaster.domain.load_management.explanation import ALERT_WORDS, Explainer, not_managed
from stationmaster.domain.load_management.lanes import Lanes, Phase, fits
from stationmaster.domain.load_management.measuring import measured
from stationmaster.domain.load_management.offers import Slot
from stationmaster.domain.load_management.other_loads import OtherLoads
from stationmaster.domain.load_management.reservations import Reservations
from stationmaster.domain.load_management.site import Connector, Site, problems
from stationmaster.domain.load_management.state import ConnectorState, offer_lanes, uncontrolled
from stationmaster.domain.load_management.targets import Plan, make_plan
from stationmaster.domain.load_management.timeline import Outlook, outlook
from stationmaster.domain.locations import Location
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["PlannerSnapshot", "SitePlanner"]

_SECOND: Final = MICROSECONDS_PER_SECOND
_REFUSALS: Final = 2
"""So many refusals in a row are worth an alert."""
_UNANSWERED: Final = 3


class PlannerSnapshot(msgspec.Struct, kw_only=True):
    """Everything a planner knows, to be written down and read back."""

    site: Site
    connectors: list[ConnectorState]
    other_loads: OtherLoads
    alerts: list[AlertRaised]
    last_command_id: int


class SitePlanner:
    """Shares one site. Raises ValueError for a site or connector with problems, in words."""

    def __init__(self, site: Site, now: Instant, connectors: Iterable[Connector] = ()) -> None:
        self._states: dict[Location, ConnectorState] = {}
        self._alerts = Alerts()
        self._other_loads = OtherLoads(readings=[], expected_since=now)
        self._last_command_id = 0
        self._due: Instant | None = now
        self._within_limit = True
        self._ahead: Outlook | None = None
        self._ahead_until: Instant = now
        self._site = site
        self._phases = frozenset(site.phases)
        self._check(site, ())
        for connector in connectors:
            self._put(connector, online=False)

    @classmethod
    def restored(cls, snapshot: PlannerSnapshot, now: Instant) -> "SitePlanner":
        """A planner that goes on where another one ended. Every station counts as offline until it says otherwise.

        Commands under way then may or may not have reached their station.
        """
        planner = cls(snapshot.site, now)
        planner._states = {state.connector.location: state for state in snapshot.connectors}
        planner._other_loads = snapshot.other_loads
        planner._alerts = Alerts(snapshot.alerts)
        planner._last_command_id = snapshot.last_command_id
        for state in snapshot.connectors:
            results.connection_changed(state, online=False)
        return planner

    def snapshot(self) -> PlannerSnapshot:
        """What `restored` needs. It shares structure with the planner: write it down before the next input."""
        return PlannerSnapshot(
            site=self._site,
            connectors=list(self._states.values()),
            other_loads=self._other_loads,
            alerts=self._alerts.standing,
            last_command_id=self._last_command_id,
        )

    # Output.

    def next_deadline(self) -> Instant | None:
        """When to hand in the next `Tick`; in the past if there is something to plan at once, None if never."""
        return self._due

    @property
    def within_limit(self) -> bool:
        """Whether everything that may be drawn was within the limit at the last plan."""
        return self._within_limit

    def state_of(self, location: Location) -> ConnectorState | None:
        """What is known of a connector; not to be changed."""
        return self._states.get(location)

    def decisions(self) -> tuple[Decision, ...]:
        """Who gets what, since when and why, as of the last plan."""
        return tuple(state.decision for state in self._states.values() if state.decision is not None)

    # Input.

    def handle(self, what: said.Input, now: Instant) -> list[Effect]:
        """Take an input into account. Inputs about connectors and commands that are not ours change nothing."""
        match what:
            case said.Tick():
                return self._tick(now)
            case said.AboutCommand():
                self._hear_result(what, now)
            case said.AboutStation():
                self._hear_station(what, now)
            case said.ConnectorRemoved(location=location):
                return self._remove(location, now)
            case said.AboutConnector():
                self._hear_connector(what, now)
            case said.SiteMeterRead(deciamps=reading):
                self._read_meter(reading, now)
            case said.ConnectorChanged(connector=connector, online=online):
                self._put(connector, online=online)
                self._plan_soon(now)
            case said.SiteChanged(site=site):
                return self._change_site(site, now)
        return []

    def _read_meter(self, reading: tuple[int, int, int], now: Instant) -> None:
        meter, settings = self._site.meter, self._site.settings
        if meter is None:
            return
        if self._other_loads.read(meter, reading, self._states.values(), now, settings):
            self._plan_soon(now)
        eases_at = self._other_loads.eases_at(meter, now, settings)
        if eases_at is not None and self._due is not None:
            self._due = min(self._due, eases_at)

    def _hear_connector(self, what: said.AboutConnector, now: Instant) -> None:
        state = self._states.get(what.location)
        if state is None:
            return
        match what:
            case said.Measured(deciamps=deciamps):
                if not measured(state, deciamps, now, self._site.settings):
                    return
            case said.Overruled(overruled=overruled):
                if state.overruled == overruled:
                    return
                state.overruled = overruled
            case said.TransactionStarted():
                started(state, what, now)
            case said.TransactionStopped(transaction_id=transaction_id):
                if state.transaction is None or state.transaction.transaction_id != transaction_id:
                    return
                stopped(state, now)
        self._plan_soon(now)

    def _hear_result(self, what: said.AboutCommand, now: Instant) -> None:
        for state in self._states.values():
            command = results.command_of(state, what.command_id)
            if command is not None:
                break
        else:
            return
        match what:
            case said.CommandAcknowledged():
                results.acknowledged(state, command, now)
            case said.CommandFailed(permanent=permanent):
                results.refused(state, command, now, self._site.settings, permanent=permanent)
            case said.CommandUnanswered() if state.in_flight is not None:
                results.unanswered(state, now, self._site.settings)
        self._plan_soon(now)

    def _hear_station(self, what: said.AboutStation, now: Instant) -> None:
        for state in self._states.values():
            if state.connector.location.station_id != what.station_id:
                continue
            self._plan_soon(now)
            match what:
                case said.StationOnline() if not state.online:
                    results.connection_changed(state, online=True)
                case said.StationOffline() if state.online:
                    results.connection_changed(state, online=False)
                case said.ControlLost():
                    results.control_lost(state)

    def _plan_soon(self, now: Instant) -> None:
        due = now + self._site.settings.plan_delay_ms * 1000
        self._due = due if self._due is None else min(self._due, due)

    def _check(self, site: Site, connectors: Iterable[Connector]) -> None:
        found = problems(site, tuple(connectors))
        if found:
            raise ValueError("; ".join(found))

    def _put(self, connector: Connector, *, online: bool) -> None:
        self._check(self._site, (connector,))
        state = self._states.get(connector.location)
        if state is None:
            slot = Slot([uncontrolled(connector)])
            self._states[connector.location] = ConnectorState(connector=connector, slot=slot, online=online)
        else:
            if state.connector.wired != connector.wired and state.transaction is not None:
                state.transaction.used = None
            state.connector = connector

    def _remove(self, location: Location, now: Instant) -> list[Effect]:
        state = self._states.pop(location, None)
        if state is None:
            return []
        self._plan_soon(now)
        return [*self._alerts.forget(location), *self._released(state)]

    def _change_site(self, site: Site, now: Instant) -> list[Effect]:
        self._check(site, (state.connector for state in self._states.values()))
        if site.meter is not None and self._site.meter is None:
            self._other_loads = OtherLoads(readings=[], expected_since=now)
        self._site = site
        self._ahead = None
        self._phases = frozenset(site.phases)
        self._plan_soon(now)
        if site.limits:
            return []
        effects = self._alerts.forget(None)
        for state in self._states.values():
            effects += self._alerts.forget(state.connector.location)
            effects += self._released(state)
        return effects

    def _released(self, state: ConnectorState) -> list[Effect]:
        return [ReleaseLimits(location=state.connector.location)] if results.released(state) else []

    # Time.

    def _tick(self, now: Instant) -> list[Effect]:
        if self._due is None or now < self._due:
            return []
        settings = self._site.settings
        self._due = None
        if not self._site.limits:
            return self._stand_by(now)
        timeout_us = settings.command_timeout_s * _SECOND
        for state in self._states.values():
            if state.in_flight is not None and now >= state.in_flight.sent_at + timeout_us:
                results.unanswered(state, now, settings)
        ahead = self._look_ahead(now)
        other_loads = self._other_loads.lanes(self._site.meter, now, settings)
        reservations = Reservations(self._states.values(), ahead, other_loads, now, settings)
        plan = make_plan(self._states.values(), reservations.bounds, self._site, ahead, reservations.planned, now)
        self._within_limit = not reservations.over_now
        dispatcher = Dispatcher(reservations, now, settings, self._next_command_id)
        commands = dispatcher.run(plan.targets)
        for target in plan.targets:
            lane = dispatcher.waiting.get(id(target.state))
            if lane is not None:
                target.reason, target.lane = Reason.WAITING, lane
        effects = self._tell(plan, reservations, ahead, now)
        self._due = self._wake(now, ahead, plan, dispatcher)
        return [*commands, *effects]

    def _look_ahead(self, now: Instant) -> Outlook:
        """What the limit is and will be. It stays the same until it says itself that it changes.

        Only what comes into sight at the far end of the day ahead is seen a minute late.
        """
        if self._ahead is None or now >= self._ahead_until:
            self._ahead = outlook(self._site, now)
            changes = self._ahead.next_change
            self._ahead_until = now + 60 * _SECOND if changes is None else min(now + 60 * _SECOND, changes)
        return self._ahead

    def _next_command_id(self) -> int:
        self._last_command_id += 1
        return self._last_command_id

    def _wake(self, now: Instant, ahead: Outlook, plan: Plan, dispatcher: Dispatcher) -> Instant | None:
        """When time alone will be a reason to plan again."""
        settings = self._site.settings
        timeout_us = settings.command_timeout_s * _SECOND
        moments = [ahead.next_change, plan.wake_at, dispatcher.wake_at]
        moments += [state.in_flight.sent_at + timeout_us for state in self._states.values() if state.in_flight]
        if self._site.meter is not None:
            moments.append(self._other_loads.speaks_until(settings))
            moments.append(self._other_loads.eases_at(self._site.meter, now, settings))
        return min((each for each in moments if each is not None and each > now), default=None)

    def _stand_by(self, now: Instant) -> list[Effect]:
        """A site without limits: nothing is commanded."""
        return [each for state in self._states.values() for each in self._decided(state, not_managed(state, now))]

    def _tell(self, plan: Plan, reservations: Reservations, ahead: Outlook, now: Instant) -> list[Effect]:
        """Decisions and alerts that have changed."""
        effects: list[Effect] = []
        explainer = Explainer(self._site, now)
        too_much_for_one: dict[object, bool] = {}
        for target in plan.targets:
            state = target.state
            reserved = reservations.bounds[id(state)][0]
            effects += self._decided(state, explainer.decide(target, reserved))
            effects += self._alerts_of(state, reserved, now)
            if not state.fixed:
                used, connector = state.transaction.used if state.transaction else None, state.connector
                kind = (used or connector.wired, connector.least_deciamps, connector.by_power, used is None)
                if kind not in too_much_for_one:
                    phases = len(used or connector.wired)
                    alone = offer_lanes(connector, used, connector.least_deciamps, phases)
                    too_much_for_one[kind] = not fits(alone, ahead.planned)
        silent = self._site.meter is not None and self._other_loads.silent(now, self._site.settings)
        for what, raised in (
            (AlertKind.LIMIT_NOT_HELD, plan.unreachable),
            (AlertKind.LIMIT_BELOW_MINIMUM, any(too_much_for_one.values())),
            (AlertKind.METER_SILENT, silent),
        ):
            effects += self._alerts.state(what, None, raised=raised, message=ALERT_WORDS[what], now=now)
        return effects

    def _alerts_of(self, state: ConnectorState, reserved: Lanes, now: Instant) -> list[Effect]:
        location = state.connector.location
        if state.flawless and self._declared(state.connector.phases) and not self._alerts.any_of(location):
            return []
        troubles = {
            AlertKind.STATION_OFFLINE: not state.online and reserved[3] > 0,
            AlertKind.LIMIT_IGNORED: state.ignoring,
            AlertKind.LIMIT_OVERRULED: state.overruled,
            AlertKind.LIMIT_REFUSED: state.refusing or state.refused >= _REFUSALS,
            AlertKind.LIMIT_UNCONFIRMED: state.missed >= _UNANSWERED,
            AlertKind.PHASES_UNDECLARED: not self._declared(state.connector.phases),
        }
        return [
            effect
            for kind, raised in troubles.items()
            for effect in self._alerts.state(kind, location, raised=raised, message=ALERT_WORDS[kind], now=now)
        ]

    def _declared(self, phases: tuple[Phase, ...] | None) -> bool:
        return phases is not None and self._phases.issuperset(phases)

    def _decided(self, state: ConnectorState, decision: Decision) -> list[Effect]:
        before, state.decision = state.decision, decision
        if before is not None and (before.since, before.offered_deciamps) == (
            decision.since,
            decision.offered_deciamps,
        ):
            return []
        return [DecisionChanged(decision=decision)]
