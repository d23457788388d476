"""Orders about secrets and certificates, said in OCPP 1.6 (handbook §4.5-§4.8)."""

from typing import Any, Final

from stationmaster.domain.certificates import RootUse
from stationmaster.domain.passwords import wire_form
from stationmaster.domain.security_orders import (
    DeleteRootOrder,
    HardResetOrder,
    InstallRootOrder,
    ListRootsOrder,
    OperatorNameOrder,
    PasswordOrder,
    ProfileOrder,
    SecurityOrder,
    SigningOrder,
)

__all__ = ["CERTIFICATE_TYPES", "phrase_security", "use_of"]

CERTIFICATE_TYPES: Final = {
    RootUse.CENTRAL_SYSTEM.value: "CentralSystemRootCertificate",
    RootUse.MANUFACTURER.value: "ManufacturerRootCertificate",
}
_USES: Final = {word: use for use, word in CERTIFICATE_TYPES.items()}


def use_of(certificate_type: str) -> str:
    """Our word for a CertificateUse of OCPP."""
    return _USES[certificate_type]


def phrase_security(order: SecurityOrder) -> tuple[str, dict[str, Any]]:
    """The action that carries an order, and its payload."""
    match order:
        case PasswordOrder():
            return "ChangeConfiguration", {"key": "AuthorizationKey", "value": wire_form(order.password)}
        case ProfileOrder():
            return "ChangeConfiguration", {"key": "SecurityProfile", "value": str(order.security_profile)}
        case OperatorNameOrder():
            return "ChangeConfiguration", {"key": "CpoName", "value": order.name}
        case HardResetOrder():
            return "Reset", {"type": "Hard"}
        case SigningOrder():
            return "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}
        case InstallRootOrder():
            payload = {"certificateType": CERTIFICATE_TYPES[order.use], "certificate": order.certificate}
            return "InstallCertificate", payload
        case ListRootsOrder():
            return "GetInstalledCertificateIds", {"certificateType": CERTIFICATE_TYPES[order.use]}
        case DeleteRootOrder():
            named = {
                "hashAlgorithm": order.hash_algorithm,
                "issuerNameHash": order.issuer_name_hash,
                "issuerKeyHash": order.issuer_key_hash,
                "serialNumber": order.serial_number,
            }
            return "DeleteCertificate", {"certificateHashData": named}
