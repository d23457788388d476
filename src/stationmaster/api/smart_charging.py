"""Smart charging: the library of profiles, what stations hold, and composite schedules."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from stationmaster.api.access import Principal, may
from stationmaster.api.charging_values import (
    InstalledProfileView,
    LimitOut,
    PeriodView,
    ProfileBody,
    ProfileView,
    period_views,
)
from stationmaster.api.commands import JobView
from stationmaster.api.commands import view as job_view
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.profile_choice import ProfileChoice, chosen_profile, library_profile
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.jobs import Job
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.composite import CompositeQuestion, CompositeSchedule
from stationmaster.domain.smart_charging.installed import ClearFilter
from stationmaster.domain.smart_charging.library import LibraryProfile
from stationmaster.domain.smart_charging.profiles import ChargingProfile, Purpose, RateUnit
from stationmaster.domain.smart_charging.refusals import Refusal
from stationmaster.domain.smart_charging.rule import Sending, Violation
from stationmaster.domain.smart_charging.rules import RULES
from stationmaster.services.smart_charging import Installation, new_library_id, refusal_of, refuse

router = APIRouter(tags=["Smart charging"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("charging_profiles:read"))]
Writer = Annotated[Principal, Depends(may("charging_profiles:write"))]
Sender = Annotated[Principal, Depends(may("commands:send"))]
ProfileId = Annotated[str, Path(pattern="^[A-Za-z0-9-]{1,64}$")]
ConnectorNumber = Annotated[int, Path(ge=0, le=2**31 - 1, description="0 is the station.")]
WAIT_S: Final = 31.0


class RuleView(View):
    """A rule for profiles."""

    name: str
    severity: str = Field(description="hard_block or warning.")
    source: str
    description: str


class ViolationView(View):
    """A rule that a profile breaks."""

    rule: str
    severity: str
    field: str
    message: str


class LibraryProfileView(View):
    """A profile kept to be sent."""

    id: str
    name: str
    note: str | None
    site_id: str | None
    profile: ProfileView
    created_at: Moment
    updated_at: Moment


class LibraryProfileBody(Body):
    """A profile to be kept."""

    name: Text = Field(min_length=1)
    note: str | None = Field(default=None, max_length=2000)
    site_id: Text | None = None
    profile: ProfileBody


class CheckBody(Body):
    """A profile to be checked; with a station also against what that station holds and can do."""

    profile: ProfileBody
    station_id: Text | None = None
    connector_id: int | None = Field(default=None, ge=0, le=2**31 - 1)


class InstallBody(ProfileChoice):
    """A profile to be sent to a connector, or to the station (0)."""

    connector_id: int = Field(ge=0, le=2**31 - 1)
    transaction_id: int | None = None


class ProfiledStartBody(ProfileChoice):
    """A remote start that carries a profile for the transaction it begins."""

    id_tag: Text = Field(min_length=1, max_length=20)
    connector_id: int = Field(ge=1, le=2**31 - 1)


class ClearBody(Body):
    """Which profiles to clear; nothing given: all. With `profile_id` the others are ignored."""

    profile_id: int | None = None
    connector_id: int | None = Field(default=None, ge=0, le=2**31 - 1)
    purpose: Annotated[Purpose | None, BeforeValidator(lambda value: value and Purpose(value))] = None
    stack_level: int | None = Field(default=None, ge=0)


class LibraryFilters(Filters):
    """What the library can be narrowed by."""

    search: Text | None = None


class RefusalView(View):
    """One of the four ways in which a station refuses a profile."""

    kind: Refusal
    words: str
    capability_missing: bool = Field(description="True: any other profile will be refused as well.")


class InstallationView(View):
    """The job of an installation, and what was doubtful about the profile."""

    job: JobView
    violations: list[ViolationView]
    refusal: RefusalView | None = Field(default=None, description="How the station refused the profile, if it did.")


class CompositeView(View):
    """A limit over time, as we compute it."""

    connector_id: int
    start: Moment
    duration_s: int
    unit: str
    periods: list[PeriodView]
    certain: bool = Field(description="False: one of the profiles that count may not be installed after all.")


class DifferenceView(View):
    """A stretch in which the station's schedule differs from ours."""

    start_s: int
    end_s: int
    kind: str
    ours: LimitOut | None
    station: LimitOut | None


class ComparisonView(View):
    """Our composite schedule, the station's answer, and where they differ."""

    ours: CompositeView
    job: JobView
    station: list[PeriodView] | None
    differences: list[DifferenceView]


class CompositeQuery(BaseModel):
    """What composite schedule is asked for."""

    model_config = ConfigDict(extra="forbid")

    duration_s: int = Field(default=86_400, ge=1, le=366 * 86_400)
    unit: RateUnit | None = None
    start: InstantIn | None = Field(default=None, description="From when on; now, if not given.")


