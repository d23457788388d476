"""Reading alerts and rules, and keeping rules."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.alerts.nouns import Alert, Rule, Watch
from stationmaster.instants import Instant
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Execute, Program, execute
from stationmaster.storage.queries.base import Access, NounReader, contains, one_page, only
from stationmaster.storage.statements import Prepared, find_by, insert_into
from stationmaster.storage.tables import alert, alert_notice, alert_rule, alert_watch, feed

__all__ = ["AlertQueries", "AlertRuleQueries", "forget_station"]

_ALERTS = NounReader(Alert)
_SELECT = sa.select(*_ALERTS.columns(alert))
_RULES = NounReader(Rule)
_WATCHES = NounReader(Watch)
_SELECT_WATCHES = sa.select(*_WATCHES.columns(alert_watch))
_INSERT_RULES = insert_into(alert_rule, ignore=True)
_INSERT_WATCHES = insert_into(alert_watch, Watch.__struct_fields__, ignore=True)
_a = alert.c
_r = alert_rule.c
_w = alert_watch.c
_STANDING = find_by(_SELECT.where(_a.cleared_at.is_(None)), _a.subject, _a.rule_id, quick=False)
_WATCHED = find_by(_SELECT_WATCHES, _w.rule_id, _w.subject, quick=False)
_DUE = Prepared(
    _SELECT_WATCHES.where(_w.due_at <= sa.bindparam("now", type_=sa.BigInteger()))
    .order_by(_w.due_at, _w.subject)
    .limit(sa.bindparam("limit", type_=sa.BigInteger())),
    "now",
    "limit",
    quick=False,
)
_AT_A_TIME = 400
_STATES = {
    "open": sa.and_(_a.cleared_at.is_(None), _a.acknowledged_at.is_(None)),
    "acknowledged": sa.and_(_a.cleared_at.is_(None), _a.acknowledged_at.is_not(None)),
    "cleared": _a.cleared_at.is_not(None),
}


class AlertQueries:
    """Alerts and what is waited for."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, alert_id: str) -> Alert | None:
        """One alert."""
        rows = await self._access.read(_SELECT.where(_a.id == alert_id))
        return _ALERTS.one(rows[0]) if rows else None

    async def many(self, alert_ids: Sequence[str]) -> list[Alert]:
        """Those of them that there are."""
        found: list[Alert] = []
        for start in range(0, len(alert_ids), _AT_A_TIME):
            chosen = _SELECT.where(_a.id.in_(alert_ids[start : start + _AT_A_TIME]))
            found += _ALERTS.many(await self._access.read(chosen))
        return found

    async def find(  # noqa: PLR0913 -- filters are given by name
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        state: Sequence[str] | None = None,
        severity: Sequence[str] | None = None,
        kind: Sequence[str] | None = None,
        rule_id: str | None = None,
        station_id: str | None = None,
        site_id: str | None = None,
        search: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Alert]:
        """Alerts by when they were raised, the newest first; `since` and `until` bound that time."""
        where = only(
            {
                _a.organisation_id: organisation_id,
                _a.severity: severity or None,
                _a.kind: kind or None,
                _a.rule_id: rule_id,
                _a.station_id: station_id,
            }
        )
        where += only({_a.site_id: site_ids}) + only({_a.site_id: site_id})
        if state:
            where.append(sa.or_(*(_STATES[each] for each in state)))
        if search:
            where.append(sa.or_(contains(_a.summary, search), contains(_a.station_id, search)))
        if since is not None:
            where.append(_a.first_at >= since)
        if until is not None:
            where.append(_a.first_at < until)
        if cursor is not None:
            first_at, alert_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_a.first_at < first_at, sa.and_(_a.first_at == first_at, _a.id < alert_id)))
        statement = _SELECT.where(*where).order_by(_a.first_at.desc(), _a.id.desc()).limit(bounded(limit) + 1)
        return one_page(await self._access.read(statement), _ALERTS, limit, lambda found: (found.first_at, found.id))

    async def counts(self, organisation_id: str, site_ids: Sequence[str] | None) -> dict[tuple[str, bool], int]:
        """How many stand, by severity and whether somebody has acknowledged them."""
        known = _a.acknowledged_at.is_not(None)
        where = [_a.cleared_at.is_(None), *only({_a.organisation_id: organisation_id, _a.site_id: site_ids})]
        statement = sa.select(_a.severity, known, sa.func.count()).where(*where).group_by(_a.severity, known)
        return {(str(row[0]), bool(row[1])): int(row[2]) for row in await self._access.read(statement)}

    async def progress(self, feed_name: str, kinds: tuple[str, ...]) -> tuple[str, bool] | None:
        """Where the evaluation stands, as of one moment with whether any alert of these kinds stands or is waited for.

        None: it never began.
        """
        rows = await self._access.read(_progress(kinds), [(feed_name,)])
        return (str(rows[0][0]), bool(rows[0][1])) if rows else None

    async def standing(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Alert]:
        """What stands, by (rule, subject)."""
        wanted = [(subject, rule_id) for rule_id, subject in keys]
        rows = await self._access.read(_STANDING, wanted) if wanted else []
        return {(each.rule_id, each.subject): each for each in _ALERTS.many(rows)}

    async def standing_of(self, rule_id: str) -> list[Alert]:
        """What stands by a rule."""
        return _ALERTS.many(await self._access.read(_SELECT.where(_a.cleared_at.is_(None), _a.rule_id == rule_id)))

    async def watches(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str, str], Watch]:
        """What rules wait for about subjects, each a (rule, subject); by (rule, subject, purpose)."""
        wanted = list(keys)
        rows = await self._access.read(_WATCHED, wanted) if wanted else []
        return {(each.rule_id, each.subject, each.purpose): each for each in _WATCHES.many(rows)}

    async def due(self, now: Instant, limit: int) -> list[Watch]:
        """What is due, the earliest first."""
        return _WATCHES.many(await self._access.read(_DUE, [(now, limit)]))

    async def prune(self, before: Instant) -> int:
        """Remove alerts that were cleared before; returns how many."""
        done = await self._access.write(execute, sa.delete(alert).where(_a.cleared_at < before))
        return int(done.rowcount)


