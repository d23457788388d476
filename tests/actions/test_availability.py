"""StatusNotification and ChangeAvailability as dialogues (handbook §3.2.9, §3.3.2)."""

from typing import Any

import pytest

from tests.actions.line import connect
from tests.services.node import ORGANISATION, Node


async def flags_of_events(node: Node) -> list[tuple[str, list[str]]]:
    events = await node.storage.events.after(0, ORGANISATION, 100)
    return [(event.data["status"], event.data.get("flags", [])) for event in events if event.type == "connector.status"]


def status(connector_id: int, status: str, **more: Any) -> dict[str, Any]:
    return {"connectorId": connector_id, "errorCode": "NoError", "status": status, **more}


async def test_the_last_status_heard_is_the_status(node: Node) -> None:
    line = await connect(node)
    assert await line.says("StatusNotification", **status(2, "Preparing")) == {}
    assert await line.says("StatusNotification", **status(2, "Charging", timestamp="2020-01-01T00:00:00Z")) == {}
    (connector,) = await node.storage.connectors.of("CP7")
    assert (connector.evse_id, connector.connector_id, connector.status) == (2, 1, "Charging")


async def test_a_fault_keeps_what_the_station_says_of_it(node: Node) -> None:
    line = await connect(node)
    await line.says(
        "StatusNotification",
        connectorId=1,
        errorCode="ConnectorLockFailure",
        status="Faulted",
        info="bolt",
        vendorId="de.volt",
        vendorErrorCode="E17",
    )
    (connector,) = await node.storage.connectors.of("CP7")
    assert (connector.error_code, connector.info, connector.vendor_id, connector.vendor_error_code) == (
        "ConnectorLockFailure",
        "bolt",
        "de.volt",
        "E17",
    )


async def test_odd_reports_are_flagged_and_confirmed(node: Node) -> None:
    line = await connect(node)
    await line.says("StatusNotification", **status(1, "Finishing"))
    await line.says("StatusNotification", **status(1, "Charging"))
    await line.says("StatusNotification", **status(0, "Charging"))
    await line.says("StatusNotification", connectorId=1, errorCode="WeakSignal", status="Charging")
    await line.says("StatusNotification", **status(1, "Available", timestamp="2025-03-01T12:45:00Z"))
    assert await flags_of_events(node) == [
        ("Finishing", []),
        ("Charging", ["illegal_transition"]),
        ("Charging", ["no_status_of_a_station"]),
        ("Charging", ["error_but_not_faulted"]),
        ("Available", ["clock_ahead"]),
    ]


async def test_what_happened_between_connections_is_not_judged(node: Node) -> None:
    line = await connect(node)
    await line.says("StatusNotification", **status(1, "Finishing"))
    line.hangs_up()
    again = await connect(node)
    await again.says("StatusNotification", **status(1, "Charging"))
    assert (await flags_of_events(node))[-1] == ("Charging", [])


async def test_an_unknown_error_code_is_another_error(node: Node) -> None:
    line = await connect(node)
    await line.says("StatusNotification", connectorId=1, errorCode="Error", status="Faulted")
    (connector,) = await node.storage.connectors.of("CP7")
    assert connector.error_code == "OtherError"


@pytest.mark.parametrize("answer", ["Accepted", "Rejected", "Scheduled"])
async def test_what_was_asked_for_is_kept_beside_what_is_reported(node: Node, answer: str) -> None:
    line = await connect(node)
    await line.says("StatusNotification", **status(1, "Available"))
    line.will_answer("ChangeAvailability", status=answer)
    job = await node.services.commands.send(
        ORGANISATION,
        "CP7",
        "ChangeAvailability",
        {"connectorId": 1, "type": "Inoperative"},
        requested_by="test",
        wait_s=5,
    )
    assert (job.state, job.result) == ("done", answer)
    (connector,) = await node.storage.connectors.of("CP7")
    assert (connector.status, connector.desired_operative, connector.availability_status) == (
        "Available",
        False,
        answer,
    )
