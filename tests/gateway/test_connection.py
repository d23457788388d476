"""A conversation over a real socket: who is answered when, whatever the handlers do."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.bus.contract import NoResponder
from stationmaster.bus.memory import MemoryBus
from stationmaster.bus.subjects import command_of
from stationmaster.domain.facts import StationConnected, StationDisconnected
from stationmaster.gateway.connection import Connection
from stationmaster.gateway.server import Gateway
from stationmaster.gateway.settings import GatewaySettings, Listener
from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallAnswered, CallAnsweredLate, CallFailed, CallReceived
from tests.gateway.asking import CLEAR_CACHE, answered_by, clear_cache, connection_of, heartbeat
from tests.gateway.conftest import StartWorld, World, polite, until
from tests.gateway.raw import RawStation, frame, upgrade

# CALLs of the station


async def test_calls_are_handled_one_at_a_time_in_order_and_stations_side_by_side(world: World) -> None:
    order: list[str] = []
    under_way: dict[str, int] = {}

    async def slow(connection: StationConnection, call: CallReceived) -> Answer:
        under_way[connection.station_id] = under_way.get(connection.station_id, 0) + 1
        assert under_way[connection.station_id] == 1
        await asyncio.sleep(0.001)
        under_way[connection.station_id] -= 1
        order.append(f"{connection.station_id}{call.message_id}")
        return await polite(connection, call)

    world.handler = slow
    stations = {identity: await world.station(identity) for identity in ("A", "B")}
    for number in range(30):
        for station in stations.values():
            await station.say(heartbeat(str(number)))
    for station in stations.values():
        assert [(await station.hear())[1] for _ in range(30)] == [str(number) for number in range(30)]
    assert [entry for entry in order if entry[0] == "A"] == [f"A{number}" for number in range(30)]
    assert order.index("B0") < order.index("A29")


async def test_a_handler_may_ask_the_station_and_wait_for_it(world: World) -> None:
    async def asking(connection: StationConnection, call: CallReceived) -> Answer:
        outcome = await connection.call("ClearCache", CLEAR_CACHE, key="from the handler")
        assert isinstance(outcome, CallAnswered)
        return await polite(connection, call)

    world.handler = asking
    station = await world.station()
    await station.say(heartbeat("1"))
    question = await station.hear()
    await station.say([3, question[1], {"status": "Accepted"}])
    assert (await station.hear())[:2] == [3, "1"]


async def test_what_an_answer_causes_comes_after_it(world: World) -> None:
    async def causing(connection: StationConnection, call: CallReceived) -> Answer:
        async def after() -> None:
            await connection.call("ClearCache", CLEAR_CACHE, key=f"after {call.message_id}")

        answer = await polite(connection, call)
        return Answer(answer.response, after)

    world.handler = causing
    station = await world.station()
    await station.say(heartbeat("1"))
    await station.say(heartbeat("2"))  # is answered, though the first `after` still waits for the station
    heard = [await station.hear() for _ in range(3)]
    assert [message[1] for message in heard if message[0] == 3] == ["1", "2"]
    assert heard[0][:2] == [3, "1"]
    assert [message[2] for message in heard if message[0] == 2] == ["ClearCache"]


async def test_a_failing_after_disturbs_nothing(world: World) -> None:
    async def causing(connection: StationConnection, call: CallReceived) -> Answer:
        async def after() -> None:
            raise RuntimeError("after")

        answer = await polite(connection, call)
        return Answer(answer.response, after)

    world.handler = causing
    station = await world.station()
    with structlog.testing.capture_logs() as logs:
        assert (await station.call(heartbeat("1")))[0] == 3
        await until(lambda: logs)
    assert logs[0]["event"] == "gateway.task_failed"
    assert (await station.call(heartbeat("2")))[0] == 3


async def raises_ocpp(connection: StationConnection, call: CallReceived) -> Answer:
    raise OcppError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "no such connector")


async def raises_anything(connection: StationConnection, call: CallReceived) -> Answer:
    raise ZeroDivisionError("secret detail")


async def raises_recursion(connection: StationConnection, call: CallReceived) -> Answer:
    return await raises_recursion(connection, call)


async def answers_with_nonsense(connection: StationConnection, call: CallReceived) -> Answer:
    return Answer(object())


async def answers_against_the_protocol(connection: StationConnection, call: CallReceived) -> Answer:
    return Answer(V16.actions["Heartbeat"].response(current_time=7))


async def answers_nothing(connection: StationConnection, call: CallReceived) -> Any:
    return None


async def cancels_itself(connection: StationConnection, call: CallReceived) -> Answer:
    broken: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    broken.set_exception(TimeoutError())
    return await broken


async def raises_an_error_that_cannot_be_written(connection: StationConnection, call: CallReceived) -> Answer:
    error = OcppError(ErrorCode.GENERIC_ERROR)
    error.description = object()  # type: ignore[assignment]  # what cannot be written is the point
    raise error


Handler = Callable[[StationConnection, CallReceived], Awaitable[Any]]


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (raises_ocpp, "PropertyConstraintViolation"),
        (raises_anything, "InternalError"),
        (raises_recursion, "InternalError"),
        (answers_with_nonsense, "InternalError"),
        (answers_against_the_protocol, "InternalError"),
        (answers_nothing, "InternalError"),
        (cancels_itself, "InternalError"),
        (raises_an_error_that_cannot_be_written, "InternalError"),
    ],
)
async def test_whatever_a_handler_does_there_is_one_answer_and_the_conversation_goes_on(
    world: World, handler: Handler, code: str
) -> None:
    world.handler = handler
    station = await world.station()
    with structlog.testing.capture_logs() as logs:
        kind, message_id, said, description, _ = await station.call(heartbeat("1"))
    assert (kind, message_id, said) == (4, "1", code)
    assert "secret" not in description
    if code == "InternalError" and description:
        assert logs[0]["reference"] in description
        assert logs[0]["station_id"] == "CP1"
    world.handler = polite
    assert (await station.call(heartbeat("2")))[0] == 3


async def test_more_calls_than_may_wait_are_left_unread_and_none_is_lost(start_world: StartWorld) -> None:
    world = await start_world(calls_waiting=8)
    release = asyncio.Event()

    async def waits(connection: StationConnection, call: CallReceived) -> Answer:
        await release.wait()
        return await polite(connection, call)

    world.handler = waits
    station = await world.station()
    connection = connection_of(world)
    assert isinstance(connection, Connection)
    for number in range(9):
        await station.say(heartbeat(str(number)))
    await until(lambda: connection._worker is not None and len(connection._worker) == 8)
    for number in range(9, 1000):
        await station.say(heartbeat(str(number)))
    await asyncio.sleep(0.05)
    assert connection._worker is not None
    assert len(connection._worker) == 8
    release.set()
    assert [(await station.hear())[1] for _ in range(1000)] == [str(number) for number in range(1000)]


async def test_a_repeated_call_is_handled_once(world: World) -> None:
    handled: list[object] = []

    async def counting(connection: StationConnection, call: CallReceived) -> Answer:
        handled.append(call.message_id)
        return await polite(connection, call)

    world.handler = counting
    station = await world.station()
    first = await station.call(heartbeat("1"))
    assert await station.call(heartbeat("1")) == first
    assert handled == ["1"]


async def test_calls_wait_until_the_connection_is_recorded(world: World) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.directory.connect_waits = wait
    world.directory.add("CP1")
    station = await world.raw()
    await station.open()
    await station.say(heartbeat("1"))
    with pytest.raises(TimeoutError):
        await station.hear(within_s=0.05)
    gate.set()
    assert (await station.hear())[:2] == [3, "1"]


async def test_while_the_database_is_away_a_new_connection_is_answered_and_its_end_is_recorded_after_its_beginning(
    start_world: StartWorld,
) -> None:
    world = await start_world(record_wait_s=0.05)
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.directory.connect_waits = wait
    world.directory.add("CP1")
    station = await world.raw()
    await station.open()
    assert (await station.call(heartbeat("1")))[:2] == [3, "1"]
    asked = clear_cache(world)
    await answered_by(station)
    assert isinstance(await asked, CallAnswered)
    station.drop()
    await until(lambda: world.gateway.connected_stations() == [])
    for _ in range(10):
        await asyncio.sleep(0)
    assert world.directory.facts(StationConnected) == world.directory.facts(StationDisconnected) == []
    gate.set()
    await until(lambda: world.directory.facts(StationDisconnected))
    kinds = [type(fact) for fact in world.directory.told if isinstance(fact, StationConnected | StationDisconnected)]
    assert kinds == [StationConnected, StationDisconnected]


async def test_a_station_whose_connection_cannot_be_recorded_is_served_all_the_same(world: World) -> None:
    async def fail() -> None:
        raise OSError("the database is away")

    world.directory.connect_waits = fail
    world.directory.add("CP1")
    station = await world.raw()
    with structlog.testing.capture_logs() as logs:
        await station.open()
        assert (await station.call(heartbeat("1")))[0] == 3
    assert logs[0]["event"] == "gateway.connection_not_recorded"


async def test_a_flood_of_nonsense_closes_with_1008_and_throttles(world: World) -> None:
    station = await world.station()
    for _ in range(21):
        await station.say("nonsense")
    assert (await station.closed())[0] == 1008
    again = await world.raw()
    assert (await again.request(upgrade())).status == 429


async def test_the_end_is_recorded_once_with_its_code(world: World) -> None:
    station = await world.station()
    await station.send(frame(b"\x03\xe9bye", 8))
    await station.closed()
    await until(lambda: world.directory.facts(StationDisconnected))
    (fact,) = world.directory.facts(StationDisconnected)
    (began,) = world.directory.facts(StationConnected)
    assert (fact.close_code, fact.reason) == (1001, "bye")
    assert (fact.connection_id, fact.epoch) == (began.connection_id, began.epoch)


async def test_a_connection_that_breaks_off_is_recorded_as_1006(world: World) -> None:
    station = await world.station()
    station.drop()
    await until(lambda: world.directory.facts(StationDisconnected))
    assert world.directory.facts(StationDisconnected)[0].close_code == 1006


async def test_a_connection_that_ends_before_it_is_recorded_is_recorded_in_order(world: World) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.directory.connect_waits = wait
    world.directory.add("CP1")
    station = await world.raw()
    await station.open()
    station.drop()
    await until(lambda: world.gateway.connected_stations() == [])
    gate.set()
    await until(lambda: world.directory.facts(StationDisconnected))
    kinds = [type(fact) for fact in world.directory.told if isinstance(fact, StationConnected | StationDisconnected)]
    assert kinds == [StationConnected, StationDisconnected]
    with pytest.raises(NoResponder):
        await world.bus.request(command_of("CP1"), b"", 1)


async def test_what_waited_on_a_connection_that_ended_is_not_handled(world: World) -> None:
    gate = asyncio.Event()
    handled: list[object] = []

    async def wait() -> None:
        await gate.wait()

    async def counting(connection: StationConnection, call: CallReceived) -> Answer:
        handled.append(call.message_id)
        return await polite(connection, call)

    world.directory.connect_waits = wait
    world.handler = counting
    world.directory.add("CP1")
    station = await world.raw()
    await station.open()
    await station.say(heartbeat("1"))
    await asyncio.sleep(0.02)
    station.drop()
    await until(lambda: world.gateway.connected_stations() == [])
    gate.set()
    await until(lambda: world.directory.facts(StationDisconnected))
    assert handled == []


async def test_without_the_bus_a_station_is_served_all_the_same(world: World) -> None:
    class Away(MemoryBus):
        def serve(self, *_args: Any, **_options: Any) -> Any:
            return contextlib.ExitStack()  # cannot be entered as an asynchronous context

    away = dataclasses.replace(world.gateway._context.surroundings, bus=Away())
    gateway = Gateway([Listener(port=0)], GatewaySettings(), away)
    await gateway.start()
    world.directory.add("CP1")
    station = await RawStation.connect(gateway.ports[0])
    world.stations.append(station)
    with structlog.testing.capture_logs() as logs:
        await station.open()
        assert (await station.call(heartbeat("1")))[0] == 3
    assert logs[0]["event"] == "gateway.subject_not_served"
    await gateway.stop()


# Our own CALLs


async def test_a_call_is_answered(world: World) -> None:
    station = await world.station()
    sent: list[int] = []
    asking = clear_cache(world, on_sent=sent.append)
    await answered_by(station)
    outcome = await asking
    assert isinstance(outcome, CallAnswered)
    assert outcome.response.status == "Accepted"
    assert len(sent) == 1


async def test_message_ids_are_new_each_time(world: World) -> None:
    station = await world.station()
    seen = set()
    for number in range(3):
        asking = clear_cache(world, key=str(number))
        question = await station.hear()
        seen.add(question[1])
        await station.say([4, question[1], "NotSupported", "", {}])
        outcome = await asking
        assert isinstance(outcome, CallFailed)
        assert (outcome.state, outcome.code) == ("error", "NotSupported")
    assert len(seen) == 3
    assert all(len(message_id) == 36 for message_id in seen)


async def test_a_call_times_out_and_a_late_answer_is_told(world: World) -> None:
    station = await world.station()
    asking = clear_cache(world, timeout_s=0.05)
    question = await station.hear()
    outcome = await asking
    assert isinstance(outcome, CallFailed)
    assert outcome.state == "timeout"
    await station.say([3, question[1], {"status": "Accepted"}])
    await until(lambda: world.directory.facts(CallAnsweredLate))
    assert (await station.call(heartbeat("1")))[0] == 3


async def test_calls_of_a_connection_that_ends_are_not_delivered(world: World) -> None:
    station = await world.station()
    first, second = clear_cache(world, "a"), clear_cache(world, "b")
    await station.hear()
    connection = connection_of(world)
    station.drop()
    outcomes = [await first, await second]
    assert [(outcome.state, outcome.code) for outcome in outcomes if isinstance(outcome, CallFailed)] == [
        ("not_delivered", "outcome_unknown"),
        ("not_delivered", "not_sent"),
    ]
    assert not connection.is_open
    late = await connection.call("ClearCache", CLEAR_CACHE, key="c")
    assert isinstance(late, CallFailed)
    assert late.code == "offline"


async def test_whoever_stops_waiting_takes_an_unsent_call_back(world: World) -> None:
    station = await world.station()
    first = clear_cache(world, "a")
    second = clear_cache(world, "b")
    third = clear_cache(world, "c")
    question = await station.hear()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await station.say([3, question[1], {"status": "Accepted"}])
    assert isinstance(await first, CallAnswered)
    await answered_by(station)
    assert isinstance(await third, CallAnswered)


async def test_a_key_in_use_is_refused(world: World) -> None:
    station = await world.station()
    first = clear_cache(world, "a")
    await station.hear()
    with pytest.raises(ValueError, match="in use"):
        await connection_of(world).call("ClearCache", CLEAR_CACHE, key="a")
    station.drop()
    await first


async def test_a_waiting_call_can_be_cancelled_by_its_key(world: World) -> None:
    station = await world.station()
    first, second = clear_cache(world, "a"), clear_cache(world, "b")
    await station.hear()
    connection_of(world).cancel("b")
    outcome = await second
    assert isinstance(outcome, CallFailed)
    assert outcome.state == "cancelled"
    station.drop()
    await first
