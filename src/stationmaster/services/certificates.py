"""What stations ask to have signed, what they hold, and what becomes of it (handbook §4.4, §4.7).

The rule that shapes this file: a station gets its answer at once and its certificate afterwards; and
whatever goes wrong on the way is told to the operator, never to the station.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from uuid import uuid4

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from stationmaster.domain.certificates import (
    AuthorityUse,
    CertificateChanged,
    CertificateState,
    InstalledRoot,
    InstalledRootsReported,
    StationCertificate,
    StoredAuthority,
    described,
)
from stationmaster.domain.errors import Conflict, DomainError, FieldError, Invalid, NotFound
from stationmaster.domain.facts import Fact
from stationmaster.domain.jobs import Job, JobState
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID, Station
from stationmaster.instants import Instant
from stationmaster.services.authorities import Authorities
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation
from stationmaster.services.revocation import Revocation
from stationmaster.services.security_events import security_event
from stationmaster.services.signer import HttpSigner, Signed, Signer, SigningRequest, public_key_der
from stationmaster.services.trust import Trust, key_hash
from stationmaster.services.x509.hash_data import ALGORITHMS, CertificateHashData, hash_data_of
from stationmaster.services.x509.pem import describe, pem_of, read_certificates
from stationmaster.services.x509.requests import read_request

__all__ = ["CertificateAuthority", "Deliver", "Hashes", "NamedRoot", "StationCertificates"]

log = structlog.get_logger(__name__)

Deliver = Callable[[str], Awaitable[None]]
"""Sends the chain (PEM, leaf first, no root) to the station that asked."""

_ADVICE: Final = {
    AuthorityUse.ISSUING.value: "roll it over",
    AuthorityUse.TRUSTED.value: "what it has signed will open no door then",
}
REQUESTS_AT_ONCE: Final = 5
REQUESTS_WITHIN_US: Final = 600 * 1_000_000
"""A station whose requests come faster is answered Rejected: signing is work, and keys do not age so fast."""


class CertificateAuthority(Protocol):
    """One who signs."""

    async def accepts(self, station: PresentStation, csr: str) -> bool:
        """Whether the request can be processed; cheap checks only, for the station waits (A02.FR.04)."""

    async def issue(self, station: PresentStation, csr: str, deliver: Deliver) -> None:
        """Sign and deliver; called once the station has its answer. Failures are told to the operator."""


class Hashes(msgspec.Struct, frozen=True):
    """Hash data as a station reports it."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


_CHANGE_ROOTS: Final = ("InstallCertificate", "DeleteCertificate")


class NamedRoot(msgspec.Struct, frozen=True):
    """A root in a station, and the certificate it is, if we know it.

    `in_doubt`: since the station reported it, a root was installed or deleted there, or may have been (§1.7).
    """

    root: InstalledRoot
    authority: StoredAuthority | None
    in_doubt: bool


