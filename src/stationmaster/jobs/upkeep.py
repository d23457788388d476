"""Keeping what grows within bounds: by age and, for the message log, by size. Storage knows how."""

from dataclasses import dataclass

from stationmaster.instants import Instant
from stationmaster.services.files import FileService
from stationmaster.storage import Storage

__all__ = ["Bounds", "FileUpkeep", "Upkeep"]

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long things are kept, and how many bytes of messages."""

    message_days: float
    message_bytes: int
    event_days: float
    attempt_days: float
    file_days: float = 90
    alert_days: float = 365


class Upkeep:
    """Removes what is too old or too much. Each method returns how many rows went."""

    def __init__(self, storage: Storage, bounds: Bounds) -> None:
        self._storage = storage
        self._retention = storage.retention
        self._bounds = bounds

    async def remove_messages(self, now: Instant) -> int:
        """Messages that are too old, and the oldest while there are too many bytes."""
        before = now - _days(self._bounds.message_days)
        return await self._retention.prune_messages(before=before, max_bytes=self._bounds.message_bytes)

    async def remove_events(self, now: Instant) -> int:
        """Events that are too old to be told to a stream that resumes."""
        return await self._retention.prune_events(before=now - _days(self._bounds.event_days))

    async def remove_seen(self, now: Instant) -> int:
        """Refused handshakes, unknown tokens, oddities and ended connections of long ago."""
        return await self._retention.prune_seen(before=now - _days(self._bounds.attempt_days))

    async def remove_alerts(self, now: Instant) -> int:
        """Alerts that were cleared long ago, and e-mails of long ago."""
        await self._storage.webhooks.prune(now - _days(self._bounds.attempt_days))
        await self._storage.emails.prune(now - _days(self._bounds.attempt_days))
        return await self._storage.alerts.prune(now - _days(self._bounds.alert_days))


class FileUpkeep:
    """Removes files that stations brought long ago."""

    def __init__(self, files: FileService, bounds: Bounds) -> None:
        self._files = files
        self._bounds = bounds

    async def remove_files(self, now: Instant) -> int:
        """Diagnostics and logs that are too old. Returns how many files went."""
        return await self._files.remove_old(now - _days(self._bounds.file_days), now)


def _days(days: float) -> int:
    return round(days * DAY_US)
