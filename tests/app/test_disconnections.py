"""An operator parts with the connection that they saw, and with no newer one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stationmaster.app.node import Node, running_node
from stationmaster.bus.messages_v1 import Disconnect, encode
from stationmaster.bus.subjects import disconnect_of
from tests.api.conftest import PASSWORD, client_of, settings_of
from tests.api.devices import HOME, Devices


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node with one station."""
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True)
    async with running_node(settings) as running, client_of(running, running.first_key) as api:
        await api.post("/stations", {"id": "CP7", "password": PASSWORD})
        yield running


async def part_with(node: Node, station_id: str, epoch: int) -> bytes:
    request = Disconnect(station_id=station_id, epoch=epoch, reason="for a reason")
    return await node.bus.request(disconnect_of(node.settings.node.id), encode(request), 5)


async def test_the_connection_that_was_meant_is_closed_and_no_other(node: Node) -> None:
    async with Devices.there() as devices:
        station = await devices.come_in(node, "CP7", HOME)
        connection = node.gateway.connection("CP7")
        assert connection is not None
        assert await part_with(node, "CP7", connection.epoch - 1) == b"gone"
        assert await part_with(node, "CP8", connection.epoch) == b"gone"
        assert (await station.call([2, "2", "Heartbeat", {}]))[0] == 3
        assert await part_with(node, "CP7", connection.epoch) == b"closed"
        assert await station.closed() == (1008, "for a reason")
        assert await part_with(node, "CP7", connection.epoch) == b"gone"
