"""Taking limits back from connectors that are managed no longer.

The rule that shapes this file: a limit that nobody looks after any more would throttle cars for ever,
so it is remembered until the station has been told, however long it is away.
"""

from collections.abc import Callable
from typing import Final

import structlog

from stationmaster.domain.errors import DomainError, NotFound
from stationmaster.domain.jobs import JobState
from stationmaster.domain.smart_charging.installed import ClearFilter
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.load_management.ours import REQUESTED_BY, default_id, transaction_profile_id
from stationmaster.services.smart_charging import SmartCharging

__all__ = ["Releases"]

log = structlog.get_logger(__name__)

_WAIT_S: Final = 20.0


class Releases:
    """Clears our profiles where they are not wanted any more. `managed` tells whether a connector is, after all."""

    def __init__(
        self, context: ServiceContext, smart_charging: SmartCharging, managed: Callable[[str, int], bool]
    ) -> None:
        self._storage = context.storage
        self._smart_charging = smart_charging
        self._managed = managed

    async def ask(self, organisation_id: str, places: list[tuple[str, int]]) -> None:
        """Remember connectors (station, EVSE) from which limits are to be taken."""
        await self._storage.site_plans.release(organisation_id, places)

    async def sweep(self, _now: Instant) -> int:
        """Take back what can be taken back now; returns from how many connectors."""
        done: list[tuple[str, int]] = []
        waiting = await self._storage.site_plans.to_release()
        connected = (
            await self._storage.site_plans.connected(sorted({each[1] for each in waiting})) if waiting else set()
        )
        for organisation_id, station_id, evse_id, _since in waiting:
            if self._managed(station_id, evse_id) or await self._storage.stations.get(station_id) is None:
                over = True
            else:
                over = station_id in connected and await self._cleared(organisation_id, station_id, evse_id)
            if over:
                done.append((station_id, evse_id))
        if done:
            await self._storage.site_plans.released(done)
        return len(done)

    async def _cleared(self, organisation_id: str, station_id: str, evse_id: int) -> bool:
        # Whatever our mirror says: one may have been on its way when the site was given up.
        for profile_id in (transaction_profile_id(evse_id), default_id(evse_id)):
            try:
                job = await self._smart_charging.clear(
                    organisation_id,
                    station_id,
                    ClearFilter(profile_id=profile_id),
                    requested_by=REQUESTED_BY,
                    wait_s=_WAIT_S,
                )
            except NotFound:
                return True
            except DomainError as error:
                log.info("load_management.not_released", station_id=station_id, error=error.message)
                return False
            if job.state not in {JobState.DONE, JobState.ERROR}:
                return False
        return True
