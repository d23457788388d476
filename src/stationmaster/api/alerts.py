"""Alerts: what stands and what stood, acknowledged and put away."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.alerts.kinds import Severity
from stationmaster.domain.alerts.nouns import Alert, AlertState

router = APIRouter(tags=["Alerts"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("alerts:read"))]
Writer = Annotated[Principal, Depends(may("alerts:write"))]
AlertId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
MOST_AT_ONCE = 500
LONGEST_COMMENT = 1000


class AlertView(View):
    """Something that stands, or stood. The same cause does not raise a second one while the first stands."""

    id: str
    rule_id: str
    kind: str
    severity: Severity
    state: AlertState = Field(description="`open`, `acknowledged` (both stand) or `cleared`.")
    subject: str = Field(description="What it is about, as its rule tells one thing from another.")
    station_id: str = Field(description="Empty when it is about no station.")
    site_id: str | None
    evse_id: int | None
    summary: str = Field(description="A sentence for people.")
    details: dict[str, Any] = Field(description="What the sentence is made of.")
    count: int = Field(description="How often it has happened while it stood.")
    first_at: Moment
    last_at: Moment
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    comment: str | None
    cleared_at: Moment | None
    cleared_reason: str | None = Field(
        description="`cause_ended`, `quiet` (not again for so long), `rule_changed`, `station_removed`, `by_person`."
    )


class AlertFilters(Filters):
    """What alerts can be narrowed by. `since` and `until` bound when they were raised."""

    state: list[AlertState] = Field(default=[], max_length=10)
    severity: list[Severity] = Field(default=[], max_length=10)
    kind: list[Text] = Field(default=[], max_length=50)
    rule_id: Text | None = None
    station_id: Text | None = None
    site_id: Text | None = None
    search: Text | None = None
    since: InstantIn | None = None
    until: InstantIn | None = None


class SeverityCount(View):
    """How many alerts of a severity stand."""

    severity: Severity
    open: int
    acknowledged: int


class AlertCounts(View):
    """How many alerts stand."""

    open: int
    acknowledged: int
    by_severity: list[SeverityCount] = Field(description="The worst first; each severity is there.")


class Acknowledgement(Body):
    """What a person says to an alert."""

    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)


class Acknowledgements(Acknowledgement):
    """What a person says to several alerts."""

    alert_ids: list[Text] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Acknowledged(View):
    """What became of them."""

    acknowledged: int = Field(description="How many there were; those that do not exist are passed over.")


@router.get("/alerts", response_model=Listed[AlertView], responses=LISTED)
async def list_alerts(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[AlertFilters, Query()]
) -> Any:
    """Alerts, the newest first."""
    find = partial(
        context.storage.alerts.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, view_of, "alerts")


@router.get("/alerts/counts")
async def count_alerts(principal: Reader, context: Context) -> AlertCounts:
    """How many alerts stand, for a badge."""
    counts = await context.storage.alerts.counts(principal.organisation_id, principal.site_ids)
    by_severity = [
        SeverityCount(severity=each, open=counts.get((each, False), 0), acknowledged=counts.get((each, True), 0))
        for each in reversed(Severity)
    ]
    return AlertCounts(
        open=sum(each.open for each in by_severity),
        acknowledged=sum(each.acknowledged for each in by_severity),
        by_severity=by_severity,
    )


@router.post("/alerts/acknowledge")
async def acknowledge_alerts(body: Acknowledgements, principal: Writer, context: Context) -> Acknowledged:
    """Say of several alerts that you know."""
    found = [each for each in await context.storage.alerts.many(body.alert_ids) if principal.sees(each)]
    if found:
        await context.services.alerts.acknowledge(found, principal.actor, body.comment)
    return Acknowledged(acknowledged=len(found))


@router.get("/alerts/{alert_id}")
async def read_alert(alert_id: AlertId, principal: Reader, context: Context) -> AlertView:
    """One alert."""
    return view_of(await alert_of(context, principal, alert_id))


@router.post("/alerts/{alert_id}/acknowledge")
async def acknowledge_alert(alert_id: AlertId, body: Acknowledgement, principal: Writer, context: Context) -> AlertView:
    """Say that you know. It stands until its cause has ended."""
    found = await alert_of(context, principal, alert_id)
    await context.services.alerts.acknowledge([found], principal.actor, body.comment)
    return view_of(await alert_of(context, principal, alert_id))


@router.post("/alerts/{alert_id}/clear")
async def clear_alert(alert_id: AlertId, principal: Writer, context: Context) -> AlertView:
    """Put an alert away. If its cause begins again, there will be a new one."""
    await context.services.alerts.clear(await alert_of(context, principal, alert_id))
    return view_of(await alert_of(context, principal, alert_id))


async def alert_of(context: ApiContext, principal: Principal, alert_id: str) -> Alert:
    """An alert that the principal sees. Raises NotFound."""
    found = await context.services.alerts.get(principal.organisation_id, alert_id)
    if not principal.sees(found):
        raise unknown("alert", "alert_unknown")
    return found


def view_of(alert: Alert) -> AlertView:
    """As the API tells it."""
    told = {name: getattr(alert, name) for name in Alert.__struct_fields__}
    return AlertView.model_validate(told | {"details": alert.facts, "state": alert.state})
