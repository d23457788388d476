"""The figures of a node, for Prometheus.

What is counted with every message is a bisection and an addition; the rest is read when somebody
asks. Labels come from closed lists only: never an identity, a tag or an address.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from stationmaster.api.live import EventHub
from stationmaster.app.histogram import Histogram
from stationmaster.app.watchdog import LoopWatchdog
from stationmaster.bus import Bus
from stationmaster.domain.facts import MessageLogged
from stationmaster.gateway.reasons import REASONS
from stationmaster.jobs.runner import JobRunner
from stationmaster.ocpp.oddities import OddityKind
from stationmaster.ocpp.v16 import V16
from stationmaster.storage import Storage

__all__ = ["NodeFigures", "NodeParts"]

ANSWER_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OTHER = "other"
_ODDITIES = frozenset(map(str, OddityKind))


class _Exchanges:
    """Frames, or CALLs with their answers, that are counted together, and how long `by` took to answer."""

    __slots__ = ("action", "answers", "by", "count")

    def __init__(self, by: str, action: str) -> None:
        self.by = by
        self.action = action
        self.count = 0
        self.answers: Histogram | None = None


class NodeFigures:
    """What is counted while the node works."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Histogram] = {}
        """By who answered and what."""
        self.refusals: Counter[str] = Counter()
        self.oddities: Counter[str] = Counter()
        self._exchanges: dict[tuple[str, str, str | None, str | None], _Exchanges] = {}
        """By direction, kind of frame, kind of answer, and action where we know it: what each message asks for."""

    @property
    def messages(self) -> Counter[tuple[str, str]]:
        """Frames by direction and kind. An answer came or went the other way than its CALL."""
        messages: Counter[tuple[str, str]] = Counter()
        for (direction, kind, answer_kind, _), exchanges in self._exchanges.items():
            messages[direction, kind] += exchanges.count
            if answer_kind is not None:
                messages["out" if direction == "in" else "in", answer_kind] += exchanges.count
        return messages

    def message(self, fact: MessageLogged) -> None:
        """Count a frame and, when it tells how long an answer took, observe that."""
        place = (fact.direction, fact.kind, fact.answer_kind, fact.action)
        exchanges = self._exchanges.get(place) or self._exchanges_at(*place)
        exchanges.count += 1
        if fact.latency_us is not None:
            (exchanges.answers or self._answers_of(exchanges)).observe(fact.latency_us / 1_000_000)

    def _exchanges_at(self, direction: str, kind: str, answer_kind: str | None, action: str | None) -> "_Exchanges":
        if action not in V16.actions:  # others are made up by stations, without an end
            action = None
        exchanges = self._exchanges.get((direction, kind, answer_kind, action))
        if exchanges is None:
            # A CALL that came in was answered by us; anything else measures the station.
            by = "csms" if direction == "in" and kind == "call" else "station"
            exchanges = self._exchanges[direction, kind, answer_kind, action] = _Exchanges(by, action or OTHER)
        return exchanges

    def _answers_of(self, exchanges: "_Exchanges") -> Histogram:
        place = (exchanges.by, exchanges.action)
        exchanges.answers = self.answers[place] = self.answers.get(place) or Histogram(ANSWER_BOUNDS_S)
        return exchanges.answers

    def refused(self, reason: str) -> None:
        """Count a refused handshake."""
        self.refusals[reason if reason in REASONS else OTHER] += 1

    def oddity(self, kind: str) -> None:
        """Count a tolerated deviation."""
        self.oddities[kind if kind in _ODDITIES else OTHER] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """Where the figures are read that are there anyway."""

    storage: Storage
    bus: Bus
    events: EventHub
    watchdog: LoopWatchdog
    runner: JobRunner
    connected: Callable[[], int]
    events_unpublished: Callable[[], int]


class Exposition:
    """The page that Prometheus reads."""

    def __init__(self, figures: NodeFigures, parts: NodeParts) -> None:
        self._figures = figures
        self._parts = parts
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def page(self) -> str:
        """The text."""
        return generate_latest(self._registry).decode()

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before there is something to tell."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every figure of ours."""
        yield from self._of_stations()
        yield from self._of_storage()
        yield from self._of_node()

    def _of_stations(self) -> Iterator[Metric]:
        figures = self._figures
        yield _gauge("stations_connected", "Stations connected to this node.", self._parts.connected())
        answers = HistogramMetricFamily(
            "stationmaster_answer_seconds", "How long a CALL waited for its answer.", labels=["by", "action"]
        )
        for (by, action), histogram in sorted(figures.answers.items()):
            answers.add_metric([by, action], histogram.buckets(), histogram.total)
        yield answers
        messages = CounterMetricFamily(
            "stationmaster_messages", "Frames from (in) and to (out) stations.", labels=["direction", "kind"]
        )
        for (direction, kind), count in sorted(figures.messages.items()):
            messages.add_metric([direction, kind], count)
        yield messages
        yield _counter("handshakes_refused", "Stations turned away at the door.", "reason", figures.refusals)
        yield _counter("oddities_tolerated", "Deviations that were tolerated.", "kind", figures.oddities)

    def _of_storage(self) -> Iterator[Metric]:
        writer = self._parts.storage.figures
        yield _total("commits", "Commits of the writer.", writer.batches)
        yield _total("facts_committed", "Facts in these commits; divided by them, the size of a batch.", writer.facts)
        yield _total("commits_failed", "Commits that failed.", writer.failed_batches)
        yield _total("notes_dropped", "Notes, such as message log entries, given up unwritten.", writer.dropped_notes)
        yield _gauge("facts_waiting", "Facts that wait for a commit.", writer.waiting)

    def _of_node(self) -> Iterator[Metric]:
        parts = self._parts
        yield _gauge("event_streams", "Clients of the live event stream.", len(parts.events))
        yield _total("event_streams_dropped", "Clients dropped since they did not keep up.", parts.events.dropped)
        yield _gauge("events_unpublished", "Events that wait to be told to other nodes.", parts.events_unpublished())
        yield _gauge("bus_connected", "Whether other nodes can be reached.", int(parts.bus.connected))
        yield _total("bus_messages_lost", "Messages lost to slow listeners or an absent broker.", parts.bus.lost)
        yield _total("job_failures", "Runs of periodic work that ended with an error.", parts.runner.failures)
        yield _total("loop_stalls", "Times the event loop stood still.", parts.watchdog.stalls)
        lag = HistogramMetricFamily("stationmaster_loop_lag_seconds", "How late the event loop was.")
        lag.add_metric([], parts.watchdog.lag.buckets(), parts.watchdog.lag.total)
        yield lag


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"stationmaster_{name}", documentation, value=value)


def _total(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(f"stationmaster_{name}", documentation, value=value)


def _counter(name: str, documentation: str, label: str, counts: Counter[str]) -> Metric:
    family = CounterMetricFamily(f"stationmaster_{name}", documentation, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family
