"""What a station asks by itself, in each of our answers, over a real socket (handbook §3.0, §3.2, §1.13).

What it reports, and what we ask of it, is in `tests/walks/test_every_action`; certificates are in
`tests/app/test_security_flows`.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stationmaster.conformance.errors import CallRefused
from stationmaster.conformance.station import ScriptedStation
from stationmaster.services.data_transfer import VendorAnswer, VendorMessage
from tests.api.conftest import PASSWORD, Client, NodeThread, connected, new_id

BOOT = {"chargePointVendor": "Tests", "chargePointModel": "One"}
THEN = "2025-03-01T12:00:00Z"


class Vendor:
    """A plug-in whose answer is the data it gets."""

    message_ids: Collection[str] | None = ("Answer",)

    def __init__(self, vendor_id: str) -> None:
        self.vendor_id = vendor_id

    async def handle(self, message: VendorMessage) -> VendorAnswer:
        return VendorAnswer(message.data or "", "so it is")


@asynccontextmanager
async def arriving(api: Client, operator_state: str) -> AsyncIterator[ScriptedStation]:
    """A station that is connected, and what an operator thinks of it; it has not booted."""
    identity = await api.station(operator_state=operator_state)
    async with ScriptedStation(api.node.ocpp_url("127.0.0.1"), identity, password=PASSWORD) as station:
        yield station


async def tag_of(api: Client, **words: Any) -> str:
    made = await api.post("/tokens", {"id_tag": new_id("T"), **words})
    return str(made["id_tag"])


async def start(station: ScriptedStation, id_tag: str, connector: int = 1, meter_wh: int = 0) -> dict[str, Any]:
    wish = {"connectorId": connector, "idTag": id_tag, "meterStart": meter_wh, "timestamp": THEN}
    return await station.call("StartTransaction", wish)


TOKENS: dict[str, dict[str, Any] | None] = {
    "Accepted": {},
    "Blocked": {"status": "Blocked"},
    "Expired": {"expires_at": THEN},
    "Invalid": None,
}


@pytest.mark.parametrize("status", TOKENS)
async def test_each_status_of_a_token(api: Client, status: str) -> None:
    words = TOKENS[status]
    tag = "NOBODY" if words is None else await tag_of(api, **words)
    async with connected(api) as station:
        assert (await station.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"] == status
        started = await start(station, tag)
        assert started["idTagInfo"]["status"] == status
        ending = {"transactionId": started["transactionId"], "meterStop": 9, "timestamp": THEN, "idTag": tag}
        assert (await station.call("StopTransaction", ending))["idTagInfo"]["status"] == status


async def test_a_token_that_charges_elsewhere_already(api: Client) -> None:
    tag = await tag_of(api, max_active_transactions=1)
    async with connected(api) as station:
        assert (await start(station, tag))["idTagInfo"]["status"] == "Accepted"
        assert (await station.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"] == "Accepted"
        refused = await start(station, tag, connector=2)
        assert refused["idTagInfo"]["status"] == "ConcurrentTx"
        assert refused["transactionId"] > 0


@pytest.mark.parametrize("status", ["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"])
async def test_each_answer_to_a_vendors_message(api: Client, node_thread: NodeThread, status: str) -> None:
    vendor_id = new_id("org.example")

    async def register() -> None:
        api.node.services.data_transfers.register(Vendor(vendor_id))

    if status != "UnknownVendorId":
        await asyncio.to_thread(node_thread.do, register())
    async with connected(api) as station:
        wish = {
            "vendorId": vendor_id,
            "messageId": "Other" if status == "UnknownMessageId" else "Answer",
            "data": status,
        }
        answer = await station.call("DataTransfer", wish)
    more = {"data": "so it is"} if status in {"Accepted", "Rejected"} else {}
    assert answer == {"status": status} | more


@pytest.mark.parametrize("state", ["Accepted", "Pending", "Rejected"])
async def test_each_answer_to_a_boot_and_what_follows_from_it(api: Client, state: str) -> None:
    tag = await tag_of(api)
    async with arriving(api, state) as station:
        booted = await station.call("BootNotification", BOOT)
        assert (booted["status"], booted["interval"] > 0) == (state, True)
        if state == "Accepted":
            assert (await station.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"] == "Accepted"
            return
        for action, message in (
            ("Heartbeat", {}),
            ("Authorize", {"idTag": tag}),
            ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ):
            with pytest.raises(CallRefused) as refused:
                await station.call(action, message)
            assert refused.value.code == "SecurityError"


async def test_a_pending_station_may_say_what_it_was_asked_for(api: Client) -> None:
    async with arriving(api, "Pending") as station:
        await station.call("BootNotification", BOOT)
        path = f"/stations/{station.identity}/commands"
        asked = asyncio.create_task(api.post(f"{path}/TriggerMessage", {"requestedMessage": "Heartbeat"}, 200))
        await station.obey("TriggerMessage", {"status": "Accepted"})
        assert (await asked)["result"] == "Accepted"
        assert (await station.call("Heartbeat", {}))["currentTime"]
        with pytest.raises(CallRefused):
            await station.call("Authorize", {"idTag": "ANY"})
        start_path = f"{path}/RemoteStartTransaction"
        await api.problem("POST", start_path, 409, "blocked", json={"idTag": "ANY"})
        # Accepted by a person, it is asked to boot once more, which is blocked as soon as it has.
        await api.patch(f"/stations/{station.identity}", {"operator_state": "Accepted"})
        asked = asyncio.create_task(api.post(f"{path}/TriggerMessage", {"requestedMessage": "BootNotification"}, 200))
        await station.obey("TriggerMessage", {"status": "Accepted"})
        await asked
        assert (await station.call("BootNotification", BOOT))["status"] == "Accepted"
        again = {"requestedMessage": "BootNotification"}
        await api.problem("POST", f"{path}/TriggerMessage", 409, "blocked", json=again)
        assert (await station.call("Authorize", {"idTag": "ANY"}))["idTagInfo"]["status"] == "Invalid"
