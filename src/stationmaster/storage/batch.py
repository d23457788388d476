"""One batch: everything that becomes durable together, as one program.

Facts are gathered by kind and each kind's program writes all of them at once. Then the facts
that are news get their event ids in the order in which they arrived, and the other writes run.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from stationmaster.domain.facts import Fact
from stationmaster.storage.committed import Committed, event_data, is_news, with_outcome
from stationmaster.storage.kinds import PROGRAMS
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import event
from stationmaster.storage.text import cleaned

__all__ = ["Call", "batch_program"]

_INSERT_EVENTS = insert_into(event)
_ORDER = {kind: place for place, kind in enumerate(PROGRAMS)}


class Call:
    """What one caller wants written: facts, or a program of its own."""

    __slots__ = ("facts", "future", "make", "repeated", "size", "unheard")

    def __init__(
        self,
        facts: Sequence[Fact] = (),
        make: Callable[[], Program[Any]] | None = None,
        unheard: Callable[[Any], None] | None = None,
    ) -> None:
        """`make` gives the program; it is called again if the batch has to be tried again.

        `unheard` is given the outcome that the caller did not wait for.
        """
        self.facts = facts
        self.unheard = unheard
        self.make = make
        self.size = len(facts) if make is None else 1
        self.repeated = False
        self.future: asyncio.Future[Any] | None = None

    def succeed(self, outcome: Any) -> None:
        """It is durable."""
        if self.future is not None and not self.future.done():
            self.future.set_result(outcome)
        elif self.unheard is not None:
            self.unheard(outcome)

    def fail(self, error: BaseException) -> None:
        """It is not stored."""
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


def batch_program(
    batch: Batch, calls: Sequence[Call], notes: Sequence[Fact]
) -> Program[tuple[list[Any], list[Committed]]]:
    """Write calls and notes; the outcome of each call in order, and what is to be told."""
    facts: list[Fact] = []
    for call in calls:
        facts += call.facts
    facts += notes
    places: dict[type[Fact], list[int]] = {}
    for i, fact in enumerate(facts):
        places.setdefault(type(fact), []).append(i)
    told = sorted(chain.from_iterable(places[kind] for kind in places if kind.event_type is not None))
    encoded = _screen(facts, told)
    outcomes = yield from _store(batch, facts, places)
    if batch.amended:
        _tell_what_was_decided(batch, facts, encoded)
    committed = yield from _store_events(batch, facts, told, encoded, outcomes)
    results: list[Any] = []
    place = 0
    for call in calls:
        if call.make is None:
            results.append(outcomes[place : place + len(call.facts)])
            place += len(call.facts)
        else:
            results.append((yield from call.make()))
    return results, committed


def _screen(facts: list[Fact], told: Sequence[int]) -> dict[int, bytes]:
    """Encode what becomes an event row; the JSON shows what must be cleaned, at no further cost.

    JSON writes every control character as an escape, and a lone surrogate cannot be encoded.
    """
    encoded: dict[int, bytes] = {}
    for i in told:
        fact = facts[i]
        if not fact.stored_event:
            continue
        try:
            data = event_data(fact)
        except UnicodeEncodeError:
            data = b"\\u00"
        if b"\\u00" in data:
            facts[i] = cleaned(fact)
            data = event_data(facts[i])
        encoded[i] = data
    return encoded


def _tell_what_was_decided(batch: Batch, facts: list[Fact], encoded: dict[int, bytes]) -> None:
    """An event says what is stored, not what was asked for."""
    for i, fact in enumerate(facts):
        amended = batch.amended.get(id(fact))
        if amended is not None:
            facts[i] = amended
            if i in encoded:
                encoded[i] = event_data(amended)


def _store(batch: Batch, facts: Sequence[Fact], places: Mapping[type[Fact], list[int]]) -> Program[list[Any]]:
    for kind in places.keys() - PROGRAMS.keys():
        if kind.event_type is None or not kind.stored_event:
            raise TypeError(f"nobody knows how to store {kind.__name__}")
    outcomes: list[Any] = [None] * len(facts)
    for kind in sorted(places.keys() & PROGRAMS.keys(), key=_ORDER.__getitem__):
        found = yield from PROGRAMS[kind](batch, [facts[i] for i in places[kind]])
        if found is not None:
            for i, outcome in zip(places[kind], found, strict=True):
                outcomes[i] = outcome
    return outcomes


def _store_events(
    batch: Batch, facts: Sequence[Fact], told: Sequence[int], encoded: Mapping[int, bytes], outcomes: Sequence[Any]
) -> Program[list[Committed]]:
    news = [i for i in told if is_news(outcomes[i])]
    committed: list[Committed] = []
    rows: list[tuple[Any, ...]] = []
    for i, event_id in zip(news, batch.take_ids(len(news)), strict=True):
        fact, outcome, data = facts[i], outcomes[i], encoded.get(i)
        committed.append(Committed(event_id, fact, outcome))
        if data is not None:
            text = with_outcome(data, outcome).decode()
            rows.append((event_id, fact.organisation_id, fact.station_id, fact.event_type, fact.received_at, text))
    if rows:
        batch.events += len(rows)
        yield Execute(_INSERT_EVENTS, rows)
    return committed
