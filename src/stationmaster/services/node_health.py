"""A node looks after itself: whether the database was away, and whether the disk is nearly full.

The rule that shapes this file: what cannot be stored while it lasts is in the log at once, and becomes a fact as
soon as it can.
"""

import asyncio
import shutil
from pathlib import Path
from typing import Any, Final

import structlog

from stationmaster.domain.facts import Fact
from stationmaster.domain.node_health import DatabaseWasAway, DiskSpaceChanged
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.instants import Instant
from stationmaster.storage import Storage

__all__ = ["NodeHealth"]

log = structlog.get_logger(__name__)

MIB: Final = 1024 * 1024
ENOUGH: Final = 1.25
"""The disk has room again when so many times the space that counts as little is free."""


class NodeHealth:
    """Watches one node: its way to the database, and the disk under `folder`."""

    def __init__(self, storage: Storage, node_id: str, folder: Path, *, low_disk_bytes: int) -> None:
        self._storage = storage
        self._node_id = node_id
        self._folder = folder
        self._low_disk_bytes = low_disk_bytes
        self._outage: tuple[Instant, Instant] | None = None
        self._low: bool | None = None

    async def look(self, now: Instant) -> None:
        """Tell what has changed since the last look; what cannot be stored is told at the next one."""
        if self._low is None:
            self._low = await self._told_low()
        outage, (low, usage) = self._storage.figures.last_outage, await self._disk()
        facts: list[Fact] = []
        if outage is not None and outage != self._outage:
            since, until = outage
            facts.append(DatabaseWasAway(**self._words(now), away_since=since, back_at=until))
        if low is not self._low:
            free_mib, total_mib = usage.free // MIB, usage.total // MIB
            if low:
                log.warning("node.disk_nearly_full", folder=str(self._folder), free_mib=free_mib, total_mib=total_mib)
            facts.append(DiskSpaceChanged(**self._words(now), low=low, free_mib=free_mib, total_mib=total_mib))
        if facts:
            await self._storage.record(facts)
        self._outage, self._low = outage, low

    async def _disk(self) -> "tuple[bool, shutil._ntuple_diskusage]":
        usage = await asyncio.to_thread(shutil.disk_usage, self._folder)
        return usage.free < self._low_disk_bytes * (ENOUGH if self._low else 1), usage

    async def _told_low(self) -> bool:
        """What was told before this start, as far as an alert still says so."""
        told = await self._storage.alerts.find(DEFAULT_ORGANISATION_ID, kind=["disk_nearly_full"])
        return any(each.subject == f"node:{self._node_id}" and each.cleared_at is None for each in told.items)

    def _words(self, now: Instant) -> dict[str, Any]:
        return {
            "organisation_id": DEFAULT_ORGANISATION_ID,
            "station_id": "",
            "received_at": now,
            "node_id": self._node_id,
        }
