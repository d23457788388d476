"""Whether an authority has taken a certificate back: asked of its responder and read from its list (§4.4)."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from stationmaster.domain.stations import Station
from stationmaster.services.certificate_settings import CertificateSettings
from stationmaster.services.context import ServiceSettings
from stationmaster.services.outbound import Outbound, OutboundError
from stationmaster.services.x509.authority import Revoked, revocation_list
from stationmaster.services.x509.keys import KeyFamily
from stationmaster.services.x509.ocsp import ocsp_request, read_ocsp
from stationmaster.services.x509.pem import moment, pem_of
from tests.services.node import ORGANISATION, SECOND, START, Node, open_node
from tests.services.responder import Factory, HttpStub, http_stub, leaf

SETTINGS = ServiceSettings(
    certificates=CertificateSettings(operator_name="Lake Charging"), private_hosts=("127.0.0.1",)
)
HOUR = timedelta(hours=1)


@pytest.fixture
async def node(sqlite_url: str) -> AsyncIterator[Node]:
    async with open_node(sqlite_url, settings=SETTINGS) as opened:
        yield opened


@pytest.fixture
async def maker(node: Node) -> Factory:
    """A factory whose certificates open the door."""
    made = Factory(START)
    await node.services.authorities.add(ORGANISATION, "Factory", pem_of(made.authority.certificate), "trusted")
    return made


@pytest.fixture
async def station(node: Node) -> Station:
    return await node.station(security_profile=3, serial_number="SN-77")


@pytest.fixture
async def responder() -> AsyncIterator[HttpStub]:
    async with http_stub() as stub:
        yield stub


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


async def fault(node: Node, station: Station, certificate: x509.Certificate) -> str | None:
    """What the door does: learn, then decide."""
    await node.services.revocation.look_up(station, der(certificate))
    return node.services.trust.check(station, der(certificate))


async def told(node: Node) -> list[str | None]:
    page = await node.storage.security_events.find(ORGANISATION)
    return [each.technical_info for each in page.items if each.type == "RevocationUnknown"]


async def test_the_responder_is_asked_once_until_its_answer_is_old(
    node: Node, maker: Factory, station: Station, responder: HttpStub
) -> None:
    certificate, _ = leaf(maker.authority, START, responder.url)
    responder.reply = lambda _body: maker.says(certificate)
    for _ in range(3):
        assert await fault(node, station, certificate) is None
    assert responder.asked == 1
    node.clock.pass_s(3601)
    responder.reply = lambda _body: maker.says(certificate, revoked=True, next_update=moment(START) + 3 * HOUR)
    assert "revoked by its authority" in str(await fault(node, station, certificate))
    assert responder.asked == 2


async def test_many_who_come_at_once_ask_once(
    node: Node, maker: Factory, station: Station, responder: HttpStub
) -> None:
    certificate, _ = leaf(maker.authority, START, responder.url)
    responder.reply = lambda _body: maker.says(certificate)
    await asyncio.gather(*(fault(node, station, certificate) for _ in range(10)))
    assert responder.asked == 1


async def test_what_is_asked_is_a_question_of_rfc_6960(
    node: Node, maker: Factory, station: Station, responder: HttpStub
) -> None:
    certificate, _ = leaf(maker.authority, START, responder.url, serial=4711)
    asked: list[bytes] = []

    def reply(body: bytes) -> bytes:
        asked.append(body)
        return maker.says(certificate)

    responder.reply = reply
    await fault(node, station, certificate)
    assert ocsp.load_der_ocsp_request(asked[0]).serial_number == 4711


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("trouble", ["status", "nonsense", "unknown", "not public", "gone"])
async def test_who_cannot_be_asked_is_told_of_and_policy_decides(
    sqlite_url: str, responder: HttpStub, trouble: str, hard: bool
) -> None:
    certificates = msgspec.structs.replace(SETTINGS.certificates, hard_fail=hard)
    settings = msgspec.structs.replace(SETTINGS, certificates=certificates)
    url = {"not public": "http://169.254.169.254/ocsp", "gone": "http://127.0.0.1:1/"}.get(trouble, responder.url)
    async with open_node(sqlite_url, settings=settings) as node:
        maker = Factory(START)
        await node.services.authorities.add(ORGANISATION, "Factory", pem_of(maker.authority.certificate), "trusted")
        station = await node.station(security_profile=3, serial_number="SN-77")
        certificate, _ = leaf(maker.authority, START, url)
        responder.status = "503 Unavailable" if trouble == "status" else "200 OK"
        if trouble == "unknown":
            responder.reply = lambda _body: maker.says(certificate, status=ocsp.OCSPCertStatus.UNKNOWN)
        for _ in range(3):
            complaint = await fault(node, station, certificate)
            assert complaint is None if not hard else "policy" in str(complaint)
            node.clock.pass_s(61)
        (words,) = await told(node)
        assert "Factory has revoked" in str(words)
        assert responder.asked == (3 if trouble in {"status", "nonsense", "unknown"} else 0)


async def test_our_own_certificates_and_those_of_nobody_are_asked_of_nobody(
    node: Node, station: Station, responder: HttpStub
) -> None:
    stranger, _ = leaf(Factory(START).authority, START, responder.url)
    assert "trusted" in str(await fault(node, station, stranger))
    assert await node.services.revocation.look_up(station, b"nonsense") is False
    assert responder.asked == 0


def delegate(maker: Factory, issuer: Factory | None = None, **words: Any) -> dict[str, Any]:
    """Somebody else who answers for an authority."""
    signer = leaf((issuer or maker).authority, START, responder=True, serial=5, **words)
    return {"signer": signer, "certificates": [signer[0]]}


@pytest.mark.parametrize("family", list(KeyFamily))
def test_answers_that_count(family: KeyFamily) -> None:
    maker = Factory(START, family)
    certificate, _ = leaf(maker.authority, START)
    for words in ({}, delegate(maker), {"next_update": None}):
        for revoked in (False, True):
            said = maker.says(certificate, revoked=revoked, **words)
            read = read_ocsp(said, certificate, maker.authority.certificate, START)
            assert read.revoked is revoked
            assert START < read.until <= START + 3600 * SECOND


def somebody() -> Any:
    """Of the same name, with a key of their own."""
    other = Factory(START).authority
    return other.certificate, other.key


FORGED: dict[str, Any] = {
    "signed by somebody else": lambda _: {"signer": somebody()},
    "a responder of another authority": lambda maker: delegate(maker, Factory(START)),
    "a responder that is only a station": lambda maker: delegate(maker, usage=ExtendedKeyUsageOID.CLIENT_AUTH),
    "about another certificate": lambda maker: {"about": leaf(maker.authority, START, serial=78)[0]},
    "of yesterday": lambda _: {"this_update": moment(START) - 30 * HOUR, "next_update": moment(START) - HOUR},
    "of the day before yesterday, without an end": lambda _: {
        "this_update": moment(START) - 48 * HOUR,
        "next_update": None,
    },
    "of tomorrow": lambda _: {"this_update": moment(START) + HOUR, "next_update": moment(START) + 2 * HOUR},
    "not known": lambda _: {"status": ocsp.OCSPCertStatus.UNKNOWN},
}


@pytest.mark.parametrize("fault", FORGED)
def test_answers_that_do_not(fault: str) -> None:
    maker = Factory(START)
    certificate, _ = leaf(maker.authority, START)
    said = maker.says(certificate, **FORGED[fault](maker))
    with pytest.raises(ValueError, match=r"answer|responder"):
        read_ocsp(said, certificate, maker.authority.certificate, START)


def test_a_responder_that_says_no() -> None:
    maker = Factory(START)
    certificate, _ = leaf(maker.authority, START)
    refused = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    with pytest.raises(ValueError, match="try_later"):
        read_ocsp(refused.public_bytes(serialization.Encoding.DER), certificate, maker.authority.certificate, START)


async def openssl_responder(folder: Path, maker: Factory, rows: list[str]) -> tuple[asyncio.subprocess.Process, str]:
    """OpenSSL's own responder, with a register of certificates as `openssl ca` keeps it."""
    (folder / "index.txt").write_text("".join(rows))
    (folder / "ca.pem").write_text(pem_of(maker.authority.certificate))
    key = maker.authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(key)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "key.pem", "-nmin", "5"]
    process = await asyncio.create_subprocess_exec(
        "openssl", *words, "-port", str(port), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return process, f"http://127.0.0.1:{port}/"


async def test_the_responder_of_openssl_is_understood(tmp_path: Path) -> None:
    now = time.time_ns() // 1000
    maker = Factory(now)
    good, _ = leaf(maker.authority, now, serial=0x4D)
    bad, _ = leaf(maker.authority, now, serial=0x4E)
    rows = ["V\t301231235959Z\t\t4D\tunknown\t/CN=a\n", "R\t301231235959Z\t250101000000Z\t4E\tunknown\t/CN=b\n"]
    process, url = await openssl_responder(tmp_path, maker, rows)
    outbound = Outbound(["127.0.0.1"])
    try:
        for certificate, revoked in ((good, False), (bad, True)):
            question = ocsp_request(certificate, maker.authority.certificate)
            async with asyncio.timeout(20):
                while (fetched := await asked(outbound, url, question)) is None:  # noqa: ASYNC110 -- of another program
                    await asyncio.sleep(0.05)
            read = read_ocsp(fetched, certificate, maker.authority.certificate, now)
            assert read.revoked is revoked
    finally:
        process.terminate()
        await process.wait()


async def asked(outbound: Outbound, url: str, question: bytes) -> bytes | None:
    try:
        headers = {"Content-Type": "application/ocsp-request"}
        return (await outbound.fetch("POST", url, content=question, headers=headers)).body
    except OutboundError:
        return None  # it is not up yet


async def test_lists_are_fetched_and_one_that_cannot_be_had_is_told_of_once_a_day(
    node: Node, maker: Factory, station: Station, responder: HttpStub
) -> None:
    (kept,) = await node.storage.authorities.all(ORGANISATION)
    await node.services.authorities.update(ORGANISATION, kept.id, {"crl_url": responder.url})
    listed = revocation_list(maker.authority, [Revoked(77, START)], number=1, now=START, lifetime_s=3600)
    responder.reply = lambda _body: listed.public_bytes(serialization.Encoding.DER)
    await node.services.certificates.look_after(node.clock())
    certificate, _ = leaf(maker.authority, START)
    assert "revoked by its authority" in str(await fault(node, station, certificate))
    assert await told(node) == []
    responder.status = "404 Not Found"
    for _ in range(3):
        await node.services.certificates.look_after(node.clock.pass_s(3600))
    assert len(await told(node)) == 1
    await node.services.certificates.look_after(node.clock.pass_s(86_400))
    assert len(await told(node)) == 2
    assert "revoked by its authority" in str(await fault(node, station, certificate)), "the old list still counts"


async def test_a_list_is_not_fetched_from_where_only_we_can_go(node: Node, maker: Factory) -> None:
    (kept,) = await node.storage.authorities.all(ORGANISATION)
    await node.services.authorities.update(ORGANISATION, kept.id, {"crl_url": "http://169.254.169.254/latest"})
    await node.services.certificates.look_after(node.clock())
    (words,) = await told(node)
    assert "not a public one" in str(words)
