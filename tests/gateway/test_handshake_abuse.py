"""Handshakes that are meant to harm, on raw sockets: RELIABILITY D-02."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.facts import HandshakeRefused, StationConnected
from tests.gateway.conftest import StartWorld, World, until
from tests.gateway.raw import RawStation, upgrade


async def refused(world: World, request: bytes, status: int, reason: str) -> HandshakeRefused:
    """The request gets this status, and the list of refusals says why."""
    before = len(world.directory.facts(HandshakeRefused))
    station = await world.raw()
    response = await station.request(request)
    assert response.status == status
    assert response.headers["connection"] == "close"
    await until(lambda: len(world.directory.facts(HandshakeRefused)) > before)
    fact: HandshakeRefused = world.directory.facts(HandshakeRefused)[-1]
    assert (fact.status, fact.reason) == (status, reason)
    assert fact.detail
    assert world.gateway.connected_stations() == []
    return fact


# Abuse (D-02)


@pytest.fixture
async def impatient(start_world: StartWorld) -> World:
    """A gateway that waits only a short time for a handshake."""
    return await start_world(handshake_timeout_s=0.3)


async def test_a_connection_that_says_nothing_is_closed(impatient: World) -> None:
    station = await impatient.raw()
    async with asyncio.timeout(5):
        assert await station.reader.read() == b""


async def test_a_request_that_drips_is_closed_all_the_same(impatient: World) -> None:
    station = await impatient.raw()

    async def drip() -> None:
        for byte in upgrade() * 20:
            await station.send(bytes((byte,)))
            await asyncio.sleep(0.01)

    with pytest.raises((ConnectionError, RuntimeError)):  # the latter from a transport that knows of its end already
        await drip()


async def test_a_client_that_drips_keeps_nobody_out(impatient: World) -> None:
    for _ in range(100):
        station = await impatient.raw()
        await station.send(b"GET /ocpp/")
    await impatient.station("healthy")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(upgrade(X="y" * 100_000), 431, id="header of 100 kB"),
        pytest.param(upgrade(X="y" * 9000), 431, id="header of 9 kB"),
        pytest.param(upgrade(**{f"X{number}": "y" for number in range(1000)}), 431, id="1000 headers"),
        pytest.param(upgrade("/ocpp/" + "x" * 9000), 414, id="path of 9 kB"),
        pytest.param(b"GET /ocpp/" + b"x" * 100_000, 414, id="path without an end"),
        pytest.param(b"NONSENSE\r\n\r\n", 400, id="no request line"),
        pytest.param(b"GET /ocpp/CP1\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(upgrade().replace(b"HTTP/1.1", b"HTTP/9.9"), 400, id="HTTP/9.9"),
        pytest.param(upgrade().replace(b"Host:", b"Ho st:"), 400, id="blank in a header name"),
        pytest.param(upgrade().replace(b"Host: ", b"Host: \x00"), 400, id="NUL in a header"),
        pytest.param(upgrade().replace(b"Host:", b"Host"), 400, id="header without a colon"),
        pytest.param(upgrade().replace(b"\r\nHost", b"\r\n Host"), 400, id="folded header"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100, 400, id="TLS on a plain port"),
        pytest.param(b"\r\n\r\n", 400, id="nothing but an end"),
    ],
)
async def test_abuse_of_http_is_refused(world: World, request_: bytes, status: int) -> None:
    neighbour = await world.station("neighbour")
    station = await world.raw()
    assert (await station.request(request_)).status == status
    assert (await neighbour.call([2, "1", "Heartbeat", {}]))[0] == 3


async def test_a_refused_client_that_goes_on_talking_is_not_heard(world: World) -> None:
    station = await world.raw()
    assert (await station.request(upgrade("/ocpp/nobody"))).status == 404
    for _ in range(3):
        await station.send(upgrade("/ocpp/nobody"))
        await asyncio.sleep(0.01)
    assert await station.reader.read() == b"404 Not Found\n"
    await until(lambda: world.directory.facts(HandshakeRefused))
    assert len(world.directory.facts(HandshakeRefused)) == 1


async def test_a_client_that_goes_while_it_is_decided_leaves_nothing_behind(world: World) -> None:
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.directory.lookup_waits = wait
    world.directory.add("CP1")
    station = await world.raw()
    await station.send(upgrade())
    await asyncio.sleep(0.02)
    station.drop()
    await asyncio.sleep(0.02)
    gate.set()
    await until(lambda: not world.gateway.handshakes_in_progress)
    await until(lambda: world.gateway.connected_stations() == [])


async def test_a_flood_of_refusals_is_recorded_in_part_only(world: World) -> None:
    async def knock() -> None:
        station = await RawStation.connect(world.port)
        await station.request(upgrade("/ocpp/nobody"))
        station.drop()

    for _ in range(60):
        await asyncio.gather(*(knock() for _ in range(10)))
    assert len(world.directory.facts(HandshakeRefused)) < 590


async def test_the_connection_is_told_with_all_that_is_known(world: World) -> None:
    await world.station("CP1", User_Agent="Wallbox/1.0")
    (fact,) = world.directory.facts(StationConnected)
    assert (fact.station_id, fact.protocol, fact.security_profile) == ("CP1", "ocpp1.6", 0)
    assert (fact.remote_address, fact.user_agent, fact.node_id) == ("127.0.0.1", "Wallbox/1.0", "node-1")
    assert fact.connection_id > fact.epoch > 0


# What can be told of a request that is none


@pytest.mark.parametrize("known", [True, False])
async def test_a_request_that_cannot_be_read_is_recorded_with_whose_it_is(world: World, known: bool) -> None:
    if known:
        world.directory.add("CP1")
    station = await world.raw()
    assert (await station.request(upgrade().replace(b"Host: ", b"Host: \x00"))).status == 400
    await until(lambda: world.directory.facts(HandshakeRefused))
    (fact,) = world.directory.facts(HandshakeRefused)
    assert (fact.station_id, fact.path, fact.reason, fact.known) == ("CP1", "/ocpp/CP1", "bad_request", known)


async def test_a_request_that_nobody_can_tell_of_is_recorded_all_the_same(world: World) -> None:
    async def fails() -> None:
        raise ConnectionError("the database is away")

    world.directory.lookup_waits = fails
    station = await world.raw()
    assert (await station.request(upgrade().replace(b"Host: ", b"Host: \x00"))).status == 400
    station = await world.raw()
    assert (await station.request(b"NONSENSE\r\n\r\n")).status == 400
    await until(lambda: len(world.directory.facts(HandshakeRefused)) == 2)
    assert [fact.station_id for fact in world.directory.facts(HandshakeRefused)] == ["CP1", ""]


@pytest.mark.parametrize("head", [upgrade()[:-2], upgrade().replace(b"\r\n", b"\n")], ids=["cut short", "LF alone"])
async def test_a_head_that_does_not_end_is_told_and_recorded(impatient: World, head: bytes) -> None:
    station = await impatient.raw()
    await station.send(head)
    assert (await station.response()).status == 408
    await until(lambda: impatient.directory.facts(HandshakeRefused))
    (fact,) = impatient.directory.facts(HandshakeRefused)
    assert (fact.status, fact.reason, fact.station_id) == (408, "bad_request", "CP1")
    assert "did not end in time" in fact.detail


async def test_a_decision_that_takes_too_long_is_cut_off_and_is_no_bad_request(impatient: World) -> None:
    async def wait() -> None:
        await asyncio.sleep(60)

    impatient.directory.lookup_waits = wait
    station = await impatient.raw()
    await station.send(upgrade() + b"early")
    async with asyncio.timeout(5):
        assert await station.reader.read() == b""
    assert impatient.directory.facts(HandshakeRefused) == []


# Unknown stations


@pytest.mark.parametrize(
    ("more", "detail"),
    [({"Sec_WebSocket_Protocol": "ocpp2.0.1"}, "offers ocpp2.0.1"), ({"Sec_WebSocket_Protocol": None}, "names no")],
)
async def test_an_unknown_station_that_could_not_come_in_is_not_admitted(
    world: World, more: dict[str, Any], detail: str
) -> None:
    world.directory.admits_unknown = True
    station = await world.raw()
    assert (await station.request(upgrade("/ocpp/NEW", **more))).status == 404
    await until(lambda: world.directory.facts(HandshakeRefused))
    (fact,) = world.directory.facts(HandshakeRefused)
    assert (fact.reason, fact.known) == ("unknown_station", False)
    assert detail in fact.detail
    assert "NEW" not in world.directory.stations
