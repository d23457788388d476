"""Which commands of OCPP 1.6 are dangerous (RELIABILITY S-17): the one table.

Dangerous is what takes a station away from us or from its drivers, or opens it to somebody else, and
cannot be taken back by the next command. It needs the permission `commands:dangerous`. What an
operator does all day does not: a Soft reset, unlocking a cable, taking a connector out of service and
back, starting and stopping, reservations, profiles of a connector, reading whatever can be read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from stationmaster.ocpp.v16.provisioning import ChangeConfigurationRequest, ResetRequest
from stationmaster.ocpp.v16.smart_charging import SetChargingProfileRequest

__all__ = ["DANGERS", "Danger", "danger_of"]

LEAST_CURRENT_A: Final = Decimal(6)
"""No car charges with less (IEC 61851-1): a lower limit is none at all."""
LEAST_POWER_W: Final = LEAST_CURRENT_A * 230


@dataclass(frozen=True, slots=True)
class Danger:
    """Why a command is dangerous, and which messages are: `when` says it in words, None stands for all of them."""

    why: str
    when: str | None = None
    applies: Callable[[Any], bool] = lambda _message: True


_TELLING_KEYS: Final = ("authorizationkey", "securityprofile", "cponame", "additionalrootcertificatecheck")
_TELLING_PARTS: Final = ("password", "passwd", "url", "uri", "certificate", "endpoint", "backend", "centralsystem")


def _is_hard(message: ResetRequest) -> bool:
    return message.type == "Hard"


def _decides_who_is_in_charge(message: ChangeConfigurationRequest) -> bool:
    """Keys by which the two sides trust each other, and vendors' keys whose name says where the station connects."""
    key = message.key.strip().lower()
    return key in _TELLING_KEYS or any(part in key.replace("_", "").replace("-", "") for part in _TELLING_PARTS)


def _stops_the_station(message: SetChargingProfileRequest) -> bool:
    schedule = message.cs_charging_profiles.charging_schedule
    least = LEAST_CURRENT_A if schedule.charging_rate_unit == "A" else LEAST_POWER_W
    return message.connector_id == 0 and any(period.limit < least for period in schedule.charging_schedule_period)


DANGERS: Final[Mapping[str, Danger]] = {
    "CertificateSigned": Danger("A wrong certificate locks the station out."),
    "ChangeConfiguration": Danger(
        "It decides whom the station trusts or where it connects: a mistake locks it out for good.",
        "the key is AuthorizationKey, SecurityProfile, CpoName or AdditionalRootCertificateCheck, or is named after "
        "a password, a certificate, a URL or a back end",
        _decides_who_is_in_charge,
    ),
    "ClearCache": Danger("Drivers that the station knows are turned away the next time it is offline."),
    "DeleteCertificate": Danger("Without its root certificate the station trusts nobody any more."),
    "InstallCertificate": Danger("The station will trust whoever this certificate vouches for."),
    "Reset": Danger("A Hard reset ends transactions without their last values.", "the type is Hard", _is_hard),
    "SetChargingProfile": Danger(
        "Nobody can charge at the whole station.",
        "connector 0 is limited to less than 6 A or 1380 W",
        _stops_the_station,
    ),
    "SignedUpdateFirmware": Danger("Wrong firmware can end a station."),
    "UpdateFirmware": Danger("Wrong firmware can end a station, and this kind is not even signed."),
}


def danger_of(action: str, message: Any) -> str | None:
    """Why this very message is dangerous, in words; None when it is not."""
    danger = DANGERS.get(action)
    return danger.why if danger is not None and danger.applies(message) else None
