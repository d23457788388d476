"""Writing the audit log: each entry chained to the one before it, in each organisation.

The row of `audit_chain` is taken first and held until the commit, so that two nodes which write at once
take turns; organisations are taken in the order of their ids, so that the nodes never wait for each
other in a circle.
"""

import msgspec

from stationmaster.domain.audit import BEGINNING, AuditEntry, hash_of
from stationmaster.domain.facts import AuditRecorded
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into, update_by
from stationmaster.storage.tables import audit_chain, audit_entry
from stationmaster.storage.text import cleaned

__all__ = ["store_entries"]

_MILLISECOND_US = 1_000
_TAKE = insert_into(
    audit_chain,
    keys=("organisation_id",),
    changes={"length": "audit_chain.length + excluded.length"},
    returning=("organisation_id", "length", "hash"),
)
_INSERT = insert_into(audit_entry)
_ADVANCE = update_by(audit_chain, ("organisation_id",), ("hash",))


def store_entries(_batch: Batch, facts: list[AuditRecorded]) -> Program[None]:
    """Add the entries to the chains of their organisations."""
    groups: dict[str, list[AuditRecorded]] = {}
    for fact in facts:
        groups.setdefault(fact.organisation_id, []).append(fact)
    taken = yield Execute(_TAKE, [(key, len(groups[key]), BEGINNING) for key in sorted(groups)])
    entries: list[AuditEntry] = []
    heads: list[tuple[str, str]] = []
    for organisation_id, length, previous_hash in taken.rows:
        group = groups[organisation_id]
        first = length - len(group) + 1
        for sequence, fact in enumerate(group, first):
            entry = _entry(cleaned(fact), sequence, previous_hash)
            entries.append(entry)
            previous_hash = entry.hash  # noqa: PLW2901 -- the chain goes on from here
        heads.append((organisation_id, previous_hash))
    yield Execute(_INSERT, [msgspec.structs.astuple(entry) for entry in entries])
    yield Execute(_ADVANCE, heads)


def _entry(fact: AuditRecorded, sequence: int, previous_hash: str) -> AuditEntry:
    entry = AuditEntry(
        organisation_id=fact.organisation_id,
        sequence=sequence,
        at=fact.received_at // _MILLISECOND_US * _MILLISECOND_US,
        actor=fact.actor,
        action=fact.action,
        target=fact.target,
        station_id=fact.station_id or None,
        result=fact.result,
        status=fact.status,
        remote_address=fact.remote_address,
        details=fact.details,
        previous_hash=previous_hash,
    )
    return msgspec.structs.replace(entry, hash=hash_of(entry))
