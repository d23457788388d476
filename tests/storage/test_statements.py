"""The SQL that is made from the tables, in the words of both databases."""

import re

import pytest
import sqlalchemy as sa

from stationmaster.storage import Refused, Storage
from stationmaster.storage.programs import execute
from stationmaster.storage.statements import (
    Prepared,
    compile_postgresql,
    compile_sqlite,
    delete_by,
    find_by,
    insert_into,
    select_by,
    update_by,
)
from stationmaster.storage.tables import counter, station


def test_an_insert() -> None:
    statement = insert_into(counter)
    assert statement.sqlite == 'INSERT INTO "counter" ("name", "value") VALUES (?, ?)'
    assert statement.postgresql == (
        'INSERT INTO "counter" ("name", "value") SELECT * FROM unnest($1::text[], $2::bigint[])'
    )
    assert insert_into(counter, ignore=True).sqlite.endswith(" ON CONFLICT DO NOTHING")


def test_an_insert_that_changes_what_is_there() -> None:
    statement = insert_into(counter, keys=("name",), where="counter.value < excluded.value", returning=("value",))
    for text in (statement.sqlite, statement.postgresql):
        assert text.endswith(
            ' ON CONFLICT ("name") DO UPDATE SET "value" = excluded."value"'
            ' WHERE counter.value < excluded.value RETURNING "value"'
        )
    assert statement.returns


def test_an_update() -> None:
    statement = update_by(counter, ("name",), ("value",), changes={"value": "t.value + :value"}, where="t.value > 0")
    assert statement.sqlite == 'UPDATE "counter" AS t SET "value" = t.value + ?2 WHERE t."name" = ?1 AND t.value > 0'
    assert statement.postgresql == (
        'UPDATE "counter" AS t SET "value" = t.value + given."value" FROM unnest($1::text[], $2::bigint[])'
        ' AS given ("name", "value") WHERE t."name" = given."name" AND t.value > 0'
    )


def test_a_deletion() -> None:
    statement = delete_by(counter, ("name", "value"))
    assert statement.sqlite == 'DELETE FROM "counter" AS t WHERE t."name" = ?1 AND t."value" = ?2'
    assert statement.postgresql == (
        'DELETE FROM "counter" AS t USING unnest($1::text[], $2::bigint[]) AS given ("name", "value")'
        ' WHERE t."name" = given."name" AND t."value" = given."value"'
    )


def test_a_look_up() -> None:
    statement = select_by(counter, ("name", "value"), ("value",), where="t.name = :name AND t.value = :value")
    assert statement.sqlite == 'SELECT t."value" FROM "counter" AS t WHERE t.name = ?1 AND t.value = ?2'
    assert statement.postgresql == (
        'SELECT t."value" FROM unnest($1::text[], $2::bigint[]) AS given ("name", "value")'
        ' JOIN "counter" AS t ON t.name = given."name" AND t.value = given."value"'
    )


def test_a_select_by_one_column_for_any_number_of_keys() -> None:
    statement = find_by(sa.select(counter.c.value, sa.func.coalesce(counter.c.value, 0)), counter.c.name)
    chosen = "SELECT counter.value, coalesce(counter.value, 0) AS coalesce_1 FROM counter"
    assert " ".join(statement.sqlite.split()) == f"{chosen} WHERE counter.name = ?1"
    assert " ".join(statement.postgresql.split()) == f"{chosen} WHERE counter.name = ANY ($1::text[])"
    assert " ".join(statement.sqlite_all.split()).removeprefix(chosen) == (
        " WHERE (counter.name) IN (SELECT json_extract(value, '$[0]') FROM json_each(?1))"
    )
    assert (statement.columns, statement.returns, statement.quick) == (1, True, True)


def test_a_select_by_several_columns_for_any_number_of_keys() -> None:
    statement = find_by(sa.select(counter.c.value), counter.c.name, counter.c.value, quick=False)
    all_given = "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?1))"
    texts = (statement.sqlite, statement.sqlite_all, statement.postgresql)
    assert [" ".join(text.split()).removeprefix("SELECT counter.value FROM counter WHERE ") for text in texts] == [
        "counter.name = ?1 AND counter.value = ?2",
        f"(counter.name, counter.value) IN {all_given}",
        "(counter.name, counter.value) IN (SELECT * FROM unnest($1::text[], $2::bigint[]))",
    ]
    assert (statement.columns, statement.quick) == (2, False)


async def test_keys_of_several_columns_are_found_as_pairs_on_both_databases(storage: Storage) -> None:
    await storage.write(execute, insert_into(counter), [("a", 1), ("b", 2), ("c\"'", 3)])
    statement = find_by(sa.select(counter.c.name), counter.c.name, counter.c.value, quick=False)

    async def found(*keys: tuple[str, int]) -> list[str]:
        return sorted(str(row[0]) for row in await storage.read(statement, keys))

    assert await found(("a", 1)) == ["a"]
    assert await found(("a", 2), ("b", 1)) == []
    assert await found(("a", 1), ("b", 1), ("c\"'", 3), ("a", 1)) == ["a", "c\"'"]


def test_a_core_statement_and_its_values_in_order() -> None:
    statement = sa.select(station.c.id).where(station.c.name == "n", station.c.id.in_(["a", "b"]), station.c.strict)
    text, values = compile_sqlite(statement.limit(5))
    assert text.count("?") == len(values) == 5
    assert values[:3] == ["n", "a", "b"]
    text, values = compile_postgresql(statement.limit(5))
    for value, name in (("n", "name ="), ("a", "id IN ("), (5, "LIMIT")):
        number = int(re.split(r"\W", text.partition(f"{name} $")[2] or text.partition(f"{name}$")[2])[0])
        assert values[number - 1] == value


def test_a_prepared_statement_is_compiled_once_and_filled_often() -> None:
    where = (
        station.c.name == sa.bindparam("name"),
        station.c.vendor == "fixed",
        station.c.model == sa.bindparam("name"),
    )
    prepared = Prepared(sa.select(station.c.id).where(*where).limit(1), "model", "name")
    for fill in (prepared.sqlite, prepared.postgresql):
        text, values = fill(("unused", "one"))
        again, others = fill(("unused", "two"))
        assert text is again
        assert values.count("one") == others.count("two") >= 1
        assert "fixed" in values
        with pytest.raises(Refused, match="NUL"):
            fill(("unused", "a\0b"))


def test_a_nul_character_is_refused_on_both_databases() -> None:
    for compiled in (compile_sqlite, compile_postgresql):
        with pytest.raises(Refused, match="NUL"):
            compiled(sa.select(station.c.id).where(station.c.name == "a\0b"))
