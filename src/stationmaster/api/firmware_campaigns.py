"""Campaigns: one firmware over many stations, a few at a time, with an end when too many fail."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.files import Uuid
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.transfers import Interval, Location, Retries, Transfer, origin_of
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.firmware import Campaign, CampaignPlan, CampaignState, UpdateState
from stationmaster.services.firmware_campaigns import NewCampaign

router = APIRouter(tags=["Firmware"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("firmware:read"))]
Writer = Annotated[Principal, Depends(may("firmware:write"))]


class PlanView(View):
    """The choices of a campaign."""

    batch_size: int
    failure_limit_percent: int
    failure_minimum: int
    update_timeout_s: int
    kind: str
    transfer: str
    retries: int
    retry_interval_s: int
    location: str | None
    send_anyway: bool


class TallyView(View):
    """How many stations are in which state."""

    pending: int
    updating: int
    done: int
    failed: int
    skipped: int
    cancelled: int


class CampaignView(View):
    """A campaign."""

    id: str
    name: str
    firmware_id: str
    state: CampaignState
    reason: str | None = Field(description="Why it stopped by itself.")
    plan: PlanView
    created_by: str
    created_at: Moment
    starts_at: Moment
    ends_at: Moment = Field(description="After this nothing more is begun.")
    started_at: Moment | None
    finished_at: Moment | None


class CampaignProgressView(CampaignView):
    """A campaign and how far it has come."""

    progress: TallyView


class StationUpdateView(View):
    """One station of a campaign."""

    station_id: str
    state: UpdateState
    job_id: str | None
    detail: str | None = Field(description="How it ended, or why it waits.")
    version_before: str | None
    started_at: Moment | None
    finished_at: Moment | None


class NewCampaignBody(Body):
    """A campaign to be made. It begins by itself."""

    name: Text = Field(min_length=1)
    firmware_id: Text = Field(min_length=1)
    station_ids: Annotated[list[Text], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="None: every station that the firmware is for."
    )
    starts_at: InstantIn | None = None
    ends_at: InstantIn | None = Field(default=None, description="None: two weeks after the start.")
    batch_size: int = Field(default=10, ge=1, le=1000, description="How many stations update at the same time.")
    failure_limit_percent: int = Field(
        default=20, ge=0, le=100, description="The campaign stops when more than so many of the ended updates failed."
    )
    failure_minimum: int = Field(default=1, ge=1, le=10_000, description="How many must have ended before that counts.")
    update_timeout_s: int = Field(default=6 * 3600, ge=60, le=7 * 86_400)
    kind: Literal["auto", "plain", "signed"] = "auto"
    transfer: Transfer = "auto"
    retries: Retries = 2
    retry_interval_s: Interval = 60
    location: Location | None = None
    send_anyway: bool = False

    def plan(self, origin: str) -> CampaignPlan:
        """The choices."""
        outside = {"name", "firmware_id", "station_ids", "starts_at", "ends_at"}
        return CampaignPlan(**self.model_dump(exclude=outside), base_url=origin)


class CampaignFilters(Filters):
    """What campaigns can be narrowed by."""

    state: CampaignState | None = None
    firmware_id: Text | None = None


class StationUpdateFilters(Filters):
    """What the stations of a campaign can be narrowed by."""

    state: UpdateState | None = None


@router.get("/firmware-campaigns", response_model=Listed[CampaignView], responses=LISTED)
async def list_campaigns(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[CampaignFilters, Query()]
) -> Any:
    """All campaigns, the newest first."""
    find = partial(context.storage.firmware_campaigns.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, _view, "firmware-campaigns")


@router.post("/firmware-campaigns", status_code=201)
async def make_campaign(
    body: NewCampaignBody, request: Request, response: Response, principal: Writer, context: Context
) -> CampaignProgressView:
    """Make a campaign."""
    principal.require("commands:dangerous")
    new = NewCampaign(
        name=body.name,
        firmware_id=body.firmware_id,
        station_ids=None if body.station_ids is None else tuple(body.station_ids),
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        plan=body.plan(origin_of(request)),
    )
    made = await context.services.firmware_campaigns.create(
        principal.organisation_id, new, principal.actor, principal.site_ids
    )
    response.headers["Location"] = f"/api/v1/firmware-campaigns/{made.id}"
    return await _with_progress(context, made)


@router.get("/firmware-campaigns/{campaign_id}")
async def read_campaign(campaign_id: Uuid, principal: Reader, context: Context) -> CampaignProgressView:
    """One campaign and how far it has come."""
    return await _with_progress(
        context, await context.services.firmware_campaigns.get(principal.organisation_id, campaign_id)
    )


@router.get("/firmware-campaigns/{campaign_id}/stations", response_model=Listed[StationUpdateView], responses=LISTED)
async def list_stations_of_campaign(
    campaign_id: Uuid,
    principal: Reader,
    context: Context,
    wanted: WantedFormat,
    filters: Annotated[StationUpdateFilters, Query()],
) -> Any:
    """The stations of a campaign in their order."""
    campaign = await context.services.firmware_campaigns.get(principal.organisation_id, campaign_id)
    find = partial(
        context.storage.firmware_campaigns.updates, campaign.id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, StationUpdateView.model_validate, "firmware-campaign-stations")


@router.post("/firmware-campaigns/{campaign_id}/{step}")
async def move_campaign(
    campaign_id: Uuid, step: Literal["pause", "resume", "cancel"], principal: Writer, context: Context
) -> CampaignProgressView:
    """Pause, resume or cancel a campaign. What is under way at a station goes on."""
    principal.require("commands:dangerous")
    campaigns = context.services.firmware_campaigns
    if principal.site_ids is not None:
        found = await campaigns.get(principal.organisation_id, campaign_id)
        if found.created_by != principal.actor:
            raise unknown("campaign", "campaign_unknown")
    steps = {"pause": campaigns.pause, "resume": campaigns.resume, "cancel": campaigns.cancel}
    return await _with_progress(context, await steps[step](principal.organisation_id, campaign_id))


def _view(campaign: Campaign) -> CampaignView:
    return CampaignView.model_validate(_Shown(campaign))


async def _with_progress(context: ApiContext, campaign: Campaign) -> CampaignProgressView:
    tally = await context.services.firmware_campaigns.tally(campaign.id)
    told = _view(campaign).model_dump() | {"progress": TallyView.model_validate(tally)}
    return CampaignProgressView.model_validate(told)


class _Shown:
    """A campaign as its view reads it: the plan as members."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self.plan = campaign.choices

    def __getattr__(self, name: str) -> Any:
        return getattr(self._campaign, name)
