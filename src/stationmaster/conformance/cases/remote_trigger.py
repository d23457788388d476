"""Remote trigger (handbook §5.7)."""

from typing import Any

from stationmaster.conformance.kit import Functionality, case, must
from stationmaster.conformance.lab import Lab, now, same

TRIGGER = Functionality.REMOTE_TRIGGER


@case("TC_054", "Trigger message", TRIGGER, operator=True)
async def trigger(lab: Lab) -> None:
    """<< five triggers in this order; >> each accepted (the last may be NotImplemented) and followed by its message."""
    number = lab.settings.connector_id
    status = {"connectorId": number, "errorCode": "NoError", "status": "Available"}
    value = {"timestamp": now(), "sampledValue": [{"value": "1", "context": "Trigger"}]}
    rounds: list[tuple[str, int | None, dict[str, Any]]] = [
        ("MeterValues", number, {"connectorId": number, "meterValue": [value]}),
        ("Heartbeat", None, {}),
        ("StatusNotification", number, status),
        ("DiagnosticsStatusNotification", None, {"status": "Idle"}),
        ("FirmwareStatusNotification", None, {"status": "Idle"}),
    ]
    async with lab.station() as station:
        for wanted, connector_id, message in rounds:
            more = {} if connector_id is None else {"connectorId": connector_id}
            lab.press("TriggerMessage", {"requestedMessage": wanted} | more)
            sent = (await station.obey("TriggerMessage", {"status": "Accepted"})).payload
            same(sent["requestedMessage"], wanted, "requestedMessage")
            same(sent.get("connectorId"), connector_id, "connectorId")
            answer = await station.call(wanted, message)
            must(set(answer) <= {"currentTime"}, f"{wanted} was answered with {answer}")
            await lab.settled()


@case("TC_055", "Trigger message, rejected", TRIGGER, operator=True)
async def trigger_rejected(lab: Lab) -> None:
    """<< TriggerMessage MeterValues; >> Rejected."""
    async with lab.station() as station:
        lab.press("TriggerMessage", {"requestedMessage": "MeterValues"})
        sent = (await station.obey("TriggerMessage", {"status": "Rejected"})).payload
        same(sent["requestedMessage"], "MeterValues", "requestedMessage")
