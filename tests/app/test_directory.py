"""What the wiring decides at the door: who may come in, what is settled, what the gate must know."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stationmaster.app.directory import Directory
from stationmaster.app.figures import NodeFigures
from stationmaster.app.node import Node, running_node
from stationmaster.conformance.errors import CallRefused, HandshakeRefused
from stationmaster.conformance.station import ScriptedStation
from stationmaster.domain.facts import OddityTolerated, StationSeen
from stationmaster.domain.identity_contests import MOST_MOVES
from stationmaster.domain.jobs import job_changed
from stationmaster.jobs.claims import beat
from stationmaster.session.gate import PERMIT_US
from tests.api.conftest import PASSWORD, Client, client_of, settings_of
from tests.api.devices import ELSEWHERE, HOME, Devices


@pytest.fixture
async def open_node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node of a laboratory: everybody may come in."""
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    settings = settings_of(tmp_path, url, database__migrate=True, ocpp__accept_unknown=True)
    async with running_node(settings) as node:
        yield node


@pytest.fixture
async def api(open_node: Node) -> AsyncIterator[Client]:
    async with client_of(open_node, open_node.first_key) as client:
        yield client


async def test_an_unknown_station_is_let_in_and_registered_where_that_is_wanted(api: Client) -> None:
    async with ScriptedStation(api.node.ocpp_url("127.0.0.1"), "SURPRISE") as station:
        answer = await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        assert answer["status"] == "Accepted"
        seen = await api.get("/stations/SURPRISE")
    assert (seen["security_profile"], seen["has_password"], seen["connected"]) == (0, False, True)


@pytest.mark.parametrize("identity", ["a\\b", " ", "surprise"])
async def test_an_identity_that_cannot_be_registered_stays_outside(api: Client, identity: str) -> None:
    await api.post("/stations", {"id": "SURPRISE"})
    with pytest.raises(HandshakeRefused):
        await ScriptedStation(api.node.ocpp_url("127.0.0.1"), identity).connect()
    assert [each["id"] for each in (await api.get("/stations"))["items"]] == ["SURPRISE"]


async def test_a_new_password_is_settled_by_the_connection_that_uses_it(api: Client) -> None:
    await api.post("/stations", {"id": "CP7", "password": PASSWORD})
    url = api.node.ocpp_url("127.0.0.1")
    new = "another password, also long"
    async with ScriptedStation(url, "CP7", password=PASSWORD) as station:
        await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        key = {"key": "AuthorizationKey", "value": new.encode().hex().upper()[:40]}
        asked = asyncio.create_task(api.post("/stations/CP7/commands/ChangeConfiguration", key, 200))
        await station.expect("ChangeConfiguration")
        await station.disconnect()
        assert (await asked)["state"] == "not_delivered"
    # Nobody knows whether it was taken: both passwords count, until one of them is used.
    async with ScriptedStation(url, "CP7", password=new.encode()[:20]) as station:
        await station.call("Heartbeat", {})
    with pytest.raises(HandshakeRefused):
        await ScriptedStation(url, "CP7", password=PASSWORD).connect()


async def test_the_gate_remembers_what_was_asked_before_this_connection(api: Client) -> None:
    await api.post("/stations", {"id": "CP7", "password": PASSWORD})
    url = api.node.ocpp_url("127.0.0.1")
    log = {"logType": "SecurityLog", "requestId": 77, "log": {"remoteLocation": "https://files.example/x"}}
    async with ScriptedStation(url, "CP7", password=PASSWORD) as station:
        await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        for action, payload, answer in (
            ("GetLog", log, {"status": "Accepted"}),
            ("GetDiagnostics", {"location": "https://files.example/d"}, {}),
        ):
            asked = asyncio.create_task(api.post(f"/stations/CP7/commands/{action}", payload, 200))
            await station.obey(action, answer)
            await asked
    directory = Directory(api.node.services, NodeFigures(), accept_unknown=False, log_messages=True)
    record = await api.node.storage.stations.get("CP7")
    assert record is not None
    memory = await directory.gate_memory(record)
    assert memory.request_ids == frozenset({77})
    assert set(memory.job_sent_at) == {"GetDiagnostics"}


METER_VALUES = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2025-03-01T12:00:00Z", "sampledValue": [{"value": "1"}]}],
}


async def refused(station: ScriptedStation, action: str, payload: dict[str, Any]) -> bool:
    try:
        await station.call(action, payload)
    except CallRefused as error:
        return error.code == "SecurityError"
    return False


def status_of(connector_id: int) -> dict[str, Any]:
    return {"connectorId": connector_id, "errorCode": "NoError", "status": "Available"}


