"""What is odd about stations: how often it was tolerated, and quirk profiles that say what to do about it."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.quirks import QuirkProfile, Quirks

router = APIRouter(tags=["Quirks"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]
Writer = Annotated[Principal, Depends(may("stations:write"))]
ProfileId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$")]


class OddityGroupView(View):
    """How often a kind of deviation was tolerated at a station, or at all stations of a model or firmware."""

    vendor: str | None
    model: str | None
    firmware: str | None
    station_id: str | None = Field(description="Null where stations are taken together.")
    kind: str
    action: str | None
    path: str = Field(description="Where in the message.")
    count: int
    stations: int = Field(description="At how many stations.")
    raw: str = Field(description="An example.")
    first_at: Moment
    last_at: Moment


class OddityFilters(Filters):
    """What oddities can be narrowed by."""

    vendor: Text | None = None
    model: Text | None = None
    firmware: Text | None = None
    kind: Text | None = None
    group_by: Literal["station", "model", "firmware"] = "station"


class QuirksView(View):
    """The switches. Null: as the station or the node has it."""

    accept_missing_subprotocol: bool | None = Field(
        description="Whether a station that names no version of OCPP is taken for one of version 1.6."
    )
    repair_missing_values: bool = Field(description='Whether `"transactionId":,` is read as null.')
    reused_ids: bool = Field(description="Whether a used message id with other content is taken for a CALL of its own.")
    strict: bool | None = Field(description="Whether every deviation is refused.")
    ignore_pings: bool = Field(description="Whether the station is not pinged, and may be silent.")
    timestamps_are_local: int | None = Field(
        description="Minutes by which the station's zone is ahead of UTC, for times that name no zone."
    )
    energy_scale: float | None = Field(description="What register values are multiplied by; the text is kept.")
    disabled_tolerances: list[str] = Field(description="Kinds of oddities that are refused as in strict mode.")


class QuirkProfileView(QuirksView):
    """Quirks of a kind of station."""

    id: str
    name: str
    vendor: str | None
    model: str | None
    firmware: str | None
    note: str | None
    created_at: Moment
    updated_at: Moment


class StationQuirksView(QuirksView):
    """What applies to a station, and by which profile."""

    quirk_profile_id: str | None
    quirk_profile_name: str | None
    chosen: bool = Field(description="Whether an operator chose it; otherwise it matches the last boot.")


class QuirkProfileChanges(Body):
    """What can be changed of a quirk profile. What is left out stays; null takes a switch back."""

    name: Text | None = Field(default=None, min_length=1, max_length=200)
    vendor: Text | None = Field(
        default=None, min_length=1, max_length=200, description="Null: only for stations that it is chosen for."
    )
    model: Text | None = Field(default=None, min_length=1, max_length=200, description="May end in `*`.")
    firmware: Text | None = Field(default=None, min_length=1, max_length=200, description="May end in `*`.")
    note: str | None = Field(default=None, max_length=2000)
    accept_missing_subprotocol: bool | None = None
    repair_missing_values: bool | None = None
    reused_ids: bool | None = None
    strict: bool | None = None
    ignore_pings: bool | None = None
    timestamps_are_local: int | None = Field(default=None, ge=-840, le=840)
    energy_scale: float | None = Field(default=None, gt=0, le=1_000_000)
    disabled_tolerances: list[Text] | None = Field(default=None, max_length=100)

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if given.get("disabled_tolerances") is not None:
            given["disabled_tolerances"] = tuple(dict.fromkeys(given["disabled_tolerances"]))
        return given


class NewQuirkProfile(QuirkProfileChanges):
    """A quirk profile to be made."""

    name: Text = Field(min_length=1, max_length=200)


class QuirkProfileFilters(Filters):
    """What quirk profiles can be narrowed by."""

    vendor: Text | None = None


@router.get("/oddities", response_model=Listed[OddityGroupView], responses=LISTED)
async def list_all_oddities(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[OddityFilters, Query()]
) -> Any:
    """In what ways stations, models or firmwares depart from the specification, the most frequent first."""
    find = partial(
        context.storage.oddities.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, OddityGroupView.model_validate, "oddities")


@router.get("/stations/{station_id}/quirks")
async def read_station_quirks(station_id: StationId, principal: Reader, context: Context) -> StationQuirksView:
    """What would apply to a station if it connected now."""
    station = await station_of(context, principal, station_id)
    profile = context.services.quirks.profile_of(station)
    return StationQuirksView.model_validate(
        _switches(context.services.quirks.of(station))
        | {
            "quirk_profile_id": None if profile is None else profile.id,
            "quirk_profile_name": None if profile is None else profile.name,
            "chosen": profile is not None and profile.id == station.quirk_profile_id,
        }
    )


@router.get("/quirk-profiles", response_model=Listed[QuirkProfileView], responses=LISTED)
async def list_quirk_profiles(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[QuirkProfileFilters, Query()]
) -> Any:
    """All quirk profiles, by name."""
    find = partial(context.storage.quirk_profiles.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, _view, "quirk-profiles")


@router.post("/quirk-profiles", status_code=201)
async def make_quirk_profile(
    body: NewQuirkProfile, principal: Writer, context: Context, response: Response
) -> QuirkProfileView:
    """Say what is odd about a kind of station. It applies when such a station connects or boots the next time."""
    principal.require_whole_organisation()
    made = await context.services.quirks.create(principal.organisation_id, body.given(), context.oddity_kinds)
    response.headers["Location"] = f"/api/v1/quirk-profiles/{made.id}"
    return _view(made)


@router.get("/quirk-profiles/{quirk_profile_id}")
async def read_quirk_profile(quirk_profile_id: ProfileId, principal: Reader, context: Context) -> QuirkProfileView:
    """One quirk profile."""
    return _view(await context.services.quirks.get(principal.organisation_id, quirk_profile_id))


@router.patch("/quirk-profiles/{quirk_profile_id}")
async def change_quirk_profile(
    quirk_profile_id: ProfileId, body: QuirkProfileChanges, principal: Writer, context: Context
) -> QuirkProfileView:
    """Change a quirk profile. Stations that are connected keep what they have until they connect or boot again."""
    principal.require_whole_organisation()
    return _view(
        await context.services.quirks.update(
            principal.organisation_id, quirk_profile_id, body.given(), context.oddity_kinds
        )
    )


@router.delete("/quirk-profiles/{quirk_profile_id}", status_code=204)
async def delete_quirk_profile(quirk_profile_id: ProfileId, principal: Writer, context: Context) -> None:
    """Forget a quirk profile; stations for which it was chosen have none then."""
    principal.require_whole_organisation()
    await context.services.quirks.delete(principal.organisation_id, quirk_profile_id)


def _switches(quirks: Quirks) -> dict[str, Any]:
    switches = {name: getattr(quirks, name) for name in Quirks.__struct_fields__}
    return switches | {"disabled_tolerances": list(quirks.disabled_tolerances)}


def _view(profile: QuirkProfile) -> QuirkProfileView:
    told = {name: getattr(profile, name) for name in QuirkProfile.__struct_fields__ if name != "quirks"}
    return QuirkProfileView.model_validate(told | _switches(profile.quirks))
