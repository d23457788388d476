"""Reading the stored events once, in order: what is left out, what several nodes commit, and where a reader stands."""

from collections.abc import Sequence
from typing import Any

import pytest

from stationmaster.storage import Storage
from stationmaster.storage.feeds import Position, Wanted
from stationmaster.storage.statements import Statement
from tests.storage.conftest import Clock, opened
from tests.storage.facts import disconnected, status

STATUSES = Wanted(types=("connector.status",))
FAULTS = Wanted(types=("connector.status",), words=(("connector.status", ("Faulted",)),))
NOTHING_READ = Position(0)


async def all_of(storage: Storage, wanted: Wanted, limit: int = 500) -> tuple[list[str], Position]:
    """The words of all pages, and where they end."""
    position, found, more = NOTHING_READ, [], True
    while more:
        page = await storage.feeds.read(position, storage.clock(), wanted, limit=limit)
        found += [str(event.data.get("status", event.type)) for event in page.events]
        position, more = page.end, page.more
    return found, position


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_what_lacks_its_word_is_left_out_and_counts_as_read(storage: Storage, limit: int) -> None:
    for name in ("Available", "Faulted", "Charging", "Available", "Faulted", "Finishing"):
        await storage.record([status(name)])
    full, end = await all_of(storage, STATUSES, limit)
    assert full == ["Available", "Faulted", "Charging", "Available", "Faulted", "Finishing"]
    assert await all_of(storage, FAULTS, limit) == (["Faulted", "Faulted"], end)
    assert (await storage.feeds.read(end, storage.clock(), FAULTS)).end == end


async def test_a_word_is_asked_of_its_own_type_only(storage: Storage) -> None:
    await storage.record([disconnected(1, 1), status("Available")])
    both = Wanted(types=("station.disconnected", "connector.status"), words=FAULTS.words)
    assert (await all_of(storage, both))[0] == ["station.disconnected"]


async def test_beginnings_of_types_and_organisations_are_wanted(storage: Storage) -> None:
    await storage.record([disconnected(1, 1), status("Available")])
    assert (await all_of(storage, Wanted(prefixes=("station.",))))[0] == ["station.disconnected"]
    mine = Wanted(prefixes=("station.",), types=("connector.status",), organisation_ids=("default", ""))
    assert (await all_of(storage, mine))[0] == ["station.disconnected", "Available"]
    assert (await all_of(storage, Wanted(organisation_ids=("other",))))[0] == []


# Only one node writes to an SQLite file.
@pytest.mark.postgres
async def test_the_events_of_a_node_whose_clock_is_behind_are_read_once_and_nobodys_twice(postgres_url: str) -> None:
    ahead, behind = Clock(), Clock()
    behind.forward(-3)
    async with opened(postgres_url, ahead) as first, opened(postgres_url, behind, "node-2") as second:
        await first.record([status(f"first {number}") for number in range(5)])
        page = await first.feeds.read(NOTHING_READ, ahead(), STATUSES, limit=500)
        await second.record([status(f"second {number}") for number in range(5)])
        await first.record([status("first 5")])
        seen = [event.data["status"] for event in page.events]
        for _ in range(6):
            page = await first.feeds.read(page.end, ahead(), STATUSES, limit=2)
            seen += [event.data["status"] for event in page.events]
        expected = [
            *(f"first {number}" for number in range(5)),
            *(f"second {number}" for number in range(5)),
            "first 5",
        ]
        assert seen == expected
        # Once all is settled nobody's own position is kept.
        ahead.forward(60)
        assert (await first.feeds.read(page.end, ahead(), STATUSES)).end.seen == {}


@pytest.mark.postgres
async def test_what_another_node_commits_while_a_page_is_read_is_read_once(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = Clock()
    behind.forward(-3)
    async with opened(postgres_url) as first, opened(postgres_url, behind, "node-2") as second:
        await first.record([status("first")])
        read = first._driver.read
        late = iter(["second", "third"])

        async def reading(statement: Statement, rows: Sequence[Sequence[Any]] = ()) -> list[Sequence[Any]]:
            found = await read(statement, rows)
            if name := next(late, None):
                await second.record([status(name)])
            return found

        monkeypatch.setattr(first._driver, "read", reading)
        position, seen = NOTHING_READ, []
        for _ in range(3):
            page = await first.feeds.read(position, first.clock(), STATUSES)
            seen += [event.data["status"] for event in page.events]
            position = page.end
    assert seen == ["first", "second", "third"]
