"""Puts the load on one subject and reads what it used meanwhile."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.load import Record
from bench.processes import cpu_seconds, rss_kb, tail
from bench.subjects import Api, Running, Subject

__all__ = ["Plan", "Result", "measure_conversation", "measure_crowd", "wrong_transactions"]

BUSY_STATIONS = 50


@dataclass(frozen=True)
class Plan:
    """How much of each load. `rounds`: how often sessions and heartbeats are measured, subject after subject."""

    rounds: int
    session_s: float
    heartbeat_s: float
    idle_stations: int
    idle_s: float
    storm_stations: int


@dataclass
class Phase:
    """One load: what the stations saw, and the CPU seconds used meanwhile by the server and its database."""

    report: dict[str, Any]
    server_cpu_s: float
    database_cpu_s: float

    @property
    def per_second(self) -> float:
        """Messages answered in a second."""
        return float(self.report["messages"]) / float(self.report["seconds"])

    @property
    def cpu_us(self) -> float:
        """CPU microseconds for a message, the database's included."""
        return (self.server_cpu_s + self.database_cpu_s) / int(self.report["messages"]) * 1e6

    @property
    def refused(self) -> int:
        """Connections that were turned away or failed."""
        return sum(self.report["refused"].values())


@dataclass
class Result:
    """All that was measured of a subject. `wrong` lists what no figure can make good."""

    subject: Subject
    session_rounds: list[Phase] = field(default_factory=list)
    heartbeat_rounds: list[Phase] = field(default_factory=list)
    storm: Phase | None = None
    idle_kb: float = 0.0
    transactions: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def sessions(self) -> Phase:
        """The round with the median cost: the machine has other things to do at times."""
        return _median(self.session_rounds)

    @property
    def heartbeats(self) -> Phase:
        """The same for heartbeats."""
        return _median(self.heartbeat_rounds)


def measure_conversation(result: Result, plan: Plan) -> None:
    """One round of charging sessions and heartbeats on a fresh server, then its books are checked."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        record = Path(directory) / "record.json"
        with result.subject.start(BUSY_STATIONS) as running:
            sessions, _ = _run(running, "sessions", BUSY_STATIONS, plan.session_s, record)
            heartbeats, _ = _run(running, "heartbeats", BUSY_STATIONS, plan.heartbeat_s)
            transactions = json.loads(record.read_text())
            result.wrong += wrong_transactions(transactions, running.api)
    result.session_rounds.append(sessions)
    result.heartbeat_rounds.append(heartbeats)
    result.transactions += sum(len(of_station) for of_station in transactions.values())
    _note_errors(result, sessions, heartbeats)


def measure_crowd(result: Result, plan: Plan) -> None:
    """Memory of idle stations, then the reconnect storm, on a fresh server."""
    with result.subject.start(max(plan.idle_stations, plan.storm_stations)) as running:
        idle, memory_kb = _run(running, "idle", plan.idle_stations, plan.idle_s)
        result.storm, _ = _run(running, "storm", plan.storm_stations)
    result.idle_kb = (memory_kb[1] - memory_kb[0]) / idle.report["counted"]
    _note_errors(result, idle, result.storm)


def wrong_transactions(record: Record, api: Api | None) -> list[str]:
    """Doubled ids among the answers, and, where there is an API, every difference between answers and store."""
    counted = Counter(transaction_id for of_station in record.values() for transaction_id, _, _ in of_station)
    wrong = [f"transaction id {number} was given {count} times" for number, count in counted.items() if count > 1]
    if api is None:
        return wrong
    for identity, of_station in record.items():
        stored = Counter(
            (int(item["transaction_id"]), item["meter_start_wh"], item["meter_stop_wh"])
            for item in api.everything("/transactions", station_id=identity)
        )
        answered = Counter((number, start, stop) for number, start, stop in of_station)
        wrong += [f"{identity}: answered but not stored: {lost}" for lost in answered - stored]
        wrong += [f"{identity}: stored but not answered: {added}" for added in stored - answered]
    return wrong


def _run(
    running: Running, phase: str, stations: int, seconds: float = 0.0, record: Path | None = None
) -> tuple[Phase, list[int]]:
    """One load generator from begin to end; also the server's memory at both moments."""
    command = [sys.executable, "-m", "bench.load", phase, "--url", running.url]
    command += ["--stations", str(stations), "--seconds", str(seconds)]
    command += ["--password", running.password] if running.password else []
    command += ["--record", str(record)] if record else []
    used: list[tuple[float, float]] = []
    memory_kb: list[int] = []
    event: dict[str, Any] = {"failed": "the load generator died"}
    generator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with generator:
        for line in generator.stdout or ():
            event = json.loads(line)
            if event["event"] != "done":
                used.append((cpu_seconds(running.own()), cpu_seconds(running.of_database())))
                memory_kb.append(rss_kb(running.own()))
    if generator.returncode or "failed" in event:
        raise RuntimeError(f"{phase}: {event.get('failed', 'failed')}\n{tail(running.log)}")
    (server_before, database_before), (server_after, database_after) = used
    return Phase(event, server_after - server_before, database_after - database_before), memory_kb


def _note_errors(result: Result, *phases: Phase) -> None:
    for report in (phase.report for phase in phases):
        if report["error_count"]:
            result.wrong.append(f"{report['error_count']} answers were errors, such as {report['errors'][0]}")
        if report["surprises"]:
            result.wrong.append(f"{report['surprises']} requests that nobody asked for")


def _median(phases: list[Phase]) -> Phase:
    return sorted(phases, key=lambda phase: phase.cpu_us)[len(phases) // 2]
