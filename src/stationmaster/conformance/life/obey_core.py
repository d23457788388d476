"""The commands of the Core profile, as a station obeys them (handbook §3.3)."""

from typing import Any

from stationmaster.conformance.life.answers import Reply, status
from stationmaster.conformance.life.connectors import Phase, Stop
from stationmaster.conformance.life.core import StationCore

__all__ = [
    "change_availability",
    "change_configuration",
    "clear_cache",
    "data_transfer",
    "get_configuration",
    "remote_start",
    "remote_stop",
    "reset",
    "unlock_connector",
]

RECONNECT_AFTER_S = 3.0


def change_availability(station: StationCore, request: dict[str, Any]) -> Reply:
    """Take a connector, or all of them, out of service or into it; after the transaction if one runs."""
    answer = station.set_operative(request["connectorId"], request["type"] == "Operative")
    return status(answer, station.announce_all)


def change_configuration(station: StationCore, request: dict[str, Any]) -> Reply:
    """Set a key. A new password is used at once: the station comes back with it (§4.5)."""
    key, value = request["key"], request["value"]
    answer = station.configuration.change(key, value)

    async def come_back() -> None:
        if key.lower() == "authorizationkey" and answer == "Accepted":
            station.use_password(bytes.fromhex(value))
            await station.clock.sleep(RECONNECT_AFTER_S)
            if station.link is not None:
                await station.link.close(1000, "new password")
        for connector in station.connectors:
            connector.nudge()

    return status(answer, come_back)


def clear_cache(station: StationCore, _request: dict[str, Any]) -> Reply:
    """Forget what was learnt of tags."""
    if not station.configuration.boolean("AuthorizationCacheEnabled"):
        return status("Rejected")
    station.cache.clear()
    return status("Accepted")


def data_transfer(station: StationCore, request: dict[str, Any]) -> Reply:
    """No vendor extension is known here; of our own vendor, no message."""
    own = request["vendorId"].lower() == station.traits.vendor.lower()
    return status("UnknownMessageId" if own else "UnknownVendorId")


def get_configuration(station: StationCore, request: dict[str, Any]) -> Reply:
    """Tell keys."""
    return Reply(station.configuration.read(request.get("key", [])))


def remote_start(station: StationCore, request: dict[str, Any]) -> Reply:
    """Try to start a transaction: identify the car that waits, or wait for one (§3.3.10)."""
    id_tag, number = request["idTag"], request.get("connectorId")
    connector = station.free_connector(id_tag) if number is None else station.connector(number)
    if connector is None or connector.identified is not None or station.rebooting is not None:
        return status("Rejected")
    if connector.phase is not Phase.PREPARING and not connector.usable:
        return status("Rejected")
    if connector.reserved and not station.reservations.admitting(connector.number, id_tag, station.parent_of(id_tag)):
        return status("Rejected")

    async def identify() -> None:
        connector.identified = id_tag
        connector.remote_profile = request.get("chargingProfile")
        connector.nudge()

    return status("Accepted", identify)


def remote_stop(station: StationCore, request: dict[str, Any]) -> Reply:
    """Stop the transaction with this id."""
    running = {one.transaction.id: one for one in station.connectors if one.transaction is not None}
    connector = running.get(request["transactionId"])
    if connector is None:
        return status("Rejected")

    async def stop() -> None:
        connector.end(Stop("Remote"))

    return status("Accepted", stop)


def reset(station: StationCore, request: dict[str, Any]) -> Reply:
    """Begin anew; the connection ends and comes back (§3.3.13)."""

    async def reboot() -> None:
        station.reboot(f"{request['type']}Reset")

    return status("Accepted", reboot)


def unlock_connector(station: StationCore, request: dict[str, Any]) -> Reply:
    """Let go of the plug, ending a transaction first (§3.3.17). A fixed cable has no lock."""
    connector = station.connector(request["connectorId"])
    if connector is None or connector.outlet.fixed_cable:
        return status("NotSupported")

    async def unlock() -> None:
        if connector.transaction is not None:
            connector.end(Stop("UnlockCommand"))

    return status("Unlocked", unlock)
