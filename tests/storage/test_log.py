"""The message log and the events: written at the edge, found by station, bounded by age and size."""

import asyncio
import time
from typing import Any

import pytest

from stationmaster.storage import Committed, Storage, store
from stationmaster.storage.message_log import ROW_OVERHEAD_BYTES
from stationmaster.storage.numbers import first_id_at
from stationmaster.storage.retention import Retention
from stationmaster.storage.trails import EVENTS, MESSAGES
from tests.storage.conftest import Clock, opened, rows_of
from tests.storage.facts import at, ended, logged, register, sampled, started, status, voltage

HOUR_S = 3600


async def log(storage: Storage, *frames: str, **more: Any) -> None:
    """Have frames written now."""
    for frame in frames:
        storage.note(logged(frame, **more))
    while storage.figures.waiting_notes:
        await storage.check()


async def frames(storage: Storage, **filters: Any) -> list[str]:
    return [found.frame for found in (await storage.messages.find(**filters)).items]


async def walk(storage: Storage, **filters: Any) -> list[str]:
    """All pages, two frames each."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await storage.messages.find(limit=2, cursor=cursor, **filters)
        found += [item.frame for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_a_frame_is_kept_as_it_was(storage: Storage) -> None:
    text = '[2,"19","Heartbeat",{ }]\t"é" \x7f \x1b'
    await log(storage, text, answer="[3]", answer_kind="call_result", latency_us=7, connection_id=5, error_code="x")
    found = (await storage.messages.find()).items[0]
    assert (found.frame, found.answer, found.answer_kind, found.latency_us) == (text, "[3]", "call_result", 7)
    assert (found.station_id, found.connection_id, found.direction, found.kind) == ("CP1", 5, "in", "call")
    assert (found.message_id, found.action, found.received_at, found.error_code) == ("m1", "Heartbeat", at(0), "x")


async def test_frames_are_filtered(storage: Storage) -> None:
    await log(storage, "[1] one", station_id="CP1", action="Heartbeat", seconds=1)
    await log(
        storage, "[2] TWO", station_id="CP2", action="BootNotification", seconds=2, direction="out", message_id="x"
    )
    await log(storage, "[3]", station_id="CP1", action=None, kind="unreadable", seconds=3, answer="the answer two")
    assert await frames(storage) == ["[3]", "[2] TWO", "[1] one"]
    assert await frames(storage, search="two") == ["[3]", "[2] TWO"]
    assert await frames(storage, search="%") == []
    assert await frames(storage, direction="out") == ["[2] TWO"]
    assert await frames(storage, kind="unreadable", station_id="CP1") == ["[3]"]
    assert await frames(storage, action="Heartbeat") == ["[1] one"]
    assert await frames(storage, message_id="x") == ["[2] TWO"]
    assert await frames(storage, since=at(2), until=at(3)) == ["[2] TWO"]
    assert await frames(storage, organisation_id="other") == []
    assert await walk(storage) == await frames(storage)


async def test_a_stations_frames_are_found_wherever_its_trail_ends(storage: Storage) -> None:
    """Some are entered in the trail, some are not: each is found once, in order."""
    expected: list[str] = []
    for part in range(4):
        for i in range(5):
            frame = f"{part}-{i}"
            await log(storage, frame, f"other {frame}", station_id="CP1")
            await log(storage, "noise", station_id="CP2")
            expected += [frame, f"other {frame}"]
        if part < 3:
            assert await _all_settled(storage).extend_trails() > 0
    expected.reverse()
    assert await frames(storage, station_id="CP1") == expected
    assert await walk(storage, station_id="CP1") == expected
    assert await walk(storage, station_id="CP1", search="OTHER") == [frame for frame in expected if "other" in frame]
    assert await frames(storage, station_id="CP1", limit=17) == expected[:17]
    assert await frames(storage, station_id="CP3") == []


def _all_settled(storage: Storage) -> Retention:
    """As if no other node could still write what is older than now."""
    return Retention(storage, settled_us=-1_000_000)


async def test_a_trail_is_extended_by_what_waits(storage: Storage) -> None:
    await log(storage, *("x" for _ in range(10)))
    retention = _all_settled(storage)
    assert await retention.extend_trail(EVENTS) == 0
    assert await retention.extend_trail(MESSAGES) == 10
    assert await retention.extend_trail(MESSAGES) == 0
    assert await retention.extend_trails() == 0


async def test_what_is_written_is_counted_for_the_trails(storage: Storage) -> None:
    before = storage.figures.messages, storage.figures.events
    await log(storage, *("x" for _ in range(10)))
    await storage.record([status("Charging"), sampled(None, register(1))])
    assert (storage.figures.messages - before[0], storage.figures.events - before[1]) == (10, 1)


async def test_trails_grow_by_themselves_once_enough_waits(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_EXTEND_TRAILS_S", 0.01)
    monkeypatch.setattr(store, "STRIDE", 5)
    monkeypatch.setattr(store, "SETTLED_US", 0)
    async with opened(database_url, lambda: time.time_ns() // 1000) as storage:
        await log(storage, *("x" for _ in range(4)))
        await asyncio.sleep(0.1)
        assert await rows_of(database_url, "SELECT count(*) FROM station_message") == [(0,)]
        await log(storage, "x")
        async with asyncio.timeout(10):
            while await rows_of(database_url, "SELECT count(*) FROM station_message") != [(5,)]:  # noqa: ASYNC110 -- the task tells nobody
                await asyncio.sleep(0.02)


async def test_rows_that_another_node_may_still_precede_are_left_out(storage: Storage, clock: Clock) -> None:
    await log(storage, "x")
    careful = Retention(storage, settled_us=10_000_000)
    assert await careful.extend_trails() == 0
    clock.forward(11)
    assert await careful.extend_trails() == 1


async def test_old_frames_are_removed_with_their_entries(storage: Storage, clock: Clock, database_url: str) -> None:
    await log(storage, "old 1", "old 2", station_id="CP1")
    await _all_settled(storage).extend_trails()
    clock.forward(100)
    await log(storage, "new", station_id="CP1")
    assert await storage.retention.prune_messages(before=at(50)) == 2
    assert await frames(storage, station_id="CP1") == ["new"]
    assert await rows_of(database_url, "SELECT count(*) FROM station_message") == [(0,)]
    assert await storage.retention.message_bytes() == len("new") + ROW_OVERHEAD_BYTES
    assert await storage.retention.prune_messages(before=at(50)) == 0


async def test_a_long_log_is_removed_in_portions(storage: Storage, clock: Clock) -> None:
    await log(storage, *("x" for _ in range(2500)))
    clock.forward(1)
    before = storage.figures.batches
    assert await storage.retention.prune_messages(before=clock.now) == 2500
    assert storage.figures.batches - before == 3
    assert await storage.retention.message_bytes() == 0


async def test_the_log_is_bounded_by_size_hour_by_hour(storage: Storage, clock: Clock) -> None:
    frame = "x" * (1000 - ROW_OVERHEAD_BYTES)
    for _ in range(5):
        await log(storage, *(frame for _ in range(10)))
        clock.forward(HOUR_S)
    assert await storage.retention.message_bytes() == 50_000
    assert await storage.retention.prune_messages(max_bytes=60_000) == 0
    assert await storage.retention.prune_messages(max_bytes=30_000) == 20
    assert await storage.retention.message_bytes() == 30_000


async def test_the_log_is_bounded_within_an_hour_too(storage: Storage, clock: Clock) -> None:
    frame = "x" * (1000 - ROW_OVERHEAD_BYTES)
    for _ in range(10):
        await log(storage, *(frame for _ in range(10)))
        clock.forward(60)
    removed = await storage.retention.prune_messages(max_bytes=50_000)
    assert 40 <= removed <= 60
    assert await storage.retention.message_bytes() == 100_000 - removed * 1000
    await storage.retention.prune_messages(max_bytes=0)
    assert await storage.retention.message_bytes() == 0


async def test_characters_count_also_of_answers(storage: Storage, clock: Clock) -> None:
    await log(storage, "äöü", answer="12345")
    assert await storage.retention.message_bytes() == 8 + ROW_OVERHEAD_BYTES
    clock.forward(1)
    await storage.retention.prune_messages(before=clock.now)
    assert await storage.retention.message_bytes() == 0


async def test_events_are_told_live_as_they_are_read_back(storage: Storage) -> None:
    live: list[Committed] = []
    storage.on_committed(live.extend)
    number = await storage.draw_transaction_id()
    outcome = (await storage.record([status("Charging"), started(number)]))[1]
    await storage.record([sampled(number, voltage(230)), started(99)])
    await storage.record([ended(outcome.ocpp_id, await storage.draw_transaction_id())])
    assert [item.fact.event_type for item in live] == [
        "connector.status",
        "transaction.started",
        "meter.sampled",
        "transaction.ended",
    ]
    stored = [item.as_event() for item in live if item.fact.stored_event]
    assert await storage.events.after(0, "default") == stored
    assert await storage.events.after(0, None) == stored
    assert await storage.events.after(stored[0].id, "default", limit=1) == stored[1:2]
    assert await storage.events.after(0, "other") == []
    assert await storage.events.newest_id() == stored[-1].id
    assert stored[1].data["outcome"]["ocpp_id"] == outcome.ocpp_id
    assert stored[2].data["outcome"]["result"] == "closed"


async def test_event_ids_grow_also_when_the_clock_goes_back(storage: Storage, clock: Clock) -> None:
    ids: list[int] = []
    storage.on_committed(lambda committed: ids.extend(item.event_id for item in committed))
    for _ in range(3):
        await storage.record([status("Available"), status("Available", connector=2)])
        clock.forward(-10)
    assert ids == sorted(set(ids))
    assert ids[0] >= first_id_at(at(0))


async def test_events_of_a_station_and_of_a_kind(storage: Storage, clock: Clock) -> None:
    for i in range(3):
        await storage.record(
            [status("Available", "CP1", seconds=i), status("Faulted", "CP2", seconds=i), started(i + 1, seconds=i)]
        )
        clock.forward(1)
        if i == 1:
            await _all_settled(storage).extend_trails()

    async def seen(**filters: Any) -> list[tuple[str, str]]:
        return [(found.station_id, found.type) for found in (await storage.events.find(**filters)).items]

    assert await seen(station_id="CP2") == [("CP2", "connector.status")] * 3
    assert await seen(type=["transaction.started"]) == [("CP1", "transaction.started")] * 3
    assert len(await seen()) == 9
    assert len(await seen(since=at(1), until=at(2))) == 3
    first = await storage.events.find(station_id="CP1", limit=4)
    rest = await storage.events.find(station_id="CP1", limit=4, cursor=first.next_cursor)
    assert [found.id for found in (*first.items, *rest.items)] == sorted(
        (found.id for found in (*first.items, *rest.items)), reverse=True
    )
    assert len(first.items) + len(rest.items) == 6


async def test_old_events_are_removed(storage: Storage, clock: Clock, database_url: str) -> None:
    await storage.record([status("Available")])
    clock.forward(100)
    await _all_settled(storage).extend_trails()
    await storage.record([status("Charging")])
    assert await storage.retention.prune_events(before=at(50)) == 1
    assert [found.data["status"] for found in (await storage.events.find(station_id="CP1")).items] == ["Charging"]
    assert await rows_of(database_url, "SELECT count(*) FROM station_event") == [(0,)]


@pytest.mark.parametrize("limit", [-1, 0, 1_000_000])
async def test_a_page_has_its_bounds(storage: Storage, limit: int) -> None:
    await log(storage, *("x" for _ in range(1200)))
    assert len((await storage.messages.find(limit=limit)).items) == (1000 if limit > 0 else 1)