@router.get("/charging-profile-rules")
async def list_rules(_principal: Reader) -> Listed[RuleView]:
    """Every rule that the editor checks, by name."""
    return Listed(items=[RuleView.model_validate(rule) for rule in RULES], next_cursor=None)


@router.get("/charging-profiles", response_model=Listed[LibraryProfileView], responses=LISTED)
async def list_profiles(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[LibraryFilters, Query()]
) -> Any:
    """The library, by name."""
    find = partial(
        context.storage.charging_profiles.find,
        principal.organisation_id,
        site_ids=principal.site_ids,
        **filters.wanted(),
    )
    return await listing(filters, wanted, find, _library_view, "charging-profiles")


@router.post("/charging-profiles", status_code=201)
async def create_profile(body: LibraryProfileBody, principal: Writer, context: Context) -> LibraryProfileView:
    """Keep a profile. One that breaks a rule is refused with the rule's name."""
    principal.require_site(body.site_id)
    profile = await _checked(context, body.profile)
    new = LibraryProfile(
        id=new_library_id(),
        organisation_id=principal.organisation_id,
        name=body.name,
        note=body.note,
        site_id=body.site_id,
        profile=profile,
    )
    return _library_view(await context.storage.charging_profiles.save(new))


@router.post("/charging-profiles/check")
async def check_profile(body: CheckBody, principal: Reader, context: Context) -> Listed[ViolationView]:
    """Everything that speaks against a profile, hard blocks first."""
    location = None
    if body.station_id is not None:
        await station_of(context, principal, body.station_id)
        if body.connector_id is not None:
            location = Location.of_connector_number(body.station_id, body.connector_id)
    sending = Sending.LIBRARY if location is None else Sending.INSTALL
    profile = body.profile.noun()
    if not profile.profile_id:
        # It gets a free one when it is sent.
        free = 1 if body.station_id is None else await context.services.smart_charging.free_id(body.station_id)
        profile = msgspec.structs.replace(profile, profile_id=free)
    found = await context.services.smart_charging.violations(body.station_id, profile, location, sending)
    return Listed(items=_violation_views(found), next_cursor=None)


@router.get("/charging-profiles/{profile_id}")
async def read_profile(profile_id: ProfileId, principal: Reader, context: Context) -> LibraryProfileView:
    """A profile of the library."""
    return _library_view(await library_profile(context, principal, profile_id))


@router.put("/charging-profiles/{profile_id}")
async def change_profile(
    profile_id: ProfileId, body: LibraryProfileBody, principal: Writer, context: Context
) -> LibraryProfileView:
    """Replace a profile of the library; what stations hold stays as it is."""
    kept = await library_profile(context, principal, profile_id)
    principal.require_site(body.site_id)
    profile = await _checked(context, body.profile)
    changed = msgspec.structs.replace(kept, name=body.name, note=body.note, site_id=body.site_id, profile=profile)
    return _library_view(await context.storage.charging_profiles.save(changed))


@router.delete("/charging-profiles/{profile_id}", status_code=204)
async def delete_profile(profile_id: ProfileId, principal: Writer, context: Context) -> Response:
    """Take a profile out of the library; what stations hold stays as it is."""
    await library_profile(context, principal, profile_id)
    await context.storage.charging_profiles.delete(profile_id)
    return Response(status_code=204)


@router.get("/stations/{station_id}/charging-profiles", response_model=Listed[InstalledProfileView], responses=LISTED)
async def list_installed(station_id: StationId, principal: Reader, context: Context, wanted: WholeFormat) -> Any:
    """What a station holds, as far as its answers tell."""
    await station_of(context, principal, station_id)
    mirror = await context.services.smart_charging.mirror_of(station_id)
    return whole(wanted, [InstalledProfileView.of(entry) for entry in mirror], "installed-charging-profiles")


@router.post("/stations/{station_id}/charging-profiles")
async def install_profile(
    station_id: StationId, body: InstallBody, principal: Sender, context: Context
) -> InstallationView:
    """Send a profile to a connector, or to the station (0). A rule it breaks is told by name; nothing is sent then."""
    station = await station_of(context, principal, station_id)
    location = Location.of_connector_number(station_id, body.connector_id)
    chosen = await chosen_profile(context, principal, station, location, body, body.transaction_id)
    job, violations = await context.services.smart_charging.install(
        principal.organisation_id,
        Installation(
            location=location,
            profile=chosen.profile,
            local_time_zone=chosen.local_time_zone,
            send_anyway=body.send_anyway,
            may_be_dangerous="commands:dangerous" in principal.permissions,
        ),
        requested_by=principal.actor,
        wait_s=WAIT_S,
    )
    return _installation_view(job, violations, refusal_of(job))


