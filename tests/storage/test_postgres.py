"""What can happen to PostgreSQL: connections that break, locks of others; and that every look-up has its index."""

import asyncio
from typing import Any

import asyncpg
import pytest

from stationmaster.storage import Unavailable
from stationmaster.storage.statements import Bulk
from tests.storage.conftest import opened
from tests.storage.facts import ended, logged, register, sampled, started, status
from tests.storage.test_sqlite import look_ups

pytestmark = pytest.mark.postgres

KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize("statement", look_ups())
async def test_every_look_up_has_its_index(statement: Bulk, postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        # Tables this small are read whole unless that is made dear.
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetch(f"EXPLAIN {statement.postgresql}", *([[]] * statement.columns))
    finally:
        await connection.close()
    steps = "\n".join(row[0] for row in plan)
    assert "Index" in steps
    assert "Seq Scan" not in steps


async def test_broken_connections_are_made_anew_and_nothing_acknowledged_is_lost(postgres_url: str) -> None:
    async with opened(postgres_url) as storage:
        acknowledged: list[int] = []
        refused = 0

        async def station(number: int) -> None:
            nonlocal refused
            for i in range(15):
                try:
                    fact = started(await storage.draw_transaction_id(), station_id=f"CP{number}", seconds=i)
                    outcome = (await storage.record([fact, sampled(fact.id, register(i), station_id=f"CP{number}")]))[0]
                except Unavailable:
                    refused += 1
                else:
                    acknowledged.append(outcome.id)

        async def breaker() -> None:
            connection = await asyncpg.connect(postgres_url)
            for _ in range(5):
                await asyncio.sleep(0.02)
                await connection.execute(KILL)
            await connection.close()

        await asyncio.gather(breaker(), *map(station, range(10)))
        assert await storage.record([status("Charging")]) == [None]
        found: list[int] = []
        cursor: str | None = None
        while True:
            page = await storage.transactions.find(limit=100, cursor=cursor)
            found += [item.id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        assert len(acknowledged) + refused == 150
        for number in acknowledged:
            assert len((await storage.transactions.meter_values(number)).items) == 1


async def test_a_connection_that_broke_while_nothing_went_on_is_not_noticed(postgres_url: str) -> None:
    async with opened(postgres_url) as storage:
        await storage.record([status("Charging")])
        await storage.connectors.of("CP1")
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(KILL)
        await connection.close()
        assert await storage.record([status("Available")]) == [None]
        assert [found.status for found in await storage.connectors.of("CP1")] == ["Available"]


async def test_a_lock_of_somebody_else_is_waited_for(postgres_url: str) -> None:
    async with opened(postgres_url) as storage:
        connection = await asyncpg.connect(postgres_url)
        async with connection.transaction():
            await connection.execute("LOCK TABLE transaction IN ACCESS EXCLUSIVE MODE")
            recorded = [asyncio.create_task(storage.record([started(i + 1, station_id=f"CP{i}")])) for i in range(5)]
            await asyncio.sleep(0.1)
            assert not any(task.done() for task in recorded)
        await connection.close()
        assert [outcome[0].resend for outcome in await asyncio.gather(*recorded)] == [False] * 5


async def test_two_nodes_decide_a_start_once(postgres_url: str) -> None:
    """A station that changes nodes in the middle of a resend."""
    async with opened(postgres_url, node_id="a") as a, opened(postgres_url, node_id="b") as b:

        async def start(storage: Any, seconds: float) -> Any:
            fact = started(await storage.draw_transaction_id(), seconds=seconds, connector=1 + round(seconds) % 4)
            return (await storage.record([fact]))[0]

        outcomes = [await asyncio.gather(start(a, i), start(b, i)) for i in range(20)]
        for one, other in outcomes:
            assert one.id == other.id
            assert sorted((one.resend, other.resend)) == [False, True]
        one, results = outcomes[-1][0], []
        for storage in (a, b):
            end = ended(one.ocpp_id, await storage.draw_transaction_id())
            results.append((await storage.record([end]))[0].result)
        assert results == ["closed", "resend"]


async def test_a_database_that_lets_nobody_in_is_away_and_costs_no_note(postgres_url: str) -> None:
    name = postgres_url.rsplit("/", 1)[1]
    connection = await asyncpg.connect(postgres_url.rsplit("/", 1)[0] + "/postgres")
    try:
        async with opened(postgres_url) as storage:
            await storage.record([status("Charging")])
            await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            await connection.execute(KILL.replace("current_database()", "$1"), name)
            for _ in range(2):
                storage.note(logged("[2]"))
                with pytest.raises(Unavailable):
                    await storage.record([status("Available")])
                with pytest.raises(Unavailable):
                    await storage.connectors.of("CP1")
            await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await storage.record([status("Available")])
            assert [found.status for found in await storage.connectors.of("CP1")] == ["Available"]
            assert storage.figures.dropped_notes == 0
            while storage.figures.waiting_notes:
                await storage.check()
            assert len((await storage.messages.find()).items) == 2
    finally:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await connection.close()
