"""Security events that a station may report, and which of them are critical (handbook §4.9).

The rule that shapes this file: the list of types is open. What is not in it is kept as it came
and counts as not critical.
"""

from typing import Final

__all__ = ["CRITICAL_EVENTS", "EVENTS", "is_critical", "spelling_of"]

CRITICAL_EVENTS: Final = frozenset(
    {
        "FirmwareUpdated",
        "MemoryExhaustion",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "TamperDetectionActivated",
    },
)
EVENTS: Final = CRITICAL_EVENTS | {
    "AttemptedReplayAttacks",
    "CentralSystemFailedToAuthenticate",
    "FailedToAuthenticateAtCentralSystem",
    "InvalidCentralSystemCertificate",
    "InvalidChargePointCertificate",
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidMessages",
    "InvalidTLSCipherSuite",
    "InvalidTLSVersion",
    "ReconfigurationOfSecurityParameters",
}
_OTHER_SPELLINGS: Final = {
    "FailedToAuthenticationAtCentralSystem": "FailedToAuthenticateAtCentralSystem",
    "CentralSystemFailedToAuthentication": "CentralSystemFailedToAuthenticate",
}


def spelling_of(event_type: str) -> str:
    """The type in its right spelling: some copies of the whitepaper misspell two of them."""
    return _OTHER_SPELLINGS.get(event_type, event_type)


def is_critical(event_type: str) -> bool:
    """Whether an event of this type is critical; unknown types are not."""
    return event_type in CRITICAL_EVENTS
