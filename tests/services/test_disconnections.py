"""Whoever asks is told that a station is gone only when its node has said so (handbook §1.13)."""

from collections.abc import AsyncIterator

import pytest

from stationmaster.bus.messages_v1 import Disconnect, decode
from stationmaster.bus.subjects import disconnect_of
from stationmaster.domain.errors import NotFound, Offline, Unavailable
from stationmaster.domain.facts import StationConnected
from tests.services.node import ORGANISATION, Node, open_node


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    """A node with a station that another node holds."""
    async with open_node(database_url) as running:
        await running.station("CP7")
        fact = StationConnected(
            organisation_id=ORGANISATION,
            station_id="CP7",
            received_at=running.clock(),
            connection_id=5,
            node_id="node-b",
            epoch=5,
            remote_address="192.0.2.1",
            protocol="ocpp1.6",
            security_profile=0,
        )
        await running.storage.record([fact])
        yield running


async def test_its_node_is_asked_to_close_what_the_record_tells_of(node: Node) -> None:
    asked: list[Disconnect] = []

    async def answer(message: bytes) -> bytes:
        asked.append(decode(message, Disconnect))
        return b"closed"

    async with node.bus.serve(disconnect_of("node-b"), answer):
        await node.services.disconnections.disconnect(ORGANISATION, "CP7")
    assert asked == [Disconnect(station_id="CP7", epoch=5, reason="disconnected by an operator")]


async def test_a_connection_that_has_just_ended_is_told_as_offline(node: Node) -> None:
    async def answer(_message: bytes) -> bytes:
        return b"gone"

    async with node.bus.serve(disconnect_of("node-b"), answer):
        with pytest.raises(Offline) as refused:
            await node.services.disconnections.disconnect(ORGANISATION, "CP7")
    assert refused.value.code == "station_offline"


@pytest.mark.parametrize("served", [False, True], ids=["nobody knows the node", "the node fails"])
async def test_a_node_that_does_not_answer_has_closed_nothing_that_we_know_of(node: Node, served: bool) -> None:
    async def fails(_message: bytes) -> bytes:
        raise OSError("broken")

    async with node.bus.serve(disconnect_of("node-b" if served else "node-c"), fails):
        with pytest.raises(Unavailable) as refused:
            await node.services.disconnections.disconnect(ORGANISATION, "CP7")
    assert refused.value.code == "node_unreachable"
    assert "Nobody knows" in str(refused.value)


async def test_only_what_is_connected_and_ones_own_is_disconnected(node: Node) -> None:
    await node.station("CP8")
    with pytest.raises(Offline):
        await node.services.disconnections.disconnect(ORGANISATION, "CP8")
    for organisation_id, station_id in (("another", "CP7"), (ORGANISATION, "CP9")):
        with pytest.raises(NotFound):
            await node.services.disconnections.disconnect(organisation_id, station_id)
