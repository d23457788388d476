"""kill -9 in the middle of everything: what was acknowledged is there, once (RELIABILITY R-01)."""

import asyncio
import sys
from collections import Counter

from tests.storage.conftest import opened, rows_of
from tests.storage.facts import at

ROUNDS = 3
LINES_BEFORE_DEATH = 150


async def acknowledged_before_death(url: str, first_turn: int) -> list[list[str]]:
    """Run busy stations, kill them when they are at it, and return what they were told."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.busy", url, str(first_turn), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    lines: list[bytes] = []
    async with asyncio.timeout(60):
        while len(lines) < LINES_BEFORE_DEATH and (line := await child.stdout.readline()):
            lines.append(line)
        child.kill()
        lines += (await child.stdout.read()).splitlines(keepends=True)
        await child.wait()
    assert len(lines) >= LINES_BEFORE_DEATH
    return [line.decode().split() for line in lines if line.endswith(b"\n")]


async def test_nothing_acknowledged_is_lost_or_doubled(database_url: str) -> None:
    words: list[list[str]] = []
    for i in range(ROUNDS):
        words += await acknowledged_before_death(database_url, 1 + i * 1_000_000)
    rows = await rows_of(database_url, 'SELECT id, station_id, state FROM "transaction"')
    transactions = {number: (station_id, state) for number, station_id, state in rows}
    values = Counter(await rows_of(database_url, "SELECT transaction_id, sampled_at FROM meter_value"))
    starts = [int(number) for kind, number, *_ in words if kind == "start"]
    assert len(starts) == len(set(starts))
    for kind, number, *rest in words:
        station_id, state = transactions[int(number)]
        if kind == "start":
            assert station_id == rest[0]
        elif kind == "end":
            assert state == "closed"
        else:
            assert values[int(number), at(int(rest[0]))] == 1
    assert set(values.values()) == {1}
    if database_url.startswith("sqlite:"):
        assert await rows_of(database_url, "PRAGMA integrity_check") == [("ok",)]
    async with opened(database_url) as storage:
        assert await storage.draw_transaction_id() > max(transactions)
