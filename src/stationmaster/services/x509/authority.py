"""Issuing: roots, station and server certificates, cross-signed roots, revocation lists (handbook §4.7)."""

from collections.abc import Iterable
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stationmaster.instants import Instant
from stationmaster.services.x509.keys import KeyFamily, PrivateKey, family_of
from stationmaster.services.x509.pem import moment

__all__ = ["Authority", "Revoked", "cross_sign", "issue_root", "issue_server", "issue_station", "revocation_list"]

SECOND: Final = 1_000_000
BACKDATE_US: Final = 5 * 60 * SECOND
"""Certificates begin a little in the past: station clocks are not exact (§4.7)."""


class Authority(msgspec.Struct, frozen=True):
    """A certificate that signs others, its key, and whether RSA signatures are PSS (§8 A-14)."""

    certificate: x509.Certificate
    key: PrivateKey
    pss: bool = False

    @property
    def family(self) -> KeyFamily:
        """The family of the key; a certificate is issued by the authority of its own family."""
        return KeyFamily.RSA if isinstance(self.key, rsa.RSAPrivateKey) else KeyFamily.EC


class Revoked(msgspec.Struct, frozen=True):
    """A serial number that is no longer to be trusted, since when."""

    serial_number: int
    at: Instant


def _name(common_name: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, signs_certificates: bool, key_encipherment: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, serial: int, now: Instant, lifetime_s: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(moment(now - BACKDATE_US))
        .not_valid_after(moment(now + lifetime_s * SECOND))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: PrivateKey, *, pss: bool) -> x509.Certificate:
    if pss and isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
        return builder.sign(key, hashes.SHA256(), rsa_padding=scheme)
    return builder.sign(key, hashes.SHA256())


def issue_root(
    key: PrivateKey,
    *,
    common_name: str,
    organisation: str,
    serial: int,
    now: Instant,
    lifetime_s: int,
    pss: bool = False,
) -> Authority:
    """A root: signed by itself, may sign leaves and one level of sub-authorities."""
    subject = _name(common_name, organisation)
    builder = (
        _begin(subject, subject, key.public_key(), serial, now, lifetime_s)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Authority(_sign(builder, key, pss=pss), key, pss)


def cross_sign(new: x509.Certificate, old: Authority, *, serial: int, now: Instant) -> x509.Certificate:
    """The new root's name and key, signed by the old root.

    What a station with AdditionalRootCertificateCheck accepts as the next root (§4.7).
    """
    constraints = new.extensions.get_extension_for_class(x509.BasicConstraints).value
    lifetime_s = int((new.not_valid_after_utc - moment(now)).total_seconds())
    builder = (
        _begin(new.subject, old.certificate.subject, new.public_key(), serial, now, lifetime_s)
        .add_extension(constraints, critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_authority_key(old), critical=False)
    )
    return _sign(builder, old.key, pss=old.pss)


def issue_station(
    public_key: CertificatePublicKeyTypes,
    issuer: Authority,
    *,
    serial_number: str,
    organisation: str,
    serial: int,
    now: Instant,
    lifetime_s: int,
) -> x509.Certificate:
    """A station's client certificate: CN is its serial number, O the operator's name (§4.7)."""
    rsa_key = family_of(public_key) is KeyFamily.RSA
    builder = (
        _begin(_name(serial_number, organisation), issuer.certificate.subject, public_key, serial, now, lifetime_s)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False, key_encipherment=rsa_key), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    return _sign(builder, issuer.key, pss=issuer.pss)


def issue_server(
    public_key: CertificatePublicKeyTypes,
    issuer: Authority,
    *,
    names: list[x509.GeneralName],
    common_name: str,
    organisation: str,
    serial: int,
    now: Instant,
    lifetime_s: int,
) -> x509.Certificate:
    """The central system's own certificate: the same name as CN and as subjectAltName (§8 A-21)."""
    rsa_key = family_of(public_key) is KeyFamily.RSA
    builder = (
        _begin(_name(common_name, organisation), issuer.certificate.subject, public_key, serial, now, lifetime_s)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False, key_encipherment=rsa_key), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    return _sign(builder, issuer.key, pss=issuer.pss)


def revocation_list(
    issuer: Authority, revoked: Iterable[Revoked], *, number: int, now: Instant, lifetime_s: int
) -> x509.CertificateRevocationList:
    """The serial numbers of an authority that are no longer to be trusted."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(moment(now - BACKDATE_US))
        .next_update(moment(now + lifetime_s * SECOND))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(entry.serial_number)
            .revocation_date(moment(entry.at))
            .build()
        )
    return builder.sign(issuer.key, hashes.SHA256())


def _authority_key(issuer: Authority) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
