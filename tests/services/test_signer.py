"""An authority outside, asked over HTTP: what it signs is believed only once it was read (§4.7, A02.FR.04)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from stationmaster.domain.errors import Unavailable
from stationmaster.services.signer import HttpSigner, SigningRequest
from stationmaster.services.x509.authority import Authority, issue_root, issue_station
from stationmaster.services.x509.keys import KeyFamily, new_key
from stationmaster.services.x509.pem import pem_of

NOW = 1_790_000_000_000_000
TOKEN = "a token for the authority"


class Outside:
    """The authority: it answers with what the test says, or signs what it is asked to."""

    def __init__(self) -> None:
        self.root: Authority = issue_root(
            new_key(KeyFamily.EC), common_name="Outside", organisation="O", serial=1, now=NOW, lifetime_s=86_400
        )
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.status = "200 OK"
        self.answer: bytes | None = None
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")
        )
        body = json.loads(await reader.readexactly(length))
        self.asked.append((head, body))
        content = self.answer if self.answer is not None else json.dumps({"chain": self.signed(body)}).encode()
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    def signed(self, body: dict[str, Any]) -> str:
        csr = x509.load_pem_x509_csr(body["csr"].encode())
        key: Any = csr.public_key()
        leaf = issue_station(
            key,
            self.root,
            serial_number=body["common_name"],
            organisation=body["organisation"],
            serial=9,
            now=NOW,
            lifetime_s=body["lifetime_s"],
        )
        return pem_of(leaf) + pem_of(self.root.certificate)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    authority = Outside()
    server = await asyncio.start_server(authority.serve, "127.0.0.1", 0)
    authority.port = server.sockets[0].getsockname()[1]
    yield authority
    server.close()
    await server.wait_closed()


def request() -> SigningRequest:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anything")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(new_key(KeyFamily.EC), hashes.SHA256())
    return SigningRequest(csr, "default", "CP1", "SN-77", "Lake Charging", 3600)


def signer(outside: Outside) -> HttpSigner:
    return HttpSigner(f"http://127.0.0.1:{outside.port}/sign", TOKEN)


async def test_it_is_asked_for_our_subject_and_its_chain_comes_without_the_root(outside: Outside) -> None:
    signed = await signer(outside).sign(request())
    assert signed.leaf.subject.rfc4514_string() == "CN=SN-77,O=Lake Charging"
    assert signed.chain == pem_of(signed.leaf)
    ((head, body),) = outside.asked
    assert f"authorization: bearer {TOKEN}" in head.lower()
    assert (body["station_id"], body["lifetime_s"]) == ("CP1", 3600)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"no json", "not JSON"),
        (b"{}", "no chain"),
        (b'{"chain": "nothing"}', "no chain of certificates"),
        (b'{"chain": "' + b"x" * 70_000 + b'"}', "too long"),
    ],
)
async def test_nonsense_is_told_in_words(outside: Outside, answer: bytes, complaint: str) -> None:
    outside.answer = answer
    with pytest.raises(Unavailable, match=complaint):
        await signer(outside).sign(request())


async def test_another_key_than_that_of_the_request_is_not_delivered(outside: Outside) -> None:
    first = request()
    await signer(outside).sign(first)
    outside.answer = json.dumps({"chain": outside.signed(outside.asked[0][1])}).encode()
    with pytest.raises(Unavailable, match="another key"):
        await signer(outside).sign(request())


async def test_one_that_refuses_or_is_away_is_told_in_words(outside: Outside) -> None:
    outside.status = "403 Forbidden"
    with pytest.raises(Unavailable, match="status 403"):
        await signer(outside).sign(request())
    with pytest.raises(Unavailable, match="cannot be reached"):
        await HttpSigner("http://127.0.0.1:9/sign").sign(request())


def test_it_is_asked_over_https_unless_it_is_here() -> None:
    with pytest.raises(ValueError, match="https"):
        HttpSigner("http://ca.example.org/sign")
