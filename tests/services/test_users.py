"""Users as administrators keep them."""

from typing import Any

import pytest

from stationmaster.domain.errors import Conflict, DomainError, Invalid, NotFound
from stationmaster.services.users import NewUser
from stationmaster.storage.queries.access import Organisation
from tests.services.node import ORGANISATION, Node
from tests.services.test_sign_in import PASSWORD, made, sign_in


async def test_a_name_is_taken_in_the_whole_system(node: Node) -> None:
    await made(node)
    await node.storage.organisations.create(Organisation(id="o2", name="two"))
    with pytest.raises(Conflict) as refused:
        await node.services.people.users.create("o2", NewUser(username="ANNA", role="viewer", password=PASSWORD))
    assert refused.value.code == "user_exists"


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"username": "anna andersson"}, "username"),
        ({"username": ""}, "username"),
        ({"role": "emperor"}, "role"),
        ({"password": "short"}, "password"),
        ({"name": "x" * 201}, "name"),
        ({"site_ids": ()}, "site_ids"),
    ],
)
async def test_what_a_user_cannot_be(node: Node, words: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await node.services.people.users.create(
            ORGANISATION, NewUser(**{"username": "anna", "role": "viewer", "password": PASSWORD, **words})
        )
    assert refused.value.fields[0]["field"] == field


async def test_another_organisation_has_no_such_user(node: Node) -> None:
    users, user = node.services.people.users, await made(node)
    for asking in (
        users.get("o2", user.id),
        users.update("o2", user.id, {"role": "viewer"}),
        users.set_password("o2", user.id, PASSWORD),
        users.take_away_totp("o2", user.id),
        users.delete("o2", user.id),
        users.get(ORGANISATION, "nobody"),
    ):
        with pytest.raises(NotFound):
            await asking


async def test_the_last_administrator_stays(node: Node) -> None:
    users, anna = node.services.people.users, await made(node)
    for asking in (
        users.delete(ORGANISATION, anna.id),
        users.update(ORGANISATION, anna.id, {"role": "operator"}),
        users.update(ORGANISATION, anna.id, {"disabled": True}),
        users.update(ORGANISATION, anna.id, {"site_ids": ("here",)}),
    ):
        with pytest.raises(Conflict) as refused:
            await asking
        assert refused.value.code == "last_administrator"
    await made(node, "ben")
    await users.update(ORGANISATION, anna.id, {"role": "operator"})
    await users.delete(ORGANISATION, anna.id)


async def test_who_loses_power_is_signed_out_and_who_is_renamed_is_not(node: Node) -> None:
    users, sessions = node.services.people.users, node.services.people.sessions
    await made(node)
    ben = await made(node, "ben")
    for changes, stays in (
        ({"name": "Benjamin"}, True),
        ({"role": "operator"}, False),
        ({"site_ids": ("here",)}, False),
    ):
        signed_in = await sign_in(node, "ben")
        await users.update(ORGANISATION, ben.id, changes)
        assert (await sessions.find(signed_in.secret) is not None) is stays, changes
    signed_in = await sign_in(node, "ben")
    await users.set_password(ORGANISATION, ben.id, "another good password")
    assert await sessions.find(signed_in.secret) is None
    await sign_in(node, "ben", "another good password")


async def test_an_unknown_change_is_refused(node: Node) -> None:
    user = await made(node)
    with pytest.raises(Invalid, match="cannot be changed"):
        await node.services.people.users.update(ORGANISATION, user.id, {"username": "ben"})


async def test_an_organisation_begins_with_one_secret_for_both_ways_in(node: Node) -> None:
    organisations = node.services.people.organisations
    await organisations.create("acme", "Acme Charging")
    with pytest.raises(Conflict):
        await organisations.create("acme", "again")
    for wrong in ("", "Acme", "a b", "-a", "x" * 64, "a/b"):
        with pytest.raises(Invalid):
            await organisations.create(wrong, "x")
    first = await organisations.first_administrator("acme", "acme-admin")
    key = await node.services.api_keys.find(first.secret)
    assert key is not None
    assert (key.organisation_id, key.role) == ("acme", "admin")
    assert (await sign_in(node, "acme-admin", first.secret)).user.organisation_id == "acme"
    with pytest.raises(DomainError):
        await organisations.first_administrator("acme", "acme-admin")
    keys = (await node.storage.api_keys.find("acme")).items
    assert [each.revoked_at is None for each in sorted(keys, key=lambda each: each.revoked_at or 0)] == [True, False]
