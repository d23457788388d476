"""What OCPP 1.6 knows of its configuration keys: whose they are, what to advise, templates to copy.

The rule that shapes this file: figures of the handbook, each with its section; the words are for people.
"""

from collections.abc import Mapping
from typing import Final

from stationmaster.actions.v16.configuration_keys import KEYS, doubt_about, items_of
from stationmaster.domain.configuration_advice import Advice, Recipe
from stationmaster.domain.desired_configuration import TemplateValue

__all__ = ["PAGE_LIMIT_KEY", "RECIPES", "advice_on", "doubt_about", "kind_of_key", "owner_of_key"]

PAGE_LIMIT_KEY: Final = "GetConfigurationMaxKeys"
"""How many keys a station takes per GetConfiguration (§3.3.7)."""

_OWNED: Final = {
    "authorizationkey": (
        "AuthorizationKey is the station's password: every station has its own, and both sides must change it together "
        "(§4.5). Use “rotate password” of the station instead."
    ),
    "securityprofile": (
        "SecurityProfile may only rise, and the station must come back with the new one (§4.6). "
        "Use “raise security profile” of the station instead."
    ),
}
_HEARTBEAT_LEAST_S: Final = 60
_HEARTBEAT_MOST_S: Final = 86_400
_SAMPLE_LEAST_S: Final = 10


def kind_of_key(key: str) -> str | None:
    """What a key holds: bool, int, list or text; None for a key that the specification does not describe."""
    known = KEYS.get(key.strip().lower())
    return None if known is None else known.type


def owner_of_key(key: str) -> str | None:
    """Why a key is not for templates, in words; None when it is."""
    return _OWNED.get(key.strip().lower())


# Advice.


def advice_on(values: Mapping[str, str]) -> list[Advice]:
    """What to consider about a station with these values, by key in small letters."""
    found = (_pings(values), _heartbeat(values), _samples(values), _energy(values), _stop_data(values))
    return [each for each in found if each is not None]


