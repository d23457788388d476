"""Two devices with one identity: when a replacement is told, and who is kept out while it is contested (S-02)."""

import asyncio
from typing import Any

import pytest

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.bus.messages_v1 import Newcomer, encode
from stationmaster.bus.subjects import command_of
from stationmaster.domain.facts import HandshakeRefused, StationConnected
from stationmaster.session.events import CallReceived
from tests.gateway.conftest import NOW, PASSWORD, StartWorld, World, basic, polite, until
from tests.gateway.raw import CLOSE, RawStation, frame, upgrade

HOME, ELSEWHERE = "127.0.2.1", "127.0.2.2"


async def station_at(world: World, address: str, **headers: str) -> RawStation:
    """A station that is in, from an address."""
    station = await world.raw(address)
    before = len(world.directory.facts(StationConnected))
    await station.open(**headers)
    await until(lambda: len(world.directory.facts(StationConnected)) > before)
    return station


async def cut_off(station: RawStation) -> bytes:
    """Take what comes and never answer, until the central system has given up waiting."""
    try:
        return await asyncio.wait_for(station.reader.read(), 5)
    except ConnectionError:
        return b""


def moves(world: World) -> list[str]:
    return [told[1] for told in world.directory.told if isinstance(told, tuple) and told[0] == "moved"]


async def elsewhere(message: bytes) -> bytes:
    """What another node answers."""
    return message


# What is told


async def test_a_device_that_lives_and_is_replaced_from_elsewhere_is_told_of_once(world: World) -> None:
    world.directory.add("CP1")
    addresses = [HOME, ELSEWHERE, HOME]
    stations = [await station_at(world, addresses[0])]
    for number, address in enumerate(addresses[1:], 1):
        stations.append(await station_at(world, address))
        assert await stations[-2].closed() == (1008, "replaced")
        await until(lambda number=number: len(moves(world)) == number)  # type: ignore[misc]  # of this round
    assert moves(world) == [f"{HOME} -> {ELSEWHERE}", f"{ELSEWHERE} -> {HOME}"]


async def test_a_dead_connection_that_is_replaced_from_elsewhere_is_not_told_of(start_world: StartWorld) -> None:
    """A mobile router has another address each time; what it leaves behind is open for TCP and answers nothing."""
    world = await start_world(close_timeout_s=0.2)
    world.directory.add("CP1")
    dead = [await station_at(world, f"127.0.2.{number}") for number in range(1, 7)]
    for station in dead[:-1]:
        await cut_off(station)
    assert (await dead[-1].call([2, "1", "Heartbeat", {}]))[0] == 3
    assert moves(world) == []
    assert ("contested", "CP1") not in world.directory.told


async def test_a_device_that_goes_on_talking_lives_though_it_answers_no_close(world: World) -> None:
    world.directory.add("CP1")
    old = await station_at(world, HOME)
    await station_at(world, ELSEWHERE)
    for number in range(3):
        await old.say([2, str(number), "Heartbeat", {}])
    await until(lambda: moves(world))
    assert await old.frame() == (CLOSE, b"\x03\xf0replaced")
    await old.send(frame(b"\x03\xf0", CLOSE))
    assert await cut_off(old) == b"", "<< it has been replaced: nothing that it said is answered"
    assert moves(world) == [f"{HOME} -> {ELSEWHERE}"]


async def test_who_is_replaced_from_the_same_address_had_lost_the_connection(world: World) -> None:
    world.directory.add("CP1")
    old = await station_at(world, HOME)
    await station_at(world, HOME)
    assert await old.closed() == (1008, "replaced")
    assert moves(world) == []


async def test_what_was_said_before_and_left_unread_is_no_sign_of_life(start_world: StartWorld) -> None:
    world = await start_world(close_timeout_s=0.2, calls_waiting=2)
    world.directory.add("CP1")
    release, heard = asyncio.Event(), asyncio.Event()

    async def waits(connection: StationConnection, call: CallReceived) -> Answer:
        heard.set()
        await release.wait()
        return await polite(connection, call)

    world.handler = waits
    old = await station_at(world, HOME)
    for number in range(10):
        await old.say([2, str(number), "Heartbeat", {}])
    connection: Any = world.gateway.connection("CP1")
    await until(lambda: connection._flow.is_paused)
    await old.say([2, "last", "Heartbeat", {}])
    await station_at(world, ELSEWHERE)
    release.set()
    await cut_off(old)
    assert heard.is_set()
    assert moves(world) == []


