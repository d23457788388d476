"""What a connection is to those around it: the bus, the message log, the registration gate."""

import asyncio
import json

import pytest
import structlog

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.bus.contract import NoResponder
from stationmaster.bus.subjects import command_of
from stationmaster.domain.facts import MessageLogged, OddityTolerated, StationConnected, StationDisconnected
from stationmaster.gateway.contract import GateMemory
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallFailed, CallReceived
from stationmaster.session.gate import PERMIT_US
from stationmaster.session.session import Session
from tests.gateway.asking import CLEAR_CACHE, answered_by, connection_of, heartbeat
from tests.gateway.conftest import StartWorld, World, polite, until
from tests.gateway.raw import frame


async def test_a_command_over_the_bus_reaches_the_connection_and_nobody_when_it_is_gone(world: World) -> None:
    station = await world.station()
    (fact,) = world.directory.facts(StationConnected)
    assert await world.bus.request(command_of("CP1"), b"hello", 1) == f"{fact.connection_id}:hello".encode()
    station.drop()
    await until(lambda: world.directory.facts(StationDisconnected))
    with pytest.raises(NoResponder):
        await world.bus.request(command_of("CP1"), b"hello", 1)


async def test_an_exchange_is_logged_once_with_both_halves(world: World) -> None:
    station = await world.station()
    answer = await station.call(heartbeat("1"))
    await until(lambda: world.directory.facts(MessageLogged))
    (logged,) = world.directory.facts(MessageLogged)
    assert (logged.direction, logged.kind, logged.action, logged.message_id) == ("in", "call", "Heartbeat", "1")
    assert json.loads(logged.frame) == heartbeat("1")
    assert json.loads(logged.answer) == answer
    assert logged.latency_us > 0


async def test_what_cannot_be_read_is_logged_without_characters_that_no_database_takes(world: World) -> None:
    station = await world.station()
    await station.say('[2,"1","Heart\x00beat"')
    await station.say('[2,"\\ud800","Heart\\udfffbeat",{}]')
    await until(lambda: len(world.directory.facts(MessageLogged)) == 2)
    unreadable, unknown = world.directory.facts(MessageLogged)
    assert (unreadable.kind, unreadable.frame) == ("unreadable", '[2,"1","Heart\u2400beat"')
    assert (unknown.message_id, unknown.action) == ("\ufffd", "Heart\ufffdbeat")


async def test_the_reason_of_a_close_is_recorded_without_them_too(world: World) -> None:
    station = await world.station()
    await station.send(frame(b"\x03\xe8a\x00b", 8))
    await until(lambda: world.directory.facts(StationDisconnected))
    assert world.directory.facts(StationDisconnected)[0].reason == "a\u2400b"


async def test_secrets_do_not_reach_the_log(world: World) -> None:
    station = await world.station()
    request = V16.check_outgoing("ChangeConfiguration", {"key": "AuthorizationKey", "value": "C0FFEE" * 6})
    asking = asyncio.create_task(connection_of(world).call("ChangeConfiguration", request, key="k"))
    await answered_by(station)
    await asking
    assert len(world.directory.facts(MessageLogged)) == 2
    assert "C0FFEE" not in str(world.directory.notes)


