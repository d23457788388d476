"""A listener with TLS: the seats of security profiles 2 and 3 (handbook §4.1, §4.3)."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable

import pytest
import trustme

from stationmaster.domain.facts import HandshakeRefused
from stationmaster.gateway import tls
from stationmaster.gateway.contract import Admission
from stationmaster.gateway.server import Gateway, PortUnavailable
from stationmaster.gateway.settings import GatewaySettings, Listener
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


def weak() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-GCM-SHA384")
    return context


def with_a_certificate_of_nobody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    trustme.CA().issue_cert("CP1").configure_cert(context)
    return context


FAILURES: dict[str, tuple[Callable[[], ssl.SSLContext | None], str]] = {
    "no TLS at all": (lambda: None, "must connect with wss://"),
    "no suite in common": (weak, "none of the cipher suites"),
    "an authority that it does not know": (ssl.create_default_context, "does not accept our certificate"),
    "a certificate of nobody": (with_a_certificate_of_nobody, "client certificate is not accepted: unable to get"),
}


async def knock(world: World, context: ssl.SSLContext | None) -> None:
    """Come to the door and get nowhere, as OpenSSL does it: whoever fails says why before they go."""

    def client() -> None:
        raw = socket.create_connection(("127.0.0.1", world.port), timeout=5)
        with contextlib.suppress(OSError), raw:
            station = raw if context is None else context.wrap_socket(raw, server_hostname="localhost")
            with station:
                station.sendall(upgrade())
                station.recv(1)

    await asyncio.to_thread(client)


@pytest.mark.parametrize("fault", FAILURES)
async def test_why_tls_failed_is_told_to_the_operator(
    start_world: StartWorld, authority: trustme.CA, fault: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    world = await start_world({"tls": context}, handshake_timeout_s=2)
    make, words = FAILURES[fault]
    await knock(world, make())
    await until(lambda: world.directory.facts(HandshakeRefused))
    (told,) = world.directory.facts(HandshakeRefused)
    assert (told.reason, told.status, told.remote_address, told.station_id) == ("tls_failed", 0, "127.0.0.1", "")
    assert words in told.detail


async def test_handshakes_that_fail_leave_no_place_taken(secure: World, authority: trustme.CA) -> None:
    """Whoever fails often enough would otherwise fill the house, and no station would come in any more."""
    secure.directory.add("CP1", security_profile=2, password_hash=PASSWORD)
    keeper = secure.gateway._keeper
    keeper.connection_limit = 5
    for _ in range(10):
        await knock(secure, None)
        silent = await secure.raw()
        silent.drop()
    await until(lambda: not keeper.sockets)
    await knock(secure, with_a_certificate_of_nobody())
    station = await connect(secure, authority)
    assert (await station.request(upgrade(Authorization=basic("CP1")))).status == 101


async def test_a_probe_that_says_nothing_is_no_failure(secure: World) -> None:
    probe = await secure.raw()
    probe.drop()
    await until(lambda: not secure.gateway._keeper.sockets)
    assert not secure.directory.facts(HandshakeRefused)


class Exhausted:
    """A listening socket of a system that has no file left, for once."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.refusals = 1

    def fileno(self) -> int:
        return self.real.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.real.accept()


async def test_when_the_system_has_no_file_left_it_rests_and_goes_on(
    secure: World, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_REST_S", 0.05)
    secure.directory.add("CP1", security_profile=2, password_hash=PASSWORD)
    (server,) = secure.gateway._servers
    assert isinstance(server, tls.TlsServer)
    exhausted = Exhausted(server.sockets[0])
    server._ready(exhausted)  # type: ignore[arg-type]  # a socket but for its accept()
    assert exhausted.refusals == 0
    station = await connect(secure, authority)
    assert (await station.request(upgrade(Authorization=basic("CP1")))).status == 101


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing(secure: World) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other = Gateway(
        [Listener(port=0), Listener(port=secure.port, tls=context)],
        GatewaySettings(),
        secure.gateway._context.surroundings,
    )
    with pytest.raises(PortUnavailable, match="in use") as failed:
        await other.start()
    assert failed.value.place == 1
    assert other.ports == ()


async def test_who_never_finishes_the_handshake_is_cut_off(start_world: StartWorld, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    world = await start_world({"tls": context}, handshake_timeout_s=0.2)
    slow = await world.raw()
    await slow.send(b"\x16\x03\x01")
    assert await slow.reader.read() == b""
    await until(lambda: world.directory.facts(HandshakeRefused))
    assert "too long" in world.directory.facts(HandshakeRefused)[0].detail


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
