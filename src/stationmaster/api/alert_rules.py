"""Rules of alerts, and the kinds that there are."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.alerts.kinds import KINDS, Severity
from stationmaster.domain.alerts.nouns import Rule
from stationmaster.services.alerts import NewRule
from stationmaster.storage import Page
from stationmaster.storage.paging import read_cursor, write_cursor

router = APIRouter(tags=["Alerts"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("alerts:read"))]
Writer = Annotated[Principal, Depends(may("alerts:write"))]
RuleId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Parameters = Annotated[dict[Text, int], Field(max_length=20)]
Sites = Annotated[list[Text], Field(min_length=1, max_length=1000)]
Lists = Annotated[list[Text], Field(max_length=100)]


class ParameterView(View):
    """A whole number by which rules of a kind are tuned; its unit is part of its name."""

    name: str
    default: int
    minimum: int
    maximum: int
    description: str


class AlertKindView(View):
    """A kind of rule."""

    name: str
    about: str = Field(description="What its alerts are about, such as `station` or `connector`.")
    severity: Severity = Field(description="What a new rule has.")
    enabled: bool = Field(description="Whether it is on from the start.")
    description: str
    parameters: list[ParameterView]


class AlertRuleView(View):
    """A rule."""

    id: str
    kind: str
    name: str
    enabled: bool
    severity: Severity
    parameters: dict[str, int]
    site_ids: list[str] | None = Field(description="Null: everywhere in the organisation.")
    recipient_ids: list[str] | None = Field(description="Which lists get e-mails; null: all, empty: none.")
    is_default: bool = Field(description="Every organisation has it; it can be switched off, not removed.")
    created_at: Moment
    updated_at: Moment


class AlertRuleChanges(Body):
    """What can be changed of a rule. What is left out stays."""

    name: Text | None = Field(default=None, max_length=200)
    enabled: bool = True
    severity: Severity = Field(default=Severity.WARNING, strict=False)
    parameters: Parameters = Field(default={})
    site_ids: Sites | None = None
    recipient_ids: Lists | None = None

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if "severity" in given:
            given["severity"] = self.severity.value
        return given


class NewAlertRule(AlertRuleChanges):
    """A further rule of a kind. What is left out is as the kind has it."""

    kind: Text


class AlertRuleFilters(Filters):
    """What rules can be narrowed by."""

    kind: Text | None = None
    enabled: bool | None = None


@router.get(
    "/alert-rules/kinds",
    response_model=Listed[AlertKindView],
    responses=LISTED,
    dependencies=[Depends(may("alerts:read"))],
)
async def list_alert_kinds(wanted: WholeFormat) -> Any:
    """What can be watched, with the parameters and their limits."""
    return whole(wanted, [AlertKindView.model_validate(kind) for kind in KINDS.values()], "alert-kinds")


@router.get("/alert-rules", response_model=Listed[AlertRuleView], responses=LISTED)
async def list_alert_rules(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[AlertRuleFilters, Query()]
) -> Any:
    """All rules, those of every organisation first."""
    rules = sorted(
        (
            rule
            for rule in await context.services.alert_rules.of(principal.organisation_id)
            if _sees(principal, rule) and filters.kind in (None, rule.kind) and filters.enabled in (None, rule.enabled)
        ),
        key=_order,
    )

    async def find(*, limit: int, cursor: str | None) -> Page[Rule]:
        after = None if cursor is None else read_cursor(cursor, tuple[bool, str, int, str])
        rest = [rule for rule in rules if after is None or _order(rule) > after]
        more = len(rest) > limit
        return Page(rest[:limit], write_cursor(_order(rest[limit - 1])) if more else None)

    return await listing(filters, wanted, find, _view, "alert-rules")


@router.post("/alert-rules", status_code=201)
async def make_alert_rule(body: NewAlertRule, principal: Writer, context: Context, response: Response) -> AlertRuleView:
    """Add a rule, such as one for some sites beside the one for all."""
    given = body.given()
    _require_sites(principal, given.get("site_ids"))
    made = await context.services.alert_rules.create(principal.organisation_id, NewRule(**given))
    response.headers["Location"] = f"/api/v1/alert-rules/{made.id}"
    return _view(made)


@router.get("/alert-rules/{alert_rule_id}")
async def read_alert_rule(alert_rule_id: RuleId, principal: Reader, context: Context) -> AlertRuleView:
    """One rule."""
    return _view(await _rule_of(context, principal, alert_rule_id))


@router.patch("/alert-rules/{alert_rule_id}")
async def change_alert_rule(
    alert_rule_id: RuleId, body: AlertRuleChanges, principal: Writer, context: Context
) -> AlertRuleView:
    """Change a rule. What stands by it and is not its business any more is cleared."""
    rule = await _rule_of(context, principal, alert_rule_id)
    given = body.given()
    _require_sites(principal, rule.site_ids)
    _require_sites(principal, given.get("site_ids", rule.site_ids))
    return _view(await context.services.alert_rules.update(principal.organisation_id, alert_rule_id, given))


@router.delete("/alert-rules/{alert_rule_id}", status_code=204)
async def delete_alert_rule(alert_rule_id: RuleId, principal: Writer, context: Context) -> None:
    """Remove a rule; what stands by it is cleared."""
    _require_sites(principal, (await _rule_of(context, principal, alert_rule_id)).site_ids)
    await context.services.alert_rules.delete(principal.organisation_id, alert_rule_id)


def _order(rule: Rule) -> tuple[bool, str, int, str]:
    return (not rule.is_default, rule.kind, rule.created_at, rule.id)


def _sees(principal: Principal, rule: Rule) -> bool:
    """Whoever is limited to sites sees the rules that look there."""
    if principal.site_ids is None or rule.site_ids is None:
        return True
    return not set(rule.site_ids).isdisjoint(principal.site_ids)


async def _rule_of(context: ApiContext, principal: Principal, rule_id: str) -> Rule:
    rule = await context.services.alert_rules.get(principal.organisation_id, rule_id)
    if not _sees(principal, rule):
        raise unknown("alert rule", "alert_rule_unknown")
    return rule


def _require_sites(principal: Principal, site_ids: Any) -> None:
    """What looks everywhere is changed by whoever may look everywhere."""
    if site_ids is None:
        principal.require_whole_organisation()
        return
    for site_id in site_ids:
        principal.require_site(site_id)


def _view(rule: Rule) -> AlertRuleView:
    told = {name: getattr(rule, name) for name in Rule.__struct_fields__}
    return AlertRuleView.model_validate(told | {"parameters": rule.numbers})
