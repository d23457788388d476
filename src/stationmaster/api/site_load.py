"""How a site's power is shared now, and why; what was decided, and the day's curve against the limit."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.problems import ApiError
from stationmaster.api.site_values import LanesView, WarningView, amperes, lanes_view, moment, warning_views
from stationmaster.api.sites import Reader, SiteId, site_of
from stationmaster.api.values import Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.load_management.effects import AlertKind, AlertRaised, Reason
from stationmaster.domain.load_management.facts import SiteDecided, SiteLoadSampled
from stationmaster.domain.load_management.lanes import ZERO, fits, minus
from stationmaster.domain.load_management.overview import LimitAt, Overview, overview
from stationmaster.domain.load_management.site import Policy
from stationmaster.domain.load_management.state import ConnectorState
from stationmaster.domain.sites import Site
from stationmaster.instants import Instant, format_instant

router = APIRouter(tags=["Sites"], responses=PROBLEMS)

_LANES = ("L1", "L2", "L3", "total")
_DAY_US = 86_400_000_000
_MOST_POINTS = 20_000
_LONGEST_US = 7 * _DAY_US


class LimitAtView(View):
    """The limit from a moment on, and which limits set it: phase (or `total`) -> names."""

    at: Moment
    amperes: LanesView
    set_by: dict[str, list[str]]


class OtherLoadsView(View):
    """What else is reckoned with beside cars."""

    amperes: LanesView
    metered: bool = Field(description="Whether the site has a meter.")
    silent: bool = Field(description="The meter does not report: the last safe assumption holds.")
    last_read_at: Moment | None


class TotalsView(View):
    """Sums over all connectors."""

    offered: LanesView = Field(description="What stations confirmed for the cars that are there.")
    reserved: LanesView = Field(description="The most that may be drawn; never above the limit.")
    held_back: LanesView = Field(
        description="Reserved for stations that are offline, ignore or refuse limits, or hold other profiles."
    )
    measured: LanesView = Field(description="What cars were seen to draw in the last minutes.")
    transactions: int
    paused: int


class DecisionView(View):
    """What a connector gets, since when, and why. Currents in amperes per phase."""

    station_id: str
    connector_id: int
    transaction_id: str | None = Field(description="As the station calls it.")
    online: bool
    target_a: float | None = Field(description="What the plan gives it.")
    offered_a: float | None = Field(description="What the station confirmed; null: nothing that is known.")
    reserved: LanesView
    measured: LanesView | None
    measured_at: Moment | None
    phases: list[str] | None = Field(description="The phases that the car uses, once they are known.")
    priority: int | None
    reason: Reason
    limited_by: str | None = Field(description="The phase that does not allow more, or `total`.")
    since: Moment
    message: str = Field(description="Why, in a sentence.")


class SiteAlertView(View):
    """Something that needs a person."""

    kind: AlertKind
    station_id: str | None
    connector_id: int | None
    message: str
    since: Moment


class SiteLoadView(View):
    """How the power of a site is shared."""

    site_id: str
    at: Moment
    managed: bool = Field(description="False: the site has no limit, and nothing is sent.")
    policy: Policy
    nominal_voltage_v: int
    within_limit: bool = Field(description="Whether everything that may be drawn is within the limit.")
    limit: LimitAtView | None
    ahead: list[LimitAtView] = Field(description="The changes of the limit in the next 24 hours.")
    other_loads: OtherLoadsView | None
    totals: TotalsView | None
    connectors: list[DecisionView]
    alerts: list[SiteAlertView]
    warnings: list[WarningView]


class LoadPointView(View):
    """The load of a site from a moment on. Null: no limit on that phase."""

    at: Moment
    limit: LanesView
    offered: LanesView
    reserved: LanesView
    measured: LanesView
    other_loads: LanesView
    transactions: int
    paused: int


class LoadHistoryView(View):
    """The load over time: each point holds until the next; the first is what held at `since`."""

    since: Moment
    until: Moment
    points: list[LoadPointView]
    complete: bool = Field(description="False: there is more than is told here; ask for a shorter time.")


class PastDecisionView(View):
    """A decision as it was made."""

    at: Moment
    station_id: str
    connector_id: int
    transaction_id: str | None
    target_a: float | None
    offered_a: float | None
    reserved: LanesView
    reason: str
    limited_by: str | None
    message: str


class HistoryFilters(BaseModel):
    """Which part of the history."""

    model_config = ConfigDict(extra="forbid")

    since: InstantIn | None = Field(default=None, description="24 hours ago if left out.")
    until: InstantIn | None = Field(default=None, description="Now if left out; at most 7 days after `since`.")


class DecisionFilters(Filters):
    """What decisions can be narrowed by."""

    station_id: Text | None = None
    since: InstantIn | None = None
    until: InstantIn | None = None


@router.get("/sites/{site_id}/load")
async def read_site_load(site_id: SiteId, principal: Reader, context: Context) -> SiteLoadView:
    """How the site's power is shared now: the limit now and ahead, and who gets what, since when and why."""
    site = await site_of(context, principal, site_id)
    now = context.clock()
    snapshot = await context.services.load_management.snapshot_of(site)
    warnings = warning_views(await context.services.sites.warnings_of(site))
    managed = not any(each.code == "no_limit" for each in warnings)
    if snapshot is None or not managed:
        return _nothing(site, now, warnings, managed=managed)
    return _view(site, overview(snapshot, now), now, warnings)


