"""The configuration keys of a simulated station (handbook §3.4): a table, and the values as they are now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from stationmaster.conformance.life.metering import MEASURANDS, PHASES

__all__ = ["CONFIGURATION_KEYS", "Configuration", "Key"]

PROFILES = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
MAX_KEYS_PER_REQUEST = 50
LONGEST_VALUE = 500
PASSWORD_DIGITS = range(32, 41, 2)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its first value, who may do what, and which values it takes."""

    name: str
    default: str
    access: str = "RW"
    allowed: Callable[[str], bool] = lambda value: len(value) <= LONGEST_VALUE
    needs_reboot: bool = False


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: value.strip().isascii() and value.strip().isdigit() and low <= int(value) <= high


def _boolean(value: str) -> bool:
    return value.strip().lower() in ("true", "false")


def _measurands(value: str) -> bool:
    return all(_is_measurand(item) for item in _split(value))


def _is_measurand(item: str) -> bool:
    name, _, phase = item.rpartition(".")
    return item in MEASURANDS or (name in MEASURANDS and phase in PHASES)


def _hexadecimal(value: str) -> bool:
    return len(value) in PASSWORD_DIGITS and all(digit in "0123456789abcdefABCDEF" for digit in value)


def _split(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


SECONDS = _between(0, 2**31 - 1)
_SAMPLED = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
_ALIGNED = "Energy.Active.Import.Register"
_FEW = _between(0, 10)

CONFIGURATION_KEYS = (
    Key("AllowOfflineTxForUnknownId", "false", allowed=_boolean),
    Key("AuthorizationCacheEnabled", "true", allowed=_boolean),
    Key("AuthorizeRemoteTxRequests", "true", allowed=_boolean),
    Key("BlinkRepeat", "3", allowed=_FEW),
    Key("ClockAlignedDataInterval", "900", allowed=SECONDS),
    Key("ConnectionTimeOut", "60", allowed=_between(1, 86_400)),
    Key("ConnectorPhaseRotation", "0.RST,1.RST,2.RST"),
    Key("GetConfigurationMaxKeys", str(MAX_KEYS_PER_REQUEST), "R"),
    Key("HeartbeatInterval", "300", allowed=SECONDS),
    Key("LightIntensity", "70", allowed=_between(0, 100)),
    Key("LocalAuthorizeOffline", "true", allowed=_boolean),
    Key("LocalPreAuthorize", "false", allowed=_boolean),
    Key("MaxEnergyOnInvalidId", "0", allowed=SECONDS),
    Key("MessageTimeout", "30", allowed=_between(1, 600)),
    Key("MeterValuesAlignedData", _ALIGNED, allowed=_measurands),
    Key("MeterValuesAlignedDataMaxLength", "10", "R"),
    Key("MeterValuesSampledData", _SAMPLED, allowed=_measurands),
    Key("MeterValuesSampledDataMaxLength", "10", "R"),
    Key("MeterValueSampleInterval", "60", allowed=SECONDS),
    Key("NumberOfConnectors", "1", "R"),
    Key("ResetRetries", "1", allowed=_FEW),
    Key("StopTransactionMaxMeterValues", "100", "R"),
    Key("StopTransactionOnEVSideDisconnect", "true", allowed=_boolean),
    Key("StopTransactionOnInvalidId", "true", allowed=_boolean),
    Key("StopTxnAlignedData", "", allowed=_measurands),
    Key("StopTxnSampledData", "Energy.Active.Import.Register", allowed=_measurands),
    Key("SupportedFeatureProfiles", PROFILES, "R"),
    Key("TransactionMessageAttempts", "5", allowed=_between(1, 100)),
    Key("TransactionMessageRetryInterval", "20", allowed=_between(1, 86_400)),
    Key("UnlockConnectorOnEVSideDisconnect", "true", allowed=_boolean),
    Key("WebSocketPingInterval", "60", allowed=SECONDS, needs_reboot=True),
    Key("LocalAuthListEnabled", "true", allowed=_boolean),
    Key("LocalAuthListMaxLength", "1000", "R"),
    Key("SendLocalListMaxLength", "100", "R"),
    Key("ReserveConnectorZeroSupported", "true", "R"),
    Key("ChargeProfileMaxStackLevel", "9", "R"),
    Key("ChargingScheduleAllowedChargingRateUnit", "Current,Power", "R"),
    Key("ChargingScheduleMaxPeriods", "96", "R"),
    Key("ConnectorSwitch3to1PhaseSupported", "false", "R"),
    Key("MaxChargingProfilesInstalled", "50", "R"),
    Key("SupportedFileTransferProtocols", "HTTP,HTTPS", "R"),
    Key("AuthorizationKey", "", "W", allowed=_hexadecimal),
    Key("CpoName", ""),
    Key("SecurityProfile", "0", "R"),
)


class Configuration:
    """The values of all keys. Keys compare without regard to case (handbook §2.1)."""

    def __init__(self, **values: str) -> None:
        self._keys = {key.name.lower(): key for key in CONFIGURATION_KEYS}
        self._values = {key.name.lower(): key.default for key in CONFIGURATION_KEYS}
        for name, value in values.items():
            self._values[self._keys[name.lower()].name.lower()] = value

    def text(self, name: str) -> str:
        """A value as it goes on the wire."""
        return self._values[name.lower()]

    def integer(self, name: str) -> int:
        """A number."""
        return int(self.text(name))

    def boolean(self, name: str) -> bool:
        """A switch."""
        return self.text(name).strip().lower() == "true"

    def items(self, name: str) -> list[str]:
        """A comma separated list."""
        return _split(self.text(name))

    def set(self, name: str, value: str) -> None:
        """Set a value from inside the station."""
        self._values[name.lower()] = value

    def read(self, names: Iterable[str]) -> dict[str, Any]:
        """GetConfiguration.conf for these keys, or for all of them if none is named (§3.3.7)."""
        wanted = list(names) or [key.name for key in CONFIGURATION_KEYS]
        known = [key for name in wanted if (key := self._keys.get(name.lower())) is not None and key.access != "W"]
        unknown = [name for name in wanted if name.lower() not in self._keys]
        answer: dict[str, Any] = {
            "configurationKey": [
                {"key": key.name, "readonly": key.access == "R", "value": self.text(key.name)} for key in known
            ]
        }
        return answer | ({"unknownKey": unknown} if unknown else {})

    def change(self, name: str, value: str) -> str:
        """The status of ChangeConfiguration.conf; the value is changed if it is Accepted or RebootRequired (§3.3.3)."""
        key = self._keys.get(name.lower())
        if key is None:
            return "NotSupported"
        if key.access == "R" or not key.allowed(value):
            return "Rejected"
        self._values[key.name.lower()] = value
        return "RebootRequired" if key.needs_reboot else "Accepted"
