"""Whether certificates of other authorities were revoked: asked at the door (OCSP), and by lists (§4.4).

The rule that shapes this file: a station waits here no longer than a few seconds. What could not be learned is told
to the operator, and policy decides whether the station comes in.
"""

import asyncio
from http import HTTPStatus
from typing import Final

import structlog
from cryptography import x509

from stationmaster.domain.certificates import AuthorityUse, StoredAuthority
from stationmaster.domain.errors import Invalid
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.authorities import LONGEST_CRL, Authorities, checked_list
from stationmaster.services.context import ServiceContext
from stationmaster.services.outbound import Outbound, OutboundError
from stationmaster.services.security_events import security_event
from stationmaster.services.trust import Trust
from stationmaster.services.x509.ocsp import OcspAnswer, ocsp_request, ocsp_url, read_ocsp
from stationmaster.services.x509.pem import read_certificates

__all__ = ["Revocation"]

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 3.0
LIST_PATIENCE_S: Final = 20.0
AT_ONCE: Final = 20
LONGEST_ANSWER: Final = 64 * 1024
TRY_AGAIN_US: Final = 60 * 1_000_000
TELL_AGAIN_US: Final = 86_400 * 1_000_000
_HEADERS: Final = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}


class Revocation:
    """Asks responders, and tells of authorities that cannot be asked."""

    def __init__(self, context: ServiceContext, trust: Trust, authorities: Authorities, outbound: Outbound) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._trust = trust
        self._authorities = authorities
        self._outbound = outbound
        self._places = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[bytes, asyncio.Task[None]] = {}
        self._told_at: dict[str, Instant] = {}

    async def look_up(self, station: Station, der: bytes) -> bool:
        """Learn what the responder says of a certificate that a station shows; true if that took a while."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            url = ocsp_url(certificate)
        except (ValueError, x509.UnsupportedGeneralNameType):
            return False  # told by whoever checks it
        issuer = self._trust.issuer_of(station.organisation_id, certificate)
        if url is None or issuer is None or issuer.use != AuthorityUse.TRUSTED or self._trust.is_answered(certificate):
            return False
        asking = self._asking.get(der)
        if asking is None:
            asking = self._asking[der] = asyncio.create_task(self._learn(issuer, certificate, url))
            asking.add_done_callback(lambda _: self._asking.pop(der, None))
        await asyncio.shield(asking)
        return True

    async def fetch_lists(self, now: Instant) -> None:
        """Fetch the lists of others that can be fetched; one that cannot be had stays as it was, and it is told."""
        for stored in await self._storage.authorities.all():
            if stored.crl_url is None:
                continue
            try:
                fetched = await self._outbound.fetch(
                    "GET", stored.crl_url, timeout_s=LIST_PATIENCE_S, limit_bytes=LONGEST_CRL
                )
                if fetched.status != HTTPStatus.OK:
                    raise OutboundError(f"it answered with status {fetched.status}")
                listed = checked_list(fetched.body, stored)
            except (OutboundError, Invalid) as error:
                await self._unknown(stored, f"its revocation list was not fetched: {error}")
                continue
            await self._storage.authorities.update(stored.id, {"crl": listed, "crl_fetched_at": now})
            if listed != stored.crl:
                await self._authorities.changed()

    async def _unknown(self, authority: StoredAuthority, words: str) -> None:
        """Tell the operator, once a day, that nobody says what an authority has revoked."""
        now = self._clock()
        log.warning("revocation.unknown", authority_id=authority.id, reason=words)
        if now - self._told_at.get(authority.id, -TELL_AGAIN_US) < TELL_AGAIN_US:
            return
        self._told_at[authority.id] = now
        text = f"It cannot be learned what {authority.name} has revoked: {words}."
        await self._storage.record([security_event(authority.organisation_id, "", "RevocationUnknown", text, now)])

    async def _learn(self, issuer: StoredAuthority, certificate: x509.Certificate, url: str) -> None:
        async with self._places:
            self._trust.remember(certificate, await self._asked(issuer, certificate, url))

    async def _asked(self, issuer: StoredAuthority, certificate: x509.Certificate, url: str) -> OcspAnswer:
        parent = read_certificates(issuer.certificate)[0]
        question = ocsp_request(certificate, parent)
        try:
            fetched = await self._outbound.fetch(
                "POST", url, content=question, headers=_HEADERS, timeout_s=PATIENCE_S, limit_bytes=LONGEST_ANSWER
            )
            if fetched.status != HTTPStatus.OK:
                raise OutboundError(f"the responder answered with status {fetched.status}")
            return read_ocsp(fetched.body, certificate, parent, self._clock())
        except (OutboundError, ValueError) as error:
            await self._unknown(issuer, f"its responder was asked in vain: {error}")
            return OcspAnswer(None, self._clock() + TRY_AGAIN_US)
