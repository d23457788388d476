"""Rules are evaluated: stored events are read in order, and what is due is looked at.

The rule that shapes this file: what an event leads to and how far the events have been read become durable in one
transaction, so each event counts once, whatever dies. Two nodes that evaluate at once do no harm: the later
one finds the position moved, and all that it did is undone (`Conflict`).
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec
import structlog

from stationmaster.domain.alerts.nouns import MINUTE_US, Cleared, Purpose, Rule, Watch
from stationmaster.domain.alerts.signals import BEGINNINGS, ENDED_KINDS, READERS, Signal, Step, signals_of
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.alerts.causes import Causes
from stationmaster.services.alerts.rules import AlertRules
from stationmaster.services.alerts.sheet import Key, Sheet, watch_of
from stationmaster.services.context import ServiceContext
from stationmaster.storage.alerts import FEED
from stationmaster.storage.committed import StoredEvent
from stationmaster.storage.errors import Conflict
from stationmaster.storage.feeds import Position, Wanted

__all__ = ["AlertEvaluator"]

log = structlog.get_logger(__name__)

EVERYTHING: Final = Wanted(types=tuple(READERS))
WITHOUT_ENDS: Final = Wanted(types=tuple(READERS), words=tuple(BEGINNINGS.items()))
"""Enough while nothing of `ENDED_KINDS` stands or is waited for, and nothing of them begins."""
AT_A_TIME: Final = 500
MOST_AT_ONCE: Final = 20_000
"""Events and due rows that one run deals with at most; the next one goes on."""
RECHECK_US: Final = 10 * MINUTE_US


class AlertEvaluator:
    """Reads, waits, raises and clears. `advance` is called again and again, by whichever node has the turn."""

    def __init__(self, context: ServiceContext, rules: AlertRules) -> None:
        self._storage = context.storage
        self._rules = rules
        self._causes = Causes(context)

    async def begin(self, now: Instant) -> None:
        """At the very first start: events count from now on; what is the case already is not looked for."""
        if await self._storage.feeds.position(FEED) is None:
            position = await self._storage.feeds.now()
            with suppress(Conflict):
                await self._storage.record(Sheet({}, {}, now).facts(None, position.written()))

    async def advance(self, now: Instant) -> None:
        """Deal with what was stored and what is due."""
        try:
            await self._hear(now)
            await self._look(now)
        except Conflict:
            log.info("alerts.evaluated_elsewhere")

    # Events.

    async def _hear(self, now: Instant) -> None:
        wanted = WITHOUT_ENDS
        done = 0
        while done < MOST_AT_ONCE:
            # Both as of one moment: what another node hears of later moves the position, so that ours is undone; what
            # falls due later was waited for. A rule that is switched on meanwhile asks again when its time has come.
            progress = await self._storage.alerts.progress(FEED, ENDED_KINDS)
            if progress is None:
                return
            written, ends_matter = progress
            if ends_matter:
                wanted = EVERYTHING
            page = await self._storage.feeds.read(Position.read(written), now, wanted, limit=AT_A_TIME)
            if wanted is WITHOUT_ENDS and any(event.type in BEGINNINGS for event in page.events):
                wanted = EVERYTHING
                continue
            end = page.end.written()
            if end == written:
                return
            heard = await self._heard(page.events)
            sheet = await self._sheet({(rule.id, signal.subject) for rule, signal, _ in heard}, now)
            for each in heard:
                self._take(*each, sheet)
            await self._storage.record(sheet.facts(written, end))
            done += max(len(page.events), 1)
            if not page.more:
                return

    async def _heard(self, events: Iterable[StoredEvent]) -> list[tuple[Rule, Signal, Station | None]]:
        """What the events mean to each rule whose business they are."""
        signals = [
            signal
            for event in events
            for signal in signals_of(event.type, event.organisation_id, event.station_id, event.received_at, event.data)
        ]
        stations = await self._stations(signal.station_id for signal in signals)
        owned = [(signal, stations.get(signal.station_id)) for signal in signals]
        await self._rules.complete(_owner(*each) for each in owned)
        return [
            (rule, signal, station)
            for signal, station in owned
            for rule in self._rules.watching(_owner(signal, station), signal.kind)
            if signal.step is Step.END or rule.looks_at(station, signal.site_id)
        ]

    def _take(self, rule: Rule, signal: Signal, station: Station | None, sheet: Sheet) -> None:
        if signal.step is Step.END:
            sheet.drop_all(rule.id, signal.subject)
            sheet.ended(rule.id, signal.subject, Cleared.CAUSE_ENDED)
        else:
            self._apply(rule, signal, station, sheet)

    def _apply(self, rule: Rule, signal: Signal, station: Station | None, sheet: Sheet) -> None:
        if signal.step is Step.BEGIN:
            if sheet.alert(rule, signal.subject) is None and sheet.watch(rule, signal.subject, Purpose.WAIT) is None:
                due_at = signal.at + (rule.minutes("after_minutes") or 0)
                sheet.put(watch_of(rule, signal, Purpose.WAIT, due_at))
            return
        if signal.step is Step.TALLY and not self._counted(rule, signal, sheet):
            return
        sheet.happened(rule, watch_of(rule, signal, Purpose.WAIT, signal.at), station, signal.site_id, signal.at)
        quiet = rule.minutes("clear_after_minutes")
        if quiet is not None:
            sheet.put(watch_of(rule, signal, Purpose.QUIET, signal.at + quiet))

    @staticmethod
    def _counted(rule: Rule, signal: Signal, sheet: Sheet) -> bool:
        """Count; tells whether it has happened often enough, or stands already."""
        if sheet.alert(rule, signal.subject) is not None:
            return True
        numbers = rule.numbers
        within = numbers["within_minutes"] * MINUTE_US
        known = sheet.watch(rule, signal.subject, Purpose.TALLY)
        count, since = (1, signal.at) if known is None or known.due_at <= signal.at else (known.count + 1, known.since)
        if count >= numbers["count"]:
            sheet.drop(rule.id, signal.subject, Purpose.TALLY)
            return True
        tally = watch_of(rule, signal, Purpose.TALLY, since + within)
        sheet.put(msgspec.structs.replace(tally, count=count, since=since))
        return False

    # What is due.

    async def _look(self, now: Instant) -> None:
        done = 0
        while done < MOST_AT_ONCE:
            due = await self._storage.alerts.due(now, AT_A_TIME)
            if not due:
                return
            position = await self._storage.feeds.position(FEED)
            sheet = await self._sheet({(watch.rule_id, watch.subject) for watch in due}, now)
            stations = await self._stations(watch.station_id for watch in due)
            for watch in due:
                await self._fall_due(watch, stations.get(watch.station_id), sheet, now)
            await self._storage.record(sheet.facts(position, position))
            done += len(due)

    async def _fall_due(self, watch: Watch, station: Station | None, sheet: Sheet, now: Instant) -> None:
        purpose = Purpose(watch.purpose)
        sheet.drop(watch.rule_id, watch.subject, purpose)
        rule = self._rules.known(watch.rule_id, watch.organisation_id)
        if rule is None or not rule.enabled:
            return
        if purpose is Purpose.QUIET:
            if self._causes.outlasts_quiet(rule, station):
                sheet.put(msgspec.structs.replace(watch, due_at=now + RECHECK_US))
            else:
                sheet.ended(rule.id, watch.subject, Cleared.QUIET)
        elif purpose is Purpose.WAIT and rule.looks_at(station):
            if await self._causes.lasts(rule, watch, station):
                sheet.happened(rule, watch, station, None, watch.since)
                self._recheck(rule, watch, sheet, now)
        elif purpose is Purpose.RECHECK:
            if await self._causes.lasts(rule, watch, station):
                self._recheck(rule, watch, sheet, now)
            else:
                sheet.ended(rule.id, watch.subject, Cleared.CAUSE_ENDED)

    def _recheck(self, rule: Rule, watch: Watch, sheet: Sheet, now: Instant) -> None:
        if self._causes.end_silently(rule):
            sheet.put(msgspec.structs.replace(watch, purpose=Purpose.RECHECK.value, due_at=now + RECHECK_US))

    # Inside.

    async def _sheet(self, keys: set[Key], now: Instant) -> Sheet:
        if not keys:
            return Sheet({}, {}, now)
        return Sheet(
            *await asyncio.gather(self._storage.alerts.standing(keys), self._storage.alerts.watches(keys)), now
        )

    async def _stations(self, station_ids: Iterable[str]) -> dict[str, Station]:
        return await self._storage.stations.many({each for each in station_ids if each})


def _owner(signal: Signal, station: Station | None) -> str:
    """The organisation whose rules are asked."""
    return signal.organisation_id if station is None else station.organisation_id
