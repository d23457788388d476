"""A garage to talk with: what the planner is told, and what it says, in short lines."""

from typing import Any

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import (
    AlertCleared,
    AlertRaised,
    Decision,
    Effect,
    ReleaseLimits,
    SetLimit,
)
from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.planner import SitePlanner
from stationmaster.domain.load_management.site import Connector, Policy, Settings, Site, SiteLimit, SiteMeter
from stationmaster.domain.locations import Location
from stationmaster.instants import parse_instant

SECOND = 1_000_000
NOON = parse_instant("2024-03-05T12:00:00Z")
PROMPT = Settings(plan_delay_ms=0)
"""Plans at once, so that each line of a dialogue has its answer."""


def fuse(amperes: int) -> SiteLimit:
    return SiteLimit(name="fuse", phase_deciamps=(amperes * 10, amperes * 10, amperes * 10))


def connector(station_id: str, number: int = 1, **more: Any) -> Connector:
    return Connector(location=Location.of_connector_number(station_id, number), **more)


class Garage:
    """A planner with stations that are online and have taken their standby limit."""

    def __init__(
        self,
        *connectors: Connector,
        limits: tuple[SiteLimit, ...] = (fuse(63),),
        policy: Policy = Policy.EQUAL,
        settings: Settings = PROMPT,
        meter: SiteMeter | None = None,
        commissioned: bool = True,
    ) -> None:
        self.now = NOON
        self.site = Site(site_id="garage", limits=limits, policy=policy, settings=settings, meter=meter)
        self.planner = SitePlanner(self.site, self.now, connectors)
        self.pending: list[SetLimit] = []
        self.alerts: list[str] = []
        if commissioned:
            for each in connectors:
                self.tell(said.StationOnline(station_id=each.location.station_id))
            self.settle()
            self.alerts.clear()

    # >> what it is told

    def tell(self, *what: said.Input) -> list[str]:
        """Hand in inputs and let it plan; return the commands it gives."""
        effects: list[Effect] = []
        for each in what:
            effects += self.planner.handle(each, self.now)
        effects += self.planner.handle(said.Tick(), self.now)
        return self._heard(effects)

    def comes(
        self,
        station_id: str,
        transaction_id: str = "1",
        number: int = 1,
        *,
        priority: int = 0,
        max_deciamps: int | None = None,
        phases: tuple[Phase, ...] | None = tuple(Phase),
    ) -> list[str]:
        """A car begins to charge."""
        return self.tell(
            said.TransactionStarted(
                location=Location.of_connector_number(station_id, number),
                transaction_id=transaction_id,
                started_at=self.now,
                priority=priority,
                max_deciamps=max_deciamps,
                phases=phases,
            )
        )

    def goes(self, station_id: str, transaction_id: str = "1", number: int = 1) -> list[str]:
        location = Location.of_connector_number(station_id, number)
        return self.tell(said.TransactionStopped(location=location, transaction_id=transaction_id))

    def draws(self, station_id: str, *deciamps: int | None, number: int = 1) -> list[str]:
        """A measurement of the connector's own L1, L2, L3."""
        told = [*deciamps, None, None, None]
        location = Location.of_connector_number(station_id, number)
        return self.tell(said.Measured(location=location, deciamps=(told[0], told[1], told[2])))

    def accepts(self, count: int | None = None) -> list[str]:
        """The stations accept the commands that wait, the oldest first."""
        answered, self.pending = self.pending[:count], self.pending[len(self.pending[:count]) :]
        return self.tell(*(said.CommandAcknowledged(command_id=each.command_id) for each in answered))

    def refuses(self, *, permanent: bool = False) -> list[str]:
        command = self.pending.pop(0)
        return self.tell(said.CommandFailed(command_id=command.command_id, permanent=permanent))

    def says_nothing(self) -> list[str]:
        """No answer comes to the oldest command."""
        command = self.pending.pop(0)
        return self.tell(said.CommandUnanswered(command_id=command.command_id))

    def after(self, seconds: float) -> list[str]:
        """Time passes, with a tick whenever one is due."""
        end = self.now + int(seconds * SECOND)
        commands: list[str] = []
        while True:
            due = self.planner.next_deadline()
            if due is None or due > end:
                break
            self.now = max(due, self.now)
            commands += self.tell()
        self.now = end
        return commands + self.tell()

    def settle(self) -> list[str]:
        """Accept whatever comes until nothing more comes, a minute later each time."""
        commands: list[str] = []
        for _ in range(12):
            commands += self.accepts()
            commands += self.after(61)
        return commands

    # << what it says

    def _heard(self, effects: list[Effect]) -> list[str]:
        commands: list[str] = []
        for effect in effects:
            match effect:
                case SetLimit():
                    self.pending.append(effect)
                    commands.append(told(effect))
                case ReleaseLimits(location=location):
                    commands.append(f"{location.station_id}: release")
                case AlertRaised(kind=kind, location=location):
                    self.alerts.append(f"{location.station_id if location else 'site'}: {kind.value}")
                case AlertCleared(kind=kind, location=location):
                    self.alerts.append(f"{location.station_id if location else 'site'}: {kind.value} is over")
        return commands

    def heard(self) -> list[str]:
        """The alerts since the last time."""
        alerts, self.alerts = self.alerts, []
        return alerts

    def decision(self, station_id: str, number: int = 1) -> Decision:
        location = Location.of_connector_number(station_id, number)
        return next(each for each in self.planner.decisions() if each.location == location)

    def within_limit(self) -> bool:
        return self.planner.within_limit

    def reserved(self) -> tuple[int, ...]:
        return tuple(sum(each.reserved[lane] for each in self.planner.decisions()) for lane in range(4))


def told(command: SetLimit) -> str:
    """`CP1: 16 A`, with the time of each later step; `CP1 standby: 0 A` where it is for no transaction."""
    steps = [f"{step.deciamps / 10:g} A" for step in command.steps[:1]]
    steps += [f"{step.deciamps / 10:g} A from +{(step.since - NOON) // SECOND} s" for step in command.steps[1:]]
    who = command.location.station_id + ("" if command.transaction_id else " standby")
    return f"{who}: {', '.join(steps)}"
