"""Security events of our own, beside those that stations report (handbook §4.9, W A00.FR.323)."""

from stationmaster.domain.facts import SecurityEventReported
from stationmaster.instants import Instant

__all__ = ["security_event"]


def security_event(
    organisation_id: str,
    station_id: str,
    event: str,
    words: str,
    now: Instant,
    *,
    occurred_at: Instant | None = None,
    critical: bool = False,
) -> SecurityEventReported:
    """A security event of ours; `station_id` "" where it is about no single station."""
    return SecurityEventReported(
        organisation_id=organisation_id,
        station_id=station_id,
        received_at=now,
        type=event,
        occurred_at=now if occurred_at is None else occurred_at,
        technical_info=words,
        critical=critical,
        source="csms",
    )
