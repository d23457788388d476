"""The audit log in the database: chained, and refused to whoever wants to change it."""

import asyncio
import sqlite3
from typing import Any

import asyncpg
import pytest

from stationmaster.domain.audit import check_chain
from stationmaster.domain.facts import AuditRecorded
from stationmaster.storage import Storage
from tests.storage.conftest import Clock, opened, path_of
from tests.storage.facts import status


def recorded(action: str = "change", organisation_id: str = "default", **more: Any) -> AuditRecorded:
    words: dict[str, Any] = {
        "received_at": 1_740_832_496_123_456,
        "station_id": "",
        "actor": "user:anna",
        "result": "ok",
        **more,
    }
    return AuditRecorded(organisation_id=organisation_id, action=action, **words)


async def everything(storage: Storage, organisation_id: str = "default") -> list[str]:
    """The actions of a chain that is whole, in their order."""
    entries = [entry async for portion in storage.audit.walk(organisation_id) for entry in portion]
    assert list(check_chain(entries)) == []
    (head,) = await storage.audit.heads(organisation_id)
    assert (head.length, head.hash) == (entries[-1].sequence, entries[-1].hash)
    return [entry.action for entry in entries]


async def test_entries_are_chained_in_the_order_in_which_they_came(storage: Storage) -> None:
    await asyncio.gather(*(storage.record([recorded(f"a{number}")]) for number in range(50)))
    await storage.record([recorded("b"), recorded("other", "o2"), recorded("c")])
    assert await everything(storage) == [*(f"a{number}" for number in range(50)), "b", "c"]
    assert await everything(storage, "o2") == ["other"]


async def test_an_entry_is_durable_together_with_what_it_tells_of(storage: Storage) -> None:
    await storage.record([status("Charging"), recorded("seen", station_id="CP1")])
    (entry,) = (await storage.audit.find("default", station_id="CP1")).items
    assert (entry.action, entry.station_id, entry.at) == ("seen", "CP1", 1_740_832_496_123_000)


async def test_hostile_texts_are_kept_as_what_they_are(storage: Storage) -> None:
    await storage.record(
        [recorded("a\x00b", actor="user:\ud800'; DROP TABLE audit_entry; --", details='{"x":"\\u0000"}')]
    )
    assert await everything(storage) == ["ab"]


async def test_two_nodes_that_write_at_once_make_one_chain(postgres_url: str, clock: Clock) -> None:
    async with opened(postgres_url, clock) as one, opened(postgres_url, clock, node_id="other") as two:
        for turn in range(10):
            await asyncio.gather(
                *(
                    node.record([recorded(f"{turn}", "o1"), recorded(f"{turn}", "o2")])
                    for node in (one, two)
                    for _ in range(5)
                )
            )
        assert len(await everything(one, "o1")) == 100
        assert len(await everything(two, "o2")) == 100


async def test_the_log_is_read_page_by_page_and_by_filters(storage: Storage, clock: Clock) -> None:
    await storage.record([recorded(f"a{number}", received_at=number * 1_000_000) for number in range(25)])
    await storage.record([recorded("sign_in", actor="user:ben", result="refused", target="/x", received_at=99_000_000)])
    page = await storage.audit.find("default", limit=10)
    assert [entry.sequence for entry in page.items] == list(range(26, 16, -1))
    page = await storage.audit.find("default", limit=10, cursor=page.next_cursor)
    assert page.items[0].sequence == 16
    for filters, count in (
        ({"actor": "user:ben"}, 1),
        ({"action": "a3"}, 1),
        ({"result": "refused"}, 1),
        ({"search": "BEN"}, 1),
        ({"since": 20_000_000}, 6),
        ({"since": 20_000_000, "until": 22_000_000}, 2),
        ({"station_id": "CP9"}, 0),
    ):
        assert len((await storage.audit.find("default", **filters)).items) == count, filters
    assert (await storage.audit.find("o2")).items == []


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"])
async def test_sqlite_refuses_to_change_it(sqlite_url: str, statement: str) -> None:
    async with opened(sqlite_url) as storage:
        await storage.record([recorded()])
    with (
        sqlite3.connect(path_of(sqlite_url)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only ever added"),
    ):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
async def test_postgresql_refuses_to_change_it(postgres_url: str, statement: str) -> None:
    async with opened(postgres_url) as storage:
        await storage.record([recorded()])
    connection = await asyncpg.connect(postgres_url)
    try:
        with pytest.raises(asyncpg.RaiseError, match="only ever added"):
            await connection.execute(statement)
    finally:
        await connection.close()
