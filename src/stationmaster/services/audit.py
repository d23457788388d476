"""The audit log: written beside what it tells of, proved from end to end.

The rule that shapes this file: nothing secret gets in, whatever is handed over; and an entry is durable
before whoever did something is told that it is done.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import structlog

from stationmaster.domain.audit import BEGINNING, AuditEntry, ChainHead, Flaw, check_chain
from stationmaster.domain.facts import AuditRecorded
from stationmaster.domain.redaction import redacted
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext

__all__ = ["COMMAND_LINE", "NOBODY", "PEOPLE", "Audit", "Proof", "audit_fact"]

log = structlog.get_logger(__name__)

COMMAND_LINE: Final = "command_line"
NOBODY: Final = "nobody"
PEOPLE: Final = ("user:", "api_key:")
"""How the names of those begin who ask through the API."""
LONGEST_DETAILS: Final = 4_000
_LONGEST_TEXT: Final = 500
_MOST_FLAWS: Final = 20


class Proof(msgspec.Struct, frozen=True):
    """What is known of a chain: its head, and where it is broken. No flaws: it is whole."""

    head: ChainHead
    flaws: tuple[Flaw, ...]


class Audit:
    """Writes and proves the audit log."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._clock = context.clock

    async def record(self, organisation_id: str, actor: str, action: str, **words: Any) -> None:
        """Add an entry; durable when it returns. `words` are as for `audit_fact`. Raises StorageError."""
        await self._storage.record([audit_fact(organisation_id, actor, action, self._clock(), **words)])

    async def prove(self, organisation_id: str | None = None, expected: Iterable[ChainHead] = ()) -> list[Proof]:
        """Go through every chain, or through one. `expected` are heads that were written down before."""
        organisations = await self._storage.audit.organisations() if organisation_id is None else [organisation_id]
        written_down = list(expected)
        missing = {head.organisation_id for head in written_down} - set(organisations)
        wanted = [*organisations, *sorted(missing)] if organisation_id is None else organisations
        return [await self._prove(each, written_down) for each in wanted]

    async def tell_heads(self, _now: Instant) -> int:
        """Write the heads into the log of the node, which is kept elsewhere: what is cut off later will show."""
        heads = await self._storage.audit.heads()
        for head in heads:
            log.info("audit.head", head=str(head))
        return len(heads)

    async def _prove(self, organisation_id: str, written_down: list[ChainHead]) -> Proof:
        heads = await self._storage.audit.heads(organisation_id)
        stated = heads[0] if heads else ChainHead(organisation_id, 0, BEGINNING)
        hashes = {head.length: head.hash for head in written_down if head.organisation_id == organisation_id}
        flaws: list[Flaw] = []
        last: AuditEntry | None = None
        # What is added while we read lies behind the head that was read first.
        async for portion in self._storage.audit.walk(organisation_id, until=stated.length):
            flaws += check_chain(portion, last)
            flaws += [
                Flaw(entry.sequence, "it is not the entry whose hash was written down")
                for entry in portion
                if hashes.pop(entry.sequence, entry.hash) != entry.hash
            ]
            last = portion[-1]
            if len(flaws) >= _MOST_FLAWS:
                break
        else:
            found = ChainHead(organisation_id, *((last.sequence, last.hash) if last else (0, BEGINNING)))
            if found != stated:
                flaws.append(Flaw(stated.length, f"the head says {stated.length} entries; there are {found.length}"))
            flaws += [Flaw(length, "it was written down and is missing") for length in sorted(hashes) if length]
        return Proof(stated, tuple(flaws[:_MOST_FLAWS]))


def audit_fact(  # noqa: PLR0913 -- each is one column, and all but the first have names
    organisation_id: str,
    actor: str,
    action: str,
    at: Instant,
    *,
    result: str = "ok",
    target: str | None = None,
    station_id: str | None = None,
    status: int | None = None,
    remote_address: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditRecorded:
    """The fact of an entry. `details` lose what is secret and what is too long."""
    return AuditRecorded(
        organisation_id=organisation_id,
        station_id=station_id or "",
        received_at=at,
        actor=actor,
        action=action,
        result=result,
        target=target,
        status=status,
        remote_address=remote_address,
        details=_written(redacted("", dict(details or {}), _clipped)),
    )


def _clipped(_name: str, value: Any) -> str | None:
    return f"{value[:_LONGEST_TEXT]}..." if isinstance(value, str) and len(value) > _LONGEST_TEXT else None


def _written(details: dict[str, Any]) -> str:
    text = json.dumps(details, ensure_ascii=True, separators=(",", ":"), default=str)
    if len(text) <= LONGEST_DETAILS:
        return text
    return json.dumps({"left_out": "the details are too long", "names": sorted(details)[:50]}, separators=(",", ":"))
