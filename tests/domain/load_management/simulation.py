"""A day at a site, simulated: cars come and go, stations answer late, fall silent, round, refuse and ignore.

It knows the truth (what each station really offers to the car in front of it, by its own clock) and
checks it against the limit after every event. The planner sees only what a real one would see.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import (
    AlertCleared,
    AlertKind,
    AlertRaised,
    DecisionChanged,
    Effect,
    Reason,
    SetLimit,
)
from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.offers import LimitStep
from stationmaster.domain.load_management.planner import SitePlanner
from stationmaster.domain.load_management.site import Connector, MeterKind, Policy, Settings, Site, SiteLimit, SiteMeter
from stationmaster.domain.load_management.timeline import lanes_at
from stationmaster.domain.locations import Location

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONDAY = 1_709_510_400 * SECOND
"""2024-03-04T00:00Z."""
COMMISSIONED = 10 * MINUTE
"""Cars come once the stations have their first limits."""
TIMEOUT = 30 * SECOND
MEASURED_EVERY = 120 * SECOND
PHASES = (Phase.L1, Phase.L2, Phase.L3)


class Overloaded(AssertionError):
    """More was offered than the supply can carry."""


class Car:
    """A car in front of a connector: phases it uses, what it can take, what it wants just now."""

    def __init__(self, transaction_id: str, phases: int, max_deciamps: int) -> None:
        self.transaction_id = transaction_id
        self.phases = phases
        self.max_deciamps = max_deciamps
        self.appetite = 1.0


class SimulatedConnector:
    """The truth about a connector: the limits it holds, and the car that is there."""

    def __init__(self, connector: Connector, station: "SimulatedStation") -> None:
        self.connector = connector
        self.station = station
        self.standing: tuple[tuple[LimitStep, ...], int] | None = None
        self.of_transaction: tuple[tuple[LimitStep, ...], int] | None = None
        self.car: Car | None = None
        self.ignores = False

    def apply(self, command: SetLimit) -> bool:
        """Take a limit; False if it is refused."""
        if command.transaction_id is None:
            self.standing = (command.steps, command.phases)
        elif self.car is not None and self.car.transaction_id == command.transaction_id:
            self.of_transaction = (command.steps, command.phases)
        else:
            return False
        return True

    def offered(self, now: int, *, obeying: bool = False) -> int:
        """Deciamps per phase that the car may draw by what the station lets through."""
        held = self.of_transaction or self.standing
        if self.car is None:
            return 0
        if held is None or (self.ignores and not obeying):
            return self.connector.max_deciamps
        steps, phases = held
        clock = now + self.station.clock_ahead
        deciamps = [step.deciamps for step in steps if step.since <= clock or step is steps[0]][-1]
        deciamps = self.station.rounded(deciamps)
        if self.connector.by_power:
            deciamps = min(deciamps * phases // self.car.phases, self.connector.max_deciamps)
        return deciamps

    def drawn(self, now: int) -> int:
        """Deciamps per phase that the car draws."""
        offered = self.offered(now)
        if self.car is None or offered < 60:
            return 0
        return min(offered, int(self.car.max_deciamps * self.car.appetite))

    def lanes(self, deciamps: int) -> list[int]:
        """What so much per phase is on the supply's phases, with the car that is there."""
        lanes = [0, 0, 0, 0]
        if self.car is not None:
            for phase in self.connector.wired[: self.car.phases]:
                lanes[phase] = deciamps
            lanes[3] = deciamps * self.car.phases
        return lanes


