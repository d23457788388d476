"""Templates of configuration keys: what groups of stations should hold. Nothing is sent by any of this but `apply`."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.audit_trail import note
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.configuration_drift import templates_of
from stationmaster.domain.desired_configuration import ConfigurationTemplate, FollowMode, JobStep, RebootPolicy
from stationmaster.domain.errors import Forbidden
from stationmaster.domain.stations import Station
from stationmaster.services.configuration_jobs import Run
from stationmaster.services.configuration_templates import GivenEntry
from stationmaster.storage import Page

router = APIRouter(tags=["Configuration"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("configuration:read"))]
Writer = Annotated[Principal, Depends(may("configuration:write"))]
Sender = Annotated[Principal, Depends(may("commands:send"))]
TemplateId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$")]
RunId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$")]
MOST_STATIONS = 10_000
LONGEST_KEY = 50
LONGEST_VALUE = 500


class EntryView(View):
    """A key with what it should hold."""

    key: str
    value: str | None = Field(description="Null: secret, never shown again.")
    secret: bool


class ConfigurationTemplateView(View):
    """What a group of stations should hold."""

    id: str
    name: str
    entries: list[EntryView]
    priority: int = Field(description="Of several templates that want a key, the one of the highest priority counts.")
    vendor: str | None
    model: str | None
    firmware: str | None
    site_id: str | None
    mode: FollowMode = Field(description="The most that is done for this template; the station's own mode counts too.")
    reboot: RebootPolicy = Field(description="What is done when a station takes a value at its next boot only.")
    note: str | None
    warnings: list[str]
    created_at: Moment
    updated_at: Moment


class EntryBody(Body):
    """A key with what it should hold."""

    key: Text = Field(min_length=1, max_length=LONGEST_KEY)
    value: str | None = Field(
        default=None, max_length=LONGEST_VALUE, description="Left out for a secret: it stays as it is."
    )
    secret: bool | None = Field(
        default=None,
        description="Whether it is never shown again. Left out: by the look of the key. Once secret, always secret.",
    )


class ConfigurationTemplateChanges(Body):
    """What can be changed of a template. What is left out stays; entries are replaced as a whole."""

    name: Text | None = Field(default=None, min_length=1, max_length=200)
    entries: list[EntryBody] | None = Field(default=None, max_length=200)
    priority: int | None = Field(default=None, ge=-1_000_000, le=1_000_000)
    vendor: Text | None = Field(
        default=None, max_length=200, description="Applies to stations of this vendor; may end in `*`."
    )
    model: Text | None = Field(default=None, max_length=200, description="May end in `*`.")
    firmware: Text | None = Field(default=None, max_length=200, description="May end in `*`.")
    site_id: Text | None = Field(default=None, max_length=200)
    mode: FollowMode | None = Field(default=None, strict=False)
    reboot: RebootPolicy | None = Field(default=None, strict=False)
    note: str | None = Field(default=None, max_length=2000)

    def given(self) -> dict[str, Any]:
        """The members that were sent, but for the entries."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"entries"}}
        required = {"name", "priority", "mode", "reboot"}
        return {name: value for name, value in given.items() if value is not None or name not in required}

    def given_entries(self) -> list[GivenEntry] | None:
        """The entries, if some were sent."""
        if self.entries is None:
            return None
        return [GivenEntry(each.key, each.value, each.secret) for each in self.entries]


class NewConfigurationTemplate(ConfigurationTemplateChanges):
    """A template to be made."""

    name: Text = Field(min_length=1, max_length=200)
    entries: list[EntryBody] = Field(min_length=1, max_length=200)


class TemplateFilters(Filters):
    """What templates can be narrowed by."""

    search: Text | None = Field(default=None, description="Part of name or note.")


class RecipeView(View):
    """A template that ships with the program, to be copied and adapted."""

    id: str
    name: str
    note: str
    entries: list[EntryView]
    source: str = Field(description="The section of the handbook it follows.")


class TemplateStationView(View):
    """A station to which a template applies."""

    station_id: str
    site_id: str | None
    assigned: bool = Field(description="By hand; otherwise by vendor, model, firmware or site.")
    mode: FollowMode = Field(description="How far the station itself is followed.")


class StationsBody(Body):
    """Some stations."""

    station_ids: list[Text] = Field(min_length=1, max_length=MOST_STATIONS)


class FollowBody(Body):
    """How far stations are followed."""

    mode: FollowMode = Field(strict=False)
    station_ids: list[Text] | None = Field(
        default=None, max_length=MOST_STATIONS, description="Left out: all to which the template applies."
    )


class ApplyTemplateBody(Body):
    """Which stations a template is applied to, and until when."""

    station_ids: list[Text] | None = Field(
        default=None, max_length=MOST_STATIONS, description="Left out: all to which the template applies."
    )
    deadline: InstantIn | None = Field(
        default=None, description="A station that does not come before is not changed; a week if left out."
    )


