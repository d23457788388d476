"""Commands that wait for a station that is away (handbook §1.6): only those that were declared persistent."""

import msgspec

from stationmaster.instants import Instant

__all__ = ["PersistentCommand", "Waiting"]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, as it is sealed. `payload` is JSON in the words of the station's protocol."""

    action: str
    payload: bytes
    requested_by: str
    timeout_s: float | None = None
    send_anyway: bool = False


class PersistentCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that waits, by the job that it is. `sealed` holds a `Waiting`.

    `attempted_at` is when somebody began to deliver it: until that has ended nobody knows whether the station has
    heard of it, so it is not delivered again.
    """

    job_id: str
    organisation_id: str
    station_id: str
    sealed: bytes
    deadline: Instant
    claimed_until: Instant = 0
    attempted_at: Instant | None = None
    created_at: Instant = 0
