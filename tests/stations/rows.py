"""The quirks of real stations, row by row as they were gathered, and the dialogues of the corpus that play each."""

from typing import Final

__all__ = ["OF_NO_ROW", "ROWS"]

ROWS: Final[dict[str, tuple[str, ...]]] = {
    # Connection and identity.
    "no Sec-WebSocket-Protocol": ("profiles: no Sec-WebSocket-Protocol",),
    "Connection header lacks Upgrade": ("connection: Connection header lacks Upgrade",),
    "offers 2.0.1 but speaks 1.6 frames": ("connection: offers 2.0.1 but speaks 1.6 frames",),
    "extra path segment after the id": ("connection: extra path segment after the id",),
    "double, missing, trailing slash": ("connection: double slash", "connection: trailing slash"),
    "full URL in the request path": ("connection: full URL in the request path",),
    "percent-encoded or unusual id": ("connection: percent-encoded id",),
    "several parallel connections": ("connection: several parallel connections",),
    "never answers a ping": ("profiles: never answers a ping",),
    "slow redial, odd TLS": ("connection: slow redial",),
    # Framing and JSON.
    "invalid JSON: a value is missing": (
        "framing: invalid JSON: a value is missing",
        "profiles: invalid JSON: a value is missing, repaired",
    ),
    "NUL bytes in strings": ("framing: NUL bytes in strings", "framing: raw NUL bytes in the frame"),
    "null payload": ("framing: null payload",),
    "empty text frames": ("framing: empty text frames",),
    "empty or non-unique messageId": (
        "framing: empty messageId",
        "framing: repeated messageId",
        "profiles: message ids are used again, by profile",
        "framing: integer messageId",
    ),
    "wrong JSON types": ("framing: wrong JSON types",),
    "backslashes, corrupted, truncated values": (
        "framing: corrupted and truncated values",
        "framing: truncated frame",
    ),
    "huge arrays and long values": ("framing: long information", "framing: configuration values over 500 characters"),
    "too-long serial numbers": ("framing: too-long serial numbers",),
    "trailing spaces": ("framing: trailing spaces in enumerations", "framing: trailing spaces in keys"),
    # Times and values.
    "timestamp without zone": (
        "values: timestamp without zone",
        "values: a timestamp that cannot be read",
        "profiles: timestamp without zone, local by profile",
    ),
    "offset of hours only": ("values: offset of hours only",),
    "a clock in 1970": ("values: a clock in 1970",),
    "fractional seconds of any length": ("values: fractional seconds of any length",),
    "local time labelled Z": ("values: local time labelled Z",),
    "unknown errorCode": ("values: unknown errorCode",),
    "units by other names": ("values: units by other names",),
    "W labelled Wh, kWh labelled Wh, missing unit": (
        "values: power labelled Wh",
        "profiles: kWh labelled Wh, scaled by profile",
    ),
    "measurand with a phase in it": ("values: measurand with a phase in it, L1-N for a current",),
    "wrong context value": ("values: wrong context value",),
    "empty sampledValue in StopTransaction": ("values: empty sampledValue in StopTransaction",),
    "static values of Transaction.Begin": ("values: values of Transaction.Begin again and again",),
    "W or Power as charging rate units": ("values: W or Power in ChargingScheduleAllowedChargingRateUnit",),
    "missing or empty vendor or model": ("values: missing and empty vendor and model in a boot",),
    "missing connectorId, evseId 0 of 2.0.1": ("values: status in the words of 2.0.1",),
    "status of connector 0 hides connectors": ("values: status of connector 0 beside that of connectors",),
    # Transactions.
    "transactionId 0 in MeterValues": ("transactions: transactionId 0 in MeterValues",),
    "Stop with transactionId 0": ("transactions: Stop with transactionId 0",),
    "transactionId -1": ("transactions: transactionId -1",),
    "ids of the station's own": ("transactions: ids of the station's own",),
    "unknown ids": ("transactions: unknown ids",),
    "MeterValues without transactionId, after the stop": (
        "transactions: MeterValues without transactionId, and after the stop",
    ),
    "never sends StartTransaction": ("transactions: never sends StartTransaction",),
    "duplicate StartTransaction after a time-out": ("transactions: duplicate StartTransaction after a time-out",),
    "reservationId 0": ("transactions: reservationId 0",),
    "Stop without idTag, tags of another kind": (
        "transactions: Stop without idTag",
        "transactions: tags of another kind",
    ),
    "hex-only tags": ("transactions: hex-only tags",),
    "closing meter after the stop": ("transactions: closing meter after the stop",),
    "flood of old MeterValues": ("transactions: flood of old MeterValues",),
    # Commands and capabilities.
    "requests before the boot is answered": ("commands: requests before the boot is answered",),
    "a triggered boot really reboots": ("commands: a triggered boot really reboots",),
    "GetConfiguration: one key, unanswered, reboots": (
        "commands: one key per GetConfiguration",
        "commands: a parameterless GetConfiguration that is never answered",
    ),
    "ChangeConfiguration accepted and not done": ("commands: ChangeConfiguration accepted and not done",),
    "NotSupported and a loop of retries": ("commands: NotSupported is told and not repeated",),
    "stackLevel must be 0, another purpose": ("commands: stackLevel must be 0",),
    "ChargePointMaxProfile ignored": ("commands: ChargePointMaxProfile ignored",),
    "limit 0 locks until replug": ("commands: limit 0 locks until replug",),
    "a limit with a decimal": ("commands: a limit with a decimal",),
    "connectorId required in RemoteStart": ("commands: connectorId required in RemoteStart",),
    "ChangeAvailability of connector 0 rejected": ("commands: ChangeAvailability of connector 0 rejected",),
    "only some upload schemes": ("commands: only some upload schemes",),
}

OF_NO_ROW: Final = frozenset(
    {
        "profiles: one tolerance switched off",
        "profiles: strict by profile, for every station of a model",
        "profiles: lenient by profile, though the station is strict",
    }
)
"""Dialogues about the switches themselves."""
