"""The audit log: who did what to which station with what result, each entry chained to the one before.

The rule that shapes this file: an entry's hash is SHA-256 over the entry as the API and the export show
it, so whoever holds an export can prove it with nothing but a JSON library (docs/security.md). What was
changed, left out or put in between later breaks the chain; what was cut off at its end shows against
any head that was written down before.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from stationmaster.instants import Instant, format_instant

__all__ = ["BEGINNING", "AuditEntry", "ChainHead", "Flaw", "check_chain", "entry_document", "hash_of"]

BEGINNING: Final = "0" * 64
"""The hash before the first entry."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `sequence` counts from 1 in each organisation; `details` is JSON text."""

    organisation_id: str
    sequence: int
    at: Instant
    """In whole milliseconds, as it is shown."""
    actor: str
    action: str
    target: str | None
    station_id: str | None
    result: str
    status: int | None
    remote_address: str | None
    details: str
    previous_hash: str
    hash: str = ""


class ChainHead(msgspec.Struct, frozen=True):
    """How long a chain is and the hash of its last entry: written down elsewhere, it proves that none was cut off."""

    organisation_id: str
    length: int
    hash: str

    def __str__(self) -> str:
        """As it is written down."""
        return f"{self.organisation_id}:{self.length}:{self.hash}"


class Flaw(msgspec.Struct, frozen=True):
    """Where a chain is broken, and how."""

    sequence: int
    words: str


def entry_document(entry: AuditEntry) -> dict[str, Any]:
    """The entry as it is shown, without its hash."""
    return {
        "organisation_id": entry.organisation_id,
        "sequence": entry.sequence,
        "at": format_instant(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "station_id": entry.station_id,
        "result": entry.result,
        "status": entry.status,
        "remote_address": entry.remote_address,
        "details": json.loads(entry.details),
        "previous_hash": entry.previous_hash,
    }


def hash_of(entry: AuditEntry) -> str:
    """The hash that the entry must have: of its document as JSON with sorted names and no blanks."""
    text = json.dumps(entry_document(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_chain(entries: Iterable[AuditEntry], before: AuditEntry | None = None) -> Iterator[Flaw]:
    """What is wrong with entries that should follow each other, and `before`, without a gap."""
    sequence = 0 if before is None else before.sequence
    previous_hash = BEGINNING if before is None else before.hash
    for entry in entries:
        if entry.sequence != sequence + 1:
            yield Flaw(entry.sequence, f"it follows entry {sequence}: what was between them is missing")
        elif entry.previous_hash != previous_hash:
            yield Flaw(entry.sequence, "it does not name the hash of the entry before it")
        if entry.hash != hash_of(entry):
            yield Flaw(entry.sequence, "its content does not have its hash: it was changed")
        sequence, previous_hash = entry.sequence, entry.hash
