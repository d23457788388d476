"""Sites: where stations are, what their supply carries, how they are wired, and who else limits them."""

from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.provisioning import station_of
from stationmaster.api.site_values import (
    ConnectorBody,
    Deciamps,
    LimitBody,
    LimitView,
    MeterBody,
    MeterView,
    PhaseName,
    SiteConnectorView,
    WarningView,
    connector_view,
    limit_view,
    meter_view,
    phases_of,
    warning_views,
)
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.errors import Conflict
from stationmaster.domain.load_management.site import Policy, Settings
from stationmaster.domain.sites import LimitSchedule, Site
from stationmaster.domain.stations import Station
from stationmaster.instants import format_instant
from stationmaster.services.sites import SiteConnector

__all__ = ["Reader", "SiteId", "Writer", "router", "site_of"]

router = APIRouter(tags=["Sites"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("sites:read"))]
Writer = Annotated[Principal, Depends(may("sites:write"))]
SiteId = Annotated[
    str, Path(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", description="The id of a site.")
]
Source = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
ConnectorNumber = Annotated[int, Path(ge=1, le=1000)]
_SETTINGS = tuple(Settings.__struct_fields__)


class SettingsView(View):
    """The times and thresholds of the planner."""

    hysteresis_a: float = Field(description="Smaller changes are not sent, unless safety asks for them.")
    change_interval_s: int = Field(description="A station hears of a change for the better at most so often.")
    lead_s: int = Field(description="A fall of the limit is acted on so long before it comes.")
    clock_margin_s: int = Field(description="A station's clock is taken to be right within so many seconds.")
    settle_s: int = Field(description="A car may take so long to follow a new limit.")
    tolerance_a: float = Field(description="Measured above the limit by no more than this is no offence.")
    forgive_after_s: int = Field(description="So long within the limit, and a station is believed again.")
    demand_after_s: int
    idle_after_s: int
    turn_s: int = Field(description="So long may a car hold the minimum while others of its rank wait.")
    pause_s: int
    meter_timeout_s: int = Field(description="After so long without a reading the meter counts as silent.")
    meter_window_s: int


class SettingsBody(Body):
    """The times and thresholds of the planner; what is left out has its default."""

    hysteresis_a: Deciamps | None = None
    change_interval_s: int | None = Field(default=None, ge=0, le=3600)
    lead_s: int | None = Field(default=None, ge=1, le=3600)
    clock_margin_s: int | None = Field(default=None, ge=1, le=3600)
    settle_s: int | None = Field(default=None, ge=0, le=3600)
    tolerance_a: Deciamps | None = None
    forgive_after_s: int | None = Field(default=None, ge=1, le=86_400)
    demand_after_s: int | None = Field(default=None, ge=1, le=86_400)
    idle_after_s: int | None = Field(default=None, ge=1, le=86_400)
    turn_s: int | None = Field(default=None, ge=60, le=86_400)
    pause_s: int | None = Field(default=None, ge=0, le=3600)
    meter_timeout_s: int | None = Field(default=None, ge=10, le=86_400)
    meter_window_s: int | None = Field(default=None, ge=10, le=3600)

    def settings(self) -> Settings:
        """The settings as the planner knows them."""
        given = {
            name.replace("_a", "_deciamps") if name.endswith("_a") else name: value
            for name in self.model_fields_set
            if (value := getattr(self, name)) is not None
        }
        return Settings(**given)


class SiteView(View):
    """A site. `warnings` say what is allowed and may surprise."""

    id: str
    name: str
    address: str | None
    latitude: float | None
    longitude: float | None
    time_zone: str
    nominal_voltage_v: int
    phases: list[str] = Field(description="The phases that the supply has.")
    policy: Policy
    limits: list[LimitView]
    meter: MeterView | None
    settings: SettingsView
    note: str | None
    managed: bool = Field(description="Whether power is shared here: it has a limit.")
    stations: int = Field(description="How many stations belong to it.")
    warnings: list[WarningView]
    created_at: Moment
    updated_at: Moment


class SiteChanges(Body):
    """What can be changed of a site. What is left out stays as it is."""

    name: Text | None = None
    address: str | None = Field(default=None, max_length=1000)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    time_zone: Text | None = Field(default=None, description="An IANA name, e.g. `Europe/Stockholm`.")
    nominal_voltage_v: int | None = Field(default=None, ge=50, le=1000, description="Between a phase and neutral.")
    phases: list[PhaseName] | None = Field(default=None, min_length=1, max_length=3)
    policy: Literal["equal", "priority", "first_come"] | None = None
    limits: list[LimitBody] | None = Field(
        default=None, max_length=50, description="All of them; while there is none, nothing is shared."
    )
    meter: MeterBody | None = None
    settings: SettingsBody | None = None
    note: str | None = Field(default=None, max_length=2000)

    def given(self) -> dict[str, Any]:
        """The members that were sent, as they are kept. Null takes away what may be missing, and else the default."""
        empty = Site(id="", organisation_id="", name="")
        kept: dict[str, Any] = {}
        for name in self.model_fields_set & set(SiteChanges.model_fields):
            value = getattr(self, name)
            if value is None:
                kept[name] = getattr(empty, name)
            elif name == "limits":
                kept[name] = tuple(limit.limit() for limit in value)
            elif name == "phases":
                kept[name] = phases_of(value)
            elif name == "policy":
                kept[name] = Policy(value)
            else:
                kept[name] = _kept(value)
        return kept


class NewSiteBody(SiteChanges):
    """A site to be made."""

    id: Text | None = Field(
        default=None, min_length=1, description="What stations have as their `site_id`; made up if left out."
    )


class ScheduleEntryBody(Body):
    """A limit for some time."""

    valid_from: InstantIn
    valid_to: InstantIn
    l1_a: Deciamps | None = None
    l2_a: Deciamps | None = None
    l3_a: Deciamps | None = None
    total_w: int | None = Field(default=None, ge=0, le=100_000_000)


class ScheduleBody(Body):
    """Limits over time from one source, in the place of what it gave before."""

    entries: list[ScheduleEntryBody] = Field(max_length=400)


class LimitScheduleView(View):
    """Limits over time from one source, such as a price or a grid signal."""

    source: str
    entries: list[LimitView]
    updated_at: Moment


class MeterReadingBody(Body):
    """What the site's meter shows now, in amperes per phase."""

    l1_a: Deciamps
    l2_a: Deciamps = 0
    l3_a: Deciamps = 0


class SiteFilters(Filters):
    """What sites can be narrowed by."""

    search: Text | None = Field(default=None, description="Part of id, name or address.")


@router.get("/sites", response_model=Listed[SiteView], responses=LISTED)
async def list_sites(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[SiteFilters, Query()]
) -> Any:
    """All sites, by name."""
    find = partial(
        context.storage.sites.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )

    async def with_views(*, limit: int, cursor: str | None) -> Any:
        page = await find(limit=limit, cursor=cursor)
        return msgspec.structs.replace(page, items=[await _view(context, each) for each in page.items])

    return await listing(filters, wanted, with_views, lambda view: view, "sites")


@router.post("/sites", status_code=201)
async def make_site(body: NewSiteBody, principal: Writer, context: Context, response: Response) -> SiteView:
    """Make a site. Stations whose `site_id` is its id belong to it at once."""
    site_id = body.id or uuid4().hex
    principal.require_site(site_id)
    members = {"name": site_id} | {name: value for name, value in body.given().items() if value != ""}
    new = Site(id=site_id, organisation_id=principal.organisation_id, **members)
    made = await context.services.sites.create(new)
    response.headers["Location"] = f"/api/v1/sites/{quote(made.id, safe='')}"
    return await _view(context, made)


@router.get("/sites/{site_id}")
async def read_site(site_id: SiteId, principal: Reader, context: Context) -> SiteView:
    """One site."""
    return await _view(context, await site_of(context, principal, site_id))


@router.patch("/sites/{site_id}")
async def change_site(site_id: SiteId, body: SiteChanges, principal: Writer, context: Context) -> SiteView:
    """Change a site. A new limit holds at once: what is too much is taken back from cars within seconds."""
    await site_of(context, principal, site_id)
    return await _view(context, await context.services.sites.update(principal.organisation_id, site_id, body.given()))


@router.delete("/sites/{site_id}", status_code=204)
async def delete_site(site_id: SiteId, principal: Writer, context: Context) -> None:
    """Remove a site. Limits that it gave are removed from its stations, now or when they connect the next time."""
    await site_of(context, principal, site_id)
    await context.services.sites.delete(principal.organisation_id, site_id)


@router.get("/sites/{site_id}/connectors")
async def list_site_connectors(site_id: SiteId, principal: Reader, context: Context) -> Listed[SiteConnectorView]:
    """The connectors of a site's stations, and how they are wired."""
    found = await context.services.sites.connectors_of(await site_of(context, principal, site_id))
    return Listed(items=[connector_view(each) for each in found], next_cursor=None)


@router.put("/sites/{site_id}/connectors/{station_id}/{connector_id}")
async def declare_site_connector(
    site_id: SiteId,
    station_id: StationId,
    connector_id: ConnectorNumber,
    body: ConnectorBody,
    principal: Writer,
    context: Context,
) -> SiteConnectorView:
    """Declare how a connector is wired. What is left out has its default."""
    station = await _station_of_site(context, principal, site_id, station_id)
    wiring = body.wiring(principal.organisation_id, station_id, connector_id)
    saved = await context.services.sites.put_wiring(station, wiring)
    return connector_view(SiteConnector(station=station, wiring=saved, declared=True))


@router.delete("/sites/{site_id}/connectors/{station_id}/{connector_id}", status_code=204)
async def forget_site_connector(
    site_id: SiteId, station_id: StationId, connector_id: ConnectorNumber, principal: Writer, context: Context
) -> None:
    """Forget what was declared of a connector."""
    station = await _station_of_site(context, principal, site_id, station_id)
    await context.services.sites.delete_wiring(station, connector_id)


@router.get("/sites/{site_id}/limit-schedules")
async def list_limit_schedules(site_id: SiteId, principal: Reader, context: Context) -> Listed[LimitScheduleView]:
    """The limits over time that other sources gave."""
    await site_of(context, principal, site_id)
    found = await context.storage.sites.schedules_of(principal.organisation_id, site_id)
    return Listed(items=[_schedule_view(each) for each in found], next_cursor=None)


@router.put("/sites/{site_id}/limit-schedules/{source}")
async def put_limit_schedule(
    site_id: SiteId, source: Source, body: ScheduleBody, principal: Writer, context: Context
) -> LimitScheduleView:
    """Give the limits of one source, such as a price or a grid signal. They replace what it gave before."""
    site = await site_of(context, principal, site_id)
    entries = [
        LimitBody.model_construct(name=source, weekdays=None, daily_from=None, daily_to=None, **entry.__dict__).limit()
        for entry in body.entries
    ]
    return _schedule_view(await context.services.sites.put_schedule(site, source, entries))


@router.delete("/sites/{site_id}/limit-schedules/{source}", status_code=204)
async def delete_limit_schedule(site_id: SiteId, source: Source, principal: Writer, context: Context) -> None:
    """Take the limits of a source away."""
    site = await site_of(context, principal, site_id)
    await context.services.sites.delete_schedule(site, source)


@router.post("/sites/{site_id}/meter-readings", status_code=204)
async def post_meter_reading(site_id: SiteId, body: MeterReadingBody, principal: Writer, context: Context) -> None:
    """Tell what the site's meter shows now."""
    site = await site_of(context, principal, site_id)
    if site.meter is None:
        raise Conflict("site_has_no_meter", "The site has no meter: set `meter` first, so that its readings count.")
    if site.meter.station_id is not None:
        words = f"The readings of this site's meter come from station `{site.meter.station_id}`."
        raise Conflict("meter_is_a_station", words)
    await context.services.load_management.meter_read(site, (body.l1_a, body.l2_a, body.l3_a))


async def site_of(context: ApiContext, principal: Principal, site_id: str) -> Site:
    """A site that the principal may see; raises NotFound."""
    site = await context.storage.sites.get(principal.organisation_id, site_id)
    if site is None or not principal.sees(site):
        raise unknown("site", "site_unknown")
    return site


async def _station_of_site(context: ApiContext, principal: Principal, site_id: str, station_id: str) -> Station:
    site = await site_of(context, principal, site_id)
    station = await station_of(context, principal, station_id)
    if station.site_id != site.id:
        raise Conflict("station_elsewhere", f"Station `{station_id}` does not belong to this site.")
    return station


async def _view(context: ApiContext, site: Site) -> SiteView:
    services = context.services.sites
    schedules = await context.storage.sites.schedules_of(site.organisation_id, site.id)
    same = {
        name: getattr(site, name)
        for name in Site.__struct_fields__
        if name not in {"organisation_id", "phases", "limits", "meter", "settings"}
    }
    return SiteView.model_validate(
        same
        | {
            "phases": [phase.name for phase in site.phases],
            "limits": [limit_view(each) for each in site.limits],
            "meter": None if site.meter is None else meter_view(site.meter),
            "settings": _settings_view(site.settings),
            "managed": bool(site.limits or any(each.entries for each in schedules)),
            "stations": len(await services.stations_of(site)),
            "warnings": warning_views(await services.warnings_of(site)),
        }
    )


def _settings_view(settings: Settings) -> SettingsView:
    told = {name: getattr(settings, name) for name in _SETTINGS}
    told |= {"hysteresis_a": settings.hysteresis_deciamps / 10, "tolerance_a": settings.tolerance_deciamps / 10}
    return SettingsView.model_validate(told)


def _schedule_view(schedule: LimitSchedule) -> LimitScheduleView:
    return LimitScheduleView(
        source=schedule.source,
        entries=[limit_view(each) for each in schedule.entries],
        updated_at=format_instant(schedule.updated_at),
    )


def _kept(value: Any) -> Any:
    if isinstance(value, MeterBody):
        return value.meter()
    return value.settings() if isinstance(value, SettingsBody) else value
