"""Tokens and API keys as operators keep them, and the secrets of both."""

from typing import Any

import pytest

from stationmaster.domain.errors import Conflict, Invalid, NotFound
from stationmaster.services.secrets import SecretKeeper
from stationmaster.services.tokens import NewToken
from tests.services.node import ORGANISATION, SECOND, Node


async def test_a_token_is_registered_once_whatever_its_case(node: Node) -> None:
    token = await node.services.tokens.create(ORGANISATION, NewToken(value=" AbCd ", parent_id_tag="P", note="a\nb"))
    assert (token.value, token.parent_id_tag, token.status, token.note) == ("AbCd", "P", "Accepted", "a\nb")
    with pytest.raises(Conflict) as refused:
        await node.services.tokens.create(ORGANISATION, NewToken(value="ABCD"))
    assert refused.value.code == "token_exists"


async def test_a_token_that_was_seen_is_no_longer_unknown_once_registered(node: Node) -> None:
    station = await node.present()
    await node.services.authorizer.authorize(station, "A1", node.clock(), "authorize")
    await node.storage.check()
    assert len((await node.storage.unknown_tokens.find(ORGANISATION)).items) == 1
    await node.token("a1")
    assert (await node.storage.unknown_tokens.find(ORGANISATION)).items == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"value": ""}, "id_tag"),
        ({"value": "a\x00"}, "id_tag"),
        ({"value": "x" * 256}, "id_tag"),
        ({"status": "Expired"}, "status"),
        ({"max_active_transactions": 0}, "max_active_transactions"),
        ({"max_active_transactions": 10_001}, "max_active_transactions"),
        ({"parent_id_tag": "x" * 256}, "parent_id_tag"),
        ({"type": ""}, "type"),
    ],
)
async def test_what_a_token_cannot_be(node: Node, words: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await node.services.tokens.create(ORGANISATION, NewToken(**{"value": "A1", **words}))
    assert refused.value.fields[0]["field"] == field


async def test_a_token_is_changed_and_forgotten_by_its_organisation_only(node: Node) -> None:
    tokens = node.services.tokens
    token_id = await node.token("A1")
    changed = await tokens.update(ORGANISATION, token_id, {"max_active_transactions": 3, "parent_id_tag": None})
    assert (changed.max_active_transactions, changed.parent_id_tag) == (3, None)
    with pytest.raises(Invalid, match="cannot be changed"):
        await tokens.update(ORGANISATION, token_id, {"value": "B"})
    for asking in (tokens.get("o2", token_id), tokens.update("o2", token_id, {}), tokens.delete("o2", token_id)):
        with pytest.raises(NotFound):
            await asking
    await tokens.delete(ORGANISATION, token_id)
    with pytest.raises(NotFound):
        await tokens.get(ORGANISATION, token_id)


async def test_an_api_key_is_found_by_what_is_shown_once(node: Node) -> None:
    keys = node.services.api_keys
    made = await keys.create(ORGANISATION, "Billing", "viewer", site_ids=["s1"])
    assert made.text.startswith("sm_")
    assert made.text.encode() not in made.key.hash
    found = await keys.find(made.text)
    assert found is not None
    assert (found.id, found.role, found.site_ids) == (made.key.id, "viewer", ("s1",))
    for other in ("", "sm_", made.text[:-1], made.text + "x", made.text.upper(), "x" * 10_000, "\ud800"):
        assert await keys.find(other) is None


async def test_an_api_key_ends_by_expiry_or_revocation(node: Node) -> None:
    keys = node.services.api_keys
    short = await keys.create(ORGANISATION, "Short", "admin", expires_at=node.clock() + SECOND)
    long = await keys.create(ORGANISATION, "Long", "admin")
    node.clock.pass_s(2)
    assert await keys.find(short.text) is None
    assert await keys.find(long.text) is not None
    with pytest.raises(NotFound):
        await keys.revoke("o2", long.key.id)
    await keys.revoke(ORGANISATION, long.key.id)
    assert await keys.find(long.text) is None
    with pytest.raises(NotFound):
        await keys.revoke(ORGANISATION, "nothing")


@pytest.mark.parametrize(("name", "role", "in_s"), [("", "admin", None), ("x", "king", None), ("x", "admin", -1)])
async def test_what_an_api_key_cannot_be(node: Node, name: str, role: str, in_s: int | None) -> None:
    expires_at = None if in_s is None else node.clock() + in_s * SECOND
    with pytest.raises(Invalid):
        await node.services.api_keys.create(ORGANISATION, name, role, expires_at=expires_at)


def test_hashes_depend_on_the_pepper_the_station_and_the_purpose() -> None:
    one, two = SecretKeeper(b"a" * 16), SecretKeeper(b"b" * 64)
    hashes = {
        one.password_hash("CP7", b"secret"),
        two.password_hash("CP7", b"secret"),
        one.password_hash("CP8", b"secret"),
        one.password_hash("CP7s", b"ecret"),
        one.api_key_hash("secret"),
    }
    assert len(hashes) == 5
    assert one.password_hash("CP7", b"secret") == SecretKeeper(b"a" * 16).password_hash("CP7", b"secret")
    assert not one.password_matches("CP7", b"secret", None)
    assert len({one.new_password() for _ in range(100)}) == 100


@pytest.mark.parametrize("pepper", [b"", b"a" * 15, b"a" * 65])
def test_a_pepper_has_a_fit_length(pepper: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        SecretKeeper(pepper)
