"""Answers that come too late (handbook §1.7).

The rule that shapes this file: an answer that comes after its time changes nothing that was decided; but
where it says that the station accepted something, what we know of the station is in doubt.
"""

from typing import Any

import msgspec

from stationmaster.actions.contract import StationConnection
from stationmaster.actions.v16.command import OCPP16
from stationmaster.actions.v16.configuration import is_secret
from stationmaster.actions.v16.context import ActionContext
from stationmaster.domain.facts import ConfigurationValueChanged, Fact
from stationmaster.domain.jobs import Job
from stationmaster.session.events import CallAnsweredLate

__all__ = ["answered_late"]

_ACCEPTED = frozenset({"Accepted", "RebootRequired"})


async def answered_late(context: ActionContext, connection: StationConnection, late: CallAnsweredLate) -> None:
    """Keep the late answer with its job; a key that was changed after all counts as unknown until it is read.

    What is for the next boot changes nothing that is in force, so nothing is in doubt.
    """
    if late.payload is None:
        return
    text = context.without_secrets(connection, late.action, late.payload.decode("utf-8", "replace"))
    answer = _members(text)
    status = answer.get("status")
    job = await context.services.commands.answered_late(late.key, text, status if isinstance(status, str) else None)
    if job is not None and late.action == "ChangeConfiguration" and status in _ACCEPTED:
        await context.services.context.storage.record(_doubts(context, connection, job, status))


def _doubts(context: ActionContext, connection: StationConnection, job: Job, status: str) -> list[Fact]:
    asked = _members(job.payload)
    key = str(asked.get("key", ""))
    value = asked.get("value")
    return [
        ConfigurationValueChanged(
            organisation_id=connection.organisation_id,
            station_id=connection.station_id,
            received_at=context.clock(),
            component=OCPP16,
            variable=key,
            value=value if isinstance(value, str) and not is_secret(context, connection, key) else None,
            status="reboot_required" if status == "RebootRequired" else "unknown",
        )
    ]


def _members(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
