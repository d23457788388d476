"""SignCertificate, and the commands about certificates (handbook §4.7, §4.8)."""

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Command
from stationmaster.actions.v16.context import Situation
from stationmaster.ocpp.v16.certificates import SignCertificateRequest, SignCertificateResponse

__all__ = [
    "CERTIFICATE_SIGNED",
    "DELETE_CERTIFICATE",
    "GET_INSTALLED_CERTIFICATE_IDS",
    "INSTALL_CERTIFICATE",
    "sign_certificate",
]

CERTIFICATE_SIGNED = Command()
DELETE_CERTIFICATE = Command()
GET_INSTALLED_CERTIFICATE_IDS = Command()
INSTALL_CERTIFICATE = Command()


async def sign_certificate(situation: Situation) -> Answer:
    """Answered at once; the certificate follows in a command of its own."""
    context, connection, station, call = situation
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
