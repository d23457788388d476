"""The configuration keys of OCPP 1.6: what each holds (handbook §3.4).

The rule that shapes this file: it is help for people. A key that is not here, or a value that does not
fit, is warned about and sent all the same.
"""

from typing import Final

import msgspec

__all__ = ["KEYS", "KeyHelp", "doubt_about"]


class KeyHelp(msgspec.Struct, frozen=True):
    """A key: its profile, its `type` (bool, int, list or text), unit, access (R, RW, W), and its meaning."""

    key: str
    profile: str
    type: str
    access: str
    meaning: str
    unit: str | None = None


def _key(key: str, profile: str, type: str, access: str, meaning: str, unit: str | None = None) -> tuple[str, KeyHelp]:
    return key.lower(), KeyHelp(key, profile, type, access, meaning, unit)


_CORE: Final = "Core"
_LIST: Final = "LocalAuthListManagement"
_SMART: Final = "SmartCharging"
_SECURITY: Final = "Security"

KEYS: Final[dict[str, KeyHelp]] = dict(
    [
        _key("AllowOfflineTxForUnknownId", _CORE, "bool", "RW", "offline: start for unknown tokens"),
        _key("AuthorizationCacheEnabled", _CORE, "bool", "RW", "the authorization cache is on"),
        _key("AuthorizeRemoteTxRequests", _CORE, "bool", "RW", "authorize before a remote start"),
        _key("BlinkRepeat", _CORE, "int", "RW", "how often the lights blink", "times"),
        _key("ClockAlignedDataInterval", _CORE, "int", "RW", "distance of clock-aligned values from midnight on", "s"),
        _key("ConnectionTimeOut", _CORE, "int", "RW", "how long a plug is waited for", "s"),
        _key("ConnectorPhaseRotation", _CORE, "list", "RW", "phase rotation per connector, such as 0.RST,1.RST"),
        _key("ConnectorPhaseRotationMaxLength", _CORE, "int", "R", "items in ConnectorPhaseRotation"),
        _key("GetConfigurationMaxKeys", _CORE, "int", "R", "keys per GetConfiguration"),
        _key("HeartbeatInterval", _CORE, "int", "RW", "silence before a Heartbeat", "s"),
        _key("LightIntensity", _CORE, "int", "RW", "brightness of the lights", "%"),
        _key("LocalAuthorizeOffline", _CORE, "bool", "RW", "offline: start for tokens known to the station"),
        _key("LocalPreAuthorize", _CORE, "bool", "RW", "online: start for tokens known to the station without asking"),
        _key("MaxEnergyOnInvalidId", _CORE, "int", "RW", "energy given when a token turns out invalid", "Wh"),
        _key("MessageTimeout", _CORE, "int", "RW", "how long the station waits for an answer", "s"),
        _key("MeterValuesAlignedData", _CORE, "list", "RW", "measurands of clock-aligned values"),
        _key("MeterValuesAlignedDataMaxLength", _CORE, "int", "R", "items in MeterValuesAlignedData"),
        _key("MeterValuesSampledData", _CORE, "list", "RW", "measurands of periodic values"),
        _key("MeterValuesSampledDataMaxLength", _CORE, "int", "R", "items in MeterValuesSampledData"),
        _key("MeterValueSampleInterval", _CORE, "int", "RW", "period of values during a transaction", "s"),
        _key("MinimumStatusDuration", _CORE, "int", "RW", "how long a status must last to be reported", "s"),
        _key("NumberOfConnectors", _CORE, "int", "R", "physical connectors"),
        _key("ResetRetries", _CORE, "int", "RW", "retries of a failed reset", "times"),
        _key("StopTransactionMaxMeterValues", _CORE, "int", "R", "most meter values in StopTransaction"),
        _key("StopTransactionOnEVSideDisconnect", _CORE, "bool", "RW", "unplugging at the car ends the transaction"),
        _key("StopTransactionOnInvalidId", _CORE, "bool", "RW", "end a transaction whose token is not accepted"),
        _key("StopTxnAlignedData", _CORE, "list", "RW", "clock-aligned measurands in StopTransaction"),
        _key("StopTxnAlignedDataMaxLength", _CORE, "int", "R", "items in StopTxnAlignedData"),
        _key("StopTxnSampledData", _CORE, "list", "RW", "periodic measurands in StopTransaction"),
        _key("StopTxnSampledDataMaxLength", _CORE, "int", "R", "items in StopTxnSampledData"),
        _key("SupportedFeatureProfiles", _CORE, "list", "R", "profiles the station supports"),
        _key("SupportedFeatureProfilesMaxLength", _CORE, "int", "R", "items in SupportedFeatureProfiles"),
        _key("TransactionMessageAttempts", _CORE, "int", "RW", "how often a transaction message is sent", "times"),
        _key("TransactionMessageRetryInterval", _CORE, "int", "RW", "wait before it is sent again", "s"),
        _key("UnlockConnectorOnEVSideDisconnect", _CORE, "bool", "RW", "unlock when unplugged at the car"),
        _key("WebSocketPingInterval", _CORE, "int", "RW", "distance of pings from the station; 0: none", "s"),
        _key("LocalAuthListEnabled", _LIST, "bool", "RW", "the local list is on"),
        _key("LocalAuthListMaxLength", _LIST, "int", "R", "tokens in the local list"),
        _key("SendLocalListMaxLength", _LIST, "int", "R", "tokens per SendLocalList"),
        _key("ReserveConnectorZeroSupported", "Reservation", "bool", "R", "reservations without a connector"),
        _key("ChargeProfileMaxStackLevel", _SMART, "int", "R", "highest stack level"),
        _key("ChargingScheduleAllowedChargingRateUnit", _SMART, "list", "R", "Current (A) and Power (W)"),
        _key("ChargingScheduleMaxPeriods", _SMART, "int", "R", "periods per schedule"),
        _key("ConnectorSwitch3to1PhaseSupported", _SMART, "bool", "R", "can drop to one phase while charging"),
        _key("MaxChargingProfilesInstalled", _SMART, "int", "R", "profiles in all"),
        _key("SupportedFileTransferProtocols", "FirmwareManagement", "list", "R", "FTP, FTPS, HTTP, HTTPS"),
        _key("AdditionalRootCertificateCheck", _SECURITY, "bool", "R", "a new root must be signed by the old one"),
        _key("AuthorizationKey", _SECURITY, "text", "W", "password, 32 to 40 hexadecimal digits; never readable"),
        _key("CertificateSignedMaxChainSize", _SECURITY, "int", "R", "longest certificate chain", "characters"),
        _key("CertificateStoreMaxLength", _SECURITY, "int", "R", "root certificates that fit"),
        _key("CpoName", _SECURITY, "text", "RW", "name of the operator, for certificate requests"),
        _key("SecurityProfile", _SECURITY, "int", "RW", "security profile, may only rise"),
    ]
)
"""All keys by their name in small letters: keys compare without case (§2.1)."""


def items_of(value: str) -> list[str]:
    """The items of a comma-separated list; an empty text is an empty list (§2.1)."""
    return [item.strip() for item in value.split(",")] if value.strip() else []


def doubt_about(key: str, value: str) -> str | None:
    """What is odd about giving a key this value, in words; None when nothing is."""
    known = KEYS.get(key.strip().lower())
    if known is None:
        return None
    if known.access == "R":
        return f"{known.key} can only be read."
    if known.type == "bool" and value.strip().lower() not in {"true", "false"}:
        return f"{known.key} is `true` or `false`."
    if known.type == "int" and not value.strip().lstrip("-").isdecimal():
        return f"{known.key} is a whole number."
    if known.type == "int" and value.strip().startswith("-"):
        return f"{known.key} is not negative."
    return None
