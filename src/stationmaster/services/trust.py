"""Whether a client certificate belongs to a station: asked at the door, answered from memory (handbook §4.4).

The rule that shapes this file: OpenSSL has validated the path to some root that any organisation trusts;
here the certificate is held against this one station, and what cannot be shown to fit does not.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stationmaster.domain.certificates import AuthorityUse, CertificateCheck, CertificateState, StoredAuthority
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.certificate_settings import CertificateSettings
from stationmaster.services.in_turn import in_turn
from stationmaster.services.signer import public_key_der
from stationmaster.services.x509.ocsp import OcspAnswer
from stationmaster.services.x509.pem import is_authority, moment, read_certificates
from stationmaster.services.x509.requests import contains_whole
from stationmaster.storage import Storage

__all__ = ["ACCEPTING", "Trust", "key_hash"]

ACCEPTING: Final = frozenset({AuthorityUse.ISSUING, AuthorityUse.RETIRED, AuthorityUse.TRUSTED})
"""Uses of authorities whose certificates open the door."""
ANSWERS_REMEMBERED: Final = 50_000
_OURS: Final = frozenset({AuthorityUse.ISSUING, AuthorityUse.RETIRED})


def key_hash(certificate: x509.Certificate) -> str:
    """What a public key is found by."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public_key_der(certificate))
    return digest.finalize().hex()


class _Authority(msgspec.Struct, frozen=True):
    stored: StoredAuthority
    certificate: x509.Certificate
    revoked: frozenset[int] | None
    """None: there is no list."""
    fresh_until: Instant


class _Bound(msgspec.Struct, frozen=True):
    station_id: str
    state: str
    since: Instant


