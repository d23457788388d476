"""What a node notices of itself. No station is in it (`station_id` is ""), and it belongs to who runs the system."""

from typing import ClassVar

from stationmaster.domain.facts import Fact
from stationmaster.instants import Instant

__all__ = ["DatabaseWasAway", "DiskSpaceChanged"]


class DatabaseWasAway(Fact, frozen=True, kw_only=True, gc=False):
    """A node could not write to the database, and can again: told afterwards, since it could not be told before."""

    event_type: ClassVar[str | None] = "node.database_was_away"

    node_id: str
    away_since: Instant
    back_at: Instant


class DiskSpaceChanged(Fact, frozen=True, kw_only=True, gc=False):
    """The disk with a node's data has become nearly full, or has room again."""

    event_type: ClassVar[str | None] = "node.disk_space"

    node_id: str
    low: bool
    free_mib: int
    total_mib: int
