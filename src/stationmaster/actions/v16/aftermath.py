"""Answers that come too late (handbook §1.7).

The rule that shapes this file: an answer that comes after its time changes nothing that was decided; but
where it says that the station accepted something, what we know of the station is in doubt. Profiles, lists and
reservations are so from the timeout on; keys become so here, and what can be read again without asking an operator is.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from stationmaster.actions.contract import StationConnection
from stationmaster.actions.v16.command import OCPP16
from stationmaster.actions.v16.configuration import is_secret
from stationmaster.actions.v16.context import ActionContext, location_of
from stationmaster.actions.v16.security_orders import use_of
from stationmaster.domain.certificates import RootUse
from stationmaster.domain.facts import AvailabilityRequested, ConfigurationValueChanged
from stationmaster.domain.jobs import Awaits, Job, awaits
from stationmaster.instants import Instant
from stationmaster.ocpp.plain_json import kept_object
from stationmaster.session.events import CallAnsweredLate
from stationmaster.session.gate import PERMIT_US, permit_in

__all__ = ["answered_late"]

_ACCEPTED: Final = frozenset({"Accepted", "RebootRequired", "Scheduled"})
_REPLACES: Final = "AcceptedCanceled"
_REPORTED_BY_REQUEST: Final = frozenset({"GetLog", "SignedUpdateFirmware"})
"""What stations report of these names the request (§4.9, §4.10)."""


async def answered_late(context: ActionContext, connection: StationConnection, late: CallAnsweredLate) -> None:
    """Keep the late answer with its job; a key that was changed after all counts as unknown until it is read.

    What is for the next boot changes nothing that is in force, so nothing is in doubt.
    """
    if late.payload is None:
        return
    text = kept_object(context.without_secrets(connection, late.action, late.payload.decode("utf-8", "replace")))
    if text is None:
        return
    said = msgspec.json.decode(text).get("status")
    status = said if isinstance(said, str) else None
    job = await context.services.commands.answered_late(
        late.key,
        text,
        status,
        awaited=lambda job: _reports_to_come(job, status, context.clock()),
        replaces=status == _REPLACES,
    )
    follow = _FOLLOWS.get(late.action)
    if job is not None and follow is not None and status in _ACCEPTED:
        await follow(context, connection, job, msgspec.json.decode(job.payload), status)


def _reports_to_come(job: Job, status: str | None, now: Instant) -> Awaits | None:
    """By its request, reports find a job that we gave up on; nothing is waited for."""
    if job.action not in _REPORTED_BY_REQUEST or status not in {"Accepted", _REPLACES}:
        return None
    return awaits("transfer", now, request_id=msgspec.json.decode(job.payload)["requestId"])


async def _doubt_key(
    context: ActionContext, connection: StationConnection, _: Job, asked: dict[str, Any], status: str
) -> None:
    key = str(asked.get("key", ""))
    value = asked.get("value")
    fact = ConfigurationValueChanged(
        organisation_id=connection.organisation_id,
        station_id=connection.station_id,
        received_at=context.clock(),
        component=OCPP16,
        variable=key,
        value=value if isinstance(value, str) and not is_secret(context, connection, key) else None,
        status="reboot_required" if status == "RebootRequired" else "unknown",
    )
    await context.services.context.storage.record([fact])


async def _keep_availability(
    context: ActionContext, connection: StationConnection, _: Job, asked: dict[str, Any], status: str
) -> None:
    """What was asked for, and what the station said: statuses tell what came of it."""
    fact = AvailabilityRequested(
        organisation_id=connection.organisation_id,
        station_id=connection.station_id,
        received_at=context.clock(),
        location=location_of(connection.station_id, asked["connectorId"]),
        operative=asked["type"] == "Operative",
        status=status,
    )
    await context.services.context.storage.record([fact])


async def _read_roots(
    context: ActionContext, connection: StationConnection, _: Job, asked: dict[str, Any], _status: str
) -> None:
    """Of a root that was deleted only the station knows which use it had."""
    named = asked.get("certificateType")
    await context.services.roots.read_again(
        connection.station_id, tuple(RootUse) if named is None else (RootUse(use_of(named)),)
    )


async def _open_permit(
    context: ActionContext, connection: StationConnection, job: Job, asked: dict[str, Any], _status: str
) -> None:
    """What was asked for may come now, while the station is Pending, too (§1.13)."""
    connection.gate.told(frozenset(), {}, {permit_in(job.action, asked): context.clock() + PERMIT_US})


_Follow: TypeAlias = Callable[[ActionContext, StationConnection, Job, dict[str, Any], str], Awaitable[None]]

_FOLLOWS: Final[Mapping[str, _Follow]] = {
    "ChangeAvailability": _keep_availability,
    "ChangeConfiguration": _doubt_key,
    "DeleteCertificate": _read_roots,
    "ExtendedTriggerMessage": _open_permit,
    "InstallCertificate": _read_roots,
    "TriggerMessage": _open_permit,
}
"""What follows from an acceptance that comes late."""