@router.get("/sites/{site_id}/load/history")
async def read_site_load_history(
    site_id: SiteId, principal: Reader, context: Context, filters: Annotated[HistoryFilters, Query()]
) -> LoadHistoryView:
    """What was offered, reserved and measured against the limit, as points where something changed."""
    site = await site_of(context, principal, site_id)
    until = context.clock() if filters.until is None else filters.until
    since = until - _DAY_US if filters.since is None else filters.since
    if not 0 < until - since <= _LONGEST_US:
        raise ApiError(422, "period_invalid", "`until` is after `since`, and at most 7 days after it.")
    found = await context.storage.site_plans.loads(
        site.organisation_id, site.id, since=since, until=until, limit=_MOST_POINTS + 1
    )
    points = [_point(each, max(each.received_at, since)) for each in found[:_MOST_POINTS]]
    return LoadHistoryView(
        since=format_instant(since), until=format_instant(until), points=points, complete=len(found) <= _MOST_POINTS
    )


@router.get("/sites/{site_id}/decisions", response_model=Listed[PastDecisionView], responses=LISTED)
async def list_site_decisions(
    site_id: SiteId,
    principal: Reader,
    context: Context,
    wanted: WantedFormat,
    filters: Annotated[DecisionFilters, Query()],
) -> Any:
    """What was decided about the connectors of a site, the newest first."""
    site = await site_of(context, principal, site_id)
    find = partial(context.storage.site_plans.decisions, site.organisation_id, site.id, **filters.wanted())
    return await listing(filters, wanted, find, _past, "site-decisions")


def _view(site: Site, found: Overview, now: Instant, warnings: list[WarningView]) -> SiteLoadView:
    totals = found.totals
    room = minus(found.limit.lanes, found.other_loads.lanes)
    return SiteLoadView(
        site_id=site.id,
        at=format_instant(now),
        managed=True,
        policy=site.policy,
        nominal_voltage_v=site.nominal_voltage_v,
        within_limit=fits(totals.reserved, room) or totals.reserved == ZERO,
        limit=_limit(found.limit),
        ahead=[_limit(each) for each in found.ahead],
        other_loads=OtherLoadsView(
            amperes=lanes_view(found.other_loads.lanes),
            metered=found.other_loads.metered,
            silent=found.other_loads.silent,
            last_read_at=moment(found.other_loads.last_read_at),
        ),
        totals=TotalsView(
            offered=lanes_view(totals.offered),
            reserved=lanes_view(totals.reserved),
            held_back=lanes_view(totals.held_back),
            measured=lanes_view(totals.measured),
            transactions=totals.transactions,
            paused=totals.paused,
        ),
        connectors=[each for state in found.connectors if (each := _decision(state)) is not None],
        alerts=[_alert(each) for each in found.alerts],
        warnings=warnings,
    )


def _nothing(site: Site, now: Instant, warnings: list[WarningView], *, managed: bool) -> SiteLoadView:
    return SiteLoadView(
        site_id=site.id,
        at=format_instant(now),
        managed=managed,
        policy=site.policy,
        nominal_voltage_v=site.nominal_voltage_v,
        within_limit=True,
        limit=None,
        ahead=[],
        other_loads=None,
        totals=None,
        connectors=[],
        alerts=[],
        warnings=warnings,
    )


def _limit(limit: LimitAt) -> LimitAtView:
    set_by = {name: list(names) for name, names in zip(_LANES, limit.names, strict=True) if names}
    return LimitAtView(at=format_instant(limit.at), amperes=lanes_view(limit.lanes), set_by=set_by)


def _decision(state: ConnectorState) -> DecisionView | None:
    decision, transaction = state.decision, state.transaction
    if decision is None:
        return None
    used = None if transaction is None or transaction.used is None else [phase.name for phase in transaction.used]
    return DecisionView(
        station_id=decision.location.station_id,
        connector_id=decision.location.connector_number,
        transaction_id=decision.transaction_id,
        online=state.online,
        target_a=amperes(decision.target_deciamps),
        offered_a=amperes(decision.offered_deciamps),
        reserved=lanes_view(decision.reserved),
        measured=None if state.measured is None else lanes_view(state.measured),
        measured_at=None if state.measured is None else moment(state.measured_at),
        phases=used,
        priority=None if transaction is None else transaction.priority,
        reason=decision.reason,
        limited_by=None if decision.lane is None else _LANES[decision.lane],
        since=format_instant(decision.since),
        message=decision.message,
    )


def _alert(alert: AlertRaised) -> SiteAlertView:
    location = alert.location
    return SiteAlertView(
        kind=alert.kind,
        station_id=None if location is None else location.station_id,
        connector_id=None if location is None else location.connector_number,
        message=alert.message,
        since=format_instant(alert.raised_at),
    )


def _point(load: SiteLoadSampled, at: Instant) -> LoadPointView:
    return LoadPointView(
        at=format_instant(at),
        limit=_amperes(load.limit_a),
        offered=_amperes(load.offered_a),
        reserved=_amperes(load.reserved_a),
        measured=_amperes(load.measured_a),
        other_loads=_amperes(load.other_loads_a),
        transactions=load.transactions,
        paused=load.paused,
    )


def _past(decided: SiteDecided) -> PastDecisionView:
    return PastDecisionView(
        at=format_instant(decided.received_at),
        station_id=decided.station_id,
        connector_id=decided.location.connector_number,
        transaction_id=decided.transaction_id,
        target_a=decided.target_a,
        offered_a=decided.offered_a,
        reserved=_amperes(decided.reserved_a),
        reason=decided.reason,
        limited_by=decided.limited_by,
        message=decided.message,
    )


def _amperes(lanes: tuple[float | None, float | None, float | None, float | None]) -> LanesView:
    return LanesView(l1_a=lanes[0], l2_a=lanes[1], l3_a=lanes[2], total_a=lanes[3])
