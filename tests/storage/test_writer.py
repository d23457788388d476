"""One batch under way, the rest gathers: how commits are shared, and who gets which error."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from stationmaster.domain.facts import Fact, OddityTolerated, StationSeen
from stationmaster.storage import Conflict, Refused, Storage, Unavailable
from stationmaster.storage.batch import Call
from stationmaster.storage.driver import Driver
from stationmaster.storage.numbers import RowIds
from stationmaster.storage.programs import Program, Result, execute
from stationmaster.storage.tables import organisations
from stationmaster.storage.writer import Writer
from tests.storage.conftest import Clock, driver_of, opened, rows_of
from tests.storage.facts import head, logged, sampled, started, status

TOO_LARGE = 2**70


async def test_many_at_once_share_few_commits(storage: Storage) -> None:
    before = storage.figures.batches
    facts = [status("Available", station_id=f"CP{i}") for i in range(200)]
    assert await asyncio.gather(*(storage.record([fact]) for fact in facts)) == [[None]] * 200
    assert storage.figures.batches - before <= 2
    assert storage.figures.waiting == 0


async def test_what_arrives_during_a_commit_goes_into_the_next(storage: Storage) -> None:
    async def station(number: int) -> None:
        for i in range(20):
            await storage.record([status("Available", station_id=f"CP{number}", seconds=i)])

    before = storage.figures.batches
    await asyncio.gather(*map(station, range(20)))
    assert 20 <= storage.figures.batches - before <= 60


class Slow:
    """A driver whose commits take longer than a writer ever rests."""

    shared = False

    def __init__(self) -> None:
        self.runs = 0

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def run(self, make: Any) -> Any:
        """Count and take a while; the outcomes are those of statements that touch nothing."""
        self.runs += 1
        await asyncio.sleep(0.02)
        program = make()
        try:
            next(program)
            while True:
                program.send(Result([], 1))
        except StopIteration as end:
            return end.value

    async def read(self, _statement: Any, _rows: Any = ()) -> list[Any]:
        """Nothing is stored."""
        return []


async def test_who_speaks_again_when_answered_goes_into_one_commit_with_the_others() -> None:
    driver = Slow()
    writer = Writer(driver, RowIds(0), Clock(), lambda _: None)
    writer.start()

    async def station(number: int) -> None:
        for turn in range(3):
            for _ in range(number):  # the higher its number, the longer it thinks
                await asyncio.sleep(0)
            await writer.submit(Call([status("Available", station_id=f"CP{number}", seconds=turn)]))

    await asyncio.gather(*map(station, range(30)))
    await writer.close()
    assert driver.runs == 4  # the first to speak went alone at first


async def test_who_is_alone_is_not_kept_waiting_for_others() -> None:
    driver = Slow()
    writer = Writer(driver, RowIds(0), Clock(), lambda _: None)
    writer.start()
    await writer.submit(Call([status("Available")]))
    again = writer.submit(Call([status("Charging")]))
    for _ in range(5):
        await asyncio.sleep(0)
    other = writer.submit(Call([status("Charging", station_id="CP2")]))
    await asyncio.gather(again, other)
    await writer.close()
    assert driver.runs == 3


async def test_record_returns_when_it_can_be_read(storage: Storage, database_url: str) -> None:
    await storage.record([status("Charging")])
    assert await rows_of(database_url, "SELECT status FROM connector") == [("Charging",)]


async def test_all_facts_of_a_call_are_stored_or_none(storage: Storage) -> None:
    with pytest.raises(Refused):
        await storage.record([status("Charging"), started(1, meter_start_wh=TOO_LARGE)])
    assert await storage.connectors.of("CP1") == []
    assert (await storage.events.find()).items == []


async def test_a_poisonous_fact_only_harms_itself(storage: Storage) -> None:
    told: list[int] = []
    storage.on_committed(lambda committed: told.extend(item.event_id for item in committed))
    calls = [storage.record([status("Charging", station_id=f"CP{i}")]) for i in range(20)]
    calls.insert(7, storage.record([started(1, meter_start_wh=TOO_LARGE)]))
    calls.insert(15, storage.record([sampled(TOO_LARGE, seconds=1)]))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [i for i, result in enumerate(results) if isinstance(result, Refused)] == [7, 15]
    assert [result for result in results if not isinstance(result, Refused)] == [[None]] * 20
    assert len((await storage.events.find()).items) == 20
    assert len(told) == 20
    assert told == sorted(told)


async def test_a_poisonous_note_is_given_up_and_the_others_stored(storage: Storage) -> None:
    for i in range(10):
        storage.note(logged("[2]", latency_us=TOO_LARGE if i == 4 else i))
    await storage.record([status("Charging")])
    await storage.record([status("Available")])
    assert len((await storage.messages.find()).items) == 9
    assert storage.figures.dropped_notes == 1


async def test_characters_that_no_database_takes_break_nothing(storage: Storage) -> None:
    hostile = "a\x00b\ud800c\x1bd"
    storage.note(logged(hostile, message_id=hostile, action=hostile, answer=hostile))
    storage.note(OddityTolerated(**head("CP1"), kind="k\x00", action=hostile, path=hostile, raw=hostile))
    await storage.record([status(hostile, info=hostile, vendor_id="\x00", vendor_error_code="é\x00")])
    await storage.record([started(1, id_tag=hostile, started_at_text=hostile)])
    connector = (await storage.connectors.of("CP1"))[0]
    assert (connector.status, connector.info, connector.vendor_id) == ("ab\ufffdcd", "ab\ufffdcd", "")
    assert connector.vendor_error_code == "é"
    message = (await storage.messages.find()).items[0]
    assert (message.frame, message.message_id, message.answer) == ("ab\ufffdcd",) * 3
    assert (await storage.oddities.of("CP1"))[0].path == "ab\ufffdcd"
    assert (await storage.events.find(type="connector.status")).items[0].data["status"] == "ab\ufffdcd"
    transaction = await storage.transactions.get(1)
    assert transaction is not None
    assert transaction.id_tag == "ab\ufffdcd"


async def test_a_program_of_ones_own_runs_in_the_same_transaction_and_returns_its_value(storage: Storage) -> None:
    def rename(name: str) -> Program[str]:
        yield from execute(sa.update(organisations).values(name=name))
        result = yield from execute(sa.select(organisations.c.name))
        return str(result.rows[0][0])

    assert await storage.write(rename, "Ours") == "Ours"


async def test_programs_that_fail_cost_the_facts_beside_them_one_more_commit(storage: Storage) -> None:
    def fail(number: int) -> Program[None]:
        yield from execute(sa.update(organisations).values(name="half done"))
        raise Conflict(str(number))

    before = storage.figures.batches + storage.figures.failed_batches
    results = await asyncio.gather(
        *(storage.write(fail, i) for i in range(3)),
        *(storage.record([status("Charging", station_id=f"CP{i}")]) for i in range(50)),
        return_exceptions=True,
    )
    assert [str(result) for result in results[:3]] == ["0", "1", "2"]
    assert results[3:] == [[None]] * 50
    assert storage.figures.batches + storage.figures.failed_batches - before == 1 + 1 + 3


async def test_a_program_that_fails_leaves_nothing_behind(storage: Storage) -> None:
    def fail(error: Exception) -> Program[None]:
        yield from execute(sa.update(organisations).values(name="half done"))
        raise error

    def duplicate() -> Program[None]:
        yield from execute(sa.insert(organisations).values(id="default", name="", created_at=0))

    beside = storage.record([status("Charging")])
    results = await asyncio.gather(
        storage.write(fail, Conflict("mine")),
        storage.write(fail, ZeroDivisionError("bug")),
        storage.write(duplicate),
        beside,
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Conflict, Refused, Conflict, list]
    assert str(results[0]) == "mine"
    found = await storage.organisations.get("default")
    assert found is not None
    assert found.name == "Default"


async def test_a_listener_that_fails_harms_nobody(storage: Storage) -> None:
    told: list[str | None] = []

    def fail(_: object) -> None:
        raise ZeroDivisionError

    storage.on_committed(fail)
    storage.on_committed(lambda committed: told.extend(item.fact.event_type for item in committed))
    await storage.record([status("Charging")])
    assert told == ["connector.status"]


async def test_a_caller_who_has_left_disturbs_nobody(storage: Storage) -> None:
    leaving = asyncio.create_task(storage.record([status("Charging")]))
    await asyncio.sleep(0)
    leaving.cancel()
    await storage.record([status("Available", connector=2)])
    assert [found.status for found in await storage.connectors.of("CP1")] == ["Charging", "Available"]


async def test_notes_alone_are_written_after_a_while(storage: Storage) -> None:
    storage.note(logged("[2]"))
    async with asyncio.timeout(10):
        while not (await storage.messages.find()).items:  # noqa: ASYNC110 - nobody tells of notes
            await asyncio.sleep(0.02)


async def test_closing_writes_what_waits(database_url: str) -> None:
    async with opened(database_url) as storage:
        for i in range(5000):
            storage.note(logged("[2]", latency_us=i))
        recorded = asyncio.create_task(storage.record([status("Charging")]))
        await asyncio.sleep(0)
    assert await recorded == [None]
    assert await rows_of(database_url, "SELECT count(*) FROM message") == [(5000,)]


async def test_a_closed_storage_says_so(database_url: str) -> None:
    async with opened(database_url) as storage:
        pass
    with pytest.raises(Unavailable):
        await storage.record([status("Charging")])
    with pytest.raises(Unavailable):
        await storage.messages.find()


class Rumour(Fact, frozen=True, kw_only=True, gc=False):
    """A fact that no program stores."""


async def test_a_fact_that_nobody_can_store_is_refused(storage: Storage) -> None:
    beside = storage.record([status("Charging")])
    results = await asyncio.gather(storage.record([Rumour(**head("CP1"))]), beside, return_exceptions=True)
    assert isinstance(results[0], Refused)
    assert "Rumour" in str(results[0])
    assert results[1] == [None]


async def test_nothing_to_record_needs_no_commit(storage: Storage) -> None:
    before = storage.figures.batches
    assert await storage.record([]) == []
    assert storage.figures.batches == before


class Held:
    """A driver whose writes wait for a gate, and may fail."""

    shared = False

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.gate = asyncio.Event()
        self.down = False
        self.runs = 0

    async def open(self) -> None:
        await self._driver.open()

    async def close(self) -> None:
        await self._driver.close()

    async def run(self, make: Any) -> Any:
        self.runs += 1
        await self.gate.wait()
        if self.down:
            raise Unavailable("down")
        return await self._driver.run(make)

    async def read(self, statement: Any, rows: Any = ()) -> Any:
        return await self._driver.read(statement, rows)


@pytest.fixture
async def held(database_url: str) -> Any:
    driver = Held(driver_of(database_url))
    await driver.open()
    yield driver
    await driver.close()


async def test_callers_wait_when_too_much_waits(held: Held) -> None:
    writer = Writer(held, RowIds(0), Clock(), lambda _: None, max_waiting=10, max_batch=5)
    writer.start()
    calls = [asyncio.ensure_future(writer.submit(Call([status("Available", station_id=f"CP{i}")]))) for i in range(40)]
    await asyncio.sleep(0.05)
    assert writer.figures.waiting <= 10
    held.gate.set()
    assert await asyncio.gather(*calls) == [[None]] * 40
    assert held.runs >= 8
    await writer.close()


async def test_while_the_database_is_down_callers_are_told_and_notes_wait(held: Held, database_url: str) -> None:
    clock = Clock()
    writer = Writer(held, RowIds(0), clock, lambda _: None)
    writer.start()
    held.gate.set()
    held.down = True
    writer.note(logged("[2]"))
    writer.note(StationSeen(**head("CP1")))
    with pytest.raises(Unavailable):
        await writer.submit(Call([status("Charging")]))
    figures = writer.figures
    since = clock.now
    assert (figures.unavailable_since, figures.waiting_notes) == (since, 2)
    clock.now += 5
    held.down = False
    assert await writer.submit(Call([status("Charging")])) == [None]
    assert (figures.unavailable_since, figures.waiting_notes) == (None, 0)
    assert figures.last_outage == (since, clock.now)
    assert await rows_of(database_url, "SELECT count(*) FROM message") == [(1,)]
    await writer.close()


async def test_closing_while_the_database_is_down_ends_and_leaves_nobody_waiting(held: Held) -> None:
    writer = Writer(held, RowIds(0), Clock(), lambda _: None, max_waiting=2, max_batch=1)
    writer.start()
    held.down = True
    writer.note(logged("[2]"))
    calls = [asyncio.ensure_future(writer.submit(Call([status("Available", station_id=f"CP{i}")]))) for i in range(9)]
    await asyncio.sleep(0)
    held.gate.set()
    async with asyncio.timeout(10):
        await writer.close()
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}
    with pytest.raises(Unavailable):
        await writer.submit(Call([status("Charging")]))


async def test_what_stations_wait_for_does_not_queue_behind_what_people_search_for(
    storage: Storage, database_url: str
) -> None:
    slow = sa.text(
        "SELECT pg_sleep(0.5)"
        if database_url.startswith("postgresql")
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600000) SELECT max(i) FROM n"
    )
    searches = [asyncio.create_task(storage.read(slow)) for _ in range(8)]
    await asyncio.sleep(0)
    assert await storage.stations.lookup("CP1") is None
    assert not searches[-1].done()
    await asyncio.gather(*searches)


async def test_what_its_caller_does_not_wait_for_any_more_is_stored_and_the_outcome_told(storage: Storage) -> None:
    unheard: list[Any] = []
    (heard,) = await storage.record([started(await storage.draw_transaction_id(), "CP1")], unheard=unheard.append)
    given_up = asyncio.create_task(
        storage.record([started(await storage.draw_transaction_id(), "CP2")], unheard=unheard.append)
    )
    await asyncio.sleep(0)  # it is in the writer's hands
    given_up.cancel()
    await storage.record([status("Available")])  # stored after it
    ((stored,),) = unheard
    (found,) = (await storage.transactions.find(station_id="CP2")).items
    assert (found.id, found.ocpp_id) == (stored.id, stored.ocpp_id)
    assert stored.id != heard.id
