"""StatusNotification, and ChangeAvailability (handbook §3.2.9, §3.3.2)."""

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.command import Asking, Command, Settled, warn_of_unknown_connector
from stationmaster.actions.v16.context import Situation, location_of, moment_of
from stationmaster.domain.facts import AvailabilityRequested
from stationmaster.ocpp.v16.availability import (
    ChangeAvailabilityRequest,
    ChangeAvailabilityResponse,
    StatusNotificationRequest,
    StatusNotificationResponse,
)
from stationmaster.services.availability import StatusReport

__all__ = ["CHANGE_AVAILABILITY", "status_notification"]

_CONFIRMED = StatusNotificationResponse()


async def status_notification(situation: Situation) -> Answer:
    """Record it and confirm; an absent timestamp is the time of receipt."""
    context, station, call = situation.context, situation.station, situation.call
    request: StatusNotificationRequest = call.request
    moment = moment_of(call, request.timestamp, optional=True, quirks=station.quirks)
    report = StatusReport(
        location=location_of(station.station_id, request.connector_id),
        status=request.status,
        error_code=request.error_code,
        received_at=call.received_at,
        reported_at=moment.at,
        reported_at_text=moment.text,
        info=situation.shown(request.info),
        vendor_id=request.vendor_id,
        vendor_error_code=situation.shown(request.vendor_error_code),
        flags=moment.flags,
    )
    availability, reservations = context.services.availability, context.services.reservations
    if not reservations.any_of(station.station_id):
        await availability.status(station, report)
        return Answer(_CONFIRMED)
    # A reservation ends by "Reserved" becoming "Available" (§3.2.9), over a reconnect and a boot too.
    before = await availability.last_status(station, report.location)
    await availability.status(station, report)

    async def reservations_hear_of_it() -> None:
        evse_id = report.location.evse_id
        await reservations.status(station.station_id, evse_id, before, report.status, call.received_at)

    return Answer(_CONFIRMED, reservations_hear_of_it)


async def _availability_answered(
    asking: Asking, message: ChangeAvailabilityRequest, response: ChangeAvailabilityResponse
) -> Settled:
    """What was asked for is kept beside what is reported: the answer alone changes no status."""
    fact = AvailabilityRequested(
        organisation_id=asking.organisation_id,
        station_id=asking.station_id,
        received_at=asking.now(),
        location=location_of(asking.station_id, message.connector_id),
        operative=message.type == "Operative",
        status=response.status,
    )
    return Settled(facts=(fact,))


CHANGE_AVAILABILITY = Command(warnings=(warn_of_unknown_connector,), settle=_availability_answered)