class AlertRuleQueries:
    """Rules."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def everything(self) -> list[Rule]:
        """All rules of all organisations."""
        chosen = sa.select(*_RULES.columns(alert_rule)).order_by(_r.organisation_id, _r.kind, _r.created_at, _r.id)
        return _RULES.many(await self._access.read(chosen))

    async def add(self, rules: Sequence[Rule]) -> None:
        """Add rules; those whose id is there already stay as they are."""
        if rules:
            await self._access.write(_add, rules)

    async def change(self, rule: Rule, *, wait_us: int | None) -> bool:
        """Keep a rule as it is now; what is waited for gets the due time of `wait_us`. False: it is gone."""
        return await self._access.write(_change, rule, wait_us)

    async def delete(self, rule_id: str) -> bool:
        """Remove a rule and what it waits for; tells whether it was there."""
        return await self._access.write(_delete, rule_id)

    async def wait(self, watches: Sequence[Watch]) -> None:
        """Wait for what is not waited for yet."""
        if watches:
            await self._access.write(_wait, watches)

    async def forget_watches(self, rule_id: str) -> None:
        """Nothing is waited for by a rule any more."""
        await self._access.write(execute, sa.delete(alert_watch).where(_w.rule_id == rule_id))


@lru_cache
def _progress(kinds: tuple[str, ...]) -> Prepared:
    rules = sa.select(_r.id).where(_r.kind.in_([sa.literal(kind) for kind in kinds]))
    stands = sa.exists().where(_a.cleared_at.is_(None), _a.rule_id.in_(rules))
    waits = sa.exists().where(_w.rule_id.in_(rules))
    chosen = sa.select(feed.c.position, sa.or_(stands, waits)).where(feed.c.name == sa.bindparam("name"))
    return Prepared(chosen, "name", quick=False)


def _row(rule: Rule) -> dict[str, Any]:
    values = msgspec.structs.asdict(rule)
    for name in ("site_ids", "recipient_ids"):
        if values[name] is not None:
            values[name] = msgspec.json.encode(values[name]).decode()
    return values


def _add(rules: Sequence[Rule]) -> Program[None]:
    columns = [column.name for column in alert_rule.columns]
    yield Execute(_INSERT_RULES, [tuple(_row(rule)[name] for name in columns) for rule in rules])


def _wait(watches: Sequence[Watch]) -> Program[None]:
    yield Execute(_INSERT_WATCHES, [msgspec.structs.astuple(each) for each in watches])


def _change(rule: Rule, wait_us: int | None) -> Program[bool]:
    done = yield from execute(sa.update(alert_rule).where(_r.id == rule.id).values(_row(rule)))
    if wait_us is not None:
        waits = sa.and_(_w.rule_id == rule.id, _w.purpose == "wait")
        yield from execute(sa.update(alert_watch).where(waits).values(due_at=_w.since + wait_us))
    return bool(done.rowcount)


def _delete(rule_id: str) -> Program[bool]:
    yield from execute(sa.delete(alert_watch).where(_w.rule_id == rule_id))
    done = yield from execute(sa.delete(alert_rule).where(_r.id == rule_id))
    return bool(done.rowcount)


def forget_station(station_id: str, now: Instant) -> Program[None]:
    """A station is removed: what stands about it does not any more."""
    yield from execute(sa.delete(alert_watch).where(_w.station_id == station_id))
    gone = sa.and_(_a.station_id == station_id, _a.cleared_at.is_(None))
    notices = sa.select(_a.id).where(gone)
    yield from execute(sa.delete(alert_notice).where(alert_notice.c.alert_id.in_(notices)))
    yield from execute(sa.update(alert).where(gone).values(cleared_at=now, cleared_reason="station_removed"))
