"""What we remember: one contract, one SQL implementation for SQLite and PostgreSQL."""

from stationmaster.storage.committed import AlreadyStored, Committed, Outcome, StoredEvent
from stationmaster.storage.errors import Conflict, NotFound, Refused, SchemaMismatch, StorageError, Unavailable
from stationmaster.storage.paging import BadCursor, Page
from stationmaster.storage.store import Storage

__all__ = [
    "AlreadyStored",
    "BadCursor",
    "Committed",
    "Conflict",
    "NotFound",
    "Outcome",
    "Page",
    "Refused",
    "SchemaMismatch",
    "Storage",
    "StorageError",
    "StoredEvent",
    "Unavailable",
]
