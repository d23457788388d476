"""An authority with a responder that is asked over HTTP, and answers what the test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from stationmaster.instants import Instant
from stationmaster.services.x509.authority import Authority, issue_root
from stationmaster.services.x509.keys import KeyFamily, PrivateKey, new_key
from stationmaster.services.x509.pem import moment

__all__ = ["Factory", "HttpStub", "http_stub", "leaf"]

YEAR_S = 365 * 86_400
HOUR = timedelta(hours=1)


class HttpStub:
    """Answers each request with what `reply` makes of its body."""

    def __init__(self, reply: Callable[[bytes], bytes]) -> None:
        self.reply = reply
        self.status = "200 OK"
        self.asked = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.decode().lower().split("\r\n") if line.startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0].partition(":")[2])) if lengths else b""
        self.asked += 1
        answer = self.reply(body)
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def http_stub(reply: Callable[[bytes], bytes] = lambda _body: b"") -> AsyncIterator[HttpStub]:
    """A server on a free port."""
    stub = HttpStub(reply)
    async with await asyncio.start_server(stub.serve, "127.0.0.1", 0) as listening:
        stub.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        yield stub


def leaf(
    issuer: Authority, now: Instant, url: str | None = None, *, responder: bool = False, **words: Any
) -> tuple[x509.Certificate, PrivateKey]:
    """A certificate that an authority signed: of a station, or of a responder that may answer for it."""
    key = words.get("key") or new_key(KeyFamily.EC)
    names = [(NameOID.COMMON_NAME, "SN-77"), (NameOID.ORGANIZATION_NAME, "Lake Charging")]
    usage = ExtendedKeyUsageOID.OCSP_SIGNING if responder else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in names]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(words.get("serial", 77))
        .not_valid_before(moment(now) - HOUR)
        .not_valid_after(moment(now) + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([words.get("usage", usage)]), critical=False)
    )
    if url is not None:
        location = x509.UniformResourceIdentifier(url)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256()), key


def answer(certificate: x509.Certificate, issuer: Authority, now: Instant, **words: Any) -> bytes:
    """What a responder says of a certificate: that it is good, of now, signed by the authority, unless told else."""
    revoked = words.get("revoked", False)
    this_update = words.get("this_update", moment(now) - HOUR)
    signer, key = words.get("signer", (issuer.certificate, issuer.key))
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=words.get("about", certificate),
        issuer=issuer.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 -- names the issuer only
        cert_status=words.get("status", ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD),
        this_update=this_update,
        next_update=words.get("next_update", moment(now) + HOUR),
        revocation_time=this_update if revoked else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
    if "certificates" in words:
        builder = builder.certificates(words["certificates"])
    made = builder.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


class Factory:
    """A manufacturer's authority."""

    def __init__(self, now: Instant, family: KeyFamily = KeyFamily.EC, name: str = "Factory Root") -> None:
        self.now = now
        self.authority = issue_root(
            new_key(family),
            common_name=name,
            organisation="Factory",
            serial=1,
            now=now,
            lifetime_s=10 * YEAR_S,
        )

    def says(self, certificate: x509.Certificate, **words: Any) -> bytes:
        return answer(certificate, self.authority, self.now, **words)
