"""Desired configuration of stations: how far each is followed, how its keys stand, and bringing it into step."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.commands import JobView
from stationmaster.api.commands import view as job_view
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.desired_configuration import FollowMode, JobStep, KeyRecord, KeyState
from stationmaster.domain.jobs import ENDED
from stationmaster.services.desired_configuration import Standing

router = APIRouter(tags=["Configuration"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("configuration:read"))]
Writer = Annotated[Principal, Depends(may("configuration:write"))]
Sender = Annotated[Principal, Depends(may("commands:send"))]
USUAL_WAIT_S: Final = 20.0
_NOT_IN_STEP: Final = tuple(state.value for state in KeyState if state is not KeyState.IN_STEP)


class TemplateRankView(View):
    """A template that applies to a station."""

    id: str
    name: str
    priority: int
    mode: FollowMode
    assigned: bool = Field(description="By hand; otherwise by vendor, model, firmware or site.")


class DesiredKeyView(View):
    """A key, and how it stands to what is desired."""

    key: str
    state: KeyState
    reason: str = Field(
        description="as_read, as_set, differs, accepted_but_not_changed, not_read, never_set, unknown_key, readonly, "
        "rejected, error, reboot_required"
    )
    desired: str | None = Field(description="Null: secret.")
    actual: str | None = Field(description="As last read or set. Null: secret, or not known.")
    secret: bool
    template_id: str
    mode: FollowMode
    since: Moment = Field(description="Since when it is in this state.")
    checked_at: Moment | None = Field(description="When it was last read or set.")
    answer: str | None = Field(description="What the station made of our last change.")
    answer_at: Moment | None
    attempts: int = Field(description="How often the station said Accepted and did nothing.")
    next_attempt_at: Moment | None = Field(description="Until then it is left alone, unless a person asks.")


class RankedKeyView(DesiredKeyView):
    """The same with the templates that wanted something else and lost."""

    overridden: list[str] = Field(description="Ids of templates of less importance that name the key too.")


class DriftView(DesiredKeyView):
    """A key of a station that is not as desired."""

    station_id: str


class DesiredConfigurationView(View):
    """What is desired of a station, and how it stands."""

    station_id: str
    mode: FollowMode
    template_ids: list[str] = Field(description="Templates that were assigned by hand.")
    templates: list[TemplateRankView] = Field(description="All that apply, the one that counts most first.")
    keys: list[RankedKeyView]
    job_id: str | None = Field(description="The job that applies it now.")
    step: JobStep | None = Field(description="Where that stands: `consent` waits for somebody to agree to a reset.")
    left_alone_until: Moment | None = Field(description="After a station could not be read nothing begins by itself.")


class DesiredConfigurationBody(Body):
    """How far a station is followed."""

    mode: FollowMode | None = Field(default=None, strict=False)
    template_ids: list[Text] | None = Field(default=None, max_length=50)


class ApplyBody(Body):
    """What is applied, until when."""

    template_id: Text | None = Field(default=None, description="Only what this template wants; all if left out.")
    deadline: InstantIn | None = Field(
        default=None, description="If the station does not come before, nothing is changed; a week if left out."
    )


class AdviceView(View):
    """Something to consider about a station's configuration."""

    code: str
    severity: str = Field(description="warning or notice")
    keys: list[str]
    words: str


class DriftFilters(Filters):
    """What drift can be narrowed by."""

    station_id: Text | None = None
    site_id: Text | None = None
    template_id: Text | None = None
    key: Text | None = None
    state: KeyState | None = Field(default=None, description="Left out: every state but `in_step`.")


class DriftSummaryView(View):
    """How many keys are in which state."""

    states: dict[KeyState, int]
    followed_stations: int


@router.get("/stations/{station_id}/desired-configuration")
async def read_desired_configuration(
    station_id: StationId, principal: Reader, context: Context
) -> DesiredConfigurationView:
    """What is desired of a station, by which template, and how each key stands. Nothing is sent."""
    station = await station_of(context, principal, station_id)
    return await _view(context, await context.services.desired_configuration.standing(station))


@router.put("/stations/{station_id}/desired-configuration")
async def choose_desired_configuration(
    station_id: StationId, body: DesiredConfigurationBody, principal: Writer, context: Context
) -> DesiredConfigurationView:
    """Say how far a station is followed, and which templates are assigned to it by hand. Nothing is sent at once."""
    station = await station_of(context, principal, station_id)
    desired = context.services.desired_configuration
    await desired.follow([station], body.mode, body.template_ids)
    return await _view(context, await desired.standing(station))


