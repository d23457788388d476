"""Random dialogues of several stations against a model that keeps everything in plain lists.

The model says what handbook §1.14, §3.2.7, §3.2.8 and §3.2.10 say, one fact after the other, without keys,
digests, batches or SQL. The stations of one turn speak at once, so that their facts share a commit.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from stationmaster.domain.facts import MeterSample
from stationmaster.storage import Storage
from tests.storage.facts import at, ended, register, sampled, started, voltage

STATIONS = ("A", "B", "C")


@dataclass(frozen=True)
class Start:
    connector: int
    id_tag: str | None
    meter_start_wh: int | None
    seconds: int | None


@dataclass(frozen=True)
class End:
    """`which`: the n-th transaction anybody was told of, or an id that nobody was told."""

    which: int | str
    seconds: int
    meter_stop_wh: int | None


@dataclass(frozen=True)
class Values:
    """`named`: as for `End`, None for no id; `by_us`: named by our number, not the station's."""

    connector: int
    named: int | str | None
    by_us: bool
    seconds: int
    readings: tuple[tuple[str, int], ...]


Word = Start | End | Values

names = st.one_of(st.integers(0, 5), st.sampled_from(["-1", "0"]))
words = st.one_of(
    st.builds(
        Start,
        connector=st.integers(1, 2),
        id_tag=st.sampled_from(["T1", "T2", None]),
        meter_start_wh=st.sampled_from([0, 100, None]),
        seconds=st.sampled_from([0, 1, None]),
    ),
    st.builds(End, which=names, seconds=st.integers(0, 2), meter_stop_wh=st.sampled_from([50, 200, None])),
    st.builds(
        Values,
        connector=st.integers(0, 2),
        named=st.one_of(st.none(), names),
        by_us=st.booleans(),
        seconds=st.integers(0, 2),
        readings=st.lists(
            st.tuples(st.sampled_from(["register", "end", "L1", "L2"]), st.integers(0, 2)), min_size=1, max_size=3
        ).map(tuple),
    ),
)
turns = st.lists(st.dictionaries(st.sampled_from(STATIONS), words, min_size=1), max_size=14)


def sample(what: str, value: int, **more: Any) -> MeterSample:
    if what == "register":
        return register(value, **more)
    if what == "end":
        return register(value, context="Transaction.End", **more)
    return voltage(value, what, **more)


@dataclass
class Kept:
    """A transaction or an orphan in the model."""

    station: str
    start: Start | None
    state: str
    moment: int | None = None
    end: End | None = None
    flags: list[str] = field(default_factory=list)
    values: dict[int, list[tuple[str, int, bool]]] = field(default_factory=dict)


class Model:
    """What should be remembered."""

    def __init__(self) -> None:
        self.transactions: list[Kept] = []
        self.orphans: list[tuple[str, Kept]] = []
        self.told: list[Kept] = []
        self.unlinked: dict[tuple[str, int, str], dict[int, list[tuple[str, int, bool]]]] = {}

    def start(self, station: str, word: Start, moment: int) -> tuple[Kept, bool, list[Kept]]:
        """The transaction, whether it was there before, and which ones it supersedes."""
        for kept in self.transactions:
            if kept.station == station and kept.start == word and (word.seconds is not None or kept.state == "open"):
                return kept, True, []
        others = [
            kept
            for kept in self.transactions
            if kept.station == station
            and kept.state == "open"
            and kept.start
            and kept.start.connector == word.connector
        ]
        # A start with a time of its own is older than what it is told after, if that began later by its own time.
        newer = [
            kept
            for kept in others
            if word.seconds is not None
            and kept.start is not None
            and kept.start.seconds is not None
            and word.seconds < kept.start.seconds
        ]
        older = [kept for kept in others if kept not in newer]
        for kept in older:
            kept.state = "superseded"
        flags = ["time_missing"] if word.seconds is None else []
        new = Kept(station, word, "superseded" if newer else "open", moment, flags=flags)
        self.transactions.append(new)
        return new, False, older

    def named(self, station: str, which: int | str | None) -> Kept | None:
        """The transaction of this station that an id names."""
        if isinstance(which, int) and which < len(self.told) and self.told[which].station == station:
            return self.told[which]
        return None

    def end(self, station: str, word: End, ocpp_id: str) -> tuple[Kept, str]:
        """The transaction or orphan, and the result."""
        kept = self.named(station, word.which)
        if kept is None:
            for name, orphan in self.orphans:
                if (name, orphan.station) == (ocpp_id, station) and orphan.end == word:
                    return orphan, "resend"
            orphan = Kept(station, None, "closed", end=word, flags=["orphan"])
            self.orphans.append((ocpp_id, orphan))
            return orphan, "orphan"
        if kept.end is None:
            kept.state, kept.end = "closed", word
            start = kept.start
            begin, finish = start.meter_start_wh if start else None, word.meter_stop_wh
            if begin is not None and finish is not None and finish < begin:
                kept.flags.append("negative_energy")
            if kept.moment is not None and word.seconds < kept.moment:
                kept.flags.append("stopped_before_start")
            return kept, "closed"
        if (kept.end.seconds, kept.end.meter_stop_wh) == (word.seconds, word.meter_stop_wh):
            return kept, "resend"
        if "conflicting_stop" not in kept.flags:
            kept.flags.append("conflicting_stop")
        return kept, "conflict"

    def values(self, station: str, word: Values, reported: str) -> bool:
        """Whether anything was new."""
        kept = self.named(station, word.named)
        where = (
            kept.values if kept is not None else self.unlinked.setdefault((station, word.connector, reported), {})
        ).setdefault(word.seconds, [])
        first, news = not where, False
        for what, value in word.readings:
            known = [there for name, there, _ in where if name == what]
            if first or value not in known:
                where.append((what, value, bool(known) and value != known[0]))
                news = True
        return news


