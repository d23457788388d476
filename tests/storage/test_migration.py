"""The schema: made, unmade, made again, and never mistaken for another."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import sqlite

from stationmaster.storage import SchemaMismatch, Unavailable
from stationmaster.storage import migration as migration_module
from stationmaster.storage.migration import downgrade, migrate, revision_of
from stationmaster.storage.schema import REVISION
from stationmaster.storage.tables import metadata
from tests.storage.conftest import opened, path_of, rows_of
from tests.storage.facts import at, logged, register, sampled, started, status


async def write(url: str, statement: str) -> None:
    """Change the database past the storage."""
    await migration_module._run(url, lambda connection: connection.exec_driver_sql(statement).close())


def test_the_program_knows_its_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(migration_module.__file__).parent / "migrations"))
    assert scripts.get_heads() == [REVISION]
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)


async def test_up_down_and_up_again_on_a_database_in_use(empty_database_url: str) -> None:
    url = empty_database_url
    assert await revision_of(url) is None
    await migrate(url)
    assert await revision_of(url) == REVISION
    async with opened(url) as storage:
        await storage.record([status("Charging")])
        storage.note(logged("[2]"))
    await migrate(url)
    assert await rows_of(url, "SELECT status FROM connector") == [("Charging",)]
    await downgrade(url, "base")
    assert await revision_of(url) is None
    await migrate(url)
    async with opened(url) as storage:
        assert await storage.connectors.of("CP1") == []
        assert [found.id for found in await storage.organisations.find()] == ["default"]
        await storage.record([status("Available")])


async def test_keys_that_differ_in_case_only_become_one_and_what_waits_for_a_boot_is_told_apart(
    empty_database_url: str,
) -> None:
    url = empty_database_url
    await migrate(url, "0015")
    columns = "station_id, component, variable, organisation_id, value, supported, write_status, read_at, written_at"
    for row in (
        "'Interval', 'default', '30', TRUE, NULL, 10, NULL",
        "'interval', 'default', '60', TRUE, NULL, 20, NULL",
        "'INTERVAL', 'default', '90', TRUE, 'accepted', NULL, 30",
        "'Waits', 'default', '2', TRUE, 'reboot_required', 10, 20",
        "'Waited', 'default', '2', TRUE, 'reboot_required', 20, 10",
        "'Only', 'default', '2', TRUE, 'reboot_required', NULL, 10",
    ):
        await write(url, f"INSERT INTO variable ({columns}) VALUES ('CP1', 'OCPP16', {row})")  # noqa: S608 -- ours
    await migrate(url)
    async with opened(url) as storage:
        found = await storage.configuration.of("CP1")
        assert [(each.variable, each.value, each.pending_value) for each in found] == [
            ("Only", None, "2"),
            ("Waited", "2", None),
            ("Waits", None, "2"),
            ("interval", "60", None),
        ]
    await downgrade(url, "0015")
    assert sorted(await rows_of(url, "SELECT variable, value FROM variable")) == [
        ("Only", "2"),
        ("Waited", "2"),
        ("Waits", "2"),
        ("interval", "60"),
    ]


async def test_before_the_main_meter_had_its_own_sets_one_of_a_moment_belongs_to_the_transaction(
    empty_database_url: str,
) -> None:
    url = empty_database_url
    await migrate(url)
    async with opened(url) as storage:
        (one,) = await storage.record([started(await storage.draw_transaction_id())])
        named = {"reported_transaction_id": one.ocpp_id}
        for connector in (0, 1):
            await storage.record([sampled(one.id, register(connector), connector=connector, **named)])
        await storage.record([sampled(one.id, register(2), connector=0, seconds=90, **named)])
    await downgrade(url, "0018")
    linked = "SELECT register_wh, evse_id, sampled_at FROM meter_value WHERE transaction_id IS NOT NULL ORDER BY id"
    assert await rows_of(url, linked) == [(1, 1, at(60)), (None, 0, at(90))]
    assert await rows_of(url, "SELECT count(*) FROM meter_value") == [(3,)]
    await migrate(url)
    async with opened(url) as storage:
        assert await storage.record([sampled(one.id, register(0), connector=0)]) == [None]


async def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    def differences(connection: sa.Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    assert await migration_module._run(database_url, differences) == []


async def test_the_indexes_are_as_the_tables_say(sqlite_url: str) -> None:
    """Their conditions too, which Alembic does not compare and of which SQLite keeps the text."""
    dialect: Any = sqlite.dialect()
    rows = await rows_of(sqlite_url, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    wanted = {
        str(index.name): str(sa.schema.CreateIndex(index).compile(dialect=dialect))
        for table in metadata.tables.values()
        for index in table.indexes
    }
    assert {name: text.split() for name, text in rows} == {name: text.split() for name, text in wanted.items()}


async def test_a_database_without_tables_is_refused_with_what_to_do(empty_database_url: str) -> None:
    with pytest.raises(SchemaMismatch, match="stationmaster migrate"):
        async with opened(empty_database_url):
            pass


async def test_a_newer_schema_is_refused(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    await write(empty_database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer"):
        async with opened(empty_database_url):
            pass
    with pytest.raises(SchemaMismatch):
        await migrate(empty_database_url)
    assert await rows_of(empty_database_url, "SELECT count(*) FROM station") == [(0,)]


async def test_an_older_schema_is_refused_with_what_to_do(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    await write(empty_database_url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(SchemaMismatch, match="stationmaster migrate"):
        async with opened(empty_database_url):
            pass


async def test_two_nodes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    await asyncio.gather(*(migrate(empty_database_url) for _ in range(3)))
    assert await revision_of(empty_database_url) == REVISION


async def test_a_copy_made_while_it_is_written_opens_as_the_original(sqlite_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    async with opened(sqlite_url) as storage:
        await storage.record([status("Charging")])
        with closing(sqlite3.connect(path_of(sqlite_url))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    async with opened(f"sqlite:///{copy}") as storage:
        assert [found.status for found in await storage.connectors.of("CP1")] == ["Charging"]


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.sqlite", "postgresql://postgres@127.0.0.1:9/none"], ids=["sqlite", "postgres"]
)
async def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable):
        await migrate(url)
    with pytest.raises(Unavailable):
        async with opened(url):
            pass
