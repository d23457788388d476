"""`python -m bench [--quick] [--only KEY …] [--json FILE]`: measure every subject and print the table.

Exit code 1 when a transaction was lost or doubled or an answer was an error; missed goals are printed.
"""

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import asyncpg

from bench.composite import goals as composite_goals
from bench.handshakes import password_goal
from bench.load_management import goals as planning_goals
from bench.measure import Plan, Result, measure_conversation, measure_crowd
from bench.subjects import SUBJECTS
from bench.table import goals, table

FULL = Plan(rounds=3, session_s=10.0, heartbeat_s=5.0, idle_stations=5000, idle_s=3.0, storm_stations=2000)
QUICK = Plan(rounds=1, session_s=3.0, heartbeat_s=1.5, idle_stations=800, idle_s=1.0, storm_stations=400)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute; the figures are rougher")
    parser.add_argument("--only", nargs="+", choices=list(SUBJECTS), default=list(SUBJECTS), metavar="KEY")
    parser.add_argument("--skip-crowd", action="store_true", help="no idle stations and no storm")
    parser.add_argument("--json", help="also write every figure to this file")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    measured = [Result(SUBJECTS[key]) for key in options.only]
    for number in range(plan.rounds):
        for result in measured:
            with _told(f"round {number + 1} of {plan.rounds}", result):
                measure_conversation(result, plan)
    for result in [] if options.skip_crowd else measured:
        with _told("idle stations and storm", result):
            measure_crowd(result, plan)
    results = [result for result in measured if result.session_rounds]
    print(f"\n{_machine()}\n\n{table(results, plan)}\n")
    print("\n".join([*goals(results), *composite_goals(), *planning_goals()]))
    if "node-sqlite" in options.only and not options.skip_crowd:
        print(password_goal(plan.storm_stations, 2 * plan.rounds - 1))
    for result in measured:
        for line in result.wrong[:10]:
            print(f"WRONG {result.subject.label}: {line}")
    if options.json:
        Path(options.json).write_text(json.dumps([_as_json(result) for result in results], indent=1))
    return 1 if any(result.wrong for result in measured) else 0


@contextmanager
def _told(what: str, result: Result) -> Iterator[None]:
    """Say how long it took; what cannot be measured does not keep the rest from it."""
    began = time.monotonic()
    print(f"{what}, {result.subject.label} ...", end=" ", file=sys.stderr, flush=True)
    try:
        yield
    except (OSError, RuntimeError, subprocess.SubprocessError, asyncpg.PostgresError) as error:
        result.wrong.append(f"not measured ({what}): {error}")
        print(f"failed: {error}", file=sys.stderr)
    else:
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("websockets", "uvloop", "msgspec", "ocpp"))
    return f"Python {platform.python_version()}, {packages}; {os.cpu_count()} processors, Linux {platform.release()}"


def _as_json(result: Result) -> dict[str, object]:
    figures = dataclasses.asdict(dataclasses.replace(result, subject=None))  # type: ignore[arg-type]  # it has no place in JSON
    return {**figures, "subject": result.subject.key}


if __name__ == "__main__":
    sys.exit(main())
