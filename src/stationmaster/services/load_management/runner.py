"""One site with its planner: what happened goes in, what follows is written down and then done.

The rule that shapes this file: what the planner knows is durable before a command of it goes out, and
only the owner of the plan can make it durable. So a node that dies loses nothing that a station was
told, and one that was cut off sends nothing any more. It sleeps until something happens or the
planner's own deadline; it never polls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import msgspec
import structlog

from stationmaster.domain.facts import Fact
from stationmaster.domain.load_management import inputs as said
from stationmaster.domain.load_management.effects import Effect, ReleaseLimits, SetLimit
from stationmaster.domain.load_management.planner import PlannerSnapshot, SitePlanner
from stationmaster.domain.load_management.site import Connector, Site
from stationmaster.domain.load_management.state import ConnectorState
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Wiring
from stationmaster.domain.smart_charging.capabilities import Capabilities
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.load_management.looking import Seen, differences, doubtful, look, online_input
from stationmaster.services.load_management.sending import late_outcome, send_limit
from stationmaster.services.load_management.telling import LoadTeller, facts_of
from stationmaster.services.smart_charging import SmartCharging
from stationmaster.storage import StorageError

__all__ = ["SiteConfiguration", "SiteKey", "SiteRunner"]

log = structlog.get_logger(__name__)

SiteKey = tuple[str, str]
"""Organisation and site."""
_WRITE_AFTER_US: Final = 5 * MICROSECONDS_PER_SECOND
"""What only measurements have changed is written down after so long."""
_CAPABILITIES_US: Final = 300 * MICROSECONDS_PER_SECOND
_LOOK_AGAIN_US: Final = 10 * MICROSECONDS_PER_SECOND
_PAUSE_S: Final = 1.0
"""The wait after a failure of the database."""
_UNANSWERED_KEPT: Final = 200

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PlannerSnapshot).decode


class SiteConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """What a site is to be planned by, as operators have it now."""

    site: Site
    wirings: Mapping[Location, Wiring]
    connectors: Mapping[Location, Connector]


class SiteRunner:
    """Plans for one site while this node owns its plan."""

    def __init__(
        self,
        context: ServiceContext,
        smart_charging: SmartCharging,
        key: SiteKey,
        epoch: int,
        configuration: SiteConfiguration,
        snapshot: str | None,
        release: Callable[[str, list[tuple[str, int]]], Awaitable[None]],
    ) -> None:
        """`snapshot` is what the owner before wrote down; `release` takes limits back from connectors."""
        self.key = key
        self.epoch = epoch
        self.lost = False
        """Whether another node owns the plan now."""
        self._storage = context.storage
        self._clock = context.clock
        self._smart_charging = smart_charging
        self._release = release
        self._wirings: Mapping[Location, Wiring] = {}
        now = self._clock()
        self._planner = SitePlanner(configuration.site, now) if snapshot is None else _restored(snapshot, now)
        self._effects: list[Effect] = []
        self._to_look: set[str] = set()
        self._look_later: dict[str, Instant] = {}
        self._capabilities: dict[str, tuple[Instant, Capabilities]] = {}
        self._unanswered: dict[str, int] = {}
        self._changed = True
        """Whether something is not written down that must be before the next command."""
        self._measured_at: Instant | None = None
        """When something was measured that is not written down."""
        self._teller = LoadTeller(key)
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self.configure(configuration)

    # From outside.

    def start(self) -> None:
        """Begin to plan."""
        self._task = asyncio.create_task(self._run(), name=f"load-management {self.key[1]}")

    async def stop(self) -> None:
        """End; what is under way may or may not reach its station, and the plan keeps room for both."""
        for task in (self._task, *self._sending):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in (self._task, *self._sending) if task), return_exceptions=True)

    async def finish(self) -> None:
        """The site is managed no longer: stop, and have every limit taken back."""
        await self.stop()
        now = self._clock()
        site = msgspec.structs.replace(self._planner.snapshot().site, limits=())
        effects = [*self._effects, *self._planner.handle(said.SiteChanged(site=site), now)]
        await self._storage.record(facts_of(self.key, effects, now))
        await self._give_back(effects)

    def snapshot(self) -> str:
        """What the planner knows, to be written down."""
        return _encode(self._planner.snapshot()).decode()

    def states(self) -> dict[Location, ConnectorState]:
        """What the planner knows of each connector."""
        return {state.connector.location: state for state in self._planner.snapshot().connectors}

    def wake(self) -> None:
        """See whether there is something to do."""
        self._wake.set()

    def tell(self, what: said.Input) -> None:
        """Hand the planner an input."""
        self._effects += self._planner.handle(what, self._clock())
        if isinstance(what, said.Measured | said.SiteMeterRead):
            self._measured_at = self._measured_at or self._clock()
        else:
            self._changed = True
        self._wake.set()

    def look_at(self, station_ids: Iterable[str]) -> None:
        """See what is stored about stations, since something happened there."""
        self._to_look.update(station_ids)
        self._wake.set()

    def rebooted(self, station_id: str) -> None:
        """A station booted: those that are not trusted to keep their limits may have lost them."""
        if any(
            location.station_id == station_id and state.connector.forgets_offline
            for location, state in self.states().items()
        ):
            self.tell(said.ControlLost(station_id=station_id))
        self.look_at([station_id])

    def answered_late(self, job_id: str, result: str) -> None:
        """A command whose time was over was answered after all."""
        command_id = self._unanswered.pop(job_id, None)
        if command_id is not None:
            self.tell(late_outcome(command_id, result))

    def configure(self, configuration: SiteConfiguration) -> None:
        """Operators changed something, or time went on."""
        states = self.states()
        self._wirings = configuration.wirings
        if configuration.site != self._planner.snapshot().site:
            self.tell(said.SiteChanged(site=configuration.site))
        for location in states.keys() - configuration.connectors.keys():
            self.tell(said.ConnectorRemoved(location=location))
        for location, connector in configuration.connectors.items():
            if location not in states or states[location].connector != connector:
                self.tell(said.ConnectorChanged(connector=connector))
        self.look_at({location.station_id for location in configuration.connectors})

    # Inside.

    async def _run(self) -> None:
        while not self.lost:
            try:
                await self._step()
            except StorageError as error:
                log.warning("load_management.put_off", site_id=self.key[1], error=str(error))
                await asyncio.sleep(_PAUSE_S)
                continue
            except Exception:
                log.exception("load_management.failed", site_id=self.key[1])
                await asyncio.sleep(_PAUSE_S)
                continue
            await self._sleep()

    async def _sleep(self) -> None:
        now = self._clock()
        moments = [self._planner.next_deadline(), self._teller.due(), *self._look_later.values()]
        if self._measured_at is not None:
            moments.append(self._measured_at + _WRITE_AFTER_US)
        first = min((each for each in moments if each is not None), default=None)
        timeout_s = None if first is None else max(first - now, 0) / MICROSECONDS_PER_SECOND
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _step(self) -> None:
        await self._look()
        now = self._clock()
        effects, self._effects = [*self._effects, *self._planner.handle(said.Tick(), now)], []
        overdue = self._measured_at is not None and now >= self._measured_at + _WRITE_AFTER_US
        facts: list[Fact] = facts_of(self.key, effects, now)
        load = self._teller.load(self._planner.snapshot(), now)
        if load is not None:
            facts.append(load)
        if effects or self._changed or overdue:
            await self._write_down(effects, facts)
        elif facts:
            await self._storage.record(facts)

    async def _write_down(self, effects: list[Effect], facts: list[Fact]) -> None:
        """Make durable what is known, then do what is wanted."""
        self._changed, self._measured_at = False, None
        try:
            await self._storage.record(facts)
            kept = await self._storage.site_plans.keep(*self.key, self.epoch, self.snapshot())
        except BaseException:
            self._changed = True
            # Nothing of it went out, and nothing of it will.
            for effect in effects:
                if isinstance(effect, SetLimit):
                    self.tell(said.CommandFailed(command_id=effect.command_id, reason="not stored"))
            self._effects += [effect for effect in effects if not isinstance(effect, SetLimit)]
            raise
        if not kept:
            log.warning("load_management.lost", site_id=self.key[1])
            self.lost = True
            return
        await self._give_back(effects)
        for effect in effects:
            if isinstance(effect, SetLimit):
                task = asyncio.create_task(self._send(effect))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _give_back(self, effects: Iterable[Effect]) -> None:
        places = [
            (effect.location.station_id, effect.location.evse_id or 0)
            for effect in effects
            if isinstance(effect, ReleaseLimits)
        ]
        if places:
            await self._release(self.key[0], places)

    async def _send(self, command: SetLimit) -> None:
        location = command.location
        state = self._planner.state_of(location)
        wiring = self._wirings.get(location)
        if state is None or wiring is None:
            self.tell(said.CommandFailed(command_id=command.command_id, reason="gone"))
            return
        result, job_id = await send_limit(
            self._smart_charging,
            self.key[0],
            command,
            wiring,
            await self._capabilities_of(location.station_id),
            by_power=state.connector.by_power,
            nominal_voltage_v=self._planner.snapshot().site.nominal_voltage_v,
            now=self._clock(),
        )
        if isinstance(result, said.CommandUnanswered) and job_id is not None:
            self._unanswered[job_id] = command.command_id
            while len(self._unanswered) > _UNANSWERED_KEPT:
                del self._unanswered[next(iter(self._unanswered))]
        self.tell(result)

    async def _look(self) -> None:
        """Tell the planner what is stored and not known to it."""
        now = self._clock()
        due = {station_id for station_id, at in self._look_later.items() if now >= at}
        for station_id in due:
            del self._look_later[station_id]
        station_ids, self._to_look = sorted(self._to_look | due), set()
        if not station_ids:
            return
        try:
            seen = await look(self._storage, station_ids)
            capabilities = {each: await self._capabilities_of(each) for each in station_ids}
        except BaseException:
            self._to_look.update(station_ids)
            raise
        for station_id, found in seen.items():
            self._compare(station_id, found, capabilities[station_id], now)

    def _compare(self, station_id: str, seen: Seen, capabilities: Capabilities, looked_at: Instant) -> None:
        now = self._clock()
        states = self.states()
        for what in online_input(states, station_id, connected=seen.connected):
            self.tell(what)
        lost = False
        for location, state in states.items():
            wiring = self._wirings.get(location)
            if location.station_id != station_id or wiring is None:
                continue
            for what in list(differences(state, wiring, capabilities, seen, looked_at, now)):
                if isinstance(what, said.ControlLost):
                    lost = True
                else:
                    self.tell(what)
        if lost:
            self.tell(said.ControlLost(station_id=station_id))
        if any(doubtful(each, now) for each in seen.running):
            self._look_later[station_id] = now + _LOOK_AGAIN_US

    async def _capabilities_of(self, station_id: str) -> Capabilities:
        known = self._capabilities.get(station_id)
        now = self._clock()
        if known is None or now - known[0] > _CAPABILITIES_US:
            known = (now, await self._smart_charging.capabilities_of(station_id))
            self._capabilities[station_id] = known
        return known[1]


def _restored(snapshot: str, now: Instant) -> SitePlanner:
    return SitePlanner.restored(_decode(snapshot), now)
