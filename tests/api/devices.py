"""Devices that come from addresses of their own, alive unless nobody listens for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from stationmaster.app.node import Node
from tests.api.conftest import PASSWORD
from tests.gateway.conftest import basic
from tests.gateway.raw import RawStation, Response, upgrade

__all__ = ["ELSEWHERE", "HOME", "Devices"]

HOME, ELSEWHERE = "127.0.2.1", "127.0.2.2"


class Devices:
    """All of a test."""

    def __init__(self) -> None:
        self._all: list[RawStation] = []

    @classmethod
    @asynccontextmanager
    async def there(cls) -> AsyncIterator[Self]:
        """They are there while the context is open."""
        devices = cls()
        yield devices
        for device in devices._all:
            device.drop()
        await asyncio.gather(*(device.writer.wait_closed() for device in devices._all), return_exceptions=True)

    async def knock(self, node: Node, station_id: str, address: str) -> tuple[RawStation, Response]:
        """Come from an address; what is answered."""
        device = await RawStation.connect(node.ocpp_port, address)
        self._all.append(device)
        request = upgrade(f"/ocpp/{station_id}", Authorization=basic(station_id, PASSWORD.encode()))
        return device, await device.request(request)

    async def come_in(self, node: Node, station_id: str, address: str) -> RawStation:
        """Come from an address and be let in; whoever is served is known to be connected."""
        device, answer = await self.knock(node, station_id, address)
        assert answer.status == 101
        assert (await device.call([2, "1", "Heartbeat", {}]))[0] == 3
        return device
