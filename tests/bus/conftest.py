"""Buses under test: two ends that can talk, over memory and over NATS.

`Link` stands between a bus and the broker, so that the broker can be "away" without touching it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from stationmaster.bus import Bus
from stationmaster.bus.memory import MemoryBus
from stationmaster.bus.nats import NatsBus


def clock() -> int:
    """A clock that stands still: deadlines in these tests are passed by another clock."""
    return 1_700_000_000_000_000


@dataclass
class Ends:
    """Two buses that reach each other; the same one twice for memory."""

    a: Bus
    b: Bus


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.nats)])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    if request.param == "memory":
        bus = MemoryBus()
        yield Ends(bus, bus)
        await bus.close()
        return
    url = request.getfixturevalue("nats_url")
    first = await NatsBus.connect(url, clock=clock)
    second = await NatsBus.connect(url, clock=clock)
    yield Ends(first, second)
    await first.close()
    await second.close()


class Link:
    """A wire to the broker that can be cut and mended. `url` is where a bus connects to."""

    def __init__(self, broker: tuple[str, int]) -> None:
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._broker)
        self._writers |= {writer, there_writer}
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()


@pytest.fixture
async def link(nats_url: str) -> AsyncIterator[Link]:
    parts = urlsplit(nats_url)
    link = Link((parts.hostname or "127.0.0.1", parts.port or 4222))
    await link.mend()
    yield link
    await link.cut()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a condition of somebody else's making has no event to wait for
            await asyncio.sleep(0.005)
