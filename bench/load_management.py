"""How much CPU a plan costs: 500 running transactions on one site (budget: 20 ms).

The rule that shapes this file: what is measured is the whole re-planning as it runs in service
(from the input to the commands and decisions), on a site on which nothing is easy: three limits,
one of them with a fall ahead, cars on one to three phases, each wanting something else.
"""

import time
from random import Random

from bench.table import goal
from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import Effect, SetLimit
from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.planner import SitePlanner
from stationmaster.domain.load_management.site import Connector, Policy, Site, SiteLimit
from stationmaster.domain.locations import Location

TRANSACTIONS = 500
BUDGET_MS = 20.0
FUSES_A = (1600, 4000)
SECOND = 1_000_000
NOON = 1_709_640_000 * SECOND
PHASES = (Phase.L1, Phase.L2, Phase.L3)


def site(policy: Policy, fuse_a: int) -> Site:
    """A site with a fuse, a contract in watts and an evening peak."""
    return Site(
        site_id="garage",
        policy=policy,
        limits=(
            SiteLimit(name="fuse", phase_deciamps=(fuse_a * 10, fuse_a * 10, fuse_a * 10)),
            SiteLimit(name="contract", total_w=fuse_a * 600),
            SiteLimit(
                name="evening",
                phase_deciamps=(fuse_a * 8, fuse_a * 8, fuse_a * 8),
                daily_from_s=18 * 3600,
                daily_to_s=21 * 3600,
            ),
        ),
    )


class Bench:
    """A planner, and stations that answer at once."""

    def __init__(self, policy: Policy, fuse_a: int) -> None:
        random = Random(1)
        self.now = NOON
        self.site = site(policy, fuse_a)
        self.connectors = [
            Connector(
                location=Location.of_connector_number(f"CP{number // 2:03}", number % 2 + 1),
                phases=PHASES[number % 3 :] + PHASES[: number % 3],
            )
            for number in range(TRANSACTIONS)
        ]
        self.planner = SitePlanner(self.site, self.now, self.connectors)
        for connector in self.connectors[::2]:
            self.tell(said.StationOnline(station_id=connector.location.station_id))
        self.settle()
        for number, connector in enumerate(self.connectors):
            self.tell(
                said.TransactionStarted(
                    location=connector.location,
                    transaction_id=str(number),
                    started_at=self.now + number,
                    priority=random.choice((0, 0, 5)),
                    max_deciamps=random.choice((None, *range(100, 330, 10))),
                    phases=connector.wired[: random.choice((1, 2, 3))],
                )
            )
        self.settle()

    def tell(self, what: said.Input) -> list[Effect]:
        """Hand in an input."""
        return self.planner.handle(what, self.now)

    def plan(self) -> tuple[float, list[Effect]]:
        """One plan: its CPU time in ms and its effects."""
        self.now += SECOND
        started = time.process_time_ns()
        effects = self.planner.handle(said.Tick(), self.now)
        return (time.process_time_ns() - started) / 1e6, effects

    def settle(self) -> None:
        """Acknowledge commands until there are none left."""
        for _ in range(20):
            _, effects = self.plan()
            for effect in effects:
                if isinstance(effect, SetLimit):
                    self.tell(said.CommandAcknowledged(command_id=effect.command_id))
            self.now += 60 * SECOND

    def measure(self, fuse_a: int) -> dict[str, tuple[float, int]]:
        """The best time of each kind of plan, and how many commands it had."""
        kinds: dict[str, tuple[float, int]] = {}
        lower = site(self.site.policy, fuse_a * 8 // 10)
        for _ in range(8):
            for kind, what in (
                ("the limit falls by a fifth", said.SiteChanged(site=lower)),
                ("the limit rises again", said.SiteChanged(site=self.site)),
                (
                    "a car leaves",
                    said.TransactionStopped(location=self.connectors[7].location, transaction_id="7"),
                ),
                (
                    "a car comes",
                    said.TransactionStarted(
                        location=self.connectors[7].location, transaction_id="7", started_at=self.now
                    ),
                ),
            ):
                self.tell(what)
                duration_ms, effects = self.plan()
                commands = [effect for effect in effects if isinstance(effect, SetLimit)]
                for command in commands:
                    self.tell(said.CommandAcknowledged(command_id=command.command_id))
                self.settle()
                best = kinds.get(kind, (duration_ms, 0))[0]
                kinds[kind] = (min(best, duration_ms), len(commands))
        return kinds


def goals() -> list[str]:
    """The dearest plan of each policy, with what it takes."""
    lines = []
    for policy in Policy:
        plans = [plan for fuse_a in FUSES_A for plan in Bench(policy, fuse_a).measure(fuse_a).items()]
        kind, (duration_ms, commands) = max(plans, key=lambda plan: plan[1][0])
        what = f"Plan for {TRANSACTIONS} transactions of one site, ms: {policy.value}, {kind}, {commands} commands"
        lines.append(goal(what, duration_ms, BUDGET_MS))
    return lines


def main() -> None:
    """Print a line per policy and kind of plan."""
    print(f"planning {TRANSACTIONS} transactions of one site (budget {BUDGET_MS:.0f} ms of CPU)")
    for policy in Policy:
        for fuse_a in FUSES_A:
            bench = Bench(policy, fuse_a)
            for kind, (duration_ms, commands) in bench.measure(fuse_a).items():
                print(f"  {duration_ms:6.2f} ms  {commands:4} commands  {policy.value:10} {fuse_a:5} A  {kind}")


if __name__ == "__main__":
    main()