class StationCertificates:
    """Answers signing requests, keeps the inventory, watches over expiry."""

    def __init__(self, context: ServiceContext, authorities: Authorities, trust: Trust, revocation: Revocation) -> None:
        settings = context.settings.certificates
        self._storage = context.storage
        self._clock = context.clock
        self._settings = settings
        self._authorities = authorities
        self._trust = trust
        self._revocation = revocation
        self._signer: Signer = authorities
        if settings.signer_url is not None:
            self._signer = HttpSigner(settings.signer_url, settings.signer_token)
        self._recent: dict[str, list[Instant]] = {}

    # A station asks for a certificate.

    async def accepts(self, station: PresentStation, csr: str) -> bool:
        """See `CertificateAuthority.accepts`."""
        now = self._clock()
        recent = [at for at in self._recent.get(station.station_id, ()) if now - at < REQUESTS_WITHIN_US]
        self._recent[station.station_id] = [*recent, now][-REQUESTS_AT_ONCE - 1 :]
        refusal: str | None
        if len(recent) >= REQUESTS_AT_ONCE:
            refusal = "it asks too often"
        else:
            record = await self._storage.stations.get(station.station_id)
            refusal = "nobody has registered it" if record is None else await self._refusal(record, csr)
        if refusal is None:
            return True
        log.info("certificates.request_refused", station_id=station.station_id, reason=refusal)
        await self._tell(station.organisation_id, station.station_id, "CertificateRequestRefused", refusal)
        return False

    async def _refusal(self, station: Station, csr: str) -> str | None:
        reading = read_request(
            csr,
            serial_number=station.serial_number,
            organisation=self._settings.operator_name,
            strict=self._settings.strict_requests,
        )
        if reading.request is None:
            return reading.refusal or "it cannot be read"
        digest = hashes.Hash(hashes.SHA256())
        digest.update(public_key_der(reading.request))
        owner = self._trust.owner_of_key(digest.finalize().hex())
        if owner is not None and owner != station.id:
            return "the key in the request is that of another station"
        return None

    async def issue(self, station: PresentStation, csr: str, deliver: Deliver) -> None:
        """See `CertificateAuthority.issue`."""
        await asyncio.sleep(self._settings.deliver_after_s)
        record: Station | None = await self._storage.stations.get(station.station_id)
        if record is None:
            return
        try:
            signed = await self._signer.sign(self._request(record, csr))
            await self._keep(record, signed)
            await deliver(signed.chain)
        except DomainError as error:
            log.warning("certificates.not_delivered", station_id=record.id, reason=error.message)
            await self._tell(record.organisation_id, record.id, "CertificateSigningFailed", error.message)

    def _request(self, station: Station, csr: str) -> SigningRequest:
        return SigningRequest(
            csr=x509.load_pem_x509_csr(csr.encode()),
            organisation_id=station.organisation_id,
            station_id=station.id,
            common_name=station.serial_number or station.id,
            organisation=self._settings.operator_name,
            lifetime_s=self._settings.station_lifetime_s,
        )

    async def _keep(self, station: Station, signed: Signed) -> StationCertificate:
        return await self._change(
            self._noun(station, signed.leaf, signed.chain, CertificateState.ISSUED, signed.authority_id)
        )

    async def sign_by_hand(self, station: Station, csr: str) -> StationCertificate:
        """Sign a request that an operator brought. Raises Invalid for one that cannot be signed, Unavailable."""
        refusal = await self._refusal(station, csr)
        if refusal is not None:
            raise Invalid(
                "csr_refused", f"The request is refused: {refusal}.", fields=(FieldError("csr", "invalid", refusal),)
            )
        return await self._keep(station, await self._signer.sign(self._request(station, csr)))

    async def answered(self, station_id: str, chain: str, *, accepted: bool) -> None:
        """The station has said whether it takes a certificate that was sent to it."""
        try:
            leaf = read_certificates(chain)[0]
        except ValueError:
            return
        known: StationCertificate | None = await self._storage.certificates.by_fingerprint(_fingerprint(leaf))
        if known is None or known.station_id != station_id or known.state != CertificateState.ISSUED:
            return
        if accepted:
            await self._change(msgspec.structs.replace(known, state_reason="accepted by the station"))
        else:
            await self._move(known, CertificateState.REFUSED, "refused by the station")

    # A station comes in.

    async def came_in(self, station: Station, der: bytes) -> None:
        """A station proved itself by this certificate: it is the one in use, and older ones are superseded."""
        leaf = x509.load_der_x509_certificate(der)
        fingerprint = _fingerprint(leaf)
        if self._trust.state_of(fingerprint) == CertificateState.ACTIVE:
            return
        known: StationCertificate | None = await self._storage.certificates.by_fingerprint(fingerprint)
        if known is None:
            issuer = self._trust.issuer_of(station.organisation_id, leaf)
            authority_id = None if issuer is None else issuer.id
            known = self._noun(station, leaf, pem_of(leaf), CertificateState.ACTIVE, authority_id)
        await self._move(known, CertificateState.ACTIVE, None)
        for other in await self._storage.certificates.of_station(station.id):
            if other.id != known.id and other.state == CertificateState.ACTIVE:
                await self._move(other, CertificateState.SUPERSEDED, "the station came in with a newer one")

    async def revoke(self, organisation_id: str, certificate_id: str, reason: str | None) -> StationCertificate:
        """Trust a certificate no more, from now on. Raises NotFound, Conflict."""
        known = await self.get(organisation_id, certificate_id)
        if known.state == CertificateState.REVOKED:
            raise Conflict("certificate_revoked", "This certificate was revoked before.")
        return await self._move(known, CertificateState.REVOKED, reason or "revoked by an operator")

    async def get(self, organisation_id: str, certificate_id: str) -> StationCertificate:
        """A certificate of the organisation. Raises NotFound."""
        found: StationCertificate | None = await self._storage.certificates.get(certificate_id)
        if found is None or found.organisation_id != organisation_id:
            raise NotFound("certificate_unknown", "There is no such certificate.")
        return found

    # What stations hold.

    def roots_reported(
        self, organisation_id: str, station_id: str, use: str, reported: tuple[Hashes, ...], now: Instant
    ) -> Fact:
        """The fact that a station holds these roots of one use, and no others."""
        roots = {
            (each.hash_algorithm, each.issuer_name_hash.lower(), each.issuer_key_hash.lower(), each.serial_number)
            for each in reported
        }
        return InstalledRootsReported(
            organisation_id=organisation_id,
            station_id=station_id,
            received_at=now,
            use=use,
            roots=tuple(
                InstalledRoot(
                    station_id=station_id,
                    organisation_id=organisation_id,
                    use=use,
                    hash_algorithm=algorithm,
                    issuer_name_hash=name,
                    issuer_key_hash=key,
                    serial_number=serial,
                    reported_at=now,
                )
                for algorithm, name, key, serial in sorted(roots)
            ),
        )

    async def installed(self, organisation_id: str, station_id: str) -> list[NamedRoot]:
        """What a station reported, each with the authority that it is, if that is known."""
        authorities = await self._storage.authorities.all(organisation_id)
        loaded = [(each, read_certificates(each.certificate)[0]) for each in authorities]
        crossed = [
            (each, read_certificates(each.cross_certificate)[0]) for each in authorities if each.cross_certificate
        ]
        names = [
            (hash_data_of(certificate, issuer, algorithm), authority)
            for authority, certificate in [*loaded, *crossed]
            for issuer in _issuers(certificate, [found for _, found in loaded])
            for algorithm in ALGORITHMS
        ]
        jobs = await self._storage.jobs.find(organisation_id, station_id=station_id, action=_CHANGE_ROOTS)
        changed_at = max((job.sent_at for job in jobs.items if job.sent_at and _may_have_acted(job)), default=0)
        return [
            NamedRoot(
                root,
                next((authority for data, authority in names if data.matches(_hash_data(root))), None),
                root.reported_at < changed_at,
            )
            for root in await self._storage.certificates.roots_of(station_id)
        ]

    # The clock.

    async def look_after(self, now: Instant) -> None:
        """Make the first authorities, fetch revocation lists, warn of what is about to expire."""
        if self._settings.signer_url is None:
            await self._authorities.ensure(DEFAULT_ORGANISATION_ID)
        await self._revocation.fetch_lists(now)
        await self._warn(now)

    async def _warn(self, now: Instant) -> None:
        until = now + self._settings.alert_s * 1_000_000
        states = [CertificateState.ISSUED.value, CertificateState.ACTIVE.value]
        cursor: str | None = None
        while True:
            page = await self._storage.certificates.find(state=states, expires_before=until, limit=200, cursor=cursor)
            for each in page.items:
                if each.alerted_at is None and not await self._has_newer(each):
                    words = f"The client certificate {each.serial_number} expires soon, or has expired."
                    await self._tell(each.organisation_id, each.station_id, "CertificateExpiring", words)
                    await self._change(msgspec.structs.replace(each, alerted_at=now))
            cursor = page.next_cursor
            if cursor is None:
                break
        for authority in await self._storage.authorities.all():
            advice = _ADVICE.get(authority.use)
            if advice is not None and authority.not_after < until:
                text = f"The certificate authority {authority.name} expires soon, or has expired: {advice}."
                await self._tell(authority.organisation_id, "", "AuthorityExpiring", text, at=authority.not_after)

    async def server_certificate_ends(self, family: str, not_after: Instant, now: Instant) -> None:
        """Warn of a certificate of ours that an operator brought as a file, and nobody renews but they."""
        if not_after < now + self._settings.alert_s * 1_000_000:
            words = f"The {family.upper()} certificate for TLS expires soon, or has expired: bring a new file."
            await self._tell(DEFAULT_ORGANISATION_ID, "", "ServerCertificateExpiring", words, at=not_after)

    async def _has_newer(self, certificate: StationCertificate) -> bool:
        others = await self._storage.certificates.of_station(certificate.station_id)
        good = {CertificateState.ISSUED, CertificateState.ACTIVE}
        return any(each.not_after > certificate.not_after and each.state in good for each in others)

    # Inside.

    def _noun(
        self, station: Station, leaf: x509.Certificate, chain: str, state: CertificateState, authority_id: str | None
    ) -> StationCertificate:
        now = self._clock()
        return StationCertificate(
            id=str(uuid4()),
            organisation_id=station.organisation_id,
            station_id=station.id,
            authority_id=authority_id,
            public_key_hash=key_hash(leaf),
            chain=chain,
            state=state.value,
            created_at=now,
            updated_at=now,
            **described(describe(leaf)),
        )

    async def _move(
        self, certificate: StationCertificate, state: CertificateState, reason: str | None
    ) -> StationCertificate:
        return await self._change(msgspec.structs.replace(certificate, state=state.value, state_reason=reason))

    async def _change(self, certificate: StationCertificate) -> StationCertificate:
        now = self._clock()
        changed = msgspec.structs.replace(certificate, updated_at=now)
        await self._storage.record(
            [
                CertificateChanged(
                    organisation_id=changed.organisation_id,
                    station_id=changed.station_id,
                    received_at=now,
                    certificate=changed,
                )
            ]
        )
        await self._authorities.changed()
        return changed

    async def _tell(
        self, organisation_id: str, station_id: str, event: str, words: str, *, at: Instant | None = None
    ) -> None:
        now = self._clock()
        await self._storage.record([security_event(organisation_id, station_id, event, words, now, occurred_at=at)])


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def _hash_data(root: InstalledRoot) -> CertificateHashData:
    return CertificateHashData(root.hash_algorithm, root.issuer_name_hash, root.issuer_key_hash, root.serial_number)


def _issuers(certificate: x509.Certificate, known: list[x509.Certificate]) -> list[x509.Certificate]:
    """Which of these certificates has the name that a certificate gives as its issuer."""
    found: list[x509.Certificate] = []
    for each in known:
        try:
            certificate.verify_directly_issued_by(each)
        except Exception:  # noqa: BLE001, S112 -- the library has several ways to say no
            continue
        found.append(each)
    return found


def _may_have_acted(job: Job) -> bool:
    """Whether a station did what a job asked for, or nobody knows that it did not."""
    unheard = job.state in {JobState.SENT, JobState.TIMEOUT, JobState.NOT_DELIVERED} and job.response is None
    return unheard or job.result == "Accepted"
