"""Local authorization lists: synchronised when somebody asks or a schedule says so (handbook §3.7).

The rule that shapes this file: what a station acknowledged is what it has. Any doubt, a failure or a
version that is not ours, is answered by the whole list.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from stationmaster.domain.errors import DomainError, FieldError, Invalid, NotFound
from stationmaster.domain.facts import Fact
from stationmaster.domain.jobs import Job
from stationmaster.domain.local_lists import (
    ListChunk,
    ListEntry,
    ListMode,
    ListVersionOrder,
    LocalList,
    LocalListChanged,
    LocalListReplaced,
    SendListOrder,
    desired_entries,
    difference,
    due_at,
    plan,
)
from stationmaster.domain.orders import Order
from stationmaster.domain.stations import Station
from stationmaster.domain.tokens import Token, key_of
from stationmaster.instants import Instant
from stationmaster.services.commands import Commands
from stationmaster.services.context import ServiceContext
from stationmaster.storage.errors import StorageError

__all__ = ["LocalLists", "Synchronised"]

ATTEMPTS = 2
"""A synchronisation that the station declines is tried once more, with the whole list."""
MOST_TOKENS = 100_000
SYNCHRONISED_AT_ONCE = 20
"""Stations that a schedule brings up to date at the same time: a slow one holds up no other."""


class Synchronised(msgspec.Struct, frozen=True, kw_only=True):
    """What a synchronisation did: the jobs it made, what became of the list, tokens that did not fit."""

    list: LocalList
    jobs: tuple[Job, ...] = ()
    left_out: int = 0


class LocalLists:
    """Keeps stations' lists as they are wanted."""

    def __init__(self, context: ServiceContext, commands: Commands) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._commands = commands

    async def of(self, station: Station) -> LocalList:
        """What is wanted and known of a station's list."""
        known = await self._storage.local_lists.of(station.id)
        return known or LocalList(organisation_id=station.organisation_id, station_id=station.id)

    async def wanted(self, known: LocalList) -> tuple[tuple[ListEntry, ...], int]:
        """The entries a station should have, and how many tokens do not fit into its list."""
        if known.mode == ListMode.NONE:
            return (), 0
        tokens = await self._tokens(known.organisation_id)
        if known.mode == ListMode.SELECTION:
            chosen = {key_of(each) for each in known.selection}
            tokens = [each for each in tokens if key_of(each.value) in chosen]
        return desired_entries(tokens, self._clock(), await self._number_of(known.station_id, "localauthlistmaxlength"))

    async def differs(self, known: LocalList) -> tuple[ListEntry, ...]:
        """What a synchronisation would change."""
        return difference(known.acknowledged, (await self.wanted(known))[0])

    async def choose(
        self, station: Station, mode: str, selection: Sequence[str], schedule_hours: float | None
    ) -> LocalList:
        """Say what a station's list should hold. Nothing is sent. Raises Invalid for tokens nobody registered."""
        if mode == ListMode.SELECTION:
            keys = [(station.organisation_id, each) for each in selection]
            found = await self._storage.tokens.find_many(keys)
            missing = [each for each in selection if (station.organisation_id, key_of(each)) not in found]
            if missing:
                words = f"These tokens are not registered: {', '.join(missing[:10])}."
                raise Invalid("token_unknown", words, fields=(FieldError("selection", "unknown", words),))
        known = await self.of(station)
        chosen = msgspec.structs.replace(
            known,
            mode=mode,
            selection=tuple(selection) if mode == ListMode.SELECTION else (),
            schedule_hours=schedule_hours,
        )
        return await self._keep(chosen)

    async def synchronise(
        self, station: Station, *, requested_by: str, wait_s: float, ask_version: bool, force_full: bool = False
    ) -> Synchronised:
        """Bring a station to the list that is wanted. Raises what `Commands.send` raises.

        `ask_version` asks the station for its version first, which finds drift; quiet mode leaves it out.
        """
        known = await self.of(station)
        entries, left_out = await self.wanted(known)
        jobs: list[Job] = []
        version = known.version
        if ask_version:
            jobs.append(await self._send(station, ListVersionOrder(), requested_by, wait_s))
            known = await self.of(station)
            version = known.station_version
        most = await self._number_of(station.id, "sendlocallistmaxlength")
        for attempt in range(ATTEMPTS):
            chunks = plan(known, entries, version, most_per_message=most, force_full=force_full or attempt > 0)
            if not chunks:
                known = await self._in_sync(known)
                break
            done, sent = await self._send_all(station, chunks, requested_by, wait_s)
            jobs += sent
            known = await self.of(station)
            if done:
                known = await self._in_sync(known, replaced=chunks[0].full)
                break
            version = None
            if known.state == "not_supported":
                break
        return Synchronised(list=known, jobs=tuple(jobs), left_out=left_out)

    async def send_entries(
        self, station: Station, entries: Sequence[ListEntry], *, full: bool, requested_by: str, wait_s: float
    ) -> Job:
        """Send a list or a difference by hand, one version above all we know of. Raises what `Commands.send` raises."""
        known = await self.of(station)
        version = max(known.version or 0, known.station_version or 0) + 1
        order = SendListOrder(version=version, full=full, entries=tuple(entries))
        return await self._send(station, order, requested_by, wait_s)

    async def entries_of(self, organisation_id: str, id_tags: Sequence[str]) -> tuple[ListEntry, ...]:
        """The entries of registered tokens. Raises NotFound for one that is not."""
        found = await self._storage.tokens.find_many([(organisation_id, each) for each in id_tags])
        for each in id_tags:
            if (organisation_id, key_of(each)) not in found:
                raise NotFound("token_unknown", f"There is no token `{each}`.")
        return desired_entries(list(found.values()), self._clock())[0]

    async def sweep(self, now: Instant) -> int:
        """Synchronise what a schedule says; returns how many stations were brought up to date."""
        due = [known for known in await self._storage.local_lists.scheduled() if due_at(known) <= now]
        places = asyncio.Semaphore(SYNCHRONISED_AT_ONCE)
        return sum(await asyncio.gather(*(self._by_schedule(known.station_id, now, places) for known in due)))

    async def _by_schedule(self, station_id: str, now: Instant, places: asyncio.Semaphore) -> bool:
        async with places:
            station: Station | None = await self._storage.stations.get(station_id)
            if station is None or not station.connected:
                return False
            known = await self.of(station)
            if known.schedule_hours is None or due_at(known) > now:  # done meanwhile, by another node or by hand
                return False
            try:
                await self.synchronise(station, requested_by="schedule", wait_s=60, ask_version=True)
            except (DomainError, StorageError) as error:
                await self._keep(msgspec.structs.replace(await self.of(station), problem=str(error)))
                return False
            return True

    # What stations answer.

    async def version_told(self, organisation_id: str, station_id: str, version: int) -> None:
        """A station told its version: -1 is no support, 0 an empty list (§3.3.9, A-17)."""
        known = await self._known(organisation_id, station_id)
        now = self._clock()
        if version < 0:
            state, problem = "not_supported", "The station says that it has no local list."
        elif version == (known.version or 0) or (version == 0 and not known.acknowledged):
            state, problem = ("in_sync" if known.state in {"in_sync", "drift"} else known.state), None
        else:
            state, problem = "drift", f"The station has version {version}, ours is {known.version or 0}."
        await self._keep(
            msgspec.structs.replace(known, state=state, problem=problem, checked_at=now, station_version=version)
        )

    async def list_answered(self, organisation_id: str, station_id: str, chunk: ListChunk, status: str) -> None:
        """A station answered a list."""
        known = await self._known(organisation_id, station_id)
        now = self._clock()
        if status == "Accepted":
            merged = _merged(() if chunk.full else known.acknowledged, chunk.entries)
            changed = msgspec.structs.replace(
                known,
                version=chunk.version,
                station_version=chunk.version,
                acknowledged=merged,
                state="syncing" if known.state == "syncing" else "in_sync",
                problem=None,
                synchronised_at=now,
                checked_at=now,
            )
        elif status == "NotSupported":
            changed = msgspec.structs.replace(
                known, state="not_supported", problem="The station says that it has no local list.", checked_at=now
            )
        else:
            words = f"The station answered {status} to version {chunk.version}."
            changed = msgspec.structs.replace(known, state="failed", problem=words, checked_at=now)
        # Of a synchronisation this may be the first part only: it says itself when it is done.
        await self._keep(changed, replaced=status == "Accepted" and chunk.full and changed.state == "in_sync")

    async def in_doubt(self, organisation_id: str, station_id: str, words: str) -> None:
        """An answer did not come, or the station says that its list contradicts ours."""
        known = await self._known(organisation_id, station_id)
        await self._keep(msgspec.structs.replace(known, state="failed", problem=words))

    async def _send_all(
        self, station: Station, chunks: Sequence[ListChunk], requested_by: str, wait_s: float
    ) -> tuple[bool, list[Job]]:
        """Send them one after the other, "syncing" meanwhile; whoever calls says what it ended in."""
        jobs: list[Job] = []
        before = await self.of(station)
        await self._keep(msgspec.structs.replace(before, state="syncing", problem=None))
        try:
            for chunk in chunks:
                order = SendListOrder(version=chunk.version, full=chunk.full, entries=chunk.entries)
                job = await self._send(station, order, requested_by, wait_s)
                jobs.append(job)
                if job.result != "Accepted":
                    await self._not_sent(station, job)
                    return False, jobs
        except (DomainError, StorageError) as error:
            now = await self.of(station)
            state, problem = (before.state, before.problem) if now.version == before.version else ("failed", str(error))
            await self._keep(msgspec.structs.replace(now, state=state, problem=problem))
            raise
        return True, jobs

    async def _not_sent(self, station: Station, job: Job) -> None:
        """A refusal or a silence has been noted when it came; what never went out has not."""
        known = await self.of(station)
        if known.state == "syncing":
            await self._keep(msgspec.structs.replace(known, state="failed", problem=f"It was not sent: {job.state}."))

    async def _in_sync(self, known: LocalList, *, replaced: bool = False) -> LocalList:
        now = self._clock()
        return await self._keep(
            msgspec.structs.replace(known, state="in_sync", problem=None, synchronised_at=now, checked_at=now),
            replaced=replaced,
        )

    async def _send(self, station: Station, order: Order, requested_by: str, wait_s: float) -> Job:
        action, payload = self._commands.phrase(station, order)
        return await self._commands.send(
            station.organisation_id, station.id, action, payload, requested_by=requested_by, wait_s=wait_s
        )

    async def _tokens(self, organisation_id: str) -> list[Token]:
        tokens: list[Token] = []
        cursor: str | None = None
        while len(tokens) < MOST_TOKENS:
            page = await self._storage.tokens.find(organisation_id, limit=1000, cursor=cursor)
            tokens += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        return tokens

    async def _number_of(self, station_id: str, key: str) -> int | None:
        for each in await self._storage.configuration.of(station_id):
            if each.variable.lower() == key and each.value is not None and each.value.strip().isdecimal():
                return int(each.value)
        return None

    async def _known(self, organisation_id: str, station_id: str) -> LocalList:
        known = await self._storage.local_lists.of(station_id)
        return known or LocalList(organisation_id=organisation_id, station_id=station_id)

    async def _keep(self, changed: LocalList, *, replaced: bool = False) -> LocalList:
        now = self._clock()
        kept = msgspec.structs.replace(changed, updated_at=now)
        organisation_id, station_id = kept.organisation_id, kept.station_id
        facts: list[Fact] = [
            LocalListChanged(organisation_id=organisation_id, station_id=station_id, received_at=now, list=kept)
        ]
        if replaced:
            facts.append(
                LocalListReplaced(
                    organisation_id=organisation_id, station_id=station_id, received_at=now, version=kept.version
                )
            )
        await self._storage.record(facts)
        return kept


def _merged(old: Sequence[ListEntry], changes: Sequence[ListEntry]) -> tuple[ListEntry, ...]:
    entries = {key_of(each.id_tag): each for each in old}
    for each in changes:
        if each.status is None:
            entries.pop(key_of(each.id_tag), None)
        else:
            entries[key_of(each.id_tag)] = each
    return tuple(sorted(entries.values(), key=lambda each: key_of(each.id_tag)))
