"""How long an answer may take (handbook §1.7): from the receipt of the CALL on, whatever its handler waits for."""

import asyncio
from itertools import pairwise

import structlog

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.gateway.settings import GatewaySettings
from stationmaster.services.context import ServiceSettings
from stationmaster.session.events import CallReceived
from tests.gateway.asking import heartbeat
from tests.gateway.conftest import StartWorld, World, polite, until
from tests.gateway.raw import RawStation


async def with_calls(world: World, *message_ids: str) -> RawStation:
    """A station that says several things at once."""
    station = await world.station()
    for message_id in message_ids:
        await station.say(heartbeat(message_id))
    return station


async def test_a_handler_that_takes_too_long_is_cut_off(start_world: StartWorld) -> None:
    world = await start_world(answer_timeout_s=0.2)
    cancelled: list[object] = []
    cancellations: list[int] = []

    async def hangs(connection: StationConnection, call: CallReceived) -> Answer:
        task = asyncio.current_task()
        assert task is not None
        cancellations.append(task.cancelling())
        try:
            await asyncio.sleep(0 if call.message_id == "3" else 60)
        except asyncio.CancelledError:
            cancelled.append(call.message_id)
            raise
        return await polite(connection, call)

    world.handler = hangs
    station = await with_calls(world, "1", "2", "3")
    with structlog.testing.capture_logs() as logs:
        assert (await station.hear())[:3] == [4, "1", "InternalError"]
        assert (await station.hear())[:3] == [4, "2", "InternalError"]
        assert (await station.hear())[:2] == [3, "3"]
    assert cancelled == ["1", "2"]
    assert cancellations == [0, 0, 0]
    assert [entry["event"] for entry in logs] == ["gateway.handler_too_slow"] * 2


async def test_the_time_that_a_call_waits_for_others_is_part_of_the_time_for_its_answer(
    start_world: StartWorld,
) -> None:
    world = await start_world(answer_timeout_s=1.0)
    cut_off_at: list[int] = []

    async def hangs(connection: StationConnection, call: CallReceived) -> Answer:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cut_off_at.append(world.gateway._context.sweep.tick)
            raise
        return await polite(connection, call)

    world.handler = hangs
    station = await with_calls(world, "1", "2", "3")
    for message_id in ("1", "2", "3"):
        assert (await station.hear())[:3] == [4, message_id, "InternalError"]
    ticks = world.gateway._context.answer_timeout_ticks
    assert all(later - earlier < ticks for earlier, later in pairwise(cut_off_at))


async def test_a_call_that_has_waited_too_long_is_handled_if_that_is_soon_done(start_world: StartWorld) -> None:
    world = await start_world(answer_timeout_s=1.5, resolution_s=0.5)

    async def hangs_once(connection: StationConnection, call: CallReceived) -> Answer:
        if call.message_id == "1":
            await asyncio.sleep(60)
        sweep = world.gateway._context.sweep
        begun = sweep.tick
        await until(lambda: sweep.tick > begun)
        return await polite(connection, call)

    world.handler = hangs_once
    station = await with_calls(world, "1", "2")
    assert (await station.hear())[:3] == [4, "1", "InternalError"]
    assert (await station.hear())[:2] == [3, "2"]


def test_an_answer_may_take_five_seconds_and_what_is_asked_of_others_less() -> None:
    assert GatewaySettings().answer_timeout_s == 5.0
    assert ServiceSettings().data_transfer_timeout_s < GatewaySettings().answer_timeout_s
