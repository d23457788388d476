"""What can happen to an SQLite file: full disk, somebody else's lock; and that every look-up has its index."""

import asyncio
import importlib
import pkgutil
import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

import stationmaster.storage
from stationmaster.storage import Storage, Unavailable
from stationmaster.storage.programs import execute
from stationmaster.storage.statements import SEVERAL, Bulk, insert_into
from stationmaster.storage.tables import counter
from tests.storage.conftest import opened, path_of, rows_of
from tests.storage.facts import logged, status


def look_ups() -> list[Any]:
    """Every bulk statement of the storage that has to find rows."""
    found = []
    for module in pkgutil.walk_packages(stationmaster.storage.__path__, "stationmaster.storage."):
        if ".migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Bulk) and not value.sqlite.startswith("INSERT"):
                found.append(pytest.param(value, id=f"{module.name.rpartition('.')[2]}.{name}"))
    return found


@pytest.mark.parametrize("statement", look_ups())
def test_every_look_up_has_its_index(statement: Bulk, sqlite_url: str) -> None:
    with closing(sqlite3.connect(path_of(sqlite_url))) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", [None] * statement.columns).fetchall()
        if statement.sqlite_all:
            plan_of_all = database.execute(f"EXPLAIN QUERY PLAN {statement.sqlite_all}", [None]).fetchall()
            assert all("SCAN" not in row[3] or "json_each" in row[3] for row in plan_of_all)
    # A subquery is announced by a line of its own before its steps.
    steps = [row[3] for row in plan if not row[3].startswith("CORRELATED")]
    assert len(steps) == statement.sqlite.count(" JOIN ") + statement.sqlite.count("EXISTS (SELECT") + 1
    for step in steps:
        # Either the row itself is named, or every given value narrows the search.
        assert "PRIMARY KEY" in step or "autoindex" in step or step.count("=?") == statement.columns


async def pragma(storage: Storage, text: str) -> Any:
    """A PRAGMA on the writer's connection."""
    return (await storage.write(execute, sa.text(f"PRAGMA {text}"))).rows[0][0]


async def test_a_commit_survives_a_power_failure(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert await pragma(storage, "journal_mode") == "wal"
        assert await pragma(storage, "synchronous") == 2
        assert await pragma(storage, "foreign_keys") == 1


async def test_a_full_disk_is_told_and_over_once_there_is_room(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        room = await pragma(storage, "page_count") + 20
        await pragma(storage, f"max_page_count = {room}")
        stored = 0

        async def fill() -> None:
            nonlocal stored
            while True:
                await storage.record([status("Charging", info="x" * 5000, station_id=f"CP{stored}")])
                stored += 1

        with pytest.raises(Unavailable, match="full"):
            await fill()
        storage.note(logged("waits"))
        with pytest.raises(Unavailable):
            await storage.record([status("Charging", info="x" * 5000, station_id="CP-refused")])
        refused_since = storage.figures.unavailable_since
        assert refused_since is not None
        assert await storage.connectors.of("CP0") != []
        await pragma(storage, "max_page_count = 100000")
        await storage.check()
        assert await storage.record([status("Charging", station_id="CP-later")]) == [None]
        assert [found.frame for found in (await storage.messages.find()).items] == ["waits"]
        available_again = storage.figures
        assert available_again.unavailable_since is None
    assert await rows_of(sqlite_url, "PRAGMA integrity_check") == [("ok",)]
    assert await rows_of(sqlite_url, "SELECT count(*) FROM connector") == [(stored + 1,)]


async def test_a_lock_of_somebody_else_is_waited_for(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        with closing(sqlite3.connect(path_of(sqlite_url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            recorded = asyncio.create_task(storage.record([status("Charging")]))
            await asyncio.sleep(0.05)
            assert not recorded.done()
            other.execute("COMMIT")
        assert await recorded == [None]


async def test_a_lock_that_lasts_is_told_and_over_once_it_is_gone(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        with closing(sqlite3.connect(path_of(sqlite_url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="locked"):
                await storage.record([status("Charging")])
            assert await storage.connectors.of("CP1") == []
        assert await storage.record([status("Charging")]) == [None]


async def test_a_file_that_is_no_database_is_unavailable(sqlite_url: str) -> None:
    path_of(sqlite_url).write_bytes(b"not a database" * 1000)
    with pytest.raises(Unavailable):
        async with opened(sqlite_url):
            pass


async def test_no_station_waits_behind_what_the_clock_reads(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        over = threading.Event()
        readers: Any = storage._driver
        busy = [asyncio.get_running_loop().run_in_executor(readers._readers, over.wait) for _ in range(3)]
        heard = asyncio.create_task(storage.feeds.position("alerts"))
        try:
            assert await asyncio.wait_for(storage.stations.get("CP1"), 5) is None
            await asyncio.sleep(0.05)
            assert not heard.done()
        finally:
            over.set()
            await asyncio.gather(*busy, heard)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, SEVERAL[0] - 1, SEVERAL[0], SEVERAL[0] + 1, 3 * SEVERAL[0] + 21])
async def test_many_rows_are_inserted_at_once_and_each_is_counted_once(sqlite_url: str, count: int) -> None:
    rows = [(f"name {number}", number) for number in range(count)]
    async with opened(sqlite_url) as storage:
        inserted = await storage.write(execute, insert_into(counter), rows)
        again = await storage.write(execute, insert_into(counter, ignore=True), [*rows, ("one more", 1)])
    assert (inserted.rowcount, again.rowcount) == (count, 1)
    stored = await rows_of(sqlite_url, "SELECT name, value FROM counter WHERE name LIKE 'name %' ORDER BY value")
    assert stored == rows
