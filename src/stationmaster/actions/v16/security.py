"""SecurityEventNotification (handbook §4.9)."""

from stationmaster.actions.contract import Answer
from stationmaster.actions.v16.context import Situation, moment_of
from stationmaster.ocpp.v16.security import SecurityEventNotificationRequest, SecurityEventNotificationResponse

__all__ = ["security_event_notification"]


async def security_event_notification(situation: Situation) -> Answer:
    """Recorded and confirmed, whatever its type: the list is open."""
    context, station, call = situation.context, situation.station, situation.call
    request: SecurityEventNotificationRequest = call.request
    moment = moment_of(call, request.timestamp, quirks=situation.station.quirks)
    words = situation.shown(request.tech_info)
    await context.services.security.event(station, request.type, moment.at, words, call.received_at)
    return Answer(SecurityEventNotificationResponse())