@router.post("/stations/{station_id}/desired-configuration/apply", status_code=202)
async def apply_desired_configuration(
    station_id: StationId,
    principal: Sender,
    context: Context,
    response: Response,
    body: ApplyBody | None = None,
    wait: Annotated[float, Query(ge=0, le=600, description="Seconds to wait for the end.")] = USUAL_WAIT_S,
) -> JobView:
    """Bring a station into step: read, change what differs, read back. The job waits for a station that is away."""
    station = await station_of(context, principal, station_id)
    wish = body or ApplyBody()
    if wish.template_id is not None:
        await context.services.configuration_templates.get(principal.organisation_id, wish.template_id)
    job = await context.services.configuration_jobs.begin(
        station, principal.actor, template_id=wish.template_id, deadline=wish.deadline, wait_s=wait
    )
    if job.state in ENDED:
        response.status_code = 200
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job_view(job)


@router.post("/stations/{station_id}/desired-configuration/agree-to-reset", status_code=202)
async def agree_to_reset(station_id: StationId, principal: Sender, context: Context) -> JobView:
    """Agree to the reset that new values wait for. It comes as soon as no transaction runs."""
    station = await station_of(context, principal, station_id)
    return job_view(await context.services.configuration_jobs.agree(station))


@router.get("/stations/{station_id}/configuration-advice", response_model=Listed[AdviceView], responses=LISTED)
async def read_configuration_advice(
    station_id: StationId, principal: Reader, context: Context, wanted: WholeFormat
) -> Any:
    """What to consider about a station's configuration, by what was read last. Nothing is sent."""
    station = await station_of(context, principal, station_id)
    advice = await context.services.desired_configuration.advice(station)
    return whole(wanted, [AdviceView.model_validate(each) for each in advice], "configuration-advice")


@router.get("/configuration-drift", response_model=Listed[DriftView], responses=LISTED)
async def list_configuration_drift(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[DriftFilters, Query()]
) -> Any:
    """Keys of all stations that are not as desired, by station and key."""
    states = filters.state or _NOT_IN_STEP
    find = partial(
        context.storage.desired_configuration.find_keys,
        principal.organisation_id,
        site_ids=principal.site_ids,
        state=states,
        **filters.wanted("state"),
    )
    return await listing(filters, wanted, find, _drift_view, "configuration-drift")


@router.get("/configuration-drift-summary")
async def summarise_configuration_drift(principal: Reader, context: Context) -> DriftSummaryView:
    """How many keys of all stations are in which state, and how many stations are followed."""
    stored = context.storage.desired_configuration
    states = await stored.tally(principal.organisation_id, principal.site_ids)
    followed = await stored.count_followed(principal.organisation_id, principal.site_ids)
    return DriftSummaryView.model_validate({"states": dict(states), "followed_stations": followed})


def _members(record: KeyRecord) -> dict[str, Any]:
    told = {name: getattr(record, name) for name in KeyRecord.__struct_fields__ if name != "answer_hash"}
    return told | {"checked_at": record.checked_at or None}


def _drift_view(record: KeyRecord) -> DriftView:
    return DriftView.model_validate(_members(record))


async def _view(context: ApiContext, standing: Standing) -> DesiredConfigurationView:
    station, followed = standing.station, standing.followed
    under_way = await context.storage.configuration_jobs.unfinished(station.id)
    lost = {each.key: [template.id for template in each.overridden] for each in standing.wanted}
    keys = [
        _members(record) | {"overridden": lost[wanted.key]}
        for wanted, record in zip(standing.wanted, standing.records, strict=True)
    ]
    waits = followed.not_before if followed.not_before > context.clock() else None
    return DesiredConfigurationView.model_validate(
        {
            "station_id": station.id,
            "mode": followed.mode,
            "template_ids": list(followed.template_ids),
            "templates": [
                {
                    "id": each.id,
                    "name": each.name,
                    "priority": each.priority,
                    "mode": each.mode,
                    "assigned": each.id in followed.template_ids,
                }
                for each in standing.templates
            ],
            "keys": keys,
            "job_id": under_way[0].job_id if under_way else None,
            "step": under_way[0].step if under_way else None,
            "left_alone_until": waits,
        }
    )
