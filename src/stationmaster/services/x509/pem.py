"""PEM as it travels: plain line ends, leaf first, no root at the end (handbook §4.7, §4.8)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization

from stationmaster.instants import Instant
from stationmaster.services.x509.keys import family_of

__all__ = [
    "CertificateDescription",
    "chain_text",
    "describe",
    "is_authority",
    "is_self_signed",
    "moment",
    "pem_of",
    "read_certificates",
]

_MICROSECONDS = 1_000_000


class CertificateDescription(msgspec.Struct, frozen=True):
    """What people want to know of a certificate; times are `Instant`, hashes hex."""

    subject: str
    issuer: str
    common_name: str | None
    organisation: str | None
    serial_number: str
    fingerprint_sha256: str
    not_before: Instant
    not_after: Instant
    key_family: str | None
    key_bits: int
    signature_algorithm: str
    is_authority: bool
    self_signed: bool


def read_certificates(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, in order. Raises ValueError in words when there is none or one is broken."""
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnicodeEncodeError) as error:
        raise ValueError("this is no PEM certificate: it must begin with -----BEGIN CERTIFICATE-----") from error
    return certificates


def pem_of(certificate: x509.Certificate) -> str:
    """PEM with plain line ends and one at its close."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def chain_text(leaf: x509.Certificate, authorities: Iterable[x509.Certificate]) -> str:
    """What CertificateSigned carries: the leaf, then sub-authorities in order, roots left out."""
    return pem_of(leaf) + "".join(pem_of(authority) for authority in authorities if not is_self_signed(authority))


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether a certificate is signed with its own key."""
    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may sign others."""
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def describe(certificate: x509.Certificate) -> CertificateDescription:
    """Say what is in a certificate."""
    key = certificate.public_key()
    family = family_of(key)
    return CertificateDescription(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        common_name=_first(certificate.subject, x509.NameOID.COMMON_NAME),
        organisation=_first(certificate.subject, x509.NameOID.ORGANIZATION_NAME),
        serial_number=f"{certificate.serial_number:X}",
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=_instant(certificate.not_valid_before_utc),
        not_after=_instant(certificate.not_valid_after_utc),
        key_family=family.value if family else None,
        key_bits=getattr(key, "key_size", 0),
        signature_algorithm=certificate.signature_algorithm_oid._name,  # noqa: SLF001 - the library has no public name for it
        is_authority=is_authority(certificate),
        self_signed=is_self_signed(certificate),
    )


def moment(instant: Instant) -> datetime:
    """An instant as X.509 writes times: UTC, whole seconds."""
    return datetime.fromtimestamp(instant // _MICROSECONDS, UTC)


def _instant(time: datetime) -> Instant:
    return int(time.timestamp()) * _MICROSECONDS


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    values: Sequence[x509.NameAttribute[str | bytes]] = name.get_attributes_for_oid(oid)
    return str(values[0].value) if values else None
