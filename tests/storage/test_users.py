"""Users and who of them is signed in, as they are kept."""

from typing import Any

import pytest

from stationmaster.domain.users import User, UserSession
from stationmaster.storage import Conflict, NotFound, Storage
from stationmaster.storage.queries.access import Organisation
from tests.storage.conftest import Clock


def user(username: str = "anna", **more: Any) -> User:
    words: dict[str, Any] = {"id": f"id-{username}", "organisation_id": "default", "name": "A", "role": "admin", **more}
    return User(username=username, **words)


def session(hash: bytes, user_id: str = "id-anna", **more: Any) -> UserSession:
    words: dict[str, Any] = {"created_at": 0, "last_seen_at": 10, "expires_at": 100, **more}
    return UserSession(hash=hash, user_id=user_id, organisation_id="default", remote_address="192.0.2.1", **words)


async def test_a_name_is_taken_whatever_its_case_and_whoever_has_it(storage: Storage) -> None:
    await storage.organisations.create(Organisation(id="o2", name="two"))
    made = await storage.users.create(user(site_ids=("s1",)))
    assert await storage.users.get("id-anna") == made
    assert await storage.users.by_username(" ANNA ") == made
    with pytest.raises(Conflict):
        await storage.users.create(user("Anna", id="id2", organisation_id="o2"))


async def test_users_are_listed_by_name(storage: Storage) -> None:
    for username in ("carl", "Anna", "ben"):
        await storage.users.create(user(username, role="viewer" if username == "ben" else "admin"))
    page = await storage.users.find("default", limit=2)
    assert [each.username for each in page.items] == ["Anna", "ben"]
    page = await storage.users.find("default", limit=2, cursor=page.next_cursor)
    assert [each.username for each in page.items] == ["carl"]
    assert len((await storage.users.find("default", role="viewer")).items) == 1
    assert len((await storage.users.find("default", search="AR")).items) == 1
    assert (await storage.users.find("o2")).items == []


async def test_a_user_is_changed_and_forgotten(storage: Storage) -> None:
    await storage.users.create(user())
    changed = await storage.users.update("id-anna", {"role": "viewer", "site_ids": ("a", "b"), "disabled_at": 5})
    assert (changed.role, changed.site_ids, changed.disabled_at) == ("viewer", ("a", "b"), 5)
    with pytest.raises(ValueError, match="username"):
        await storage.users.update("id-anna", {"username": "ben"})
    for asking in (storage.users.update("nobody", {"role": "viewer"}), storage.users.delete("nobody")):
        with pytest.raises(NotFound):
            await asking
    await storage.sessions.create(session(b"1"))
    await storage.users.set_recovery_codes("id-anna", [b"c"])
    await storage.users.delete("id-anna")
    assert await storage.sessions.find(b"1") is None
    assert await storage.users.recovery_codes_left("id-anna") == 0


async def test_other_administrators_are_those_who_can_stand_in(storage: Storage) -> None:
    anna = await storage.users.create(user())
    for name, more in (("b", {"role": "viewer"}), ("c", {"disabled_at": 1}), ("d", {"site_ids": ("s",)})):
        await storage.users.create(user(name, **more))
    assert await storage.users.other_administrators(anna) == 0
    await storage.users.create(user("e"))
    assert await storage.users.other_administrators(anna) == 1


async def test_a_code_is_used_up(storage: Storage) -> None:
    await storage.users.create(user())
    assert await storage.users.use_step("id-anna", 7)
    assert not await storage.users.use_step("id-anna", 7)
    assert not await storage.users.use_step("id-anna", 6)
    await storage.users.set_recovery_codes("id-anna", [b"old"])
    await storage.users.set_recovery_codes("id-anna", [b"a", b"b"])
    assert not await storage.users.use_recovery_code("id-anna", b"old")
    assert await storage.users.use_recovery_code("id-anna", b"a")
    assert not await storage.users.use_recovery_code("id-anna", b"a")
    assert await storage.users.recovery_codes_left("id-anna") == 1
    assert await storage.sessions.use_oidc_state(b"state", 100)
    assert not await storage.sessions.use_oidc_state(b"state", 100)


async def test_sessions_come_and_go(storage: Storage, clock: Clock) -> None:
    anna = await storage.users.create(user())
    await storage.sessions.create(session(b"1"))
    assert await storage.sessions.find(b"1") == (session(b"1"), anna)
    await storage.sessions.create(session(b"2"), instead_of=b"1")
    assert await storage.sessions.find(b"1") is None
    await storage.sessions.seen(b"2", 20)
    found = await storage.sessions.find(b"2")
    assert found is not None
    assert found[0].last_seen_at == 20
    await storage.sessions.create(session(b"3"))
    await storage.sessions.end_all_of("id-anna", but=b"3")
    assert await storage.sessions.find(b"2") is None
    assert await storage.sessions.find(b"3") is not None
    await storage.sessions.end(b"3")
    cases: list[tuple[bytes, dict[str, Any]]] = [
        (b"old", {"expires_at": 40}),
        (b"idle", {"last_seen_at": 3}),
        (b"good", {}),
    ]
    for key, times in cases:
        await storage.sessions.create(session(key, **times))
    assert await storage.sessions.prune(expired_at=50, unseen_since=5) == 2
    assert await storage.sessions.find(b"good") is not None
    await storage.sessions.end_all_of("id-anna")
    assert await storage.sessions.find(b"good") is None