async def test_a_frame_that_cannot_be_logged_costs_nobody_the_conversation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_fact: object) -> None:
        raise RecursionError("too deep")

    station = await world.station()
    monkeypatch.setattr(world.directory, "log", fails)
    with structlog.testing.capture_logs() as logs:
        assert (await station.call(heartbeat("1")))[:2] == [3, "1"]
        assert (await station.call(heartbeat("2")))[:2] == [3, "2"]
    assert [(entry["event"], entry["station_id"]) for entry in logs] == [("gateway.frame_not_logged", "CP1")] * 2


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_fault_of_ours_ends_the_connection_and_tells_who_waits(
    world: World, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    neighbour, station = await world.station("neighbour"), await world.station()
    asking = asyncio.create_task(connection_of(world).call("ClearCache", CLEAR_CACHE, key="k"))
    await station.hear()

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as logs, monkeypatch.context() as broken:
        broken.setattr(Session, "receive", fails)
        if forgets:
            broken.setattr(Session, "closed", lambda *_: [])
        await station.say(heartbeat("1"))
        assert (await station.closed())[0] == 1011
        ended = await asking
    assert isinstance(ended, CallFailed)
    assert (ended.state, ended.code) == ("not_delivered", "outcome_unknown")
    assert [(entry["event"], entry["station_id"]) for entry in logs] == [("gateway.session_failed", "CP1")]
    assert (await neighbour.call(heartbeat("2")))[:2] == [3, "2"]


async def test_the_log_can_be_switched_off(start_world: StartWorld) -> None:
    world = await start_world(log_messages=False)
    station = await world.station()
    await station.call(heartbeat("1"))
    assert world.directory.facts(MessageLogged) == []


async def test_oddities_are_noted(world: World) -> None:
    station = await world.station()
    await station.call([2, "1", "Authorize", {"idTag": "A", "colour": "r\x00d"}])
    odd = [(fact.kind, fact.action) for fact in world.directory.facts(OddityTolerated)]
    assert ("extra_field", "Authorize") in odd
    assert "\x00" not in str([fact.raw for fact in world.directory.facts(OddityTolerated)])


async def test_a_strict_station_is_answered_strictly(world: World) -> None:
    world.directory.add("CP1", strict=True)
    station = await world.station()
    assert (await station.call([2, "1", "Authorize", {"idTag": "A", "colour": "red"}]))[2] == "FormationViolation"


async def test_a_pending_station_is_gated_with_what_is_known_of_its_jobs(world: World) -> None:
    world.directory.add("CP1", operator_state="Pending")
    world.directory.memory = GateMemory(request_ids=frozenset({7}))
    station = await world.station()
    assert (await station.call(heartbeat("1")))[2] == "SecurityError"
    ours = [2, "2", "LogStatusNotification", {"status": "Uploading", "requestId": 7}]
    assert (await station.call(ours))[0] == 3


async def test_what_a_pending_station_was_triggered_to_send_may_come_after_it_came_again(world: World) -> None:
    world.directory.add("CP1", operator_state="Pending")
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    station = await world.station()
    assert (await station.call([2, "1", "StatusNotification", status]))[2] == "SecurityError"
    station.drop()
    await until(lambda: world.directory.facts(StationDisconnected))
    world.directory.memory = GateMemory(permits={("StatusNotification", 1): world.now + PERMIT_US})
    station = await world.station()
    assert (await station.call([2, "2", "StatusNotification", status | {"connectorId": 2}]))[2] == "SecurityError"
    assert (await station.call([2, "3", "StatusNotification", status]))[0] == 3
    assert (await station.call([2, "4", "StatusNotification", status]))[2] == "SecurityError"


async def test_the_gate_learns_of_jobs_when_a_boot_closes_it(world: World) -> None:
    async def pending(connection: StationConnection, call: CallReceived) -> Answer:
        if call.action != "BootNotification":
            return await polite(connection, call)
        response = {"currentTime": "2025-03-01T12:00:00Z", "interval": 60, "status": "Pending"}
        return Answer(V16.check_outgoing_response("BootNotification", response))

    world.handler = pending
    world.directory.memory = GateMemory(frozenset({7}), permits={("MeterValues", 1): world.now + PERMIT_US})
    station = await world.station()
    await station.call([2, "b", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}])
    assert (await station.call(heartbeat("1")))[2] == "SecurityError"
    ours = [2, "2", "LogStatusNotification", {"status": "Uploading", "requestId": 7}]
    assert (await station.call(ours))[0] == 3
    asked_for = [2, "3", "MeterValues", {"connectorId": 1, "meterValue": []}]
    assert (await station.call(asked_for))[0] == 3


async def test_a_handler_may_close_the_connection(world: World) -> None:
    async def closing(connection: StationConnection, call: CallReceived) -> Answer:
        connection.close(1008, "x" * 200)
        return await polite(connection, call)

    world.handler = closing
    station = await world.station()
    await station.say(heartbeat("1"))
    code, reason = await station.closed()
    assert (code, reason) == (1008, "x" * 123)
