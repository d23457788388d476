"""Why a command was not sent, as an error for whoever asked."""

from stationmaster.bus.messages_v1 import CommandReply, CommandRequest
from stationmaster.domain.errors import Conflict, DomainError, FieldError, Invalid, NotFound, Offline

__all__ = ["offline", "refusal_of"]


def refusal_of(request: CommandRequest, reply: CommandReply) -> DomainError:
    """What the node that holds the station said against it."""
    words = reply.detail or "The node that holds the station refused the command."
    match reply.refusal:
        case "payload":
            field = FieldError(reply.path or "", "payload_invalid", words)
            return Invalid("payload_invalid", words, fields=(field,))
        case "unknown_action":
            return NotFound("unknown_action", words)
        case "offline":
            return offline(request.station_id)
    return Conflict(reply.refusal or "refused", words)


def offline(station_id: str) -> Offline:
    """There is no connection."""
    return Offline("station_offline", f"Station `{station_id}` is not connected, so the command was not sent.")
