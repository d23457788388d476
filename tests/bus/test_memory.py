"""The bus of one node: what is only true of it."""

import asyncio

from stationmaster.bus.memory import MemoryBus
from tests.bus.conftest import eventually


async def test_a_listener_that_falls_behind_loses_the_oldest_messages_and_they_are_counted() -> None:
    bus = MemoryBus(subscription_limit=3)
    got: list[bytes] = []
    go_on = asyncio.Event()

    async def slow(_subject: str, message: bytes) -> None:
        await go_on.wait()
        got.append(message)

    async with bus.subscribe("news", slow):
        for number in range(6):
            await bus.publish("news", b"%d" % number)
        go_on.set()
        await eventually(lambda: len(got) == 3)
    assert got == [b"3", b"4", b"5"]
    assert bus.lost == 3
    await bus.close()


async def test_it_is_always_connected() -> None:
    bus = MemoryBus()
    assert bus.connected
    await bus.close()
