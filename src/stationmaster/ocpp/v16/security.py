"""SecurityEventNotification. The list of event types is open. Source: handbook 4.8, 4.9."""

from stationmaster.ocpp.fields import CiString50, CiString255, Maybe, Mended, Message, Timestamp


class SecurityEventNotificationRequest(Message, frozen=True, kw_only=True):
    """Something happened; the timestamp may be old. None means the time of receipt."""

    type: CiString50
    timestamp: Mended[Timestamp]
    tech_info: Maybe[CiString255] = None


class SecurityEventNotificationResponse(Message, frozen=True, kw_only=True):
    """Received."""