def _number(values: Mapping[str, str], key: str) -> int | None:
    text = values.get(key.lower(), "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _pings(values: Mapping[str, str]) -> Advice | None:
    """A half-open connection can use up all attempts of a transaction message [JE 3.9] (§1.10)."""
    keys = ("WebSocketPingInterval", "TransactionMessageAttempts", "TransactionMessageRetryInterval")
    ping_s, attempts, retry_s = (_number(values, key) for key in keys)
    if ping_s is None or attempts is None or retry_s is None:
        return None
    if ping_s == 0:
        words = (
            "The station sends no pings (WebSocketPingInterval is 0): it notices a half-open connection only when a "
            "message goes unanswered. The server pings it instead."
        )
        return Advice(code="no_pings", severity="notice", keys=keys[:1], words=words)
    if ping_s < attempts * retry_s:
        return None
    words = (
        f"The station pings every {ping_s} s, but gives a transaction message up after {attempts} x {retry_s} s = "
        f"{attempts * retry_s} s: a half-open connection can lose it. WebSocketPingInterval should be below "
        "TransactionMessageAttempts x TransactionMessageRetryInterval."
    )
    return Advice(code="pings_too_rare", severity="warning", keys=keys, words=words)


def _heartbeat(values: Mapping[str, str]) -> Advice | None:
    """The clock is set by Heartbeats: one a day at least (§1.10); each costs a message."""
    interval_s = _number(values, "HeartbeatInterval")
    if interval_s is None:
        return None
    if interval_s == 0 or interval_s > _HEARTBEAT_MOST_S:
        words = "Without a Heartbeat at least once a day the station's clock is not set, and its times drift."
        return Advice(code="heartbeat_too_rare", severity="warning", keys=("HeartbeatInterval",), words=words)
    if interval_s < _HEARTBEAT_LEAST_S:
        words = f"A Heartbeat every {interval_s} s costs data and battery; pings keep the connection alive for less."
        return Advice(code="heartbeat_too_often", severity="notice", keys=("HeartbeatInterval",), words=words)
    return None


def _samples(values: Mapping[str, str]) -> Advice | None:
    interval_s = _number(values, "MeterValueSampleInterval")
    if interval_s is None:
        return None
    if interval_s == 0:
        words = "MeterValueSampleInterval is 0: no values come during a transaction, and a lost stop loses its energy."
        return Advice(code="no_samples", severity="warning", keys=("MeterValueSampleInterval",), words=words)
    if interval_s < _SAMPLE_LEAST_S:
        words = f"Meter values every {interval_s} s are a lot of messages; 60 to 900 s is usual (§3.5)."
        return Advice(code="samples_too_often", severity="notice", keys=("MeterValueSampleInterval",), words=words)
    return None


def _energy(values: Mapping[str, str]) -> Advice | None:
    measurands = values.get("metervaluessampleddata")
    if measurands is None:
        return None
    if "energy.active.import.register" in {item.lower() for item in items_of(measurands)}:
        return None
    words = (
        "MeterValuesSampledData has no Energy.Active.Import.Register: the energy of a transaction whose stop is lost "
        "cannot be told (§3.5)."
    )
    return Advice(code="no_energy_register", severity="warning", keys=("MeterValuesSampledData",), words=words)


def _stop_data(values: Mapping[str, str]) -> Advice | None:
    """Long StopTransaction messages are what small links lose (§1.12, §3.5)."""
    items = items_of(values.get("stoptxnsampleddata", ""))
    if len(items) <= 1:
        return None
    words = (
        f"StopTxnSampledData has {len(items)} measurands: StopTransaction repeats all of them and may become several "
        "hundred KiB long. Empty, or the energy register alone, is enough."
    )
    return Advice(code="stop_data_long", severity="notice", keys=("StopTxnSampledData",), words=words)


# Templates to copy.


def _entries(**values: str) -> tuple[TemplateValue, ...]:
    return tuple(TemplateValue(key, value) for key, value in values.items())


_REGISTER: Final = "Energy.Active.Import.Register"

RECIPES: Final = (
    Recipe(
        id="public-metering",
        name="Metering of a public station",
        note=(
            "Values every minute during a transaction and every quarter of an hour by the clock. Reduce the measurands "
            "to those that the station supports: it refuses a list with one that it does not."
        ),
        entries=_entries(
            MeterValueSampleInterval="60",
            MeterValuesSampledData=f"{_REGISTER},Power.Active.Import,Current.Import,Voltage,SoC",
            ClockAlignedDataInterval="900",
            MeterValuesAlignedData=_REGISTER,
            StopTxnSampledData="",
            StopTxnAlignedData="",
        ),
        source="§3.5.1",
    ),
    Recipe(
        id="thrifty-metering",
        name="Metering over a slow or costly link",
        note="The energy register alone, every quarter of an hour: enough to bill a transaction whose stop is lost.",
        entries=_entries(
            MeterValueSampleInterval="900",
            MeterValuesSampledData=_REGISTER,
            ClockAlignedDataInterval="0",
            StopTxnSampledData="",
            StopTxnAlignedData="",
        ),
        source="§3.5.1",
    ),
    Recipe(
        id="keep-alive",
        name="Connection and retries",
        note=(
            "Pings come sooner than all attempts to send a transaction message are used up, so that a half-open "
            "connection is noticed before one is lost; a Heartbeat an hour keeps the clock right."
        ),
        entries=_entries(
            WebSocketPingInterval="60",
            TransactionMessageAttempts="5",
            TransactionMessageRetryInterval="60",
            HeartbeatInterval="3600",
        ),
        source="§1.10",
    ),
    Recipe(
        id="strict-authorization",
        name="Charge only for tokens that are known",
        note="Nobody charges offline with a token that the station has not seen, and an invalid token ends at once.",
        entries=_entries(
            AuthorizeRemoteTxRequests="true",
            AllowOfflineTxForUnknownId="false",
            LocalPreAuthorize="false",
            StopTransactionOnInvalidId="true",
            MaxEnergyOnInvalidId="0",
        ),
        source="§3.4",
    ),
)
