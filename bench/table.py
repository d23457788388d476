"""The table: one line a subject, the same columns in the README, the goals below it."""

from collections.abc import Sequence

from bench.measure import Plan, Result

__all__ = ["goal", "goals", "table"]


def table(results: Sequence[Result], plan: Plan) -> str:
    """A Markdown table that is readable as it stands."""
    by_key = {result.subject.key: result for result in results}
    floor, library = by_key.get("floor"), by_key.get("library")
    head = [
        "",
        "messages/s",
        "p50 ms",
        "p99 ms",
        "CPU us/message",
        "x floor",
        "of library",
        "heartbeats/s",
        "CPU us/heartbeat",
        "kB/idle station",
        f"storm of {plan.storm_stations:,}: s",
        "refused",
        "transactions",
        "wrong",
    ]
    rows = [head] + [_row(result, floor, library) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(
        1,
        "|"
        + "|".join(f" {'-' * (width - 1)}{'-' if column == 0 else ':'} " for column, width in enumerate(widths))
        + "|",
    )
    return "\n".join(lines)


def goals(results: Sequence[Result]) -> list[str]:
    """Each goal with the figure that meets or misses it."""
    by_key = {result.subject.key: result for result in results}
    floor, library = by_key.get("floor"), by_key.get("library")
    sqlite, postgres = by_key.get("node-sqlite"), by_key.get("node-postgres")
    lines = []
    if sqlite and floor:
        lines.append(goal("SQLite: CPU per message in floors", sqlite.sessions.cpu_us / floor.sessions.cpu_us, 4))
    if sqlite and library:
        lines.append(
            goal("SQLite: CPU per message of the library's", sqlite.sessions.cpu_us / library.sessions.cpu_us, 1 / 6)
        )
    if postgres and floor:
        lines.append(goal("PostgreSQL: CPU per message in floors", postgres.sessions.cpu_us / floor.sessions.cpu_us, 8))
    for node in (sqlite, postgres):
        if node:
            lines.append(goal(f"{node.subject.label}: kB per idle station", node.idle_kb, 30))
            lines.append(
                goal(f"{node.subject.label}: refused in the storm", node.storm.refused if node.storm else 0, 0)
            )
            lines.append(goal(f"{node.subject.label}: wrong transactions or answers", len(node.wrong), 0))
    return lines


def goal(name: str, measured: float, limit: float) -> str:
    """One goal with the figure that meets or misses it."""
    return f"{'met   ' if measured <= limit else 'MISSED'} {name}: {measured:.3g} (at most {limit:.3g})"


def _row(result: Result, floor: Result | None, library: Result | None) -> list[str]:
    sessions, heartbeats, storm = result.sessions, result.heartbeats, result.storm
    cpu = f"{sessions.cpu_us:.0f}"
    if sessions.database_cpu_s:
        cpu += f" ({sessions.database_cpu_s / sessions.report['messages'] * 1e6:.0f} in the database)"
    return [
        result.subject.label,
        f"{sessions.per_second:,.0f}",
        f"{sessions.report['p50_ms']:.1f}",
        f"{sessions.report['p99_ms']:.1f}",
        cpu,
        f"{sessions.cpu_us / floor.sessions.cpu_us:.1f}" if floor else "",
        f"1/{library.sessions.cpu_us / sessions.cpu_us:.1f}" if library else "",
        f"{heartbeats.per_second:,.0f}",
        f"{heartbeats.cpu_us:.0f}",
        f"{result.idle_kb:.1f}",
        f"{storm.report['all_booted_s']:.1f}" if storm else "",
        str(storm.refused) if storm else "",
        f"{result.transactions:,}",
        str(len(result.wrong)),
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.ljust(width) if column == 0 else text.rjust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "| " + " | ".join(cells) + " |"
