"""Databases by their URLs, and the one line about one that cannot be opened."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stationmaster.app.config_sources import ConfigError, load_settings
from stationmaster.app.databases import database_url, migrated, open_storage, shown_url
from stationmaster.app.errors import StartError
from tests.postgres import PostgresServer


def clock() -> int:
    return 1_740_832_496_000_000


def test_without_a_setting_it_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(flags={"node.data": str(tmp_path / "deep" / "data")}).settings
    assert database_url(settings) == f"sqlite:///{tmp_path}/deep/data/stationmaster.sqlite"


def test_the_short_name_of_postgresql_is_understood() -> None:
    settings = load_settings(flags={"database.url": "postgres://me@host/db"}).settings
    assert database_url(settings) == "postgresql://me@host/db"


@pytest.mark.parametrize(
    "url, shown",
    [
        ("postgresql://me:hunter2@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://me:p@ss@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://me@host/db?sslmode=require&password=hunter2", "postgresql://me@host/db"),
        ("sqlite:////srv/x.sqlite", "sqlite:////srv/x.sqlite"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert shown_url(url) == shown


async def test_a_new_database_is_made_with_its_folder_and_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'x.sqlite'}"
    await migrated(url)
    await migrated(url)
    storage = await open_storage(url, "node", clock)
    await storage.check()
    await storage.close()


@pytest.mark.parametrize("folder", ["with blank", "with%percent", "säule", "d?2", "d%413", "d#1"])
async def test_odd_folders(tmp_path: Path, folder: str) -> None:
    settings = load_settings(flags={"node.data": str(tmp_path / folder)}).settings
    url = database_url(settings)
    await migrated(url)
    storage = await open_storage(url, "node", clock)
    await storage.close()
    assert (tmp_path / folder / "stationmaster.sqlite").is_file()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u@h:abc/db", "the port or the options cannot be read"),
        ("postgresql://u@h:99999/db", "the port or the options cannot be read"),
        ("postgresql://u@h:0/db", "port 0"),
        ("postgresql://u:se/cret@h/db", "%2F"),
        ("postgresql://u:se#cret@h/db", "%23"),
        ("postgresql:", "names the server"),
        ("postgresql:///db", "names the server"),
        ("postgresql://u@h", "names the database"),
        ("postgresql://h/a/b", "%2F"),
        ("sqlite:foo", "names a file"),
        ("sqlite://rel/x.db", "names a file"),
        ("sqlite:///", "names a file"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///x?mode=ro", "without options"),
        ("sqlite:///a\0b", "without options"),
        ("mysql://me:hunter2@x/y", "begins with"),
    ],
)
def test_a_url_that_names_no_single_database_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(flags={"database.url": url})
    assert words in str(error.value)
    assert "cret" not in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("url", ["postgresql:///db?host=/run/postgresql", "postgres://h/db?sslmode=verify-full"])
def test_options_of_a_url_are_the_drivers(url: str) -> None:
    load_settings(flags={"database.url": url})


async def test_migrating_and_serving_read_the_same_options(tmp_path: Path, postgres_server: PostgresServer) -> None:
    name = postgres_server.create()
    try:
        url = f"{postgres_server.url_of(name)}?sslmode=disable"
        await migrated(url)
        storage = await open_storage(url, "node", clock)
        await storage.close()
        for attempt in (migrated, lambda url: open_storage(url, "node", clock)):
            with pytest.raises(StartError, match="SSL"):
                await attempt(url.replace("disable", "require"))
    finally:
        postgres_server.drop(name)


async def test_a_schema_that_nobody_here_knows_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    await migrated(url)
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0000x'")
    with pytest.raises(StartError, match="none of this program's"):
        await migrated(url)


async def test_a_database_without_tables_says_what_to_do(empty_database_url: str) -> None:
    with pytest.raises(StartError, match="run `stationmaster migrate`"):
        await open_storage(empty_database_url, "node", clock)


async def test_what_is_no_database_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"this is a letter, not a database" * 100)
    (tmp_path / "folder.sqlite").mkdir()
    for name in ("x.sqlite", "folder.sqlite"):
        for attempt in (migrated, lambda url: open_storage(url, "node", clock)):
            with pytest.raises(StartError) as error:
                await attempt(f"sqlite:///{tmp_path / name}")
            assert str(error.value).startswith("cannot open the database sqlite:///")
            assert "\n" not in str(error.value)


async def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    for attempt in (migrated, lambda url: open_storage(url, "node", clock)):
        with pytest.raises(StartError) as error:
            await attempt("postgresql://me:hunter2@127.0.0.1:9/db")
        assert str(error.value).startswith("cannot open the database postgresql://me@127.0.0.1:9/db: ")
        assert "hunter2" not in str(error.value)
        assert "\n" not in str(error.value)
