"""BootNotification and Heartbeat, and Reset (handbook §1.13, §3.2.2, §3.2.6, §3.3.13)."""

from typing import Any

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Asking, Command, Settled
from stationmaster.actions.v16.context import Situation
from stationmaster.domain.jobs import Progress, awaits
from stationmaster.ocpp.v16.provisioning import (
    BootNotificationRequest,
    BootNotificationResponse,
    HeartbeatResponse,
    ResetResponse,
)
from stationmaster.services.provisioning import Identification

__all__ = ["RESET", "boot_notification", "heartbeat"]


async def boot_notification(situation: Situation) -> Answer:
    """Answer with what the operator wants now, which moves the gate; then what waited for this boot goes on."""
    context, connection, station, call = situation.context, situation.connection, situation.station, situation.call
    request: BootNotificationRequest = call.request
    identification = Identification(
        vendor=request.charge_point_vendor or None,
        model=request.charge_point_model or None,
        serial_number=request.charge_point_serial_number or None,
        charge_box_serial_number=request.charge_box_serial_number or None,
        firmware_version=request.firmware_version or None,
        iccid=request.iccid or None,
        imsi=request.imsi or None,
        meter_type=request.meter_type or None,
        meter_serial_number=request.meter_serial_number or None,
    )
    registration = await context.services.provisioning.boot(station, identification, call.received_at)

    connection.adopt(station.quirks)

    arrivals, waiting = context.services.arrivals, context.services.waiting
    resets = waiting.any_of(station.station_id)
    awaited = registration.status == "Accepted" and arrivals.wanted(station.station_id)

    async def follow_up() -> None:
        for job in await waiting.boots_of(station, call.received_at) if resets else ():
            await waiting.finish(job, call.received_at, Progress())
        if awaited:
            await arrivals.booted(station.station_id)

    response = BootNotificationResponse(
        status=registration.status,  # type: ignore[arg-type]  # a state of the domain is one of the message's words
        current_time=context.text_of(context.clock()),
        interval=registration.interval_s,
    )
    return Answer(response, follow_up if resets or awaited else None)


async def heartbeat(situation: Situation) -> Answer:
    """The time, by which stations set their clock."""
    context = situation.context
    return Answer(HeartbeatResponse(current_time=context.text_of(context.clock())))


async def _reset_agreed(asking: Asking, _message: Any, response: ResetResponse) -> Settled:
    if response.status != "Accepted":
        return Settled()
    return Settled(awaits=awaits("boot", asking.in_s(asking.settings.reset_wait_s)))


RESET = Command(settle=_reset_agreed)
