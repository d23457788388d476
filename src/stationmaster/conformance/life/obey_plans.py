"""Smart charging, reservations and local lists, as a station obeys them (handbook §3.6-§3.8)."""

from typing import Any

from stationmaster.conformance.life.answers import Reply, status
from stationmaster.conformance.life.connectors import Connector
from stationmaster.conformance.life.core import StationCore
from stationmaster.conformance.life.reservations import Reservation
from stationmaster.instants import format_instant, parse_instant

__all__ = [
    "cancel_reservation",
    "clear_charging_profile",
    "get_composite_schedule",
    "get_local_list_version",
    "reserve_now",
    "send_local_list",
    "set_charging_profile",
]


def set_charging_profile(station: StationCore, request: dict[str, Any]) -> Reply:
    """Install a profile if its purpose fits its place (§3.6.2), and obey it at once."""
    number, profile = request["connectorId"], request["csChargingProfiles"]
    connector = station.connector(number)
    fits = {
        "ChargePointMaxProfile": number == 0,
        "TxDefaultProfile": number == 0 or connector is not None,
        "TxProfile": _runs(connector, profile.get("transactionId")),
    }[profile["chargingProfilePurpose"]]
    highest = station.configuration.integer("ChargeProfileMaxStackLevel")
    most_periods = station.configuration.integer("ChargingScheduleMaxPeriods")
    periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
    if not fits or not 0 <= profile["stackLevel"] <= highest or not 1 <= len(periods) <= most_periods:
        return status("Rejected")
    if not station.profiles.install(number, profile):
        return status("Rejected")
    return status("Accepted", lambda: _apply(station))


def clear_charging_profile(station: StationCore, request: dict[str, Any]) -> Reply:
    """Remove profiles (§3.3.5)."""
    removed = station.profiles.clear(request)
    return status("Accepted" if removed else "Unknown", lambda: _apply(station))


def get_composite_schedule(station: StationCore, request: dict[str, Any]) -> Reply:
    """Tell what will limit a connector (§3.3.6); without any profile that is the outlet itself."""
    number, unit, now = request["connectorId"], request.get("chargingRateUnit", "A"), station.clock.now()
    chosen = station.connectors if number == 0 else [one for one in station.connectors if one.number == number]
    if not chosen:
        return status("Rejected")
    transaction = chosen[0].transaction if number else None
    started_at = None if transaction is None else transaction.started_at
    periods = station.profiles.composite(number, now, request["duration"], unit, started_at)
    if not periods or periods[0]["startPeriod"] > 0:
        watts = sum(connector.outlet.power_w for connector in chosen)
        built_in = watts if unit == "W" else watts / 230.0 / 3
        periods.insert(0, {"startPeriod": 0, "limit": int(built_in * 10) / 10})
    return Reply(
        {
            "status": "Accepted",
            "connectorId": number,
            "scheduleStart": format_instant(now),
            "chargingSchedule": {
                "duration": request["duration"],
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": periods,
            },
        }
    )


def reserve_now(station: StationCore, request: dict[str, Any]) -> Reply:
    """Keep a connector for somebody (§3.8)."""
    number, expires_at = request["connectorId"], parse_instant(request["expiryDate"])
    reservation = Reservation(
        request["reservationId"], number, request["idTag"], request.get("parentIdTag"), expires_at
    )
    if expires_at <= station.clock.now():
        return status("Rejected")
    replaced = station.reservations.remove(reservation.id)
    if replaced is not None and (before := station.connector(replaced.connector)) is not None:
        before.reserved = False
    answer = _room_for(station, number)
    if answer != "Accepted":
        return status(answer)
    station.reservations.add(reservation)
    station.reservations_changed.set()
    if (connector := station.connector(number)) is not None:
        connector.reserved = True
    return status("Accepted", station.announce_all)


def cancel_reservation(station: StationCore, request: dict[str, Any]) -> Reply:
    """Free a connector again (§3.3.1)."""
    reservation = station.reservations.remove(request["reservationId"])
    if reservation is None:
        return status("Rejected")
    if (connector := station.connector(reservation.connector)) is not None:
        connector.reserved = False
    return status("Accepted", station.announce_all)


def get_local_list_version(station: StationCore, _request: dict[str, Any]) -> Reply:
    """Tell the version; -1 while lists are switched off (§3.3.9)."""
    enabled = station.configuration.boolean("LocalAuthListEnabled")
    return Reply({"listVersion": station.local_list.version if enabled else -1})


def send_local_list(station: StationCore, request: dict[str, Any]) -> Reply:
    """Take a list (§3.7)."""
    if not station.configuration.boolean("LocalAuthListEnabled"):
        return status("NotSupported")
    if len(request.get("localAuthorizationList", [])) > station.configuration.integer("SendLocalListMaxLength"):
        return status("Failed")
    return status(station.local_list.update(request))


async def _apply(station: StationCore) -> None:
    for connector in station.connectors:
        connector.nudge()


def _runs(connector: Connector | None, transaction_id: int | None) -> bool:
    """A TxProfile needs the transaction that it is for."""
    if connector is None or connector.transaction is None:
        return False
    return transaction_id is None or transaction_id == connector.transaction.id


def _room_for(station: StationCore, number: int) -> str:
    """Whether a connector (0: any one) can be kept: a ReservationStatus."""
    if number == 0:
        free = [connector for connector in station.connectors if connector.status == "Available"]
        return "Accepted" if len(free) > station.reservations.any_connector() else "Occupied"
    connector = station.connector(number)
    if connector is None:
        return "Rejected"
    by_status = {"Available": "Accepted", "Faulted": "Faulted", "Unavailable": "Unavailable"}
    return by_status.get(connector.status, "Occupied")
