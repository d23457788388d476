"""The certificates of the security extension: sign, install, list, delete.

Source: handbook 4.7, 4.8.
"""

from typing import Annotated, Literal

from msgspec import Meta

from stationmaster.ocpp.fields import (
    CiString40,
    CiString128,
    Maybe,
    Message,
    Text5500,
    Text10000,
)

HashAlgorithm = Literal["SHA256", "SHA384", "SHA512"]
CertificateUse = Literal["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
CertificateSignedStatus = Literal["Accepted", "Rejected"]
DeleteCertificateStatus = Literal["Accepted", "Failed", "NotFound"]
GetInstalledCertificateStatus = Literal["Accepted", "NotFound"]
InstallCertificateStatus = Literal["Accepted", "Failed", "Rejected"]
SignCertificateStatus = Literal["Accepted", "Rejected"]


class CertificateHashData(Message, frozen=True, kw_only=True):
    """Which certificate, in hexadecimal; compared without regard to case."""

    hash_algorithm: HashAlgorithm
    issuer_name_hash: CiString128
    issuer_key_hash: CiString128
    serial_number: CiString40


class CertificateSignedRequest(Message, frozen=True, kw_only=True):
    """The signed certificate with its chain (PEM)."""

    certificate_chain: Text10000


class CertificateSignedResponse(Message, frozen=True, kw_only=True):
    """Whether the station takes the certificate."""

    status: CertificateSignedStatus


class DeleteCertificateRequest(Message, frozen=True, kw_only=True):
    """Remove a root certificate."""

    certificate_hash_data: CertificateHashData


class DeleteCertificateResponse(Message, frozen=True, kw_only=True):
    """`Failed` also for a root that is in use."""

    status: DeleteCertificateStatus


class GetInstalledCertificateIdsRequest(Message, frozen=True, kw_only=True):
    """Ask which root certificates of one use are installed."""

    certificate_type: CertificateUse


class GetInstalledCertificateIdsResponse(Message, frozen=True, kw_only=True):
    """The installed ones; `NotFound` if there is none."""

    status: GetInstalledCertificateStatus
    certificate_hash_data: Maybe[Annotated[tuple[CertificateHashData, ...], Meta(min_length=1)]] = None


class InstallCertificateRequest(Message, frozen=True, kw_only=True):
    """Install a root certificate (PEM)."""

    certificate_type: CertificateUse
    certificate: Text5500


class InstallCertificateResponse(Message, frozen=True, kw_only=True):
    """Whether the certificate is installed."""

    status: InstallCertificateStatus


class SignCertificateRequest(Message, frozen=True, kw_only=True):
    """A certificate signing request (PEM PKCS#10)."""

    csr: Text5500


class SignCertificateResponse(Message, frozen=True, kw_only=True):
    """Whether the request will be signed."""

    status: SignCertificateStatus