class CountView(View):
    """How many stations it was about."""

    stations: int


class RunStationView(View):
    """One station of a run."""

    station_id: str
    job_id: str
    step: JobStep
    result: str | None = Field(description="Null: under way.")
    finished_at: Moment | None


class RunView(View):
    """Jobs that were begun together, and how far they have come."""

    run_id: str
    total: int
    finished: int
    results: dict[str, int] = Field(description="How many stations ended in which way.")
    busy: list[str] = Field(description="Stations to which something is being applied already; they are left out.")
    stations: list[RunStationView]


@router.get("/configuration-recipes", response_model=Listed[RecipeView], responses=LISTED)
async def list_configuration_recipes(_principal: Reader, context: Context, wanted: WholeFormat) -> Any:
    """Templates that ship with the program: well-known recipes to copy."""
    recipes = context.services.configuration_templates.recipes()
    return whole(wanted, [RecipeView.model_validate(each) for each in recipes], "configuration-recipes")


@router.get("/configuration-templates", response_model=Listed[ConfigurationTemplateView], responses=LISTED)
async def list_configuration_templates(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[TemplateFilters, Query()]
) -> Any:
    """All templates, by name."""
    find = partial(context.storage.desired_configuration.find_templates, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, partial(_view, context), "configuration-templates")


@router.post("/configuration-templates", status_code=201)
async def make_configuration_template(
    body: NewConfigurationTemplate, principal: Writer, context: Context, request: Request, response: Response
) -> ConfigurationTemplateView:
    """Say what a group of stations should hold. Nothing is sent before stations are followed."""
    _note(request, body)
    principal.require_whole_organisation()
    entries = body.given_entries() or []
    _require_for_danger(context, principal, entries)
    templates = context.services.configuration_templates
    made = await templates.create(principal.organisation_id, body.given(), entries)
    await _compare(context, made)
    response.headers["Location"] = f"/api/v1/configuration-templates/{made.id}"
    return _view(context, made)


@router.get("/configuration-templates/{template_id}")
async def read_configuration_template(
    template_id: TemplateId, principal: Reader, context: Context
) -> ConfigurationTemplateView:
    """One template."""
    return _view(context, await context.services.configuration_templates.get(principal.organisation_id, template_id))


@router.patch("/configuration-templates/{template_id}")
async def change_configuration_template(
    template_id: TemplateId,
    body: ConfigurationTemplateChanges,
    principal: Writer,
    context: Context,
    request: Request,
) -> ConfigurationTemplateView:
    """Change a template. Stations are compared anew; nothing is sent before they connect or somebody asks."""
    _note(request, body)
    principal.require_whole_organisation()
    templates = context.services.configuration_templates
    before = await templates.get(principal.organisation_id, template_id)
    _require_for_danger(context, principal, body.given_entries() or [])
    changed = await templates.update(principal.organisation_id, template_id, body.given(), body.given_entries())
    await _compare(context, before, changed)
    return _view(context, changed)


@router.delete("/configuration-templates/{template_id}", status_code=204)
async def delete_configuration_template(template_id: TemplateId, principal: Writer, context: Context) -> None:
    """Forget a template. What stations hold stays."""
    principal.require_whole_organisation()
    desired = context.services.desired_configuration
    gone = await context.services.configuration_templates.get(principal.organisation_id, template_id)
    affected = await desired.affected_by(principal.organisation_id, [gone])
    await context.services.configuration_templates.delete(principal.organisation_id, template_id)
    await desired.compare_all(affected)


@router.get(
    "/configuration-templates/{template_id}/stations", response_model=Listed[TemplateStationView], responses=LISTED
)
async def list_stations_of_template(
    template_id: TemplateId,
    principal: Reader,
    context: Context,
    wanted: WantedFormat,
    filters: Annotated[Filters, Query()],
) -> Any:
    """The stations to which a template applies. A page may be short: look for `next_cursor`."""
    template = await context.services.configuration_templates.get(principal.organisation_id, template_id)

    async def find(*, limit: int, cursor: str | None) -> Page[TemplateStationView]:
        page = await context.storage.stations.find(
            principal.organisation_id, site_ids=principal.site_ids, limit=limit, cursor=cursor
        )
        told = [await _station_view(context, template, each) for each in page.items]
        return Page([each for each in told if each is not None], page.next_cursor)

    return await listing(filters, wanted, find, TemplateStationView.model_validate, "stations-of-template")


@router.post("/configuration-templates/{template_id}/assign")
async def assign_configuration_template(
    template_id: TemplateId, body: StationsBody, principal: Writer, context: Context
) -> CountView:
    """Assign a template to stations by hand. Nothing is sent."""
    return await _assign(context, principal, template_id, body, assigned=True)


@router.post("/configuration-templates/{template_id}/unassign")
async def unassign_configuration_template(
    template_id: TemplateId, body: StationsBody, principal: Writer, context: Context
) -> CountView:
    """Take a template from stations to which it was assigned by hand. Nothing is sent."""
    return await _assign(context, principal, template_id, body, assigned=False)