async def test_what_a_pending_station_agreed_to_send_may_come_on_its_next_connection(api: Client) -> None:
    await api.post("/stations", {"id": "CP7", "password": PASSWORD, "operator_state": "Pending"})
    url = api.node.ocpp_url("127.0.0.1")
    async with ScriptedStation(url, "CP7", password=PASSWORD) as station:
        await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        assert await refused(station, "StatusNotification", status_of(1))
        for action, payload, answer in (
            ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}, "Accepted"),
            ("TriggerMessage", {"requestedMessage": "MeterValues"}, "Rejected"),
            ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}, "Accepted"),
        ):
            asked = asyncio.create_task(api.post(f"/stations/CP7/commands/{action}", payload, 200))
            await station.obey(action, {"status": answer})
            await asked
    async with ScriptedStation(url, "CP7", password=PASSWORD) as station:
        assert await refused(station, "MeterValues", METER_VALUES)
        assert await refused(station, "StatusNotification", status_of(2))
        assert not await refused(station, "StatusNotification", status_of(1))
        assert await refused(station, "StatusNotification", status_of(1))
        assert not await refused(station, "SignCertificate", {"csr": "-----BEGIN"})
    async with ScriptedStation(url, "CP7", password=PASSWORD) as station:
        assert await refused(station, "StatusNotification", status_of(1)), "it has come"
        assert not await refused(station, "SignCertificate", {"csr": "-----BEGIN"})
        again = {"requestedMessage": "StatusNotification", "connectorId": 1}
        asked = asyncio.create_task(api.post("/stations/CP7/commands/TriggerMessage", again, 200))
        await station.obey("TriggerMessage", {"status": "Accepted"})
        await asked
    async with ScriptedStation(url, "CP7", password=PASSWORD) as station:
        assert not await refused(station, "StatusNotification", status_of(1)), "it was asked for anew"
    directory = Directory(api.node.services, NodeFigures(), accept_unknown=False, log_messages=True)
    record = await api.node.storage.stations.get("CP7")
    assert record is not None
    assert (await directory.gate_memory(record)).permits.keys() == {
        ("StatusNotification", 1),
        ("SignCertificate", None),
    }
    # Two minutes later nothing of it holds any more.
    jobs = await api.node.storage.jobs.find("default", station_id="CP7")
    moved = [msgspec.structs.replace(job, answered_at=(job.answered_at or 0) - PERMIT_US) for job in jobs.items]
    await api.node.storage.record([job_changed(job, job.queued_at) for job in moved])
    assert (await directory.gate_memory(record)).permits == {}


async def test_two_devices_of_one_identity_raise_a_security_event(api: Client) -> None:
    await api.post("/stations", {"id": "CP7"})
    directory = Directory(api.node.services, NodeFigures(), accept_unknown=False, log_messages=True)
    record = await directory.lookup("CP7")
    assert record is not None
    await directory.identity_contested(record, ("10.0.0.1", "10.0.0.2"))
    (event,) = (await api.get("/security-events", station_id="CP7"))["items"]
    assert (event["type"], event["source"], event["critical"]) == ("StationIdentityContested", "csms", True)
    assert "10.0.0.1 and 10.0.0.2" in event["technical_info"]


async def test_a_contest_outlasts_a_restart(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"sqlite:///{tmp_path / 'x.sqlite'}", database__migrate=True)
    async with running_node(settings) as node, client_of(node, node.first_key) as admin:
        key = node.first_key
        await admin.post("/stations", {"id": "CP7", "password": PASSWORD})
        for _ in range(MOST_MOVES + 1):
            await node.services.identity_contests.moved("CP7", (HOME, ELSEWHERE))
    async with running_node(settings) as node, client_of(node, key) as admin, Devices.there() as devices:
        assert (await admin.get("/stations/CP7"))["contested_since"] is not None
        await devices.come_in(node, "CP7", ELSEWHERE)
        _, answer = await devices.knock(node, "CP7", HOME)
        assert answer.status == 429


async def test_a_node_lives_while_it_gives_signs_of_life(open_node: Node) -> None:
    directory = Directory(open_node.services, NodeFigures(), accept_unknown=False, log_messages=True)
    assert not await directory.is_alive("nobody")
    now = open_node.services.context.clock()
    for name, seconds in (("lives", 0), ("silent", 60)):
        await open_node.storage.write(beat, name, now - seconds * 1_000_000)
    assert await directory.is_alive("lives")
    assert not await directory.is_alive("silent")


async def test_a_message_log_that_is_off_still_measures(api: Client) -> None:
    figures = NodeFigures()
    directory = Directory(api.node.services, figures, accept_unknown=False, log_messages=False)
    odd = OddityTolerated(
        organisation_id="default", station_id="CP7", received_at=1, kind="extra_field", action=None, path="x", raw="y"
    )
    directory.note(odd)
    directory.note(StationSeen(organisation_id="default", station_id="CP7", received_at=1))
    assert figures.oddities == {"extra_field": 1}
    figures.oddity("invented by a station")
    figures.refused("invented by a station")
    assert figures.oddities["other"] == figures.refusals["other"] == 1
