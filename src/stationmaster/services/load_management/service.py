"""Load management on a node: which sites are managed, and which of them are planned here.

The rule that shapes this file: every node knows which stations belong to managed sites, so that what
happens there reaches the node that plans; a plan is owned by one node at a time (`storage.site_plans`),
taken when it is free and kept by renewing. Stations of no managed site cost one look into a dictionary.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final

import msgspec
import structlog

from stationmaster.bus.messages_v1 import SiteNews, decode, encode
from stationmaster.bus.subjects import site_news_of
from stationmaster.domain.facts import ConnectorStatusChanged, Fact, StationConnected
from stationmaster.domain.load_management.planner import PlannerSnapshot
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Site, planned_connector, planned_site
from stationmaster.domain.smart_charging.local_time import UtcOffset, offsets_between
from stationmaster.domain.smart_charging.profiles import RateUnit
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.load_management.hearing import Listener, hand_in
from stationmaster.services.load_management.releasing import Releases
from stationmaster.services.load_management.runner import SiteConfiguration, SiteKey, SiteRunner
from stationmaster.services.sites import Sites, zone_of
from stationmaster.services.smart_charging import SmartCharging
from stationmaster.services.time_zones import offset_reader
from stationmaster.storage import Committed, StorageError

__all__ = ["TEND_EVERY_S", "LoadManagement"]

log = structlog.get_logger(__name__)

TEND_EVERY_S: Final = 4.0
_SECOND: Final = MICROSECONDS_PER_SECOND
_OWNED_US: Final = 15 * _SECOND
_LOOK_ALL_US: Final = 60 * _SECOND
_CONFIGURE_US: Final = 1800 * _SECOND
_HORIZON_US: Final = 27 * 3600 * _SECOND
"""A day ahead and what passes until the site is configured anew, with some to spare."""
_DAY_US: Final = 86_400 * _SECOND
HISTORY_DAYS: Final = 31

_decode_snapshot = msgspec.json.Decoder(PlannerSnapshot).decode


class _Managed(msgspec.Struct):
    """A managed site as this node knows it."""

    site: Site
    configuration: SiteConfiguration
    station_ids: frozenset[str]
    configured_at: Instant
    looked_at: Instant


class LoadManagement:
    """Plans for the sites whose plans this node owns, and tells the other nodes what they need for theirs."""

    def __init__(self, context: ServiceContext, sites: Sites, smart_charging: SmartCharging) -> None:
        self._context = context
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._sites = sites
        self._smart_charging = smart_charging
        self._managed: dict[SiteKey, _Managed] = {}
        self._stations: dict[str, SiteKey] = {}
        """The site of each station of a managed site."""
        self._runners: dict[SiteKey, SiteRunner] = {}
        self._listener = Listener()
        self._tasks: set[asyncio.Task[None]] = set()
        self._orphans_at: Instant = 0
        self._one_at_a_time = asyncio.Lock()
        """A plan that this node takes twice at once would be lost to itself."""
        self._releases = Releases(context, smart_charging, self._is_managed)
        self._listening = False

    # Life.

    async def load(self) -> None:
        """Learn which sites are managed: at the start, and when messages may have been missed.

        Plans are taken by `tend`, when it is known which stations are connected to this node.
        """
        if not self._listening:
            self._storage.on_committed(self.committed)
            self._listening = True
        found = {(site.organisation_id, site.id) for site in await self._storage.sites.everything()}
        for key in found | self._managed.keys():
            async with self._one_at_a_time:
                await self._learn(key)

    async def close(self) -> None:
        """Stop planning, and let other nodes go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for key, runner in list(self._runners.items()):
            await runner.stop()
            await self._let_go(key, runner)
        self._runners.clear()

    async def tend(self, now: Instant) -> None:
        """Keep the plans that are ours, take those that are free, see to what changes with time."""
        if self._runners:
            kept = await self._storage.site_plans.renew(self._storage.node_id, now + _OWNED_US)
            for key, runner in list(self._runners.items()):
                if key not in kept or runner.lost:
                    log.warning("load_management.lost", site_id=key[1])
                    del self._runners[key]
                    await runner.stop()
        for key in list(self._managed):
            async with self._one_at_a_time:
                await self._tend_site(key, now)
        if now >= self._orphans_at:
            self._orphans_at = now + _LOOK_ALL_US
            for key in await self._storage.site_plans.keys():
                async with self._one_at_a_time:
                    if key not in self._managed:
                        await self._end(key)

    async def sweep_releases(self, now: Instant) -> int:
        """Take limits back from what is managed no longer."""
        return await self._releases.sweep(now)

    async def prune(self, now: Instant) -> int:
        """Forget history that is too old."""
        return await self._storage.site_plans.prune(now - HISTORY_DAYS * _DAY_US)

    # What operators change.

    async def site_changed(self, organisation_id: str, site_id: str) -> None:
        """A site, its schedules, its stations or their wiring are others now."""
        async with self._one_at_a_time:
            await self._learn((organisation_id, site_id))
            await self._tend_site((organisation_id, site_id), self._clock())

    async def station_changed(self, station_id: str) -> None:
        """A station was made, changed, moved or removed."""
        before = self._stations.get(station_id)
        station = await self._storage.stations.get(station_id)
        after = None if station is None or station.site_id is None else (station.organisation_id, station.site_id)
        for key in {before, after} - {None}:
            if key is not None and (key in self._managed or key == after):
                await self.site_changed(*key)

    async def meter_read(self, site: Site, deciamps: tuple[int, int, int]) -> None:
        """Somebody read the site's meter."""
        news = SiteNews(organisation_id=site.organisation_id, site_id=site.id, what="meter", deciamps=deciamps)
        await self._tell(news)

    # What happens.

    def committed(self, committed: Sequence[Committed]) -> None:
        """Facts of this node became durable. Called by the storage, so nothing is waited for here."""
        for entry in committed if self._stations else ():
            key = self._stations.get(entry.fact.station_id)
            if key is None:
                continue
            managed = self._managed.get(key)
            if _is_new_place(entry.fact, managed):
                self._do(self._sites.tell(*key))  # Whichever node plans for the site has to learn of it.
            if managed is None:
                continue
            for news in self._listener.news_of(entry, managed.site, managed.configuration.connectors):
                runner = self._runners.get(key)
                if runner is not None:
                    hand_in(runner, news)
                else:
                    self._do(self._tell(news))

    async def hear(self, _subject: str, message: bytes) -> None:
        """News from another node."""
        try:
            told = decode(message, SiteNews)
        except msgspec.MsgspecError:
            log.warning("load_management.unreadable_news")
            return
        runner = self._runners.get((told.organisation_id, told.site_id))
        if runner is not None:
            hand_in(runner, told)

    # What is known.

    async def snapshot_of(self, site: Site) -> PlannerSnapshot | None:
        """What the planner of a site knows, here or as it was last written down; None while there is no plan."""
        runner = self._runners.get((site.organisation_id, site.id))
        if runner is not None:
            return _decode_snapshot(runner.snapshot())
        found = await self._storage.site_plans.snapshot_of(site.organisation_id, site.id)
        return None if found is None else _decode_snapshot(found[0])

    def plans(self, organisation_id: str, site_id: str) -> bool:
        """Whether this node plans for a site."""
        return (organisation_id, site_id) in self._runners

    # Inside.

    async def _tell(self, news: SiteNews) -> None:
        runner = self._runners.get((news.organisation_id, news.site_id))
        if runner is not None:
            hand_in(runner, news)
        else:
            await self._bus.publish(site_news_of(news.organisation_id, news.site_id), encode(news))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        # Not within another coroutine: one that is cancelled before it begins would never await what is in it.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StorageError):
            log.warning("load_management.put_off", error=str(error))
        elif error is not None:
            log.error("load_management.failed", exc_info=error)

    def _is_managed(self, station_id: str, evse_id: int) -> bool:
        key = self._stations.get(station_id)
        managed = None if key is None else self._managed.get(key)
        return (
            managed is not None and Location.of_connector_number(station_id, evse_id) in managed.configuration.wirings
        )

    async def _learn(self, key: SiteKey) -> None:
        """Learn how a site is to be planned now; what is managed no longer is let go of."""
        site: Site | None = await self._storage.sites.get(*key)
        stations = [] if site is None else await self._sites.stations_of(site)
        station_ids = frozenset(station.id for station in stations)
        # From here on it is heard what they tell: what comes too late for the reading that follows leads to another.
        self._place(key, station_ids)
        managed = None if site is None else await self._managed_of(site, station_ids, self._clock())
        if managed is None:
            self._place(key, ())
            self._managed.pop(key, None)
            await self._end(key)
            return
        self._managed[key] = managed
        runner = self._runners.get(key)
        if runner is not None:
            runner.configure(managed.configuration)

    def _place(self, key: SiteKey, station_ids: Iterable[str]) -> None:
        """These stations, and no others, belong to a site."""
        elsewhere = {station: place for station, place in self._stations.items() if place != key}
        self._stations = elsewhere | dict.fromkeys(station_ids, key)

    async def _tend_site(self, key: SiteKey, now: Instant) -> None:
        managed = self._managed.get(key)
        if managed is None:
            return
        runner = self._runners.get(key)
        if runner is None:
            taken = await self._storage.site_plans.take(*key, self._storage.node_id, now + _OWNED_US)
            if taken is None:
                return
            self._runners[key] = self._runner(key, managed.configuration, *taken)
            self._runners[key].start()
            return
        if now - managed.configured_at >= _CONFIGURE_US:
            await self._learn(key)
        elif now - managed.looked_at >= _LOOK_ALL_US:
            managed.looked_at = now
            runner.look_at(managed.station_ids)
        runner.wake()

    def _runner(self, key: SiteKey, configuration: SiteConfiguration, epoch: int, snapshot: str | None) -> SiteRunner:
        return SiteRunner(
            self._context, self._smart_charging, key, epoch, configuration, snapshot, release=self._releases.ask
        )

    async def _end(self, key: SiteKey) -> None:
        """A site is managed no longer: take its limits back, and forget its plan."""
        runner = self._runners.pop(key, None)
        if runner is None:
            taken = await self._storage.site_plans.take_left(*key, self._storage.node_id, self._clock() + _OWNED_US)
            if taken is None:
                return
            epoch, snapshot = taken
            if snapshot is None:
                await self._storage.site_plans.forget(*key, epoch)
                return
            site = _decode_snapshot(snapshot).site
            configuration = SiteConfiguration(site=site, wirings={}, connectors={})
            runner = self._runner(key, configuration, epoch, snapshot)
        await runner.finish()
        await self._storage.site_plans.forget(*key, runner.epoch)
        self._do(self._sweep_now())

    async def _sweep_now(self) -> None:
        await self._releases.sweep(self._clock())

    async def _let_go(self, key: SiteKey, runner: SiteRunner) -> None:
        try:
            await self._storage.site_plans.let_go(*key, runner.epoch, runner.snapshot())
        except StorageError as error:
            log.warning("load_management.not_let_go", site_id=key[1], error=str(error))

    async def _managed_of(self, site: Site, station_ids: frozenset[str], now: Instant) -> _Managed | None:
        """A site as it is to be planned; None when it has no limit."""
        schedules = await self._storage.sites.schedules_of(site.organisation_id, site.id)
        if not site.limits and not any(schedule.entries for schedule in schedules):
            return None
        found = await self._sites.connectors_of(site)
        wirings = {each.wiring.location: each.wiring for each in found}
        takes = await self._takes_current({location.station_id for location in wirings})
        start = now - now % _DAY_US - _DAY_US
        planned = planned_site(site, schedules, _offsets(site.time_zone, start), now, now + _HORIZON_US)
        connectors = {
            location: planned_connector(wiring, takes_current=takes.get(location.station_id))
            for location, wiring in wirings.items()
        }
        return _Managed(
            site=site,
            configuration=SiteConfiguration(site=planned, wirings=wirings, connectors=connectors),
            station_ids=station_ids,
            configured_at=now,
            looked_at=now,
        )

    async def _takes_current(self, station_ids: Iterable[str]) -> dict[str, bool]:
        """Whether stations take limits in amperes; those that never said are left out."""
        found: dict[str, bool] = {}
        for station_id in station_ids:
            units = (await self._smart_charging.capabilities_of(station_id)).allowed_units
            if units:
                found[station_id] = RateUnit.AMPERE in units
        return found


def _is_new_place(fact: Fact, managed: _Managed | None) -> bool:
    """Whether a station tells of a connector that is not planned for; None: the site is being learned."""
    connectors = () if managed is None else managed.configuration.connectors
    if isinstance(fact, ConnectorStatusChanged):
        return fact.location.evse_id is not None and fact.location not in connectors
    if isinstance(fact, StationConnected):
        return all(location.station_id != fact.station_id for location in connectors)
    return False


def _offsets(time_zone: str, start: Instant) -> tuple[UtcOffset, ...]:
    return offsets_between(offset_reader(zone_of(time_zone)), start, start + 5 * _DAY_US)