@pytest.mark.parametrize(
    ("introduction", "told"),
    [
        (encode(Newcomer(remote_address=ELSEWHERE)), [f"{HOME} -> {ELSEWHERE}"]),
        (encode(Newcomer(remote_address=HOME)), []),
        (b"", []),
    ],
    ids=["from elsewhere", "from the same address", "nobody knows from where"],
)
async def test_the_node_that_held_the_old_connection_tells_of_one_on_another_node(
    world: World, introduction: bytes, told: list[str]
) -> None:
    world.directory.add("CP1")
    old = await station_at(world, HOME)
    (fact,) = world.directory.facts(StationConnected)
    async with world.bus.serve(command_of("CP1"), elsewhere, epoch=fact.epoch + 1, introduction=introduction):
        assert await old.closed() == (1008, "replaced")
        assert world.gateway.connected_stations() == []
    await until(lambda: moves(world) == told)


async def test_a_newcomer_introduces_itself_to_the_node_that_held_the_connection(world: World) -> None:
    world.directory.add("CP1")
    introduced: asyncio.Future[bytes] = asyncio.Future()

    async def replaced(introduction: bytes) -> None:
        introduced.set_result(introduction)

    async with world.bus.serve(command_of("CP1"), elsewhere, epoch=1, replaced=replaced):
        await station_at(world, HOME)
        assert await asyncio.wait_for(introduced, 5) == encode(Newcomer(remote_address=HOME))


# Who is kept out


async def refused(world: World, address: str, **headers: str) -> str:
    """Come from an address and be kept out; the words for the operator."""
    before = len(world.directory.facts(HandshakeRefused))
    station = await world.raw(address)
    response = await station.request(upgrade(**headers))
    assert (response.status, response.headers["retry-after"]) == (429, "60")
    await until(lambda: len(world.directory.facts(HandshakeRefused)) > before)
    fact = world.directory.facts(HandshakeRefused)[-1]
    assert (fact.reason, fact.known, fact.remote_address) == ("contested", True, address)
    return str(fact.detail)


async def test_while_it_is_contested_whoever_is_in_stays_in(world: World) -> None:
    world.directory.add("CP1")
    holder = await station_at(world, HOME)
    world.directory.add("CP1", contested_since=NOW)
    assert HOME in await refused(world, ELSEWHERE)
    assert (await holder.call([2, "1", "Heartbeat", {}]))[0] == 3
    again = await station_at(world, HOME)  # from where it was: its connection was lost
    await refused(world, ELSEWHERE)
    again.drop()
    await until(lambda: world.gateway.connected_stations() == [])
    await station_at(world, ELSEWHERE)  # nobody is in: no station is locked out for good
    await refused(world, HOME)


async def test_once_it_is_settled_the_newest_wins_again(world: World) -> None:
    world.directory.add("CP1", contested_since=NOW)
    old = await station_at(world, HOME)
    await refused(world, ELSEWHERE)
    world.directory.add("CP1")
    await station_at(world, ELSEWHERE)
    assert await old.closed() == (1008, "replaced")


async def test_who_cannot_prove_to_be_the_station_is_no_party_of_the_contest(world: World) -> None:
    world.directory.add("CP1", security_profile=1, password_hash=PASSWORD, contested_since=NOW)
    await station_at(world, HOME, Authorization=basic("CP1"))
    guessing = await world.raw(ELSEWHERE)
    assert (await guessing.request(upgrade(Authorization=basic("CP1", b"guess")))).status == 401
    await refused(world, ELSEWHERE, Authorization=basic("CP1"))


async def test_whoever_is_in_on_another_node_stays_in_too(world: World) -> None:
    there = {"connected": True, "node_id": "node-2", "remote_address": HOME}
    world.directory.add("CP1", contested_since=NOW, **there)
    world.directory.living_nodes.add("node-2")
    assert HOME in await refused(world, ELSEWHERE)
    await station_at(world, HOME)


@pytest.mark.parametrize(
    "record",
    [
        {"connected": True, "node_id": "node-that-died", "remote_address": HOME},
        {"connected": True, "node_id": "node-1", "remote_address": HOME},
        {"connected": False, "node_id": "node-2", "remote_address": HOME},
        {"connected": False},
    ],
    ids=["its node died", "it has just ended here", "it has ended there", "never"],
)
async def test_nobody_is_kept_out_by_a_connection_that_is_not_there(world: World, record: dict[str, Any]) -> None:
    world.directory.add("CP1", contested_since=NOW, **record)
    world.directory.living_nodes |= {"node-1", "node-2"}
    await station_at(world, ELSEWHERE)


async def test_what_is_not_contested_is_replaced_from_any_node(world: World) -> None:
    world.directory.add("CP1", connected=True, node_id="node-2", remote_address=HOME)
    world.directory.living_nodes.add("node-2")
    await station_at(world, ELSEWHERE)
