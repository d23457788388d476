"""Facts as the tests of the storage tell them: short calls, everything else a plain default."""

from typing import Any

from stationmaster.domain.facts import (
    ConnectorStatusChanged,
    MessageLogged,
    MeterSample,
    MeterSampled,
    StartUnanswered,
    StationBooted,
    StationConnected,
    StationDisconnected,
    TransactionEnded,
    TransactionStarted,
)
from stationmaster.domain.locations import Location
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.instants import Instant, format_instant, parse_instant

NOON: Instant = parse_instant("2025-03-01T12:00:00Z")
SECOND = 1_000_000


def at(seconds: float) -> Instant:
    """A moment on the day of the tests."""
    return NOON + round(seconds * SECOND)


def head(station_id: str, seconds: float = 0) -> dict[str, Any]:
    """What every fact begins with."""
    return {"organisation_id": DEFAULT_ORGANISATION_ID, "station_id": station_id, "received_at": at(seconds)}


def place(station_id: str, number: int) -> Location:
    """The connector that 1.6 counts as `number`."""
    return Location.of_connector_number(station_id, number)


def started(
    id: int, station_id: str = "CP1", connector: int = 1, seconds: float = 0, **more: Any
) -> TransactionStarted:
    """A start, as the station says it, received five seconds later."""
    fields: dict[str, Any] = {
        "protocol": "ocpp1.6",
        "location": place(station_id, connector),
        "id_tag": "TAG",
        "token_id": None,
        "parent_id_tag": None,
        "meter_start_wh": 1000,
        "started_at": at(seconds),
        "started_at_text": format_instant(at(seconds)),
        "authorization_status": "Accepted",
    }
    return TransactionStarted(**(head(station_id, seconds + 5) | {"id": id} | fields | more))


def unanswered(id: int, station_id: str = "CP1", seconds: float = 0) -> StartUnanswered:
    """The answer to a start did not get through."""
    return StartUnanswered(**head(station_id, seconds), transaction_id=id)


def ended(
    ocpp_id: str,
    orphan_id: int,
    station_id: str = "CP1",
    seconds: float = 3600,
    meter_stop_wh: int | None = 8000,
    **more: Any,
) -> TransactionEnded:
    """An end, received five seconds later."""
    fields: dict[str, Any] = {
        "protocol": "ocpp1.6",
        "ended_at": at(seconds),
        "ended_at_text": format_instant(at(seconds)),
        "reason": "Local",
    }
    return TransactionEnded(
        **head(station_id, seconds + 5),
        ocpp_id=ocpp_id,
        orphan_id=orphan_id,
        meter_stop_wh=meter_stop_wh,
        **(fields | more),
    )


def register(wh: float, **more: Any) -> MeterSample:
    """A reading of the energy register."""
    return MeterSample(raw=str(wh), value=float(wh), unit="Wh", **more)


def voltage(volts: float, phase: str = "L1", **more: Any) -> MeterSample:
    """A voltage of a phase."""
    return MeterSample(raw=str(volts), value=float(volts), measurand="Voltage", unit="V", phase=phase, **more)


def sampled(
    transaction_id: int | None,
    *samples: MeterSample,
    station_id: str = "CP1",
    connector: int | None = 1,
    seconds: float = 60,
    **more: Any,
) -> MeterSampled:
    """Values of one moment; with `connector` None as they come with an end, which names none."""
    return MeterSampled(
        **head(station_id, seconds + 1),
        location=None if connector is None else place(station_id, connector),
        transaction_id=transaction_id,
        sampled_at=at(seconds),
        samples=samples,
        **more,
    )


def status(
    name: str, station_id: str = "CP1", connector: int = 1, seconds: float = 0, **more: Any
) -> ConnectorStatusChanged:
    """A status of a connector."""
    fields: dict[str, Any] = {"error_code": "NoError", "reported_at": at(seconds)} | more
    return ConnectorStatusChanged(
        **head(station_id, seconds), location=place(station_id, connector), status=name, **fields
    )


def logged(frame: str, station_id: str = "CP1", seconds: float = 0, **more: Any) -> MessageLogged:
    """A frame."""
    fields: dict[str, Any] = {
        "connection_id": 1,
        "direction": "in",
        "kind": "call",
        "message_id": "m1",
        "action": "Heartbeat",
    } | more
    return MessageLogged(**head(station_id, seconds), frame=frame, **fields)


def booted(registration: str = "Accepted", station_id: str = "CP1", seconds: float = 0, **more: Any) -> StationBooted:
    """A boot."""
    fields: dict[str, Any] = {"protocol": "ocpp1.6", "vendor": "Vendor", "model": "Model"} | more
    return StationBooted(**head(station_id, seconds), registration=registration, **fields)


def connected(
    connection_id: int, epoch: int, station_id: str = "CP1", seconds: float = 0, **more: Any
) -> StationConnected:
    """A connection."""
    fields: dict[str, Any] = {
        "node_id": "node-1",
        "remote_address": "192.0.2.1",
        "protocol": "ocpp1.6",
        "security_profile": 1,
    } | more
    return StationConnected(**head(station_id, seconds), connection_id=connection_id, epoch=epoch, **fields)


def disconnected(
    connection_id: int, epoch: int, station_id: str = "CP1", seconds: float = 0, **more: Any
) -> StationDisconnected:
    """The end of a connection."""
    fields: dict[str, Any] = {"close_code": 1006, "reason": "lost"} | more
    return StationDisconnected(**head(station_id, seconds), connection_id=connection_id, epoch=epoch, **fields)
