"""Writing alerts: what was raised, acknowledged and cleared, and whom it will be told to."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.alerts.facts import AlertAcknowledged, AlertCleared, AlertRaised, AlertsAdvanced
from stationmaster.domain.alerts.nouns import Rule
from stationmaster.domain.alerts.recipients import Recipient
from stationmaster.storage.committed import ALREADY_STORED, AlreadyStored
from stationmaster.storage.errors import Conflict
from stationmaster.storage.programs import Batch, Execute, Program, execute
from stationmaster.storage.queries.base import NounReader
from stationmaster.storage.statements import Prepared, delete_by, insert_into, update_by
from stationmaster.storage.tables import alert, alert_notice, alert_recipient, alert_rule, alert_watch, feed

__all__ = ["FEED", "store_acknowledged", "store_advances", "store_cleared", "store_raised"]

FEED = "alerts"
_a = alert.c
_RAISED = (
    "id",
    "organisation_id",
    "rule_id",
    "kind",
    "severity",
    "subject",
    "station_id",
    "site_id",
    "evse_id",
    "summary",
    "details",
    "count",
    "first_at",
    "last_at",
)
_INSERT = insert_into(alert, _RAISED)
_GROW = update_by(alert, ("id",), ("count", "last_at"), changes={"count": 't."count" + :count'})
_ACKNOWLEDGE = update_by(alert, ("id",), ("acknowledged_at", "acknowledged_by", "comment"))
_CLEAR = update_by(alert, ("id",), ("cleared_at", "cleared_reason"))
_NOTICE = insert_into(alert_notice, ignore=True)
_WATCHED = tuple(column.name for column in alert_watch.columns)
_WATCH = insert_into(alert_watch, _WATCHED, keys=("rule_id", "subject", "purpose"))
_UNWATCH = delete_by(alert_watch, ("rule_id", "subject", "purpose"))
_MOVE = Prepared(
    sa.update(feed)
    .where(feed.c.name == FEED, feed.c.position == sa.bindparam("before"))
    .values(position=sa.bindparam("after"))
    .returning(feed.c.name),
    "before",
    "after",
)
_SUBJECTS = 400
_RECIPIENTS = NounReader(Recipient)
_RULES = NounReader(Rule)


def store_raised(_batch: Batch, facts: list[AlertRaised]) -> Program[None]:
    """Enter new alerts, and a notice for each list that is to be told."""
    yield Execute(
        _INSERT,
        [
            tuple(
                msgspec.json.encode(fact.details).decode() if name == "details" else getattr(fact, name)
                for name in _RAISED
            )
            for fact in facts
        ],
    )
    told = [(fact.id, fact.organisation_id, fact.rule_id, fact.severity, fact.site_id) for fact in facts]
    yield from _notices(told, "raised", facts[0].received_at)


def store_acknowledged(_batch: Batch, facts: list[AlertAcknowledged]) -> Program[None]:
    """Keep who knows."""
    yield Execute(_ACKNOWLEDGE, [(fact.id, fact.acknowledged_at, fact.acknowledged_by, fact.comment) for fact in facts])


def store_cleared(_batch: Batch, facts: list[AlertCleared]) -> Program[list[AlreadyStored | None]]:
    """End alerts; those that were ended before are not told again."""
    standing: dict[str, tuple[Any, ...]] = {}
    ids = [fact.id for fact in facts]
    for start in range(0, len(ids), _SUBJECTS):
        chosen = sa.select(_a.id, _a.organisation_id, _a.rule_id, _a.severity, _a.site_id)
        found = yield from execute(chosen.where(_a.id.in_(ids[start : start + _SUBJECTS]), _a.cleared_at.is_(None)))
        standing |= {row[0]: tuple(row) for row in found.rows}
    outcomes: list[AlreadyStored | None] = []
    rows: list[tuple[Any, ...]] = []
    seen: set[str] = set()
    for fact in facts:
        fresh = fact.id in standing and fact.id not in seen
        seen.add(fact.id)
        outcomes.append(None if fresh else ALREADY_STORED)
        if fresh:
            rows.append((fact.id, fact.cleared_at, fact.reason))
    if rows:
        yield Execute(_CLEAR, rows)
        yield from _notices(list(standing.values()), "cleared", facts[0].received_at)
    return outcomes


def _notices(told: Sequence[tuple[Any, ...]], step: str, now: int) -> Program[None]:
    """A notice for each list that wants to be told; `told` are (alert, organisation, rule, severity, site)."""
    organisations = sorted({each[1] for each in told})
    columns = _RECIPIENTS.columns(alert_recipient)
    recipients = alert_recipient.c
    where = [recipients.organisation_id.in_(organisations), recipients.enabled.is_(sa.true())]
    if step == "cleared":
        where.append(recipients.tell_cleared.is_(sa.true()))
    found = yield from execute(sa.select(*columns).where(*where))
    lists = _RECIPIENTS.many(found.rows)
    if not lists:
        return
    chosen = sa.select(*_RULES.columns(alert_rule)).where(alert_rule.c.id.in_(sorted({each[2] for each in told})))
    rules = {rule.id: rule for rule in _RULES.many((yield from execute(chosen)).rows)}
    rows = [
        (recipient.id, alert_id, step, severity, now)
        for alert_id, organisation_id, rule_id, severity, site_id in told
        for recipient in lists
        if recipient.organisation_id == organisation_id
        and recipient.wants(severity, site_id, rules[rule_id].recipient_ids if rule_id in rules else None)
    ]
    if rows:
        yield Execute(_NOTICE, rows)


def store_advances(_batch: Batch, facts: list[AlertsAdvanced]) -> Program[None]:
    """Move the evaluation on: its position, what has grown, what is waited for."""
    for fact in facts:
        if fact.position is not None:
            yield from _move(fact.position_before, fact.position)
        if fact.grown:
            yield Execute(_GROW, [(each.alert_id, each.count, each.last_at) for each in fact.grown])
        if fact.unwatched:
            yield Execute(_UNWATCH, fact.unwatched)
        if fact.watched:
            latest = {(each.rule_id, each.subject, each.purpose): each for each in fact.watched}
            yield Execute(_WATCH, [tuple(getattr(each, name) for name in _WATCHED) for each in latest.values()])


def _move(before: str | None, after: str) -> Program[None]:
    """Raises `Conflict` when another node has moved it."""
    if before is None:
        yield from execute(sa.insert(feed).values(name=FEED, position=after))
        return
    done = yield from execute(_MOVE, [(before, after)])
    if not done.rows:
        raise Conflict("another node evaluates the rules")
