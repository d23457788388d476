"""Tokens in memory: fast, and never wrong for longer than a message takes (handbook §3.2.1)."""

import asyncio
from typing import Any

import pytest

from stationmaster.bus.memory import MemoryBus
from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.tokens import Authorization
from stationmaster.services.context import ServiceSettings
from stationmaster.services.presence import PresentStation
from tests.services.node import ORGANISATION, Clock, Node, open_node, until


async def decide(node: Node, station: PresentStation, id_tag: str = "A1") -> str:
    answer: Authorization = await node.services.authorizer.authorize(station, id_tag, node.clock(), "authorize")
    return answer.status.value


async def test_a_token_is_read_once_and_then_remembered(node: Node) -> None:
    station = await node.present()
    await node.token("A1")
    reads = count_reads(node)
    assert [await decide(node, station) for _ in range(5)] == ["Accepted"] * 5
    assert [await decide(node, station, "nobody") for _ in range(5)] == ["Invalid"] * 5
    assert reads == [1, 1]


def count_reads(node: Node) -> list[int]:
    """One entry for each look-up that reached the database."""
    reads: list[int] = []
    find = node.storage.tokens._lookup._find

    async def counted(keys: list[Any]) -> Any:
        reads.append(len(keys))
        return await find(keys)

    node.storage.tokens._lookup._find = counted
    return reads


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"status": "Blocked"}, "Blocked"), ({"expires_at": 1}, "Expired")],
)
async def test_a_change_counts_at_once(node: Node, changes: dict[str, Any], status: str) -> None:
    station = await node.present()
    token_id = await node.token("A1")
    assert await decide(node, station) == "Accepted"
    await node.services.tokens.update(ORGANISATION, token_id, changes)
    assert await decide(node, station, "a1") == status
    await node.services.tokens.delete(ORGANISATION, token_id)
    assert await decide(node, station) == "Invalid"
    await node.token("A1")
    assert await decide(node, station) == "Accepted"


async def test_expiry_needs_no_change(node: Node) -> None:
    station = await node.present()
    await node.token("A1", expires_at=node.clock() + 30_000_000)
    assert await decide(node, station) == "Accepted"
    node.clock.pass_s(31)
    assert await decide(node, station) == "Expired"


async def test_a_change_on_another_node_counts_here(sqlite_url: str) -> None:
    bus = MemoryBus()
    clock = Clock()
    async with (
        open_node(sqlite_url, bus=bus, clock=clock, node_id="a") as here,
        open_node(sqlite_url, bus=bus, clock=clock, node_id="b") as there,
    ):
        station = await here.present()
        token_id = await there.token("A1")
        assert await decide(here, station) == "Accepted"
        await there.services.tokens.update(ORGANISATION, token_id, {"status": "Blocked"})

        async def blocked() -> bool:
            return await decide(here, station) == "Blocked"

        await until(blocked)
    await bus.close()


async def test_what_was_missed_is_forgotten_with_everything_else(node: Node) -> None:
    station = await node.present()
    token_id = await node.token("A1")
    await decide(node, station)
    await node.storage.tokens.update(token_id, {"status": "Blocked"})
    assert await decide(node, station) == "Accepted"
    await node.bus.publish(INVALIDATE, encode(Invalidate(kind="everything", key="")))

    async def blocked() -> bool:
        return await decide(node, station) == "Blocked"

    await until(blocked)


async def test_what_no_message_told_is_found_when_the_memory_ends(node: Node) -> None:
    station = await node.present()
    token_id = await node.token("A1")
    await decide(node, station)
    await node.storage.tokens.update(token_id, {"status": "Blocked"})
    node.clock.pass_s(61)
    assert await decide(node, station) == "Blocked"


async def test_a_look_up_that_was_overtaken_by_a_change_is_not_remembered(node: Node) -> None:
    station = await node.present()
    token_id = await node.token("A1")
    looking = asyncio.create_task(decide(node, station))
    await asyncio.sleep(0)
    node.services.authorizer.forget(ORGANISATION, "A1")
    await looking
    await node.storage.tokens.update(token_id, {"status": "Blocked"})
    assert await decide(node, station) == "Blocked"


async def test_the_memory_has_a_limit(sqlite_url: str) -> None:
    async with open_node(sqlite_url, settings=ServiceSettings(token_memory_limit=10)) as node:
        station = await node.present()
        for number in range(50):
            await decide(node, station, f"T{number}")
        assert len(node.services.authorizer._memory) <= 10


async def test_nonsense_is_not_looked_up(node: Node) -> None:
    station = await node.present()
    reads = count_reads(node)
    assert await decide(node, station, "   ") == "Invalid"
    assert await decide(node, station, "x" * 256) == "Invalid"
    assert reads == []


async def test_an_unreadable_message_is_passed_over(node: Node) -> None:
    await node.bus.publish(INVALIDATE, b"\xff")
    await node.bus.publish(INVALIDATE, encode(Invalidate(kind="weather", key="x")))
    station = await node.present()
    await node.token("A1")
    assert await decide(node, station) == "Accepted"
