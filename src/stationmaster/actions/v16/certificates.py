"""SignCertificate, and the commands about certificates (handbook §4.7, §4.8)."""

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Asking, Command, Settled
from stationmaster.actions.v16.context import Situation
from stationmaster.actions.v16.security_orders import use_of
from stationmaster.domain.certificates import InstalledRoot, RootUse
from stationmaster.ocpp.v16.certificates import (
    CertificateHashData,
    CertificateSignedRequest,
    CertificateSignedResponse,
    DeleteCertificateRequest,
    DeleteCertificateResponse,
    GetInstalledCertificateIdsRequest,
    GetInstalledCertificateIdsResponse,
    InstallCertificateRequest,
    SignCertificateRequest,
    SignCertificateResponse,
)
from stationmaster.services.certificates import Hashes
from stationmaster.services.x509.pem import describe, read_certificates

__all__ = [
    "CERTIFICATE_SIGNED",
    "DELETE_CERTIFICATE",
    "GET_INSTALLED_CERTIFICATE_IDS",
    "INSTALL_CERTIFICATE",
    "sign_certificate",
]


async def sign_certificate(situation: Situation) -> Answer:
    """Answered at once; the certificate follows in a command of its own."""
    context, connection, station, call = situation.context, situation.connection, situation.station, situation.call
    request: SignCertificateRequest = call.request
    authority = context.services.signing
    if not await authority.accepts(station, request.csr):
        return Answer(SignCertificateResponse(status="Rejected"))

    async def deliver(chain: str) -> None:
        await context.services.commands.send(
            connection.organisation_id,
            connection.station_id,
            "CertificateSigned",
            {"certificateChain": chain},
            requested_by="certificate-authority",
            wait_s=0,
        )

    async def sign() -> None:
        await authority.issue(station, request.csr, deliver)

    return Answer(SignCertificateResponse(status="Accepted"), sign)


# CertificateSigned


async def _warn_of_long_chain(asking: Asking, message: CertificateSignedRequest) -> str | None:
    """`CertificateSignedMaxChainSize`; one copy of the key list calls it otherwise (§8 A-23)."""
    most = await asking.number_of("CertificateSignedMaxChainSize") or await asking.number_of("CertificateSignedMaxSize")
    length = len(message.certificate_chain)
    return None if most is None or length <= most else f"The station takes {most} characters; the chain has {length}."


async def _chain_answered(
    asking: Asking, message: CertificateSignedRequest, response: CertificateSignedResponse
) -> Settled:
    services, accepted = asking.context.services, response.status == "Accepted"
    await services.certificates.answered(asking.station_id, message.certificate_chain, accepted=accepted)
    services.security_jobs.nudge(asking.station_id)
    return Settled()


CERTIFICATE_SIGNED = Command(warnings=(_warn_of_long_chain,), settle=_chain_answered)


# InstallCertificate


async def _warn_of_unfit_root(asking: Asking, message: InstallCertificateRequest) -> str | None:
    """Sent all the same: a test may need an unfit one (§4.7)."""
    try:
        several = read_certificates(message.certificate)
    except ValueError:
        return "The certificate cannot be read."
    root, now = describe(several[0]), asking.now()
    if len(several) > 1:
        return "Only one certificate can be installed at a time."
    if not root.is_authority:
        return "The certificate is not that of an authority."
    if not root.not_before <= now <= root.not_after:
        return "The certificate is not valid at present."
    return None if root.self_signed else "The certificate is no root: somebody else has signed it."


INSTALL_CERTIFICATE = Command(warnings=(_warn_of_unfit_root,))


# GetInstalledCertificateIds


async def _roots_listed(
    asking: Asking, message: GetInstalledCertificateIdsRequest, response: GetInstalledCertificateIdsResponse
) -> Settled:
    listed = response.certificate_hash_data or ()
    if response.status == "NotFound":
        listed = ()
    fact = asking.context.services.certificates.roots_reported(
        asking.organisation_id,
        asking.station_id,
        use_of(message.certificate_type),
        tuple(_hashes(each) for each in listed),
        asking.now(),
    )
    return Settled(facts=(fact,))


GET_INSTALLED_CERTIFICATE_IDS = Command(settle=_roots_listed)


# DeleteCertificate


async def _warn_of_last_root(asking: Asking, message: DeleteCertificateRequest) -> str | None:
    roots = await asking.storage.certificates.roots_of(asking.station_id)
    named = next((root for root in roots if _is(root, message.certificate_hash_data)), None)
    if named is None:
        return "The station never reported such a certificate."
    if sum(root.use == named.use for root in roots) > 1:
        return None
    if named.use == RootUse.MANUFACTURER:
        return "It is the last root of the manufacturer: the station can no longer take signed firmware."
    return "It is the last root of the central system: the station can no longer connect over TLS."


async def _root_deleted(
    asking: Asking, message: DeleteCertificateRequest, response: DeleteCertificateResponse
) -> Settled:
    if response.status == "Failed":
        return Settled()
    roots = await asking.storage.certificates.roots_of(asking.station_id)
    gone = {root.use for root in roots if _is(root, message.certificate_hash_data)}
    certificates = asking.context.services.certificates
    return Settled(
        facts=tuple(
            certificates.roots_reported(
                asking.organisation_id,
                asking.station_id,
                use,
                tuple(
                    Hashes(root.hash_algorithm, root.issuer_name_hash, root.issuer_key_hash, root.serial_number)
                    for root in roots
                    if root.use == use and not _is(root, message.certificate_hash_data)
                ),
                asking.now(),
            )
            for use in sorted(gone)
        )
    )


DELETE_CERTIFICATE = Command(warnings=(_warn_of_last_root,), settle=_root_deleted)


def _hashes(reported: CertificateHashData) -> Hashes:
    return Hashes(reported.hash_algorithm, reported.issuer_name_hash, reported.issuer_key_hash, reported.serial_number)


def _is(root: InstalledRoot, named: CertificateHashData) -> bool:
    """Hexadecimal compares without case, and a serial number without leading zeros (§4.7)."""
    return (
        root.hash_algorithm == named.hash_algorithm
        and root.issuer_name_hash.lower() == named.issuer_name_hash.lower()
        and root.issuer_key_hash.lower() == named.issuer_key_hash.lower()
        and root.serial_number.lstrip("0").lower() == named.serial_number.lstrip("0").lower()
    )
