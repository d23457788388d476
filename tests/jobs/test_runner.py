"""Periodic work: one node does it, a failure is no end, and nodes that are gone are noticed. On both databases."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from stationmaster.app.databases import open_storage
from stationmaster.domain.facts import StationConnected
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.jobs.claims import take_turn
from stationmaster.jobs.presence import NodePresence
from stationmaster.jobs.runner import JobRunner, Periodic
from stationmaster.storage import Storage, Unavailable

START: Instant = 1_740_832_496_000_000
SECOND = 1_000_000

_connections = itertools.count(1)


def clock() -> Instant:
    return START


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with opened(database_url, "one") as storage:
        yield storage


@asynccontextmanager
async def opened(url: str, node_id: str) -> AsyncIterator[Storage]:
    storage = await open_storage(url, node_id, clock)
    try:
        yield storage
    finally:
        await storage.close()


async def test_a_turn_is_taken_once_in_an_interval(storage: Storage) -> None:
    async def turn(at: Instant) -> bool:
        return await storage.write(take_turn, "sweep", 10 * SECOND, at)

    assert await turn(START)
    assert not await turn(START)
    assert not await turn(START + 9 * SECOND)
    assert await turn(START + 10 * SECOND)
    assert not await turn(START + 11 * SECOND)
    assert await storage.write(take_turn, "another", 10 * SECOND, START)


async def test_a_clock_that_goes_back_does_not_stop_the_work(storage: Storage) -> None:
    assert await storage.write(take_turn, "sweep", 10 * SECOND, START + 3600 * SECOND)
    assert await storage.write(take_turn, "sweep", 10 * SECOND, START), (
        "the row lies in the future: a wrong clock wrote it"
    )


async def test_of_many_nodes_one_has_the_turn(database_url: str) -> None:
    async with opened(database_url, "one") as one, opened(database_url, "two") as two:
        done: list[str] = []

        def runner(storage: Storage, name: str) -> tuple[JobRunner, Periodic]:
            async def work(_now: Instant) -> None:
                done.append(name)

            piece = Periodic(name="shared", interval_s=60, work=work)
            return JobRunner(storage, clock, [piece]), piece

        nodes = [runner(one, "one"), runner(two, "two")]
        outcomes = await asyncio.gather(*(each.run_once(piece) for each, piece in nodes for _ in range(3)))
    assert len(done) == 1
    assert sorted(outcomes) == [False] * 5 + [True]


async def test_a_nodes_own_work_is_done_by_each(storage: Storage) -> None:
    runs: list[Instant] = []

    async def work(now: Instant) -> None:
        runs.append(now)

    piece = Periodic(name="own", interval_s=60, work=work, shared=False)
    runner = JobRunner(storage, clock, [piece])
    assert await runner.run_once(piece)
    assert await runner.run_once(piece)
    assert runs == [START, START]


def failing(error: Exception) -> Callable[[Instant], Coroutine[Any, Any, None]]:
    async def work(_now: Instant) -> None:
        raise error

    return work


@pytest.mark.parametrize(
    "error, line", [(ValueError("wrong"), "job.failed"), (Unavailable("the database is away"), "job.put_off")]
)
async def test_work_that_fails_is_told_and_counted(storage: Storage, error: Exception, line: str) -> None:
    piece = Periodic(name="broken", interval_s=60, work=failing(error), shared=False)
    runner = JobRunner(storage, clock, [piece])
    with capture_logs() as lines:
        assert not await runner.run_once(piece)
    assert [(each["event"], each["job"]) for each in lines] == [(line, "broken")]
    assert runner.failures == 1


async def test_work_goes_on_until_it_is_stopped(storage: Storage) -> None:
    again = asyncio.Event()
    runs = 0

    async def work(_now: Instant) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("the first time")
        again.set()

    runner = JobRunner(storage, clock, [Periodic(name="x", interval_s=0.01, work=work, shared=False, first_after_s=0)])
    with capture_logs():
        runner.start()
        await asyncio.wait_for(again.wait(), 10)
        await runner.stop()
    stopped_at = runs
    await asyncio.sleep(0.05)
    assert runs == stopped_at


async def connect(storage: Storage, station_id: str, node_id: str) -> None:
    await storage.stations.create(Station(id=station_id))
    await storage.record(
        [
            StationConnected(
                organisation_id="default",
                station_id=station_id,
                received_at=START,
                connection_id=next(_connections),
                node_id=node_id,
                epoch=1,
                remote_address="127.0.0.1",
                protocol="ocpp1.6",
                security_profile=0,
            )
        ]
    )


async def nobody_asked(_station_ids: Sequence[str], _now: Instant) -> None:
    """No commands are under way."""


async def is_connected(storage: Storage, station_id: str) -> bool:
    station = await storage.stations.get(station_id)
    assert station is not None
    return station.connected


async def test_a_node_that_starts_finds_nobody_connected_to_it(storage: Storage) -> None:
    await connect(storage, "MINE", "one")
    await connect(storage, "THEIRS", "two")
    assert await NodePresence(storage, "one", list, nobody_asked).begin(START) == 1
    assert not await is_connected(storage, "MINE")
    assert await is_connected(storage, "THEIRS")


async def test_stations_of_a_node_that_fell_silent_are_not_connected(storage: Storage) -> None:
    one, two = NodePresence(storage, "one", list, nobody_asked), NodePresence(storage, "two", list, nobody_asked)
    await one.begin(START)
    await two.begin(START)
    await connect(storage, "ON-ONE", "one")
    await connect(storage, "ON-TWO", "two")
    await one.beat(START + 8 * SECOND)
    await one.bury(START + 8 * SECOND)
    assert await is_connected(storage, "ON-TWO"), "silent, but not for long enough"
    with capture_logs() as lines:
        await one.bury(START + 60 * SECOND)
    assert not await is_connected(storage, "ON-TWO")
    assert await is_connected(storage, "ON-ONE"), "nobody buries themselves"
    assert [(line["event"], line["node_id"], line["stations"]) for line in lines] == [("presence.node_lost", "two", 1)]


async def test_a_node_that_was_buried_alive_puts_its_stations_right(storage: Storage) -> None:
    one, two = (
        NodePresence(storage, "one", list, nobody_asked),
        NodePresence(storage, "two", lambda: ["ON-TWO"], nobody_asked),
    )
    await one.begin(START)
    await two.begin(START)
    await connect(storage, "ON-TWO", "two")
    with capture_logs():
        await one.bury(START + 12 * SECOND)
        assert not await is_connected(storage, "ON-TWO")
        await two.beat(START + 13 * SECOND)
    assert await is_connected(storage, "ON-TWO")


async def test_a_node_that_beats_in_time_changes_nothing(storage: Storage) -> None:
    one = NodePresence(storage, "one", lambda: ["GONE"], nobody_asked)
    await one.begin(START)
    await connect(storage, "GONE", "one")
    await storage.stations.forget_connections("one")
    await one.beat(START + 3 * SECOND)
    assert not await is_connected(storage, "GONE")
