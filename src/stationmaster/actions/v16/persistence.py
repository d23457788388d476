"""Which commands may wait for a station that is away (handbook §1.6): those that still make sense when it comes."""

from collections.abc import Mapping
from typing import Any, Final

from stationmaster.actions.v16.configuration_words import owner_of_key

__all__ = ["why_not_later"]

_NOW: Final = {
    "RemoteStartTransaction": "nobody may be at the station any more when it comes back",
    "RemoteStopTransaction": "it is about the transaction that runs now",
    "UnlockConnector": "nobody may be at the station any more when it comes back",
    "ReserveNow": "a reservation that was not confirmed keeps nothing free",
    "CertificateSigned": "it answers a request that the station will make anew",
}


def why_not_later(action: str, payload: Mapping[str, Any]) -> str | None:
    """Why a command must not wait, in words; None when it may."""
    if action in _NOW:
        return f"{action} cannot wait for a station that is away: {_NOW[action]}."
    if action == "ChangeConfiguration":
        return owner_of_key(str(payload.get("key", "")))
    profile = payload.get("csChargingProfiles")
    purpose = profile.get("chargingProfilePurpose") if isinstance(profile, Mapping) else None
    if action == "SetChargingProfile" and purpose == "TxProfile":
        return "A TxProfile cannot wait for a station that is away: it is about the transaction that runs now."
    return None