class Dialogue:
    """The same words to the model and to the storage, answers compared."""

    def __init__(self, storage: Storage, number: int) -> None:
        self.storage = storage
        self.prefix = f"E{number}-"
        self.model = Model()
        self.numbers: dict[int, int] = {}
        self.ocpp_ids: list[str] = []
        self.moment = 1000

    async def say(self, station: str, word: Word) -> None:
        """One word of one station."""
        self.moment += 1
        if isinstance(word, Start):
            await self._start(station, word, self.moment)
        elif isinstance(word, End):
            await self._end(station, word)
        else:
            await self._values(station, word)

    async def _start(self, station: str, word: Start, moment: int) -> None:
        fact = started(
            await self.storage.draw_transaction_id(),
            station_id=self.prefix + station,
            connector=word.connector,
            id_tag=word.id_tag,
            meter_start_wh=word.meter_start_wh,
            seconds=moment if word.seconds is None else word.seconds,
            started_at_text=None if word.seconds is None else "a time",
            received_at=at(moment),
            flags=("time_missing",) if word.seconds is None else (),
        )
        kept, again, older = self.model.start(station, word, moment if word.seconds is None else word.seconds)
        stored = (await self.storage.record([fact]))[0]
        assert stored.resend is again
        if again:
            assert stored.id == self.numbers[id(kept)]
            return
        assert set(stored.superseded_ids) == {self.numbers[id(item)] for item in older}
        self.numbers[id(kept)] = stored.id
        self.model.told.append(kept)
        self.ocpp_ids.append(stored.ocpp_id)

    async def _end(self, station: str, word: End) -> None:
        ocpp_id = self._ocpp_id(word.which)
        fact = ended(
            ocpp_id,
            await self.storage.draw_transaction_id(),
            station_id=self.prefix + station,
            seconds=word.seconds,
            meter_stop_wh=word.meter_stop_wh,
        )
        kept, result = self.model.end(station, word, ocpp_id)
        stored = (await self.storage.record([fact]))[0]
        assert stored.result == result
        assert self.numbers.setdefault(id(kept), stored.id) == stored.id
        assert sorted(stored.flags) == sorted(kept.flags)

    async def _values(self, station: str, word: Values) -> None:
        ours, reported = None, None
        if word.named is not None:
            by_us = word.by_us and isinstance(word.named, int) and word.named < len(self.ocpp_ids)
            if by_us:
                ours = self.numbers[id(self.model.told[int(word.named)])]
            else:
                reported = self._ocpp_id(word.named)
        fact = sampled(
            ours,
            *(sample(*reading) for reading in word.readings),
            station_id=self.prefix + station,
            connector=word.connector,
            seconds=word.seconds,
            reported_transaction_id=reported,
        )
        news = self.model.values(station, word, reported or "")
        outcome = (await self.storage.record([fact]))[0]
        assert (outcome is None) is news

    def _ocpp_id(self, which: int | str) -> str:
        if isinstance(which, int):
            return self.ocpp_ids[which] if which < len(self.ocpp_ids) else f"9999{which}"
        return which

    async def compare(self) -> None:
        """Everything that is stored against everything that should be."""
        everything = [*self.model.transactions, *(orphan for _, orphan in self.model.orphans)]
        for kept in everything:
            found = await self.storage.transactions.get(self.numbers[id(kept)])
            assert found is not None
            assert (found.station_id, found.state) == (self.prefix + kept.station, kept.state)
            assert sorted(found.flags) == sorted(kept.flags)
            assert (found.meter_stop_wh, found.stopped_at) == (
                (kept.end.meter_stop_wh, at(kept.end.seconds)) if kept.end else (None, None)
            )
            assert await self._stored(found.id) == _expected(kept.values)
        for station in STATIONS:
            unlinked = [values for (name, _, _), values in self.model.unlinked.items() if name == station]
            expected = [item for values in unlinked for item in _expected(values)]
            assert sorted(await self._stored(None, station)) == sorted(expected)
        stored = await self.storage.transactions.find(limit=1000)
        mine = [found for found in stored.items if found.station_id.startswith(self.prefix)]
        assert len(mine) == len(everything)

    async def _stored(self, transaction_id: int | None, station: str = "") -> list[Any]:
        page = await self.storage.transactions.meter_values(
            transaction_id, station_id=self.prefix + station, limit=1000
        )
        return [((found.sampled_at - at(0)) // 1_000_000, _shown(found.samples)) for found in page.items]


def _expected(values: dict[int, list[tuple[str, int, bool]]]) -> list[Any]:
    return [
        (
            seconds,
            _shown(sample(what, value, flags=("conflict",) if conflict else ()) for what, value, conflict in readings),
        )
        for seconds, readings in sorted(values.items())
    ]


def _shown(samples: Iterable[MeterSample]) -> str:
    return " ".join(f"{s.raw}:{s.phase}:{s.context}:{s.flags}" for s in samples)


numbers = count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(turns=turns)
async def test_the_storage_remembers_what_the_model_remembers(storage: Storage, turns: list[dict[str, Word]]) -> None:
    dialogue = Dialogue(storage, next(numbers))
    for turn in turns:
        await asyncio.gather(*(dialogue.say(station, word) for station, word in turn.items()))
    await dialogue.compare()
