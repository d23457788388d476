"""Asking an authority whether a certificate is still good: OCSP, RFC 6960 (handbook §4.4).

The rule that shapes this file: an answer counts only if it is about this certificate, is signed by its authority or by
somebody whom the authority has named for that, and is of the present.
"""

from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from stationmaster.instants import Instant
from stationmaster.services.x509.pem import moment

__all__ = ["OcspAnswer", "ocsp_request", "ocsp_url", "read_ocsp"]

SKEW_US: Final = 300 * 1_000_000
LONGEST_US: Final = 7 * 86_400 * 1_000_000
"""An answer is believed no longer than this, whatever it says."""
WITHOUT_END_US: Final = 3600 * 1_000_000
"""How long an answer is believed that does not say, …"""
OLDEST_US: Final = 86_400 * 1_000_000
"""… unless it is older than this."""


class OcspAnswer(msgspec.Struct, frozen=True):
    """Whether it was revoked; None: that could not be learned. Good until `until`."""

    revoked: bool | None
    until: Instant


def ocsp_url(certificate: x509.Certificate) -> str | None:
    """Where the certificate says that one can ask."""
    try:
        described = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    for each in described:
        location = each.access_location
        if each.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            return location.value
    return None


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """The question. SHA-1 only names the issuer here, and is what every responder understands (RFC 5019)."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 -- see above
    return builder.build().public_bytes(serialization.Encoding.DER)


def read_ocsp(answer: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: Instant) -> OcspAnswer:
    """What a responder says. Raises ValueError, in words, for an answer that does not count."""
    response = ocsp.load_der_ocsp_response(answer)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError(f"the responder answered {response.response_status.name.lower()}")
    asked = ocsp.load_der_ocsp_request(ocsp_request(certificate, issuer))
    about = (response.serial_number, response.issuer_key_hash, response.issuer_name_hash)
    if about != (asked.serial_number, asked.issuer_key_hash, asked.issuer_name_hash):
        raise ValueError("the answer is about another certificate")
    _check_signature(response, issuer, now)
    began = _instant(response.this_update_utc)
    if response.next_update_utc is not None:
        ends = _instant(response.next_update_utc)
    else:
        ends = now + WITHOUT_END_US if began > now - OLDEST_US else began
    if began > now + SKEW_US or ends < now:
        raise ValueError("the answer is not of the present")
    if response.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise ValueError("the responder does not know the certificate")
    return OcspAnswer(response.certificate_status is ocsp.OCSPCertStatus.REVOKED, min(ends, now + LONGEST_US))


def _check_signature(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: Instant) -> None:
    for signer in (issuer, *(each for each in response.certificates if _is_delegate(each, issuer, now))):
        if _has_signed(signer, response):
            return
    raise ValueError("the answer is not signed by the authority, nor by a responder of its choice")


def _is_delegate(certificate: x509.Certificate, issuer: x509.Certificate, now: Instant) -> bool:
    """Whether the authority itself has named this certificate to answer for it (RFC 6960 §4.2.2.2)."""
    try:
        certificate.verify_directly_issued_by(issuer)
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    in_force = certificate.not_valid_before_utc <= moment(now) <= certificate.not_valid_after_utc
    return ExtendedKeyUsageOID.OCSP_SIGNING in usages and in_force


def _has_signed(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _instant(at: Any) -> Instant:
    return int(at.timestamp()) * 1_000_000
