"""Authorize and ClearCache as dialogues (handbook §3.2.1, §3.3.4)."""

import pytest

from stationmaster.domain.tokens import TokenStatus
from stationmaster.services.context import ServiceSettings
from stationmaster.services.tokens import NewToken
from stationmaster.storage.queries.access import Organisation
from tests.actions.line import CallErrorHeard, connect
from tests.services.node import ORGANISATION, SECOND, START, Node, open_node


async def status_of(node: Node, id_tag: str) -> object:
    line = await connect(node)
    return (await line.says("Authorize", idTag=id_tag))["idTagInfo"]


async def test_an_unknown_token_is_invalid_and_seen(node: Node) -> None:
    assert await status_of(node, "Nobody") == {"status": "Invalid"}
    await node.storage.record([])
    await node.storage.check()
    (seen,) = (await node.storage.unknown_tokens.find(ORGANISATION)).items
    assert (seen.value, seen.station_id, seen.seen_in) == ("Nobody", "CP7", "authorize")


async def test_an_expired_token_is_expired_and_not_invalid(node: Node) -> None:
    await node.token("OLD", expires_at=START - SECOND)
    assert await status_of(node, "OLD") == {"status": "Expired", "expiryDate": "2025-03-01T12:34:55.000Z"}


async def test_blocked_goes_before_expired(node: Node) -> None:
    await node.token("BAD", status=TokenStatus.BLOCKED, expires_at=START - SECOND, parent_id_tag="FLEET")
    info = await status_of(node, "BAD")
    assert info == {"status": "Blocked", "expiryDate": "2025-03-01T12:34:55.000Z", "parentIdTag": "FLEET"}


async def test_case_does_not_matter(node: Node) -> None:
    await node.token("AbCd")
    assert await status_of(node, "aBcD") == {"status": "Accepted"}


async def test_it_never_says_concurrent(node: Node) -> None:
    await node.token("ONE", max_active_transactions=1)
    line = await connect(node)
    await line.says("StartTransaction", connectorId=1, idTag="ONE", meterStart=0, timestamp="2025-03-01T12:34:56Z")
    assert (await line.says("Authorize", idTag="ONE"))["idTagInfo"] == {"status": "Accepted"}


async def test_a_tag_too_long_for_the_wire_is_invalid(node: Node) -> None:
    await node.token("#FreeChargingForEveryone")
    assert await status_of(node, "#FreeChargingForEveryone") == {"status": "Invalid"}


async def test_a_tag_too_long_is_an_error_in_strict_mode(node: Node) -> None:
    line = await connect(node, strict=True)
    with pytest.raises(CallErrorHeard, match="PropertyConstraintViolation"):
        await line.says("Authorize", idTag="x" * 21)


async def test_a_parent_too_long_for_the_wire_is_left_out(node: Node) -> None:
    await node.token("A", parent_id_tag="p" * 21)
    assert await status_of(node, "A") == {"status": "Accepted"}


async def test_a_cache_lifetime_gives_an_expiry(sqlite_url: str) -> None:
    settings = ServiceSettings(authorization_cache_lifetime_s=3600)
    async with open_node(sqlite_url, settings=settings) as node:
        await node.token("A")
        await node.token("B", expires_at=START + 60 * SECOND)
        assert await status_of(node, "A") == {"status": "Accepted", "expiryDate": "2025-03-01T13:34:56.000Z"}
        assert await status_of(node, "B") == {"status": "Accepted", "expiryDate": "2025-03-01T12:35:56.000Z"}


async def test_a_station_cannot_be_told_of_another_organisation(node: Node) -> None:
    await node.storage.organisations.create(Organisation(id="o2", name="O2"))
    await node.services.tokens.create("o2", NewToken(value="THEIRS"))
    assert await status_of(node, "THEIRS") == {"status": "Invalid"}


async def test_a_tag_that_is_too_long_is_seen_wherever_it_is_presented(node: Node) -> None:
    """Invalid, also if somebody registered it; but what was presented is known (§3.2.1)."""
    tag, longest, noon = "VID:001122334455667788", "x" * 300, "2025-03-01T12:00:00Z"
    await node.token("KNOWN" * 5)
    line = await connect(node)
    invalid = {"idTagInfo": {"status": "Invalid"}}
    assert await line.says("Authorize", idTag=tag) == invalid
    assert await line.says("Authorize", idTag=longest) == invalid
    assert await line.says("Authorize", idTag="known" * 5) == invalid
    started = await line.says("StartTransaction", connectorId=1, idTag=tag + "1", meterStart=0, timestamp=noon)
    assert started["idTagInfo"] == {"status": "Invalid"}
    number = started["transactionId"]
    await line.says("StopTransaction", transactionId=number, idTag=tag + "2", meterStop=0, timestamp=noon)
    await node.storage.record([])
    await node.storage.check()
    seen = {each.value: each.seen_in for each in (await node.storage.unknown_tokens.find(ORGANISATION)).items}
    assert seen == {tag: "authorize", "x" * 255: "authorize", tag + "1": "start", tag + "2": "stop"}
