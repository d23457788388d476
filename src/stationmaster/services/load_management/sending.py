"""A limit on its way: from the planner's wish to a command, and from its job to what the planner is told.

The rule that shapes this file: each wish ends in exactly one input. What may have reached the station
and was not answered is "unanswered", never "failed": the planner keeps room for both (handbook §3.6.4).
"""

from typing import Final

import structlog

from stationmaster.domain.errors import DomainError, Unavailable
from stationmaster.domain.jobs import Job, JobState
from stationmaster.domain.load_management.as_profile import profile_of
from stationmaster.domain.load_management.effects import SetLimit
from stationmaster.domain.load_management.inputs import (
    AboutCommand,
    CommandAcknowledged,
    CommandFailed,
    CommandUnanswered,
)
from stationmaster.domain.sites import Wiring
from stationmaster.domain.smart_charging.capabilities import Capabilities
from stationmaster.domain.smart_charging.profiles import RateUnit
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.load_management.ours import (
    DEFAULT_STACK_LEVEL,
    REQUESTED_BY,
    default_id,
    transaction_profile_id,
)
from stationmaster.services.smart_charging import SmartCharging

__all__ = ["WAIT_S", "outcome_of", "send_limit", "stack_level_of"]

log = structlog.get_logger(__name__)

WAIT_S: Final = 60.0
"""So long is the end of a command awaited; less than the planner's own patience."""
_EXPIRES_US: Final = 45 * MICROSECONDS_PER_SECOND
"""A limit that could not be sent by then is not sent any more: the planner will have made another."""
_MISSING: Final = frozenset({"NotSupported", "NotImplemented"})
_ACCEPTED: Final = "Accepted"


def stack_level_of(wiring: Wiring, capabilities: Capabilities) -> int:
    """The level of our profiles at a connector: as declared, else the highest that the station knows."""
    if wiring.stack_level is not None:
        return wiring.stack_level
    return DEFAULT_STACK_LEVEL if capabilities.max_stack_level is None else capabilities.max_stack_level


async def send_limit(
    smart_charging: SmartCharging,
    organisation_id: str,
    command: SetLimit,
    wiring: Wiring,
    capabilities: Capabilities,
    *,
    by_power: bool,
    nominal_voltage_v: int,
    now: Instant,
) -> tuple[AboutCommand, str | None]:
    """Send a limit and wait for its end. Never raises for what happens to it; the id of the job, if there is one."""
    evse_id = command.location.evse_id or 0
    profile = profile_of(
        command,
        profile_id=default_id(evse_id) if command.transaction_id is None else transaction_profile_id(evse_id),
        stack_level=stack_level_of(wiring, capabilities),
        unit=RateUnit.WATT if by_power else RateUnit.AMPERE,
        nominal_voltage_v=nominal_voltage_v,
        max_periods=capabilities.max_periods,
    )
    try:
        job = await smart_charging.send(
            organisation_id,
            command.location,
            profile,
            requested_by=REQUESTED_BY,
            wait_s=WAIT_S,
            expires_at=now + _EXPIRES_US,
        )
    except Unavailable:
        return CommandUnanswered(command_id=command.command_id), None
    except DomainError as error:
        # Offline, forbidden or refused before anything went out.
        return CommandFailed(command_id=command.command_id, reason=error.message), None
    except Exception:
        log.exception("load_management.not_sent", station_id=command.location.station_id)
        return CommandUnanswered(command_id=command.command_id), None
    return outcome_of(command.command_id, job), job.id


def outcome_of(command_id: int, job: Job) -> AboutCommand:
    """What the end of a job means for the limit that it carried."""
    match job.state:
        case JobState.DONE if job.result == _ACCEPTED:
            return CommandAcknowledged(command_id=command_id)
        case JobState.DONE | JobState.ERROR:
            permanent = job.result in _MISSING
            return CommandFailed(command_id=command_id, permanent=permanent, reason=job.result or "")
        case JobState.EXPIRED | JobState.NOT_DELIVERED | JobState.CANCELLED if job.sent_at is None:
            return CommandFailed(command_id=command_id, reason="not sent")
    return CommandUnanswered(command_id=command_id)


def late_outcome(command_id: int, result: str) -> AboutCommand:
    """What an answer means that came after its time."""
    if result == _ACCEPTED:
        return CommandAcknowledged(command_id=command_id)
    return CommandFailed(command_id=command_id, permanent=result in _MISSING, reason=result)
