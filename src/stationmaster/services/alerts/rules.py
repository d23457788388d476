"""Rules of alerts, kept by operators.

The rule that shapes this file: every organisation has one rule of each kind from the start, made when it is first
needed and under an id that follows from both, so that two nodes make the same. Such a rule is switched off, not
removed. All rules are in memory.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid4, uuid5

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.alerts.facts import alert_cleared
from stationmaster.domain.alerts.kinds import KINDS, Kind, Severity, check_parameters
from stationmaster.domain.alerts.nouns import Alert, Cleared, Purpose, Rule
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.services.alerts.present import Present
from stationmaster.services.alerts.sheet import watch_of
from stationmaster.services.context import ServiceContext
from stationmaster.services.in_turn import in_turn

__all__ = ["RULES", "AlertRules", "NewRule"]

RULES: Final = "alert_rules"
"""The kind of `Invalidate` that says: a rule was made, changed or deleted."""
LONGEST_NAME: Final = 200
MOST_RULES: Final = 200
AT_A_TIME: Final = 500
UNTIL_ALL_KNOW_US: Final = 5_000_000
"""What lasts already is looked at no sooner: by then every node has heard of the rule."""


class NewRule(msgspec.Struct, frozen=True, kw_only=True):
    """A further rule of a kind. What is None is as the kind has it."""

    kind: str
    name: str | None = None
    enabled: bool = True
    severity: str | None = None
    parameters: Mapping[str, int] = {}
    site_ids: tuple[str, ...] | None = None
    recipient_ids: tuple[str, ...] | None = None


class AlertRules:
    """Keeps rules, and tells which apply."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._present = Present(context)
        self._rules: dict[str, dict[str, Rule]] = {}
        """By organisation and id."""
        self._watching: dict[tuple[str, str], list[Rule]] = {}
        """Those that are switched on, by organisation and kind: asked for each event."""
        self._complete: set[str] = set()
        """The organisations that have a rule of each kind."""

    @in_turn
    async def load(self) -> None:
        """Learn all rules."""
        found: dict[str, dict[str, Rule]] = {}
        watching: dict[tuple[str, str], list[Rule]] = {}
        for rule in await self._storage.alert_rules.everything():
            found.setdefault(rule.organisation_id, {})[rule.id] = rule
            if rule.enabled:
                watching.setdefault((rule.organisation_id, rule.kind), []).append(rule)
        self._rules, self._watching = found, watching
        self._complete = {each for each, rules in found.items() if not _missing(each, rules)}

    # What applies.

    async def of(self, organisation_id: str) -> list[Rule]:
        """The rules of an organisation, the default ones made if there is none yet of a kind."""
        if organisation_id not in self._complete:
            if await self._storage.organisations.get(organisation_id) is None:
                return []
            now, missing = self._clock(), _missing(organisation_id, self._rules.get(organisation_id, {}))
            await self._storage.alert_rules.add([_default(organisation_id, kind, now) for kind in missing])
            await self.load()
        return list(self._rules.get(organisation_id, {}).values())

    async def complete(self, organisation_ids: Iterable[str]) -> None:
        """Make the default rules of these organisations, where there are none yet."""
        for each in set(organisation_ids) - self._complete:
            await self.of(each)

    def watching(self, organisation_id: str, kind: str) -> list[Rule]:
        """The rules of a kind that are switched on, of an organisation that is `complete`."""
        return self._watching.get((organisation_id, kind), [])

    def known(self, rule_id: str, organisation_id: str) -> Rule | None:
        """A rule as it is in memory."""
        return self._rules.get(organisation_id, {}).get(rule_id)

    # What operators keep.

    async def get(self, organisation_id: str, rule_id: str) -> Rule:
        """A rule of the organisation. Raises NotFound."""
        found = next((rule for rule in await self.of(organisation_id) if rule.id == rule_id), None)
        if found is None:
            raise NotFound("alert_rule_unknown", "There is no such alert rule.")
        return found

    async def create(self, organisation_id: str, new: NewRule) -> Rule:
        """Add a rule of a kind. Raises Invalid, Conflict."""
        kind = KINDS.get(new.kind)
        if kind is None:
            raise _invalid("kind", f"A kind is one of {', '.join(KINDS)}.")
        if len(await self.of(organisation_id)) >= MOST_RULES:
            raise Conflict("too_many_alert_rules", f"An organisation has at most {MOST_RULES} alert rules.")
        now = self._clock()
        rule = Rule(
            id=str(uuid4()),
            organisation_id=organisation_id,
            kind=kind.name,
            name=_name(new.name) or kind.name,
            enabled=new.enabled,
            severity=new.severity or kind.severity.value,
            parameters=msgspec.json.encode(check_parameters(kind, new.parameters)).decode(),
            site_ids=_sites(new.site_ids),
            recipient_ids=await self._recipients(organisation_id, new.recipient_ids),
            created_at=now,
            updated_at=now,
        )
        await self._storage.alert_rules.add([rule])
        await self._tell(rule)
        await self._wait_for_present(rule)
        return rule

    async def update(self, organisation_id: str, rule_id: str, given: Mapping[str, Any]) -> Rule:
        """Change members by name. What stands and is not its business any more is cleared. Raises NotFound, Invalid."""
        before = await self.get(organisation_id, rule_id)
        changes = dict(given)
        if "name" in changes:
            changes["name"] = _name(changes["name"]) or before.kind
        if "parameters" in changes:
            merged = check_parameters(KINDS[before.kind], before.numbers | dict(changes["parameters"] or {}))
            changes["parameters"] = msgspec.json.encode(merged).decode()
        if "site_ids" in changes:
            changes["site_ids"] = _sites(changes["site_ids"])
        if "recipient_ids" in changes:
            changes["recipient_ids"] = await self._recipients(organisation_id, changes["recipient_ids"])
        rule = msgspec.structs.replace(before, **changes, updated_at=self._clock())
        if not await self._storage.alert_rules.change(rule, wait_us=rule.minutes("after_minutes")):
            raise NotFound("alert_rule_unknown", "There is no such alert rule.")
        if not rule.enabled:
            await self._storage.alert_rules.forget_watches(rule.id)
        await self._tell(rule)
        await self._clear(rule, lambda alert: rule.enabled and rule.looks_at(None, alert.site_id))
        if (rule.enabled, rule.site_ids) != (before.enabled, before.site_ids):
            await self._wait_for_present(rule)
        return rule

    async def delete(self, organisation_id: str, rule_id: str) -> None:
        """Remove a rule and clear what stands by it. Raises NotFound, Conflict for a default one."""
        rule = await self.get(organisation_id, rule_id)
        if rule.is_default:
            raise Conflict("alert_rule_is_default", "Every organisation has this rule: switch it off instead.")
        await self._storage.alert_rules.delete(rule_id)
        await self._tell(rule)
        await self._clear(rule, lambda _alert: False)

    async def _wait_for_present(self, rule: Rule) -> None:
        """Wait for what lasts already, as if its beginning had been heard; what stands goes on standing."""
        if not rule.enabled:
            return
        soonest = self._clock() + UNTIL_ALL_KNOW_US
        wait_us = rule.minutes("after_minutes") or 0
        standing = {alert.subject for alert in await self._storage.alerts.standing_of(rule.id)}
        watches = [
            watch_of(rule, signal, Purpose.WAIT, max(signal.at + wait_us, soonest))
            for signal in await self._present.begun(rule)
            if signal.subject not in standing
        ]
        await self._storage.alert_rules.wait(watches)

    async def _clear(self, rule: Rule, stays: Any) -> None:
        now = self._clock()
        gone: list[Alert] = [each for each in await self._storage.alerts.standing_of(rule.id) if not stays(each)]
        for start in range(0, len(gone), AT_A_TIME):
            reason = Cleared.RULE_CHANGED.value
            await self._storage.record([alert_cleared(each, reason, now) for each in gone[start : start + AT_A_TIME]])

    async def _recipients(self, organisation_id: str, ids: Any) -> tuple[str, ...] | None:
        if ids is None:
            return None
        lists = {each.id for each in await self._storage.alert_recipients.of(organisation_id)}
        if unknown := [each for each in ids if each not in lists]:
            raise _invalid("recipient_ids", f"There is no list of recipients {unknown[0]}.")
        return tuple(dict.fromkeys(ids))

    async def _tell(self, rule: Rule) -> None:
        await self.load()
        message = Invalidate(kind=RULES, key=rule.id, organisation_id=rule.organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))


def _missing(organisation_id: str, known: Mapping[str, Rule]) -> list[Kind]:
    """The kinds of which an organisation has no default rule yet."""
    return [kind for kind in KINDS.values() if _default_id(organisation_id, kind) not in known]


def _default_id(organisation_id: str, kind: Kind) -> str:
    return str(uuid5(NAMESPACE_URL, f"stationmaster:alert-rule:{organisation_id}:{kind.name}"))


def _default(organisation_id: str, kind: Kind, now: int) -> Rule:
    return Rule(
        id=_default_id(organisation_id, kind),
        organisation_id=organisation_id,
        kind=kind.name,
        name=kind.name,
        enabled=kind.enabled,
        severity=Severity(kind.severity).value,
        parameters=msgspec.json.encode(kind.default_parameters()).decode(),
        is_default=True,
        created_at=now,
        updated_at=now,
    )


def _name(name: str | None) -> str | None:
    return check_text("name", name, LONGEST_NAME)


def _sites(site_ids: Any) -> tuple[str, ...] | None:
    return None if site_ids is None else tuple(dict.fromkeys(site_ids))


def _invalid(field: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, "invalid", words),))