class Trust:
    """What the door goes by. `load` brings it up to date."""

    def __init__(self, storage: Storage, settings: CertificateSettings, clock: Callable[[], Instant]) -> None:
        self._storage = storage
        self._settings = settings
        self._clock = clock
        self._authorities: dict[bytes, list[_Authority]] = {}
        self._by_fingerprint: dict[str, _Bound] = {}
        self._by_key: dict[str, str] = {}
        self._told: list[Callable[[], None]] = []
        self._answers: OrderedDict[str, OcspAnswer] = OrderedDict()

    def on_load(self, told: Callable[[], None]) -> None:
        """Have `told` called whenever what is trusted was read anew."""
        self._told.append(told)

    @in_turn
    async def load(self) -> None:
        """Read what the database knows."""
        authorities: dict[bytes, list[_Authority]] = {}
        for stored in await self._storage.authorities.all():
            certificate = read_certificates(stored.certificate)[0]
            revoked, fresh_until = _listed(stored)
            known = _Authority(stored, certificate, revoked, fresh_until)
            authorities.setdefault(certificate.subject.public_bytes(), []).append(known)
        by_fingerprint: dict[str, _Bound] = {}
        by_key: dict[str, str] = {}
        for fingerprint, key, station_id, state, since in await self._storage.certificates.bound():
            by_fingerprint[fingerprint] = _Bound(station_id, state, since)
            by_key[key] = station_id
        self._authorities, self._by_fingerprint, self._by_key = authorities, by_fingerprint, by_key
        for told in self._told:
            told()

    def anchors(self) -> list[str]:
        """The certificates, PEM, of every authority that opens the door."""
        each = (known for several in self._authorities.values() for known in several)
        return sorted(known.stored.certificate for known in each if known.stored.use in ACCEPTING)

    def revoked(self) -> frozenset[str]:
        """The fingerprints of certificates that were revoked here."""
        return frozenset(
            fingerprint
            for fingerprint, bound in self._by_fingerprint.items()
            if bound.state == CertificateState.REVOKED
        )

    def state_of(self, fingerprint: str) -> str | None:
        """How a certificate stands, if it is known."""
        bound = self._by_fingerprint.get(fingerprint)
        return None if bound is None else bound.state

    def issuer_of(self, organisation_id: str, certificate: x509.Certificate) -> StoredAuthority | None:
        """The authority of the organisation that signed a certificate, if we keep it."""
        found = self._issuer(organisation_id, certificate)
        return None if found is None else found.stored

    def owner_of_key(self, key: str) -> str | None:
        """The station that has this public key."""
        return self._by_key.get(key)

    def is_answered(self, certificate: x509.Certificate) -> bool:
        """Whether it is known at present what a responder says of a certificate, or that none says anything."""
        return self._answer(certificate) is not None

    def remember(self, certificate: x509.Certificate, answer: OcspAnswer) -> None:
        """Go by what a responder said, until it is out of date."""
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        self._answers[fingerprint] = answer
        self._answers.move_to_end(fingerprint)
        if len(self._answers) > ANSWERS_REMEMBERED:
            self._answers.popitem(last=False)

    def _answer(self, certificate: x509.Certificate) -> OcspAnswer | None:
        known = self._answers.get(certificate.fingerprint(hashes.SHA256()).hex())
        return known if known is not None and known.until > self._clock() else None

    def check(self, station: Station, der: bytes) -> str | None:
        """What is wrong with the certificate that a station presents, in words; None: nothing."""
        try:
            certificate = x509.load_der_x509_certificate(der)
            return self._fault(station, certificate)
        except (ValueError, x509.UnsupportedGeneralNameType, x509.DuplicateExtension):
            return "The client certificate cannot be read."

    def _fault(self, station: Station, certificate: x509.Certificate) -> str | None:
        issuer = self._issuer(station.organisation_id, certificate)
        if issuer is None or issuer.stored.use not in ACCEPTING:
            return "No certificate authority that is trusted here has signed the client certificate."
        return (
            self._fault_of_time(certificate, issuer)
            or _fault_of_use(certificate)
            or self._fault_of_revocation(certificate, issuer)
            or self._fault_of_owner(station, certificate)
            or self._fault_of_names(station, certificate)
        )

    def _fault_of_time(self, certificate: x509.Certificate, issuer: _Authority) -> str | None:
        now = moment(self._clock())
        for each, whose in ((certificate, "client certificate"), (issuer.certificate, "certificate of its issuer")):
            if now < each.not_valid_before_utc:
                return f"The {whose} is not valid yet."
            if now > each.not_valid_after_utc:
                return f"The {whose} has expired."
        return None

    def _fault_of_revocation(self, certificate: x509.Certificate, issuer: _Authority) -> str | None:
        bound = self._by_fingerprint.get(certificate.fingerprint(hashes.SHA256()).hex())
        if bound is not None and bound.state == CertificateState.REVOKED:
            return "The client certificate was revoked."
        superseded = bound is not None and bound.state == CertificateState.SUPERSEDED
        if bound is not None and superseded and self._clock() - bound.since > self._settings.grace_s * 1_000_000:
            return "The client certificate was replaced by a newer one."
        told = self._answer(certificate)
        listed = issuer.revoked is not None and certificate.serial_number in issuer.revoked
        if listed or (told is not None and told.revoked):
            return "The client certificate was revoked by its authority."
        missing = (issuer.revoked is None or issuer.fresh_until < self._clock()) and (
            told is None or told.revoked is None
        )
        if missing and self._settings.hard_fail and issuer.stored.use not in _OURS:
            return "There is no present word of its authority whether it was revoked, and policy asks for one."
        return None

    def _fault_of_owner(self, station: Station, certificate: x509.Certificate) -> str | None:
        bound = self._by_fingerprint.get(certificate.fingerprint(hashes.SHA256()).hex())
        owner = self._by_key.get(key_hash(certificate)) if bound is None else bound.station_id
        if owner is not None and owner != station.id:
            return "The client certificate, or its key, belongs to another station."
        return None

    def _fault_of_names(self, station: Station, certificate: x509.Certificate) -> str | None:
        if station.client_cert_check == CertificateCheck.PINNED:
            fits = station.pinned_fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
            return None if fits else "It is not the certificate that is pinned for this station."
        common_names = _values(certificate, NameOID.COMMON_NAME)
        wanted = [name for name in (station.serial_number, station.charge_box_serial_number) if name]
        if not any(name == station.id or any(contains_whole(name, each) for each in wanted) for name in common_names):
            return "The CN of the client certificate is neither the station's serial number nor its identity."
        if station.client_cert_check == CertificateCheck.CN:
            return None
        trusted = (self._settings.operator_name, *self._settings.trusted_organisations)
        organisations = _values(certificate, NameOID.ORGANIZATION_NAME)
        if not any(contains_whole(name, each) for name in organisations for each in trusted):
            return f"The O of the client certificate is none of {', '.join(trusted)}."
        return None

    def _issuer(self, organisation_id: str, certificate: x509.Certificate) -> _Authority | None:
        for known in self._authorities.get(certificate.issuer.public_bytes(), ()):
            if known.stored.organisation_id != organisation_id:
                continue
            try:
                certificate.verify_directly_issued_by(known.certificate)
            except (InvalidSignature, ValueError, TypeError):
                continue
            return known
        return None


def _values(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]


def _fault_of_use(certificate: x509.Certificate) -> str | None:
    if is_authority(certificate):
        return "The client certificate is that of an authority."
    extensions = certificate.extensions
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
            return "The client certificate is not meant for client authentication."
    except x509.ExtensionNotFound:
        pass
    try:
        if not extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            return "The key of the client certificate is not meant for signatures."
    except x509.ExtensionNotFound:
        pass
    return None


def _listed(stored: StoredAuthority) -> tuple[frozenset[int] | None, Instant]:
    if stored.crl is None:
        return None, 0
    listed = x509.load_pem_x509_crl(stored.crl.encode())
    until = listed.next_update_utc
    fresh_until = 2**62 if until is None else int(until.timestamp()) * 1_000_000
    return frozenset(entry.serial_number for entry in listed), fresh_until
