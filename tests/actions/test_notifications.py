"""DataTransfer, security events and SignCertificate as dialogues (handbook §3.2.3, §4.7, §4.9)."""

import asyncio
from collections.abc import Collection

import pytest

from stationmaster.services.certificates import Deliver
from stationmaster.services.context import ServiceSettings
from stationmaster.services.data_transfer import VendorAnswer, VendorMessage
from stationmaster.services.presence import PresentStation
from tests.actions.line import connect
from tests.services.node import ORGANISATION, START, Node, open_node, until

# DataTransfer


class Volt:
    """A plug-in as a vendor's package would bring it."""

    vendor_id = "de.Volt"
    message_ids: Collection[str] | None = ("Price", "Break", "Sleep", "Odd")

    async def handle(self, message: VendorMessage) -> VendorAnswer:
        match message.message_id:
            case "Break":
                raise RuntimeError("broken")
            case "Sleep":
                await asyncio.sleep(60)
            case "Odd":
                return VendorAnswer("Certainly")
        return VendorAnswer("Accepted", f"{message.station_id}:{message.data}")


class VoltRest:
    """Another one of the same vendor, for everything else."""

    vendor_id = "DE.VOLT"
    message_ids: Collection[str] | None = None

    async def handle(self, message: VendorMessage) -> VendorAnswer:
        return VendorAnswer("Rejected")


async def test_without_plugins_every_vendor_is_unknown(node: Node) -> None:
    line = await connect(node)
    assert await line.says("DataTransfer", vendorId="de.volt", messageId="Price", data="1") == {
        "status": "UnknownVendorId"
    }
    (kept,) = (await node.storage.data_transfers.find(ORGANISATION)).items
    assert (kept.vendor_id, kept.message_id, kept.data, kept.status) == ("de.volt", "Price", "1", "UnknownVendorId")


@pytest.mark.parametrize(
    ("vendor_id", "message_id", "answer"),
    [
        ("DE.volt", "price", {"status": "Accepted", "data": "CP7:x"}),
        ("de.volt", "Weather", {"status": "UnknownMessageId"}),
        ("de.volt", "Break", {"status": "Rejected"}),
        ("de.volt", "Sleep", {"status": "Rejected"}),
        ("de.volt", "Odd", {"status": "Rejected"}),
        ("de.watt", "Price", {"status": "UnknownVendorId"}),
    ],
)
async def test_a_plugin_answers_for_its_vendor(
    sqlite_url: str, vendor_id: str, message_id: str, answer: dict[str, str]
) -> None:
    settings = ServiceSettings(data_transfer_timeout_s=0.02)
    async with open_node(sqlite_url, plugins=[Volt()], settings=settings) as node:
        line = await connect(node)
        assert await line.says("DataTransfer", vendorId=vendor_id, messageId=message_id, data="x") == answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ("Accepted", "x"),
        "Accepted",
        VendorAnswer("Perhaps"),
        VendorAnswer(["Accepted"]),  # type: ignore[arg-type]  # what a plug-in gives back is checked by nobody
        VendorAnswer(None),  # type: ignore[arg-type]  # the same
        VendorAnswer("Accepted", {"a": 1}),  # type: ignore[arg-type]  # the same
        VendorAnswer("Accepted", b"x"),  # type: ignore[arg-type]  # the same
    ],
    ids=str,
)
async def test_a_plugin_that_answers_nonsense_is_answered_for_with_rejected(sqlite_url: str, answer: object) -> None:
    class Odd:
        vendor_id = "odd"
        message_ids: Collection[str] | None = None

        async def handle(self, _message: VendorMessage) -> VendorAnswer:
            return answer  # type: ignore[return-value]  # that is the point

    async with open_node(sqlite_url, plugins=[Odd()]) as node:
        line = await connect(node)
        assert await line.says("DataTransfer", vendorId="Odd") == {"status": "Rejected"}
        assert await line.says("DataTransfer", vendorId="Another") == {"status": "UnknownVendorId"}


async def test_several_plugins_may_share_a_vendor(sqlite_url: str) -> None:
    async with open_node(sqlite_url, plugins=[Volt(), VoltRest()]) as node:
        line = await connect(node)
        assert (await line.says("DataTransfer", vendorId="de.volt", messageId="Price"))["status"] == "Accepted"
        assert (await line.says("DataTransfer", vendorId="de.volt"))["status"] == "Rejected"


# Security events


async def test_security_events_are_kept_once_whatever_their_type(node: Node) -> None:
    line = await connect(node)
    for _ in range(2):
        for event_type in ("StartupOfTheDevice", "CentralSystemFailedToAuthentication", "AlienAbduction"):
            assert (
                await line.says(
                    "SecurityEventNotification", type=event_type, timestamp="2025-02-01T00:00:00Z", techInfo="t"
                )
                == {}
            )
    events = (await node.storage.security_events.find(ORGANISATION)).items
    assert sorted((each.type, each.critical, each.source) for each in events) == [
        ("AlienAbduction", False, "station"),
        ("CentralSystemFailedToAuthenticate", False, "station"),
        ("StartupOfTheDevice", True, "station"),
    ]


async def test_a_pending_station_may_report_security_events(node: Node) -> None:
    line = await connect(node, operator_state="Pending")
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    assert await line.says("SecurityEventNotification", type="StartupOfTheDevice", timestamp="x") == {}
    (event,) = (await node.storage.security_events.find(ORGANISATION)).items
    assert event.occurred_at == START


# SignCertificate


async def test_without_an_authority_a_request_is_rejected(node: Node) -> None:
    line = await connect(node)
    assert await line.says("SignCertificate", csr="PEM") == {"status": "Rejected"}
    assert line.heard == []


class Authority:
    """An authority that signs what begins with PEM."""

    async def accepts(self, station: PresentStation, csr: str) -> bool:
        return csr.startswith("PEM")

    async def issue(self, station: PresentStation, csr: str, deliver: Deliver) -> None:
        await deliver(f"{csr} for {station.station_id}")


async def test_an_authority_answers_first_and_delivers_afterwards(sqlite_url: str) -> None:
    async with open_node(sqlite_url, certificates=Authority()) as node:
        line = await connect(node)
        assert await line.says("SignCertificate", csr="nonsense") == {"status": "Rejected"}
        line.will_answer("CertificateSigned", status="Accepted")
        assert await line.says("SignCertificate", csr="PEM") == {"status": "Accepted"}

        async def delivered() -> bool:
            return bool(line.heard)

        await until(delivered)
        assert line.heard == [("CertificateSigned", {"certificateChain": "PEM for CP7"})]
        assert line.order[-3:] == [">> SignCertificate", "<< answer", "<< CertificateSigned"]
