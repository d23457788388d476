"""A transaction from start to stop: energy flows, samples are taken, limits are kept (handbook §3.2.7-§3.2.10)."""

from typing import Any

from stationmaster.conformance.life.connectors import Connector, Phase, Stop, Transaction
from stationmaster.conformance.life.core import StationCore
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant, format_instant

__all__ = ["charge", "meter_values", "start_transaction"]

STEP_S = 10.0
LEAST_CURRENT_A = 6.0
"""Below this a car cannot charge at all, so the station suspends instead (IEC 61851)."""
NOMINAL_VOLTAGE_V = 230.0
SHARE_THAT_UNPLUGS = 0.3


async def start_transaction(
    station: StationCore, connector: Connector, id_tag: str, profile: dict[str, Any] | None
) -> Transaction:
    """Begin to charge and queue StartTransaction; the id comes when it is confirmed."""
    now = station.clock.now()
    parent = station.parent_of(id_tag)
    reservation = station.reservations.admitting(connector.number, id_tag, parent)
    transaction = Transaction(
        id_tag=id_tag,
        parent_id_tag=parent,
        started_at=now,
        meter_start_wh=connector.meter.reading_wh,
        reservation_id=None if reservation is None else reservation.id,
        begin_samples=connector.meter.sample(station.configuration.items("StopTxnSampledData"), "Transaction.Begin"),
    )
    if reservation is not None:
        station.reservations.remove(reservation.id)
        connector.reserved = False
    if profile is not None:
        station.profiles.install(connector.number, profile)

    def payload() -> dict[str, Any]:
        start: dict[str, Any] = {
            "connectorId": connector.number,
            "idTag": id_tag,
            "meterStart": transaction.meter_start_wh,
            "timestamp": format_instant(now),
        }
        return start | ({} if transaction.reservation_id is None else {"reservationId": transaction.reservation_id})

    def confirmed(answer: dict[str, Any] | None) -> None:
        if answer is None:
            return
        transaction.id = answer["transactionId"]
        station.cache.learn(id_tag, answer["idTagInfo"])
        if answer["idTagInfo"]["status"] != "Accepted":
            transaction.rejected = True
            if station.configuration.boolean("StopTransactionOnInvalidId"):
                connector.end(Stop("DeAuthorized"))
            connector.nudge()

    connector.transaction = transaction
    connector.phase = Phase.CHARGING
    station.delivery.add("StartTransaction", payload, confirmed)
    await station.announce(connector)
    return transaction


async def charge(station: StationCore, connector: Connector, transaction: Transaction, stay_s: float) -> None:
    """Let energy flow until something ends it, then queue StopTransaction."""
    clock = station.clock
    leaves_at = clock.now() + round(stay_s * MICROSECONDS_PER_SECOND)
    last = next_sample = transaction.started_at
    while connector.stop is None:
        now = clock.now()
        _flow(station, connector, transaction, last, now)
        last = now
        interval_s = station.configuration.integer("MeterValueSampleInterval")
        if interval_s and now >= next_sample:
            if now > transaction.started_at:
                measurands = station.configuration.items("MeterValuesSampledData")
                meter_values(station, connector, measurands, "Sample.Periodic", now)
            next_sample = now + interval_s * MICROSECONDS_PER_SECOND
        await station.announce(connector)
        if now >= leaves_at:
            connector.stop = _departure(station, connector, transaction)
            break
        connector.wake.clear()
        await clock.wait(connector.wake, STEP_S)
    _flow(station, connector, transaction, last, clock.now())
    stop_transaction(station, connector, transaction, connector.stop)


def stop_transaction(station: StationCore, connector: Connector, transaction: Transaction, stop: Stop) -> None:
    """End it here, and queue StopTransaction."""
    now = station.clock.now()
    meter_stop_wh = connector.meter.reading_wh
    connector.meter.situation.power_w = 0.0
    end_samples = connector.meter.sample(station.configuration.items("StopTxnSampledData"), "Transaction.End")

    def payload() -> dict[str, Any]:
        message: dict[str, Any] = {
            "transactionId": transaction.id,
            "meterStop": meter_stop_wh,
            "timestamp": format_instant(now),
            "reason": stop.reason,
        }
        if stop.id_tag is not None:
            message["idTag"] = stop.id_tag
        if transaction.begin_samples and end_samples:
            message["transactionData"] = [
                {"timestamp": format_instant(transaction.started_at), "sampledValue": transaction.begin_samples},
                {"timestamp": format_instant(now), "sampledValue": end_samples},
            ]
        return message

    station.delivery.add("StopTransaction", payload)
    station.profiles.forget_transaction(connector.number)
    station.count("transactions")
    connector.transaction = None
    connector.suspended_by_us = False


def meter_values(station: StationCore, connector: Connector, measurands: list[str], context: str, at: Instant) -> None:
    """Take a sample and queue MeterValues."""
    samples = connector.meter.sample(measurands, context)
    transaction = connector.transaction
    if not samples:
        return

    def payload() -> dict[str, Any]:
        values: dict[str, Any] = {"connectorId": connector.number}
        if transaction is not None:
            values["transactionId"] = transaction.id
        return values | {"meterValue": [{"timestamp": format_instant(at), "sampledValue": samples}]}

    station.delivery.add("MeterValues", payload)


def _flow(station: StationCore, connector: Connector, transaction: Transaction, since: Instant, now: Instant) -> None:
    """Let the energy of the time since the last look go through, then look what may flow next."""
    situation, vehicle = connector.meter.situation, connector.vehicle
    energy_wh = situation.power_w * (now - since) / MICROSECONDS_PER_SECOND / 3600
    connector.meter.add(energy_wh)
    if vehicle is not None:
        vehicle.absorb(energy_wh)
    offered_w = _offered_w(station, connector, transaction, now)
    connector.suspended_by_us = offered_w <= 0
    wanted_w = 0.0 if vehicle is None else vehicle.accepts_w(connector.outlet.direct_current)
    phases = connector.outlet.phases if vehicle is None else min(connector.outlet.phases, vehicle.phases)
    if connector.outlet.phases:
        offered_w = offered_w * phases / connector.outlet.phases
    noise = 1 - abs(connector.random_.gauss(0, 0.004))
    situation.power_w = min(offered_w, wanted_w) * noise
    situation.offered_w = offered_w
    situation.phases = phases
    direct_current = connector.outlet.direct_current
    situation.state_of_charge = vehicle.state_of_charge if vehicle is not None and direct_current else None


def _offered_w(station: StationCore, connector: Connector, transaction: Transaction, now: Instant) -> float:
    """What the outlet offers: its own power, less what profiles and the central system's doubts take away."""
    if transaction.rejected:
        return 0.0
    outlet = connector.outlet
    limit_w = station.profiles.limit_w(connector.number, outlet.phases, now, transaction.started_at)
    if limit_w is None:
        return outlet.power_w
    least_w = LEAST_CURRENT_A * NOMINAL_VOLTAGE_V * max(outlet.phases, 1)
    return min(outlet.power_w, limit_w) if limit_w >= least_w or outlet.direct_current else 0.0


def _departure(station: StationCore, connector: Connector, transaction: Transaction) -> Stop:
    """How a driver ends it: with the card, or by unplugging the car."""
    unplugs = connector.random_.random() < SHARE_THAT_UNPLUGS
    if unplugs and station.configuration.boolean("StopTransactionOnEVSideDisconnect"):
        return Stop("EVDisconnected")
    return Stop("Local", transaction.id_tag)