@router.post("/stations/{station_id}/charging-profiles/remote-start")
async def start_with_profile(
    station_id: StationId, body: ProfiledStartBody, principal: Sender, context: Context
) -> InstallationView:
    """Start a transaction with a profile of its own. A rule it breaks is told by name; nothing is sent then."""
    station = await station_of(context, principal, station_id)
    location = Location.of_connector_number(station_id, body.connector_id)
    chosen = await chosen_profile(context, principal, station, location, body)
    job, violations = await context.services.smart_charging.start_with(
        principal.organisation_id,
        Installation(
            location=location,
            profile=chosen.profile,
            local_time_zone=chosen.local_time_zone,
            send_anyway=body.send_anyway,
        ),
        body.id_tag,
        requested_by=principal.actor,
        wait_s=WAIT_S,
    )
    return _installation_view(job, violations)


@router.post("/stations/{station_id}/charging-profiles/clear")
async def clear_profiles(station_id: StationId, body: ClearBody, principal: Sender, context: Context) -> JobView:
    """Have a station clear profiles."""
    await station_of(context, principal, station_id)
    number = body.connector_id
    wanted = ClearFilter(
        profile_id=body.profile_id,
        location=None if number is None else Location.of_connector_number(station_id, number),
        purpose=body.purpose,
        stack_level=body.stack_level,
    )
    job = await context.services.smart_charging.clear(
        principal.organisation_id, station_id, wanted, requested_by=principal.actor, wait_s=WAIT_S
    )
    return job_view(job)


@router.get("/stations/{station_id}/connectors/{connector_id}/composite-schedule")
async def read_composite_schedule(
    station_id: StationId,
    connector_id: ConnectorNumber,
    principal: Reader,
    context: Context,
    query: Annotated[CompositeQuery, Query()],
) -> CompositeView:
    """The limit over time at a connector, or of the station (0), as we compute it from what is installed."""
    await station_of(context, principal, station_id)
    return _composite_view(await _composite(context, station_id, connector_id, query))


@router.post("/stations/{station_id}/connectors/{connector_id}/composite-schedule/compare")
async def compare_composite_schedule(
    station_id: StationId,
    connector_id: ConnectorNumber,
    principal: Sender,
    context: Context,
    query: Annotated[CompositeQuery, Query()],
) -> ComparisonView:
    """Ask the station for its composite schedule and hold it against ours."""
    await station_of(context, principal, station_id)
    ours = await _composite(context, station_id, connector_id, query)
    compared = await context.services.smart_charging.compare(
        principal.organisation_id, ours, requested_by=principal.actor, wait_s=WAIT_S
    )
    station = None if compared.reported is None else period_views(compared.reported.periods)
    return ComparisonView.model_validate(
        {
            "ours": _composite_view(ours),
            "job": job_view(compared.job),
            "station": station,
            "differences": [
                {
                    "start_s": each.start_s,
                    "end_s": each.end_s,
                    "kind": each.kind,
                    "ours": each.ours_tenths,
                    "station": each.station_tenths,
                }
                for each in compared.differences
            ],
        }
    )


async def _composite(
    context: ApiContext, station_id: str, connector_id: int, query: CompositeQuery
) -> CompositeSchedule:
    question = CompositeQuestion(
        location=Location.of_connector_number(station_id, connector_id),
        now=context.clock() if query.start is None else query.start,
        duration_s=query.duration_s,
        unit=query.unit,
    )
    return await context.services.smart_charging.composite(question)


async def _checked(context: ApiContext, body: ProfileBody) -> ChargingProfile:
    """A profile that may be kept: without an id and without a transaction of its own."""
    # Checked as if it had the id that it gets when it is sent.
    profile = msgspec.structs.replace(body.noun(), profile_id=1, transaction_id=None)
    found = await context.services.smart_charging.violations(None, profile, None, Sending.LIBRARY)
    refuse(found, send_anyway=True)
    return msgspec.structs.replace(profile, profile_id=0)


def _library_view(kept: LibraryProfile) -> LibraryProfileView:
    return LibraryProfileView.model_validate(msgspec.structs.asdict(kept) | {"profile": ProfileView.of(kept.profile)})


def _violation_views(violations: Iterable[Violation]) -> list[ViolationView]:
    return [ViolationView.model_validate(each) for each in violations]


def _installation_view(job: Job, violations: Iterable[Violation], refusal: Refusal | None = None) -> InstallationView:
    told = None
    if refusal is not None:
        told = RefusalView(kind=refusal, words=refusal.words, capability_missing=refusal.capability_missing)
    return InstallationView(job=job_view(job), violations=_violation_views(violations), refusal=told)


def _composite_view(schedule: CompositeSchedule) -> CompositeView:
    return CompositeView.model_validate(
        {
            "connector_id": schedule.location.connector_number,
            "start": schedule.start,
            "duration_s": schedule.duration_s,
            "unit": schedule.unit,
            "periods": period_views(schedule.periods),
            "certain": schedule.certain,
        }
    )
