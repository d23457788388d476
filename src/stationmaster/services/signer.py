"""Who signs what stations ask to have signed: our own authority, or one outside over HTTP (handbook §4.7, A02.FR.04).

The rule that shapes this file: what comes from outside is believed only after it was read: the leaf must
have the key of the request, be signed by what follows it, and the whole must fit into one message.
"""

from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from stationmaster.domain.errors import Unavailable
from stationmaster.services.x509.pem import chain_text, read_certificates

__all__ = ["HttpSigner", "Signed", "Signer", "SigningRequest", "public_key_der"]

TIMEOUT_S: Final = 30.0
LONGEST_ANSWER: Final = 64 * 1024
LONGEST_CHAIN: Final = 10_000
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class SigningRequest(msgspec.Struct, frozen=True):
    """What is to be signed: the request as the station sent it, and the subject that we want."""

    csr: x509.CertificateSigningRequest
    organisation_id: str
    station_id: str
    common_name: str
    organisation: str
    lifetime_s: int


class Signed(msgspec.Struct, frozen=True):
    """What was signed: `chain` is PEM, leaf first, roots left out; `authority_id` when it is one that we keep."""

    leaf: x509.Certificate
    chain: str
    authority_id: str | None = None


class Signer(Protocol):
    """One who signs."""

    async def sign(self, request: SigningRequest) -> Signed:
        """The signed certificate. Raises Unavailable with words for the operator."""


def public_key_der(certificate: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """The public key in the form in which two are compared."""
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


class HttpSigner:
    """An authority that is asked with one POST of JSON and answers with `{"chain": PEM}`, leaf first.

    The body has `csr` (PEM), `station_id`, `common_name`, `organisation` and `lifetime_s`; a token goes along
    as a bearer.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _THIS_MACHINE):
            raise ValueError("a certificate authority is asked over https, unless it is on this machine")
        self._url = url
        self._here = parts.hostname in _THIS_MACHINE
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def sign(self, request: SigningRequest) -> Signed:
        """See `Signer.sign`."""
        body = {
            "csr": request.csr.public_bytes(serialization.Encoding.PEM).decode(),
            "station_id": request.station_id,
            "common_name": request.common_name,
            "organisation": request.organisation,
            "lifetime_s": request.lifetime_s,
        }
        return _checked(await self._post(body), request)

    async def _post(self, body: dict[str, object]) -> str:
        try:
            async with (
                httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=not self._here) as client,
                client.stream("POST", self._url, json=body, headers=self._headers) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise _failed(f"it answered with status {answer.status_code}")
                read = b""
                async for part in answer.aiter_bytes():
                    read += part
                    if len(read) > LONGEST_ANSWER:
                        raise _failed("its answer is too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failed(f"it cannot be reached ({type(error).__name__})") from error
        try:
            chain = msgspec.json.decode(read, type=dict[str, object]).get("chain")
        except msgspec.MsgspecError as error:
            raise _failed("its answer is not JSON") from error
        if not isinstance(chain, str):
            raise _failed("its answer has no chain")
        return chain


def _checked(text: str, request: SigningRequest) -> Signed:
    try:
        leaf, *others = read_certificates(text)
        for child, parent in zip([leaf, *others], others, strict=False):
            child.verify_directly_issued_by(parent)
    except Exception as error:  # the library has several ways to say that a signature does not fit
        raise _failed("its answer is no chain of certificates") from error
    if public_key_der(leaf) != public_key_der(request.csr):
        raise _failed("it signed another key than that of the request")
    chain = chain_text(leaf, others)
    if len(chain) > LONGEST_CHAIN:
        raise _failed(f"its chain has more than {LONGEST_CHAIN} characters")
    return Signed(leaf, chain)


def _failed(words: str) -> Unavailable:
    return Unavailable("signing_failed", f"The certificate authority did not sign: {words}.")
