"""Desired configuration: how far stations are followed, and how their keys stand to what is desired.

The rule that shapes this file: looking costs no traffic. A station is compared with what it told last, whenever that or
what is desired changes, and never otherwise; applying is the business of `services.configuration_jobs`.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec
import structlog

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.configuration_advice import Advice
from stationmaster.domain.configuration_drift import (
    WantedKey,
    judge,
    key_name,
    memory_of,
    remembered,
    templates_of,
    wanted_keys,
)
from stationmaster.domain.desired_configuration import (
    DRIFTING,
    ConfigurationCompared,
    ConfigurationDrifted,
    ConfigurationInStep,
    ConfigurationTemplate,
    DriftingKey,
    FollowedStation,
    FollowMode,
    KeyAnswer,
    KeyRecord,
    KeyState,
    KnownKey,
)
from stationmaster.domain.errors import DomainError, FieldError, Invalid
from stationmaster.domain.facts import (
    ConfigurationReported,
    ConfigurationValueChanged,
    Fact,
    StationBooted,
)
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.configuration_templates import ConfigurationTemplates
from stationmaster.services.configuration_words import ConfigurationWords, words_for
from stationmaster.services.context import ServiceContext
from stationmaster.services.in_turn import in_turn
from stationmaster.storage.committed import Committed
from stationmaster.storage.errors import StorageError

__all__ = ["FOLLOWED", "Answers", "DesiredConfiguration", "Standing"]

log = structlog.get_logger(__name__)

FOLLOWED: Final = "followed_stations"
"""The kind of `Invalidate` that says: how far a station is followed has changed."""
MOST_ASSIGNED: Final = 50
AT_ONCE_S: Final = 2.0
"""How long a change waits until all stations that it is about have been compared anew."""
_HEARD: Final = (ConfigurationReported, ConfigurationValueChanged, StationBooted)

Answers = Mapping[str, KeyAnswer]
"""What a station made of our changes, by key in small letters."""


class Standing(msgspec.Struct, frozen=True):
    """A station, how far it is followed, what is wanted of it, and how each key stands, in one order."""

    station: Station
    followed: FollowedStation
    templates: tuple[ConfigurationTemplate, ...]
    wanted: tuple[WantedKey, ...]
    records: tuple[KeyRecord, ...]


class DesiredConfiguration:
    """Follows stations."""

    def __init__(
        self,
        context: ServiceContext,
        catalogues: Mapping[str, ConfigurationWords],
        templates: ConfigurationTemplates,
    ) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._secrets = context.secrets
        self._catalogues = catalogues
        self._templates = templates
        self._followed: set[str] = set()
        """Stations that are not off, of all organisations."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._due: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @in_turn
    async def load(self) -> None:
        """Learn which stations are followed."""
        found = await self._storage.desired_configuration.all_followed()
        self._followed = {each.station_id for each in found if each.mode != FollowMode.OFF}

    def follows(self, station_id: str) -> bool:
        """Whether a station is followed at all."""
        return station_id in self._followed

    # What operators say.

    async def followed(self, station: Station) -> FollowedStation:
        """How far a station is followed; off unless somebody said otherwise."""
        found: FollowedStation | None = await self._storage.desired_configuration.followed(station.id)
        return found or FollowedStation(station_id=station.id, organisation_id=station.organisation_id)

    async def follow(
        self, stations: Sequence[Station], mode: str | None = None, template_ids: Sequence[str] | None = None
    ) -> None:
        """Say how far stations are followed, which templates are assigned to them by hand, or both.

        Nothing is sent. Raises Invalid for a template that is not there.
        """
        for organisation_id in {each.organisation_id for each in stations}:
            self._check_templates(organisation_id, template_ids or ())
        now = self._clock()
        changes: dict[str, object] = {"updated_at": now, "failures": 0, "not_before": 0}
        if mode is not None:
            changes["mode"] = FollowMode(mode).value
        if template_ids is not None:
            changes["template_ids"] = tuple(dict.fromkeys(template_ids))
        before = [await self.followed(each) for each in stations]
        await self._keep([msgspec.structs.replace(each, **changes) for each in before])

    async def assign(self, template: ConfigurationTemplate, stations: Sequence[Station], *, assigned: bool) -> None:
        """Assign a template to stations by hand, or take it from them. Nothing is sent. Raises Invalid."""
        changed: list[FollowedStation] = []
        for station in stations:
            before = await self.followed(station)
            others = tuple(each for each in before.template_ids if each != template.id)
            template_ids = (*others, template.id) if assigned else others
            if len(template_ids) > MOST_ASSIGNED:
                raise _too_many(station.id)
            changed.append(msgspec.structs.replace(before, template_ids=template_ids, updated_at=self._clock()))
        await self._keep(changed)

    async def failed_to_read(self, station: Station, not_before: Instant) -> None:
        """A station could not be read: nothing is begun by itself before this time."""
        before = await self.followed(station)
        changed = msgspec.structs.replace(before, failures=before.failures + 1, not_before=not_before)
        await self._storage.desired_configuration.follow([changed])

    async def was_read(self, station: Station) -> None:
        """A station could be read after all."""
        before = await self.followed(station)
        if before.failures:
            await self._storage.desired_configuration.follow(
                [msgspec.structs.replace(before, failures=0, not_before=0)]
            )

    # How stations stand.

    async def standing(self, station: Station) -> Standing:
        """How a station's keys stand now, by what is known of them; nothing is stored."""
        followed = await self.followed(station)
        before = {each.key_name: each for each in await self._storage.desired_configuration.keys_of(station.id)}
        return await self._standing(station, followed, before, {})

    async def compare(self, station_id: str, answers: Answers | None = None) -> Standing | None:
        """Compare a station anew, keep how it stands, and tell what became of it; None when it is gone.

        `answers` is what it made of changes that were just tried.
        """
        lock = self._locks.setdefault(station_id, asyncio.Lock())
        async with lock:
            station: Station | None = await self._storage.stations.get(station_id)
            if station is None:
                return None
            followed = await self.followed(station)
            stored = await self._storage.desired_configuration.keys_of(station_id)
            before = {each.key_name: each for each in stored}
            standing = await self._standing(station, followed, before, answers or {})
            if list(standing.records) != stored:
                await self._storage.record(self._told(station, stored, standing.records))
            return standing

    async def affected_by(
        self, organisation_id: str, templates: Sequence[ConfigurationTemplate], *, followed_only: bool = True
    ) -> list[str]:
        """The stations to which one of the templates applies."""
        found = {each.station_id: each for each in await self._storage.desired_configuration.all_followed()}
        names: list[str] = []
        cursor: str | None = None
        while True:
            page = await self._storage.stations.find(organisation_id, limit=1000, cursor=cursor)
            for station in page.items:
                followed = found.get(station.id)
                if followed_only and (followed is None or followed.mode == FollowMode.OFF):
                    continue
                if templates_of(templates, station, () if followed is None else followed.template_ids):
                    names.append(station.id)
            cursor = page.next_cursor
            if cursor is None:
                return names

    async def compare_all(self, station_ids: Iterable[str]) -> None:
        """Compare stations anew; what takes long goes on behind the caller's back."""
        task = asyncio.create_task(self._compare_each(list(station_ids)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=AT_ONCE_S)

    async def sweep(self, _now: Instant) -> None:
        """Compare every station that is followed: what was changed past us, or while a node was down, is seen too."""
        await self.load()
        await self._compare_each(sorted(self._followed))

    async def advice(self, station: Station) -> list[Advice]:
        """What to consider about a station's keys as last read."""
        stored = await self._storage.configuration.of(station.id)
        values = {key_name(each.variable): each.value for each in stored if each.value is not None and each.supported}
        return self.words(station).advice_on(values)

    def words(self, station: Station) -> ConfigurationWords:
        """What the station's protocol tells of keys."""
        return words_for(self._catalogues, station)

    # What nodes hear.

    def heard(self, committed: Sequence[Committed]) -> None:
        """Facts became durable on this node: stations that told something are compared, but after the commit."""
        for each in committed if self._followed else ():
            if isinstance(each.fact, _HEARD) and each.fact.station_id in self._followed:
                self._soon(each.fact.station_id)

    def _soon(self, station_id: str) -> None:
        if station_id in self._due:
            return
        self._due.add(station_id)
        task = asyncio.create_task(self._compare_soon(station_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let go; the sweep of the next start finds what was not compared."""
        self._followed.clear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Inside.

    async def _compare_soon(self, station_id: str) -> None:
        self._due.discard(station_id)
        if await self._is_being_changed(station_id):
            return  # Half a change would be told as drift; whoever makes it compares when it is whole.
        await self._compare_each([station_id])

    async def _is_being_changed(self, station_id: str) -> bool:
        try:
            under_way = await self._storage.configuration_jobs.unfinished(station_id)
        except StorageError:
            return False
        return any(each.claimed_until > self._clock() for each in under_way)

    async def _compare_each(self, station_ids: Sequence[str]) -> None:
        for station_id in station_ids:
            try:
                await self.compare(station_id)
            except (StorageError, DomainError, ValueError):
                log.warning("desired_configuration.not_compared", station_id=station_id, exc_info=True)

    async def _standing(
        self, station: Station, followed: FollowedStation, before: Mapping[str, KeyRecord], answers: Answers
    ) -> Standing:
        templates = templates_of(self._templates.of(station.organisation_id), station, followed.template_ids)
        wanted = wanted_keys(templates, followed.mode)
        known = await self._known_keys(station) if wanted else {}
        records: list[KeyRecord] = []
        for each in wanted:
            name = key_name(each.key)
            records.append(self._record(station, each, known.get(name), before.get(name), answers.get(name)))
        return Standing(station, followed, tuple(templates), tuple(wanted), tuple(records))

    async def _known_keys(self, station: Station) -> dict[str, KnownKey]:
        return {
            key_name(each.variable): KnownKey(
                key=each.variable,
                value=each.value,
                readonly=each.readonly,
                supported=each.supported,
                pending_value=each.pending_value,
                read_at=each.read_at,
                written_at=each.written_at,
            )
            for each in await self._storage.configuration.of(station.id)
        }

    def _record(
        self,
        station: Station,
        wanted: WantedKey,
        known: KnownKey | None,
        before: KeyRecord | None,
        answer: KeyAnswer | None,
    ) -> KeyRecord:
        """How one key stands."""
        name, now = key_name(wanted.key), self._clock()
        value = self._templates.value_of(wanted.template, wanted.item)
        value_hash = self._secrets.configuration_value_hash(name, value)
        secret = wanted.item.secret or name in self._templates.secret_keys(station.organisation_id)
        memory = memory_of(before, value_hash, station.firmware_version)
        if answer is not None:
            memory = remembered(memory, answer, value_hash, station.firmware_version, now)
        kind = self.words(station).kind_of_key(wanted.key)
        state, reason = judge(value, known, memory, kind=kind, secret=secret, booted_at=station.last_boot_at)
        if state is KeyState.IN_STEP and answer is None:
            memory = msgspec.structs.replace(memory, attempts=0, next_attempt_at=None)
        return KeyRecord(
            station_id=station.id,
            key_name=name,
            organisation_id=station.organisation_id,
            key=wanted.key if known is None else known.key,
            template_id=wanted.template.id,
            mode=wanted.mode.value,
            secret=secret,
            state=state.value,
            reason=reason.value,
            desired=None if secret else value,
            actual=None if secret or known is None else _actual(known, state),
            since=now if before is None or before.state != state else before.since,
            checked_at=0 if known is None else max(known.read_at or 0, known.written_at or 0),
            **msgspec.structs.asdict(memory),
        )

    def _told(self, station: Station, before: Sequence[KeyRecord], after: Sequence[KeyRecord]) -> list[Fact]:
        """The comparison, and what the world is told of it."""
        head: dict[str, Any] = {
            "organisation_id": station.organisation_id,
            "station_id": station.id,
            "received_at": self._clock(),
        }
        facts: list[Fact] = [ConfigurationCompared(**head, records=tuple(after))]
        drifted_before, drifting = _drifting(before), _drifting(after)
        if drifting and drifting != drifted_before:
            facts.append(ConfigurationDrifted(**head, keys=tuple(drifting.values())))
        elif drifted_before and not drifting:
            facts.append(ConfigurationInStep(**head, mended=tuple(each.key for each in drifted_before.values())))
        return facts

    def _check_templates(self, organisation_id: str, template_ids: Sequence[str]) -> None:
        if len(template_ids) > MOST_ASSIGNED:
            raise _too_many("a station")
        known = {each.id for each in self._templates.of(organisation_id)}
        for place, each in enumerate(template_ids):
            if each not in known:
                words = "There is no such configuration template."
                raise Invalid("field_invalid", words, fields=(FieldError(f"template_ids.{place}", "unknown", words),))

    async def _keep(self, changed: Sequence[FollowedStation]) -> None:
        await self._storage.desired_configuration.follow(changed)
        for each in changed:
            self.hear(each.station_id, followed=each.mode != FollowMode.OFF)
            message = Invalidate(kind=FOLLOWED, key=each.station_id, organisation_id=each.organisation_id)
            await self._bus.publish(INVALIDATE, encode(message))
        await self.compare_all([each.station_id for each in changed])

    def hear(self, station_id: str, *, followed: bool) -> None:
        """A station is followed from now on, or no more."""
        if followed:
            self._followed.add(station_id)
        else:
            self._followed.discard(station_id)

    @in_turn
    async def told(self, station_id: str) -> None:
        """Another node has changed how far a station is followed."""
        found: FollowedStation | None = await self._storage.desired_configuration.followed(station_id)
        self.hear(station_id, followed=found is not None and found.mode != FollowMode.OFF)


def _actual(known: KnownKey, state: KeyState) -> str | None:
    """What is in force; of a key that differs, what makes it differ, though that may be in force after a boot only."""
    return known.value_to_come if state is KeyState.DRIFTED else known.value


def _drifting(records: Sequence[KeyRecord]) -> dict[str, DriftingKey]:
    return {
        each.key_name: DriftingKey(each.key, each.state, each.reason, each.desired, each.actual, each.template_id)
        for each in records
        if each.state in DRIFTING
    }


def _too_many(station_id: str) -> Invalid:
    words = f"At most {MOST_ASSIGNED} templates can be assigned to {station_id}."
    return Invalid("field_invalid", words, fields=(FieldError("template_ids", "too_many", words),))
