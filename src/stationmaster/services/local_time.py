"""Profiles that follow the wall clock of a site are sent anew when that clock changes (handbook §3.6.3, [S 3.13.7]).

The rule that shapes this file: what is to be done is read off what stations hold and what the clocks show, so nothing
is queued: a station that was away, a node that died and a site whose time zone somebody changed are all the same. Each
node looks after the stations that are connected to it; a station is claimed before it is looked at.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final

import structlog

from stationmaster.domain.errors import DomainError, Invalid, Unavailable
from stationmaster.domain.jobs import ENDED, Job, JobState
from stationmaster.domain.smart_charging.installed import Mirror
from stationmaster.domain.smart_charging.local_time import moved, next_change, offsets_between
from stationmaster.domain.smart_charging.profiles import InstalledProfile
from stationmaster.domain.smart_charging.renewals import asked, is_due, put_in_doubt, settled
from stationmaster.instants import Instant
from stationmaster.services.commands import LONGEST_WAIT_S
from stationmaster.services.context import ServiceContext
from stationmaster.services.sites import zone_of
from stationmaster.services.smart_charging import Installation, SmartCharging
from stationmaster.services.time_zones import offset_reader
from stationmaster.storage.errors import StorageError
from stationmaster.storage.queries.local_time import FollowingStation

__all__ = ["REQUESTED_BY", "LocalTimeProfiles"]

log = structlog.get_logger(__name__)

REQUESTED_BY: Final = "local_time"
_CAUSE: Final = "local_time"
_AT_ONCE: Final = 20
"""Stations that are sent something at the same time: a slow one holds up no other."""
_CLAIM_US: Final = 1_200_000_000
"""A profile has been answered by then: it may wait 300 s in the queue of a connection, and 600 s for its answer."""
_ASK_AGAIN_US: Final = 3_600_000_000
_DAY_US: Final = 86_400_000_000
"""A station is looked at so often at least, since the rules of a time zone may become others."""


class _Ending(Enum):
    """What became of a profile that was to be sent anew."""

    TAKEN = auto()
    REFUSED = auto()
    UNANSWERED = auto()
    NOT_SENT = auto()


_LOOK_AGAIN_US: Final = {
    _Ending.TAKEN: _DAY_US,
    _Ending.REFUSED: _DAY_US,
    _Ending.UNANSWERED: _ASK_AGAIN_US,
    _Ending.NOT_SENT: 0,
}
"""How long after what became of a profile the station is looked at again, if its clock does not change before."""


class LocalTimeProfiles:
    """Looks after profiles that follow local time."""

    def __init__(self, context: ServiceContext, smart_charging: SmartCharging) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._smart_charging = smart_charging
        self._away: set[str] = set()
        """Stations that are to be looked at when they come, as far as this node knows; the clock finds the others."""
        self._few = asyncio.Semaphore(_AT_ONCE)

    def wants(self, station_id: str) -> bool:
        """Whether the coming of this station may matter."""
        return station_id in self._away

    async def came(self, station_id: str) -> None:
        """A station is there."""
        self._away.discard(station_id)
        station = await self._storage.local_time.due_of(station_id, self._clock())
        if station is not None:
            await self._look(station)

    async def advance(self, now: Instant) -> None:
        """Look at the stations of this node whose time has come. Safe to run on several nodes."""
        due = await self._storage.local_time.due(now)
        self._away = {each.station_id for each in due if each.node_id is None}
        here = (each for each in due if each.node_id == self._storage.node_id)
        await asyncio.gather(*(self._look_guarded(each) for each in here))

    # Inside.

    async def _look_guarded(self, station: FollowingStation) -> None:
        try:
            async with self._few:
                await self._look(station)
        except (DomainError, StorageError):
            log.warning("local_time.put_off", station_id=station.station_id, exc_info=True)

    async def _look(self, station: FollowingStation) -> None:
        now = self._clock()
        if not await self._storage.local_time.claim(station.station_id, now, now + _CLAIM_US):
            return
        # From the database: whoever held the station a moment ago, here or on another node, may have seen to it.
        mirror: Mirror = await self._storage.charging_profiles.mirror_of(station.station_id)
        clocks = _Clocks(station.time_zone, now)
        due = [entry for entry in mirror if is_due(entry, clocks.of(entry)[1], now)]
        endings = await self._renew_all(station, mirror, due, clocks) if due else []
        if _Ending.NOT_SENT in endings:
            self._away.add(station.station_id)
        looks = [clocks.next_look(entry) for entry in mirror if entry.local_time_zone is not None]
        next_at = min([now + _DAY_US, *looks, *(now + _LOOK_AGAIN_US[each] for each in endings)])
        await self._change(station, lambda held: settled(held, clocks.of))
        await self._storage.local_time.looked(station.station_id, station.time_zone, next_at)

    async def _renew_all(
        self, station: FollowingStation, mirror: Mirror, due: Sequence[InstalledProfile], clocks: "_Clocks"
    ) -> list[_Ending]:
        """Send profiles anew, in the order of their installation, and what that puts in doubt once more as it is."""
        if await self._is_busy(station):
            return [_Ending.NOT_SENT]
        endings: list[_Ending] = []
        doubtful: dict[int, InstalledProfile] = {}
        for entry in due:
            endings.append(await self._renew(station, entry, clocks))
            if endings[-1] in {_Ending.TAKEN, _Ending.UNANSWERED}:
                doubtful |= {id(each): each for each in put_in_doubt(mirror, entry) if each not in due}
        return [*endings, *[await self._renew(station, entry, clocks) for entry in doubtful.values()]]

    async def _renew(self, station: FollowingStation, entry: InstalledProfile, clocks: "_Clocks") -> _Ending:
        """Send a profile anew; what the station did not take is remembered with it."""
        held = await self._storage.charging_profiles.mirror_of(station.station_id)
        if (entry.location, entry.profile) not in {(each.location, each.profile) for each in held}:
            return _Ending.TAKEN  # The one before took its time, and meanwhile somebody cleared or replaced it.
        await self._storage.local_time.hold(station.station_id, self._clock() + _CLAIM_US)
        zone, offset_s = clocks.of(entry)
        # The start that somebody gave to a profile stays.
        follows = entry.local_time_zone is not None
        ending = await self._send(
            station,
            Installation(
                location=entry.location,
                profile=moved(entry.profile, offset_s, self._clock()) if follows else entry.profile,
                local_time_zone=zone if follows else None,
                # What was doubtful about it was so when it was sent first.
                send_anyway=True,
            ),
        )
        log.info(
            "local_time.sent_anew",
            station_id=station.station_id,
            profile_id=entry.profile.profile_id,
            time_zone=zone,
            ending=ending.name.lower(),
        )
        if ending in {_Ending.REFUSED, _Ending.UNANSWERED}:
            refused = ending is _Ending.REFUSED
            await self._change(station, lambda held: asked(held, entry, offset_s, refused=refused))
        return ending

    async def _is_busy(self, station: FollowingStation) -> bool:
        """Whether a command is on its way to the station, or waits for it: it may clear or replace what is held."""
        unfinished = await self._storage.jobs.unfinished(station.station_id)
        return any(job.state in {JobState.QUEUED, JobState.SENT} for job in unfinished)

    async def _send(self, station: FollowingStation, installation: Installation) -> _Ending:
        try:
            job, _ = await self._smart_charging.install(
                station.organisation_id, installation, requested_by=REQUESTED_BY, wait_s=LONGEST_WAIT_S
            )
        except Invalid:
            log.warning("local_time.against_the_rules", station_id=station.station_id, exc_info=True)
            return _Ending.REFUSED
        except Unavailable as error:
            return _Ending.UNANSWERED if error.code == "outcome_unknown" else _Ending.NOT_SENT
        except DomainError:
            # It is not there, or not accepted so far.
            return _Ending.NOT_SENT
        return _ending_of(job)

    async def _change(self, station: FollowingStation, how: Callable[[Mirror], Mirror]) -> None:
        await self._smart_charging.change(station.organisation_id, station.station_id, _CAUSE, how)


class _Clocks:
    """The clocks on the wall at a moment: that of the station's site, or where there is none, those followed so far."""

    def __init__(self, time_zone: str | None, now: Instant) -> None:
        self._time_zone = time_zone
        self._now = now

    def of(self, entry: InstalledProfile) -> tuple[str, int]:
        """The zone whose clock an entry is to follow, and its offset. Raises Invalid for one that is not known."""
        zone = self._time_zone or entry.local_time_zone or "UTC"
        return zone, offset_reader(zone_of(zone))(self._now)

    def next_look(self, entry: InstalledProfile) -> Instant:
        """When the clock changes next, or so far ahead as nobody knows."""
        read = offset_reader(zone_of(self.of(entry)[0]))
        offsets = offsets_between(read, self._now, self._now + _DAY_US)
        return next_change(offsets, self._now) or self._now + _DAY_US


def _ending_of(job: Job) -> _Ending:
    if job.state == JobState.DONE:
        return _Ending.TAKEN if job.result == "Accepted" else _Ending.REFUSED
    if job.state == JobState.ERROR:
        return _Ending.REFUSED
    if job.state in ENDED and job.sent_at is None:
        return _Ending.NOT_SENT
    return _Ending.UNANSWERED
