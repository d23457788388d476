"""What statuses make of reservations, as dialogues (handbook §3.2.9, §3.8)."""

from typing import Any

import pytest

from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Node


async def says(line: Line, word: str, connector_id: int = 1) -> None:
    assert await line.says("StatusNotification", connectorId=connector_id, errorCode="NoError", status=word) == {}


async def reserved(node: Node, connector_id: int = 1) -> Line:
    """A station that holds reservation 7 of a connector."""
    line = await connect(node)
    line.will_answer("ReserveNow", status="Accepted")
    wish = {"connectorId": connector_id, "expiryDate": "2030-01-01T00:00:00Z", "idTag": "A1", "reservationId": 7}
    await node.services.commands.send(ORGANISATION, "CP7", "ReserveNow", wish, requested_by="test", wait_s=5)
    assert await state(node) == "active"
    return line


async def state(node: Node) -> str | None:
    found = await node.storage.reservations.get("CP7", 7)
    return None if found is None else found.state


async def again(node: Node, line: Line) -> Line:
    """The station comes in anew."""
    line.hangs_up()
    assert line.serving is not None
    await line.serving.__aexit__(None, None, None)
    return await connect(node)


async def boots(line: Line) -> Any:
    return await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")


async def test_reserved_then_available_ends_it(node: Node) -> None:
    line = await reserved(node)
    await says(line, "Reserved")
    assert await state(node) == "active"
    await says(line, "Available")
    assert await state(node) == "ended_at_station"


@pytest.mark.parametrize("how", ["reconnects", "boots", "reconnects and boots"])
async def test_reserved_then_available_ends_it_whatever_comes_between(node: Node, how: str) -> None:
    line = await reserved(node)
    await says(line, "Reserved")
    if "reconnects" in how:
        line = await again(node, line)
    if "boots" in how:
        await boots(line)
    await says(line, "Available")
    assert await state(node) == "ended_at_station"


async def test_available_alone_ends_nothing(node: Node) -> None:
    """A station may reserve without showing it; another connector that was reserved is another one."""
    line = await reserved(node, 2)
    await says(line, "Preparing", 2)
    await says(line, "Reserved", 1)
    line = await again(node, line)
    await says(line, "Available", 2)
    await says(line, "Available", 1)
    assert await state(node) == "active"


async def test_what_was_heard_on_this_connection_counts_before_what_is_stored(node: Node) -> None:
    line = await reserved(node)
    await says(line, "Reserved")
    line = await again(node, line)
    await says(line, "Preparing")
    await says(line, "Available")
    assert await state(node) == "active"


async def test_without_a_reservation_nothing_is_read_for_a_status(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await connect(node)
    asked: list[str] = []
    of = node.storage.connectors.of

    async def counted(station_id: str) -> Any:
        asked.append(station_id)
        return await of(station_id)

    monkeypatch.setattr(node.storage.connectors, "of", counted)
    await says(line, "Available")
    assert asked == []
