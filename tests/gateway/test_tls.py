"""A listener with TLS: the seats of security profiles 2 and 3 (handbook §4.1, §4.3)."""

import asyncio
import ssl

import pytest
import trustme

from stationmaster.gateway.contract import Admission
from tests.gateway.conftest import PASSWORD, StartWorld, World, basic, until
from tests.gateway.raw import CLOSE, RawStation, frame, upgrade


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def secure(start_world: StartWorld, authority: trustme.CA) -> World:
    """A gateway on one port for profiles 2 and 3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    return await start_world({"tls": context}, handshake_timeout_s=2)


async def connect(world: World, authority: trustme.CA, *, certificate: bool = False) -> RawStation:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certificate:
        authority.issue_cert("CP1").configure_cert(context)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port, ssl=context, server_hostname="localhost")
    station = RawStation(reader, writer)
    world.stations.append(station)
    return station


async def test_profile_2_comes_in_by_password(secure: World, authority: trustme.CA) -> None:
    secure.directory.add("CP1", security_profile=2, password_hash=PASSWORD)
    station = await connect(secure, authority)
    assert (await station.request(upgrade())).status == 401
    station = await connect(secure, authority)
    assert (await station.request(upgrade(Authorization=basic("CP1")))).status == 101
    assert (await station.call([2, "1", "Heartbeat", {}]))[0] == 3
    await until(lambda: secure.directory.facts(Admission))
    assert secure.directory.facts(Admission)[0].security_profile == 2
    await station.send(frame(b"\x03\xe8", CLOSE))
    assert await station.closed() == (1000, "")
    await until(lambda: secure.gateway.connected_stations() == [])


async def test_profile_3_needs_a_certificate_and_it_is_checked(secure: World, authority: trustme.CA) -> None:
    secure.directory.add("CP1", security_profile=3)
    station = await connect(secure, authority)
    assert (await station.request(upgrade())).status == 403
    secure.certificate_fault = "the CN is another station's"
    station = await connect(secure, authority, certificate=True)
    assert (await station.request(upgrade())).status == 403
    secure.certificate_fault = None
    station = await connect(secure, authority, certificate=True)
    assert (await station.request(upgrade())).status == 101
    await until(lambda: secure.directory.facts(Admission))
    assert secure.directory.facts(Admission)[0].security_profile == 3
    assert secure.certificates[-1].startswith(b"\x30\x82")


async def test_a_plain_request_to_a_tls_port_gets_nowhere(secure: World) -> None:
    station = await secure.raw()
    await station.send(upgrade())
    assert (await station.reader.read()).find(b"HTTP/1.1 101") < 0


async def test_a_drain_parts_with_tls_stations_in_order(secure: World, authority: trustme.CA) -> None:
    secure.directory.add("CP1", security_profile=2, password_hash=PASSWORD)
    station = await connect(secure, authority)
    await station.request(upgrade(Authorization=basic("CP1")))
    draining = asyncio.create_task(secure.gateway.drain(within_s=1))
    assert (await station.closed())[0] == 1001
    await draining