class SimulatedStation:
    """The truth about a station: its clock, its mood, its connection."""

    def __init__(self, station_id: str, random: Random, step_deciamps: int) -> None:
        self.station_id = station_id
        self.online = False
        self.clock_ahead = random.randint(-45, 45) * SECOND
        self.rounds = random.choice(("down", "nearest", "up"))
        self.step_deciamps = step_deciamps
        self.sluggish = random.random() < 0.3
        self.refuses = random.random() < 0.15
        self.busy_until = 0
        self.queued: list[said.Input] = []

    def rounded(self, deciamps: int) -> int:
        step = self.step_deciamps
        extra = {"down": 0, "nearest": step // 2, "up": step - 1}[self.rounds]
        return (deciamps + extra) // step * step


class Day:
    """One random day at a site of 40 connectors."""

    def __init__(self, seed: int, *, ignoring: bool = False, metered: bool = False, connectors: int = 40) -> None:
        self.random = Random(seed)
        self.now = MONDAY + self.random.randrange(7) * DAY
        self.end = self.now + DAY
        self.site = self._site(metered=metered)
        self.ignoring_day = ignoring
        self.metered = metered
        self.other = [0, 0, 0]
        self.stations: dict[str, SimulatedStation] = {}
        self.connectors: dict[Location, SimulatedConnector] = {}
        self._build(connectors)
        self.planner = SitePlanner(self.site, self.now, [each.connector for each in self.connectors.values()])
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._transactions = 0
        self._changed = False
        """Whether something happened that may put more on the supply."""
        self.alerts: dict[tuple[AlertKind, Location | None], int] = {}
        self.told_at: dict[Location, int] = {}
        self.counts: Counter[str] = Counter()
        self.fullest = 0.0
        """The largest part of the limit that was offered at any moment."""
        self.over_since: int | None = None
        self.hungry: Counter[Location] = Counter()
        self.greedy: Counter[Location] = Counter()
        self._schedule()

    # The site.

    def _site(self, *, metered: bool) -> Site:
        random = self.random
        fuse = random.choice((63, 80, 125, 200, 400)) * 10
        limits = [SiteLimit(name="fuse", phase_deciamps=(fuse, fuse, fuse))]
        if random.random() < 0.6:
            start_s = random.randrange(24) * 3600
            end_s = (start_s + random.randint(1, 12) * 3600) % 86_400
            reduced = int(fuse * random.choice((0.4, 0.6, 0.8)))
            limits.append(
                SiteLimit(
                    name="peak hours",
                    phase_deciamps=(reduced, reduced, reduced),
                    daily_from_s=start_s,
                    daily_to_s=end_s,
                )
            )
        if random.random() < 0.4:
            limits.append(SiteLimit(name="contract", total_w=int(fuse / 10 * 230 * random.uniform(1.5, 2.9))))
        return Site(
            site_id="garage",
            limits=tuple(limits),
            policy=random.choice(tuple(Policy)),
            settings=Settings(plan_delay_ms=random.choice((100, 500, 2000, 5000))),
            meter=SiteMeter(kind=MeterKind.OTHER_LOADS, assumed_deciamps=(200, 200, 200)) if metered else None,
        )

    def _build(self, count: int) -> None:
        random = self.random
        while len(self.connectors) < count:
            station_id = f"CP{len(self.stations):02}"
            step_deciamps = random.choice((1, 10, 10, 20))
            station = self.stations[station_id] = SimulatedStation(station_id, random, step_deciamps)
            for number in range(1, random.choice((1, 2, 2, 4)) + 1):
                rotation = random.randrange(3)
                wired = PHASES[rotation:] + PHASES[:rotation]
                connector = Connector(
                    location=Location.of_connector_number(station_id, number),
                    phases=wired if random.random() < 0.8 else wired[:1],
                    max_deciamps=random.choice((160, 320, 320)),
                    step_deciamps=step_deciamps,
                    by_power=random.random() < 0.15,
                    limits_outlive_transactions=random.random() < 0.15,
                )
                self.connectors[connector.location] = SimulatedConnector(connector, station)

    # Things that happen.

    def _schedule(self) -> None:
        random = self.random
        for station in self.stations.values():
            self.at(self.now + random.randint(0, 60) * SECOND, partial(self.connect, station))
            if random.random() < 0.4:
                start = self.now + COMMISSIONED + random.randrange(DAY - COMMISSIONED)
                self.at(start, partial(self.disconnect, station))
                self.at(start + random.randint(20, 5 * 3600) * SECOND, partial(self.connect, station))
        if random.random() < 0.3:
            self._schedule_outage()
        for connector in self.connectors.values():
            when = self.now + COMMISSIONED + random.randrange(4 * HOUR)
            self.at(when, partial(self.arrive, connector))
            if self.ignoring_day and random.random() < 0.1:
                when = self.now + COMMISSIONED + random.randrange(20 * HOUR)
                self.at(when, partial(self.go_wild, connector))
        if self.metered:
            self.at(self.now + SECOND, self.read_meter)
        self.at(self.now + COMMISSIONED, self.watch)
        for minute in range(0, 24 * 60, 30):
            # Falls and rises of the limit lie on the hour; look just after each.
            self.at(self.now + minute * MINUTE, self.look)

    def _schedule_outage(self) -> None:
        """The whole site is cut off, and a limit that falls daily falls meanwhile."""
        falls = [limit.daily_from_s for limit in self.site.limits if limit.daily_from_s is not None]
        fall = self.now + (falls[0] if falls else 12 * 3600) * SECOND
        start = max(fall - self.random.randint(1, 3600) * SECOND, self.now + COMMISSIONED)
        end = fall + self.random.randint(1, 7200) * SECOND
        for station in self.stations.values():
            self.at(start, partial(self.disconnect, station))
            self.at(max(end, start) + MINUTE, partial(self.connect, station))

    def look(self) -> None:
        self._changed = True

    def connect(self, station: SimulatedStation) -> None:
        if not station.online:
            station.online = True
            self.tell(said.StationOnline(station_id=station.station_id))
            queued, station.queued = station.queued, []
            for what in queued:
                self.tell(what)

    def disconnect(self, station: SimulatedStation) -> None:
        if station.online:
            station.online = False
            self.counts["went offline"] += 1
            notice = self.now + self.random.choice((0, 5, 60)) * SECOND

            def noticed() -> None:
                if not station.online:
                    self.tell(said.StationOffline(station_id=station.station_id))

            self.at(notice, noticed)

    def arrive(self, connector: SimulatedConnector) -> None:
        random = self.random
        self._transactions += 1
        phases = min(random.choice((1, 1, 2, 3, 3, 3)), len(connector.connector.wired))
        car = Car(f"{self._transactions}", phases, random.choice((100, 160, 320)))
        connector.car = car
        self.look()
        started_at = self.now
        self.counts["transactions"] += 1
        self.send(
            connector.station,
            said.TransactionStarted(
                location=connector.connector.location,
                transaction_id=car.transaction_id,
                started_at=started_at,
                priority=random.choice((0, 0, 0, 5, 9)),
            ),
        )
        stays = random.randint(10 * 60, 6 * 3600) * SECOND
        for share in sorted(random.random() for _ in range(3)):
            self.at(
                self.now + int(stays * share), lambda: setattr(car, "appetite", random.choice((1.0, 0.6, 0.3, 0.0)))
            )
        self.at(self.now + random.randrange(MEASURED_EVERY), lambda: self.measure(connector, car))
        self.at(self.now + stays, lambda: self.leave(connector, car))

    def leave(self, connector: SimulatedConnector, car: Car) -> None:
        connector.car = None
        connector.of_transaction = None
        self.send(
            connector.station,
            said.TransactionStopped(location=connector.connector.location, transaction_id=car.transaction_id),
        )
        gap = self.random.randint(60, 3 * 3600) * SECOND
        self.at(self.now + gap, lambda: self.arrive(connector))

    def go_wild(self, connector: SimulatedConnector) -> None:
        connector.ignores = True
        self.look()
        self.counts["went wild"] += 1

    def measure(self, connector: SimulatedConnector, car: Car) -> None:
        if connector.car is not car:
            return
        drawn = connector.drawn(self.now)
        noise = self.random.choice((0, 0, -1, -2))
        wired = len(connector.connector.wired)
        readings = [max(drawn + noise, 0) if index < car.phases else 0 for index in range(wired)] + [None] * (3 - wired)
        first, second, third = readings
        if connector.station.online:
            self.tell(said.Measured(location=connector.connector.location, deciamps=(first, second, third)))
        self.at(self.now + MEASURED_EVERY, lambda: self.measure(connector, car))

    def read_meter(self) -> None:
        """Other loads wander; now and then one switches on. The meter reports at once, or not for a while."""
        self.look()
        self.other = [min(max(load + self.random.choice((-30, -10, 0, 0, 10, 30)), 0), 200) for load in self.other]
        if self.random.random() < 0.02:
            self.other = [self.random.randrange(200) for _ in range(3)]
        first, second, third = self.other
        self.tell(said.SiteMeterRead(deciamps=(first, second, third)))
        pause = 60 if self.random.random() < 0.98 else 1200
        self.at(self.now + pause * SECOND, self.read_meter)

    # Messages.

    def send(self, station: SimulatedStation, what: said.Input) -> None:
        """A message of the station: soon, or when it is online again."""
        if not station.online or station.queued:
            station.queued.append(what)
            return
        self.at(self.now + self.random.randint(50, 2000) * 1000, lambda: self._deliver(station, what))

    def _deliver(self, station: SimulatedStation, what: said.Input) -> None:
        if station.online:
            self.tell(what)
        else:
            station.queued.append(what)

    def tell(self, what: said.Input) -> None:
        for effect in self.planner.handle(what, self.now):
            self.carry_out(effect)

    def carry_out(self, effect: Effect) -> None:
        self.counts[type(effect).__name__] += 1
        match effect:
            case SetLimit():
                self.command(effect)
            case AlertRaised(kind=kind, location=location):
                self.alerts[kind, location] = self.now
                self.counts[kind.value] += 1
            case AlertCleared(kind=kind, location=location):
                del self.alerts[kind, location]
            case DecisionChanged(decision=decision):
                self.told_at[decision.location] = self.now

    def command(self, command: SetLimit) -> None:
        """Carry a command to its station and its answer back; either may be slow or get lost."""
        random = self.random
        connector = self.connectors[command.location]
        station = connector.station
        command_id = command.command_id
        slow = random.random() < (0.25 if station.sluggish else 0.02)
        there_ms = random.randint(5_000, 50_000) if slow else random.randint(20, 1_500)
        arrives = max(self.now + there_ms * 1000, station.busy_until)
        station.busy_until = arrives
        answer_at = arrives + random.randint(10, 500) * 1000
        deadline = self.now + TIMEOUT
        outcome: list[str] = []

        def arrive() -> None:
            if not station.online:
                return
            self.look()
            refuses = station.refuses and random.random() < 0.2
            outcome.append("accepted" if not refuses and connector.apply(command) else "refused")

        def answer() -> None:
            if not station.online or not outcome:
                return
            if self.now > deadline and random.random() < 0.5:
                return
            accepted = outcome[0] == "accepted"
            self.tell(
                said.CommandAcknowledged(command_id=command_id)
                if accepted
                else said.CommandFailed(command_id=command_id)
            )

        def give_up() -> None:
            if answer_at > deadline or not station.online or not outcome:
                self.tell(said.CommandUnanswered(command_id=command_id))

        self.at(arrives, arrive)
        self.at(answer_at, answer)
        self.at(deadline, give_up)

    # Time.

    def at(self, when: int, what: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (when, self._sequence, what))

    def run(self) -> "Day":
        while self._events:
            when, _, what = self._events[0]
            due = self.planner.next_deadline()
            if due is not None and max(due, self.now) <= when:
                self.now = max(due, self.now)
                if self.now >= self.end:
                    break
                self.tell(said.Tick())
                self.counts["plans"] += 1
                continue
            if when >= self.end:
                break
            heapq.heappop(self._events)
            self.now = when
            what()
            if self._changed:
                self._changed = False
                self.check()
        return self

    # Truth.

    def loads(self) -> list[int]:
        """What the cars may draw at this moment, per lane; those that ignore limits by what they do draw."""
        loads = [0, 0, 0, 0]
        for location, connector in self.connectors.items():
            if connector.car is None:
                continue
            if connector.ignores:
                # Before it is found out, it is taken at its word; then what it really draws counts.
                deciamps = connector.offered(self.now, obeying=True)
                if (AlertKind.LIMIT_IGNORED, location) in self.alerts:
                    deciamps = max(deciamps, connector.drawn(self.now))
            else:
                deciamps = connector.offered(self.now)
            for lane, amount in enumerate(connector.lanes(deciamps)):
                loads[lane] += amount
        return loads

    def check(self) -> None:
        """The limit holds: always on honest days; on others whenever the planner says that it does."""
        limit = lanes_at(self.site, self.now)
        loads = self.loads()
        other = [*self.other, sum(self.other)]
        self.fullest = max([self.fullest, *(load / top for load, top in zip(loads, limit, strict=True))])
        over = [lane for lane in range(4) if loads[lane] + other[lane] > limit[lane] and loads[lane] > 0]
        disturbed = self.ignoring_day or self.metered
        if not over:
            self.over_since = None
        elif not disturbed or (self.planner.within_limit and not self._news_pending()):
            raise Overloaded(f"lanes {over}: {loads} + {other} > {limit} at {(self.now - self.end + DAY) / HOUR:.4f} h")
        elif self.over_since is None:
            self.over_since = self.now
        elif self.now - self.over_since > 15 * MINUTE and (AlertKind.LIMIT_NOT_HELD, None) not in self.alerts:
            raise Overloaded(f"lanes {over} for 15 minutes, and nobody was told: {loads} + {other} > {limit}")

    def _news_pending(self) -> bool:
        """Whether the planner has not yet planned with all that it was told."""
        due = self.planner.next_deadline()
        return due is not None and due <= self.now + 5 * SECOND

    def watch(self) -> None:
        """Every five minutes: no car waits long where there is room, no station takes more for long unnoticed."""
        for location, connector in self.connectors.items():
            allowed = connector.offered(self.now, obeying=True)
            noticed = (AlertKind.LIMIT_IGNORED, location) in self.alerts or not connector.station.online
            takes_more = connector.car is not None and connector.drawn(self.now) > allowed * 21 // 20 + 20
            self.greedy[location] = self.greedy[location] + 1 if takes_more and not noticed else 0
            assert self.greedy[location] < 5, f"{location} takes more than {allowed} and nobody was told"
        room = [limit - load for limit, load in zip(lanes_at(self.site, self.now), self._reserved(), strict=True)]
        for decision in self.planner.decisions():
            waits = decision.reason in {Reason.PAUSED, Reason.SHARED} and (decision.offered_deciamps or 0) < 60
            connector = self.connectors[decision.location]
            lanes = [(phase, 60) for phase in connector.connector.wired]
            fits = all(room[lane] >= need + 20 for lane, need in lanes) and room[3] >= 60 * len(lanes) + 20
            if waits and fits and connector.station.online and not connector.station.refuses and not self.metered:
                self.hungry[decision.location] += 1
                assert self.hungry[decision.location] < 6, f"{decision} while there is room: {room}"
            else:
                self.hungry[decision.location] = 0
        self.at(self.now + 5 * MINUTE, self.watch)

    def _reserved(self) -> list[int]:
        reserved = [0, 0, 0, 0]
        for decision in self.planner.decisions():
            for lane in range(4):
                reserved[lane] += decision.reserved[lane]
        return reserved
