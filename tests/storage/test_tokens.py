"""Tokens: registered, found in any case, and those that nobody registered."""

import asyncio
from typing import Any

import msgspec
import pytest

from stationmaster.domain.facts import UnknownTokenSeen
from stationmaster.domain.tokens import Token
from stationmaster.storage import Conflict, NotFound, Storage
from stationmaster.storage.queries.access import Organisation
from tests.storage.conftest import Clock
from tests.storage.facts import at, head


def token(value: str, **more: Any) -> Token:
    fields: dict[str, Any] = {"id": 0, "organisation_id": "default", "value": value} | more
    return Token(**fields)


def seen(id_tag: str, where: str = "authorize", station_id: str = "CP1", seconds: float = 0) -> UnknownTokenSeen:
    return UnknownTokenSeen(**head(station_id, seconds), id_tag=id_tag, where=where)


async def test_a_token_is_registered_as_it_was_given(storage: Storage, clock: Clock) -> None:
    given = token(" Tag1 ", parent_id_tag="G", expires_at=at(9), max_active_transactions=2, name="Ann", note="n")
    stored = await storage.tokens.create(given)
    assert stored.id > 0
    assert stored == msgspec.structs.replace(
        given, id=stored.id, value="Tag1", created_at=clock.now, updated_at=clock.now
    )
    assert await storage.tokens.get(stored.id) == stored
    assert await storage.tokens.get(1) is None


async def test_a_token_is_found_in_any_case_in_its_organisation_only(storage: Storage) -> None:
    await storage.organisations.create(Organisation(id="other", name="Other"))
    ours = await storage.tokens.create(token("TagÄ"))
    theirs = await storage.tokens.create(token("tagä", organisation_id="other"))
    found = await asyncio.gather(
        storage.tokens.lookup("default", "tagÄ"),
        storage.tokens.lookup("other", "TAGÄ "),
        storage.tokens.lookup("default", "tag"),
        storage.tokens.lookup("nobody", "TagÄ"),
    )
    assert list(found) == [ours, theirs, None, None]
    assert await storage.tokens.find_many([("default", "TAGä"), ("default", "x")]) == {("default", "tagä"): ours}


async def test_a_value_is_registered_once_per_type(storage: Storage) -> None:
    await storage.tokens.create(token("Tag1"))
    with pytest.raises(Conflict, match="TAG1"):
        await storage.tokens.create(token("TAG1"))
    second = await storage.tokens.create(token("TAG1", type="ISO14443"))
    with pytest.raises(Conflict):
        await storage.tokens.update(second.id, {"type": "Central"})
    assert (await storage.tokens.lookup("default", "tag1")) is not None


async def test_a_token_is_changed_and_forgotten(storage: Storage, clock: Clock) -> None:
    stored = await storage.tokens.create(token("Tag1"))
    clock.forward(1)
    changed = await storage.tokens.update(stored.id, {"status": "Blocked", "value": " Tag2 "})
    assert (changed.status, changed.value, changed.updated_at) == ("Blocked", "Tag2", clock.now)
    assert await storage.tokens.lookup("default", "TAG1") is None
    assert await storage.tokens.lookup("default", "TAG2") == changed
    for fixed in ("id", "organisation_id", "created_at", "value_key"):
        with pytest.raises(ValueError, match=fixed):
            await storage.tokens.update(stored.id, {fixed: 1})
    await storage.tokens.delete(stored.id)
    assert await storage.tokens.get(stored.id) is None
    with pytest.raises(NotFound):
        await storage.tokens.delete(stored.id)
    with pytest.raises(NotFound):
        await storage.tokens.update(stored.id, {"name": "x"})


async def test_tokens_are_listed_with_filters_and_pages(storage: Storage) -> None:
    for i in range(5):
        await storage.tokens.create(
            token(f"Tag{i}", parent_id_tag="G" if i % 2 else None, site_id="s" if i == 0 else None, name=f"Ann {i}")
        )

    async def values(**filters: Any) -> list[str]:
        return [found.value for found in (await storage.tokens.find(**filters)).items]

    assert await values() == ["Tag4", "Tag3", "Tag2", "Tag1", "Tag0"]
    assert await values(parent_id_tag="G") == ["Tag3", "Tag1"]
    assert await values(id_tag="TAG2") == ["Tag2"]
    assert await values(search="ann 3") == ["Tag3"]
    assert await values(status="Blocked") == []
    assert await values(site_ids=["t"]) == ["Tag4", "Tag3", "Tag2", "Tag1"]
    first = await storage.tokens.find(limit=3)
    rest = await storage.tokens.find(limit=3, cursor=first.next_cursor)
    assert [found.value for found in (*first.items, *rest.items)] == await values()


async def test_unknown_tokens_are_counted(storage: Storage) -> None:
    await storage.record([seen("Tag1", seconds=1), seen("TAG1", "start", "CP2", seconds=2), seen("Tag2", seconds=1.5)])
    await storage.record([seen("tag1 ", "stop", "CP3", seconds=3)])
    first, second = (await storage.unknown_tokens.find("default")).items
    assert (first.value, first.count, first.station_id, first.seen_in) == ("TAG1", 3, "CP3", "stop")
    assert (first.first_at, first.last_at, second.value) == (at(1), at(3), "Tag2")
    page = await storage.unknown_tokens.find(limit=1)
    assert [found.value for found in (await storage.unknown_tokens.find(limit=1, cursor=page.next_cursor)).items] == [
        "Tag2"
    ]
    assert (await storage.unknown_tokens.find(search="AG2")).items == [second]
    assert (await storage.unknown_tokens.find(station_id="CP3")).items == [first]
    await storage.unknown_tokens.forget("default", "TaG1")
    assert (await storage.unknown_tokens.find()).items == [second]


async def test_endless_tokens_are_clipped(storage: Storage) -> None:
    await storage.record([seen("X" * 900_000)])
    assert len((await storage.unknown_tokens.find()).items[0].value) == 255