@router.post("/configuration-templates/{template_id}/follow")
async def follow_stations_of_template(
    template_id: TemplateId, body: FollowBody, principal: Writer, context: Context
) -> CountView:
    """Say how far the stations of a template are followed. Nothing is sent before they connect or somebody asks."""
    stations = await _stations(context, principal, template_id, body.station_ids)
    await context.services.desired_configuration.follow(stations, body.mode)
    return CountView(stations=len(stations))


@router.post("/configuration-templates/{template_id}/apply", status_code=202)
async def apply_configuration_template(
    template_id: TemplateId,
    principal: Sender,
    context: Context,
    response: Response,
    body: ApplyTemplateBody | None = None,
) -> RunView:
    """Bring stations into step with a template: a job for each that is followed so far; they wait for those away."""
    wish = body or ApplyTemplateBody()
    stations = await _stations(context, principal, template_id, wish.station_ids)
    run = await context.services.configuration_jobs.begin_all(stations, principal.actor, template_id, wish.deadline)
    response.headers["Location"] = f"/api/v1/configuration-runs/{run.run_id}"
    return _run_view(run)


@router.get("/configuration-runs/{configuration_run_id}")
async def read_configuration_run(configuration_run_id: RunId, principal: Reader, context: Context) -> RunView:
    """How far the jobs have come that were begun together. They can be read for a month."""
    run = await context.services.configuration_jobs.run(principal.organisation_id, configuration_run_id)
    seen = tuple(each for each in run.jobs if principal.sees(each))
    return _run_view(Run(run.run_id, seen))


async def _assign(
    context: ApiContext, principal: Principal, template_id: str, body: StationsBody, *, assigned: bool
) -> CountView:
    template = await context.services.configuration_templates.get(principal.organisation_id, template_id)
    stations = [await station_of(context, principal, each) for each in dict.fromkeys(body.station_ids)]
    await context.services.desired_configuration.assign(template, stations, assigned=assigned)
    return CountView(stations=len(stations))


async def _stations(
    context: ApiContext, principal: Principal, template_id: str, station_ids: list[str] | None
) -> list[Station]:
    """The stations that were named, or all to which the template applies; as far as the principal may see them."""
    template = await context.services.configuration_templates.get(principal.organisation_id, template_id)
    if station_ids is not None:
        return [await station_of(context, principal, each) for each in dict.fromkeys(station_ids)]
    desired = context.services.desired_configuration
    affected = await desired.affected_by(principal.organisation_id, [template], followed_only=False)
    found = [await context.storage.stations.get(each) for each in affected]
    return [each for each in found if each is not None and principal.sees(each)]


async def _station_view(
    context: ApiContext, template: ConfigurationTemplate, station: Station
) -> TemplateStationView | None:
    """A station to which the template applies; None if it does not."""
    followed = await context.services.desired_configuration.followed(station)
    if not templates_of([template], station, followed.template_ids):
        return None
    return TemplateStationView(
        station_id=station.id,
        site_id=station.site_id,
        assigned=template.id in followed.template_ids,
        mode=FollowMode(followed.mode),
    )


def _require_for_danger(context: ApiContext, principal: Principal, entries: list[GivenEntry]) -> None:
    """Raise Forbidden for a key by which a station can be lost, of whoever may not send such a command."""
    why = context.services.configuration_templates.danger_in(entries)
    if why is not None and "commands:dangerous" not in principal.permissions:
        words = f"{why} It needs the permission commands:dangerous, which the role {principal.role} does not include."
        raise Forbidden("dangerous_command", words)


async def _compare(context: ApiContext, *templates: ConfigurationTemplate) -> None:
    """Compare the stations to which one of these applies, or did."""
    desired = context.services.desired_configuration
    await desired.compare_all(await desired.affected_by(templates[0].organisation_id, templates))


def _note(request: Request, body: ConfigurationTemplateChanges) -> None:
    """What stands in the audit log: never a value that may be secret."""
    entries = None if body.entries is None else [each.key for each in body.entries]
    note(request, **{name: value for name, value in body.given().items() if name != "note"}, keys=entries)


def _view(context: ApiContext, template: ConfigurationTemplate) -> ConfigurationTemplateView:
    told = {name: getattr(template, name) for name in ConfigurationTemplate.__struct_fields__ if name != "sealed"}
    warnings = context.services.configuration_templates.warnings_of(template)
    return ConfigurationTemplateView.model_validate(told | {"warnings": warnings})


def _run_view(run: Run) -> RunView:
    results: dict[str, int] = {}
    for each in run.jobs:
        if each.result is not None:
            results[each.result] = results.get(each.result, 0) + 1
    return RunView(
        run_id=run.run_id,
        total=len(run.jobs),
        finished=sum(results.values()),
        results=results,
        busy=list(run.busy),
        stations=[RunStationView.model_validate(each) for each in run.jobs],
    )
