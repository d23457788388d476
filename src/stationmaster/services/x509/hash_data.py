"""CertificateHashData: how both sides name a certificate to each other (handbook §4.7, RFC 6960 CertID)."""

from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

__all__ = ["ALGORITHMS", "CertificateHashData", "hash_data_of"]

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
ALGORITHMS: Final = tuple(_HASHES)
"""The hash algorithms a station may use, by OCPP's names."""


class CertificateHashData(msgspec.Struct, frozen=True):
    """The four values; hex texts compare without case, serial numbers as numbers."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str

    def matches(self, other: "CertificateHashData") -> bool:
        """Whether both name the same certificate; values that are no hex never match."""
        try:
            same_serial = int(self.serial_number, 16) == int(other.serial_number, 16)
        except ValueError:
            return False
        return (
            same_serial
            and self.hash_algorithm == other.hash_algorithm
            and self.issuer_name_hash.lower() == other.issuer_name_hash.lower()
            and self.issuer_key_hash.lower() == other.issuer_key_hash.lower()
        )


def hash_data_of(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str) -> CertificateHashData:
    """Compute the hash data of a certificate; its own issuer, for a root.

    Raises KeyError for an algorithm that is not in `ALGORITHMS`.
    """
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, _HASHES[algorithm]).build()
    return CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=request.issuer_name_hash.hex(),
        issuer_key_hash=request.issuer_key_hash.hex(),
        serial_number=f"{certificate.serial_number:X}",
    )
