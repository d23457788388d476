"""What we fetch because somebody told us an address (S-11): nothing that only we can reach."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence

import pytest
import trustme

from stationmaster.services.outbound import Fetched, Outbound, OutboundError, check_private_hosts

NOT_PUBLIC = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1:80/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.170/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
]

NO_ADDRESS = [
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:11211/_stats",
    "javascript:alert(1)",
    "http:///path",
    "//example.org/",
    "",
    "http://example.org@127.0.0.1/",
    "http://user:password@example.org/",
    "http://[::1",
    "http://exa mple.org/",
]


class Server:
    """An HTTP server that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    it = Server()
    async with await asyncio.start_server(it.serve, "127.0.0.1", 0) as listening:
        it.port = listening.sockets[0].getsockname()[1]
        yield it


def standing_for(*addresses: str) -> Outbound:
    """Names stand for these addresses, one look-up after the other."""
    answers = iter([[each] for each in addresses])

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    return Outbound(["127.0.0.0/8"], resolve=resolve)


@pytest.mark.parametrize("url", NOT_PUBLIC)
async def test_what_only_we_can_reach_is_not_fetched(url: str) -> None:
    with pytest.raises(OutboundError, match=r"not a public one|cannot be reached"):
        await Outbound().fetch("GET", url, timeout_s=5)


@pytest.mark.parametrize("url", NO_ADDRESS)
async def test_what_is_no_address_of_the_web_is_not_fetched(url: str) -> None:
    with pytest.raises(OutboundError):
        await Outbound(["127.0.0.1", "localhost"]).fetch("GET", url, timeout_s=5)


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", "localhost"])
async def test_what_the_settings_allow_is(server: Server, allowed: str) -> None:
    host = "localhost" if allowed == "localhost" else "127.0.0.1"
    outbound = Outbound([allowed], resolve=None if host != "localhost" else _here)
    assert await outbound.fetch("GET", f"http://{host}:{server.port}/list") == Fetched(200, b"hello")
    assert f"Host: {host}:{server.port}\r\n".encode() in server.asked[0]


async def _here(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_one_private_address_among_others_is_enough_to_refuse() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(OutboundError, match="not a public one"):
        await Outbound(resolve=resolve).fetch("GET", "http://example.org/")


async def test_a_name_that_changes_its_mind_is_asked_once(server: Server) -> None:
    """DNS rebinding: what was judged is what is connected to."""
    outbound = standing_for("127.0.0.1", "169.254.169.254")
    assert (await outbound.fetch("GET", f"http://rebind.example:{server.port}/")).body == b"hello"


async def test_nobody_is_followed_elsewhere(server: Server) -> None:
    server.answer = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    fetched = await standing_for("127.0.0.1").fetch("GET", f"http://example.org:{server.port}/")
    assert fetched.status == 302
    assert len(server.asked) == 1


async def test_an_answer_has_an_end_in_bytes_and_in_time(server: Server) -> None:
    url = f"http://example.org:{server.port}/"
    with pytest.raises(OutboundError, match="more than 4 bytes"):
        await standing_for("127.0.0.1").fetch("GET", url, limit_bytes=4)
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"
    with pytest.raises(OutboundError):
        await standing_for("127.0.0.1").fetch("GET", url, timeout_s=0.2)


async def test_a_proxy_of_the_environment_is_not_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert (await standing_for("127.0.0.1").fetch("GET", f"http://example.org:{server.port}/")).status == 200


async def test_a_certificate_must_be_that_of_the_name(server: Server) -> None:
    """We connect to an address, and it is the name that must be proved."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("right.example").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        outbound = Outbound(["127.0.0.1"], resolve=_here, tls=trusting)
        assert (await outbound.fetch("GET", f"https://right.example:{port}/")).status == 200
        with pytest.raises(OutboundError, match="cannot be reached"):
            await outbound.fetch("GET", f"https://wrong.example:{port}/")


def test_a_network_that_is_none() -> None:
    assert check_private_hosts("ca.internal, 10.0.0.0/8") == "ca.internal, 10.0.0.0/8"
    with pytest.raises(ValueError, match="no network"):
        check_private_hosts("10.0.0.0/99")
