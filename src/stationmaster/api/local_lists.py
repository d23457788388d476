"""Local authorization lists: what a station should know, what it has, and how to bring it there."""

from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.commands import JobView
from stationmaster.api.commands import view as job_view
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Moment, Text, View
from stationmaster.domain.local_lists import ListEntry, LocalList

router = APIRouter(tags=["Local lists"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("tokens:read"))]
Writer = Annotated[Principal, Depends(may("tokens:write"))]
WAIT_S: Final = 31.0
MOST_TAGS: Final = 10_000


class EntryView(View):
    """A token in a list; without a status it is to be deleted."""

    id_tag: str
    status: str | None
    expires_at: Moment | None
    parent_id_tag: str | None


class LocalListView(View):
    """The list of a station."""

    station_id: str
    mode: str = Field(description="Which tokens it should know: none, all, selection.")
    selection: list[str]
    version: int | None = Field(description="Ours; null: not known.")
    station_version: int | None = Field(description="As the station told it last.")
    state: str = Field(description="unknown, syncing, in_sync, drift, failed, not_supported.")
    problem: str | None
    schedule_hours: float | None = Field(description="Null: synchronised only when somebody asks.")
    synchronised_at: Moment | None
    checked_at: Moment | None
    acknowledged: list[EntryView] = Field(description="What the station acknowledged.")
    changes: list[EntryView] = Field(description="What a synchronisation would change.")
    left_out: int = Field(description="Tokens that do not fit into the station's list.")


class LocalListBody(Body):
    """Which tokens a station should know."""

    mode: Literal["none", "all", "selection"]
    selection: list[Text] = Field(default_factory=list, max_length=MOST_TAGS)
    schedule_hours: float | None = Field(default=None, ge=0.1, le=8784)


class SynchroniseBody(Body):
    """How a list is synchronised."""

    ask_version: bool = Field(default=False, description="Ask the station for its version first, which finds drift.")
    full: bool = Field(default=False, description="Send the whole list whatever the station has.")


class EntriesBody(Body):
    """Tokens to be sent by hand."""

    id_tags: list[Text] = Field(default_factory=list, max_length=MOST_TAGS)


class SynchronisedView(View):
    """What a synchronisation did."""

    local_list: LocalListView
    jobs: list[JobView]
    left_out: int


@router.get("/stations/{station_id}/local-list")
async def read_local_list(station_id: StationId, principal: Reader, context: Context) -> LocalListView:
    """What is wanted and known of a station's list."""
    station = await station_of(context, principal, station_id)
    return await _view(context, await context.services.local_lists.of(station))


@router.put("/stations/{station_id}/local-list")
async def choose_local_list(
    station_id: StationId, body: LocalListBody, principal: Writer, context: Context
) -> LocalListView:
    """Say which tokens a station should know. Nothing is sent before it is synchronised."""
    station = await station_of(context, principal, station_id)
    lists = context.services.local_lists
    return await _view(context, await lists.choose(station, body.mode, body.selection, body.schedule_hours))


@router.post("/stations/{station_id}/local-list/synchronise")
async def synchronise_local_list(
    station_id: StationId, principal: Writer, context: Context, body: SynchroniseBody | None = None
) -> SynchronisedView:
    """Bring a station to the list that is wanted: by a difference if it can be, else by the whole list."""
    station = await station_of(context, principal, station_id)
    wish = body or SynchroniseBody()
    done = await context.services.local_lists.synchronise(
        station, requested_by=principal.actor, wait_s=WAIT_S, ask_version=wish.ask_version, force_full=wish.full
    )
    return SynchronisedView(
        local_list=await _view(context, done.list), jobs=[job_view(job) for job in done.jobs], left_out=done.left_out
    )


@router.post("/stations/{station_id}/local-list/send-full")
async def send_full_list(
    station_id: StationId, principal: Writer, context: Context, body: EntriesBody | None = None
) -> JobView:
    """Send these tokens, or all that are wanted, as the whole list."""
    station = await station_of(context, principal, station_id)
    lists = context.services.local_lists
    if body is not None and body.id_tags:
        entries = await lists.entries_of(principal.organisation_id, body.id_tags)
    else:
        entries, _ = await lists.wanted(await lists.of(station))
    job = await lists.send_entries(station, entries, full=True, requested_by=principal.actor, wait_s=WAIT_S)
    return job_view(job)


@router.post("/stations/{station_id}/local-list/send")
async def send_tokens(station_id: StationId, body: EntriesBody, principal: Writer, context: Context) -> JobView:
    """Send just these tokens as a difference."""
    station = await station_of(context, principal, station_id)
    lists = context.services.local_lists
    entries = await lists.entries_of(principal.organisation_id, body.id_tags)
    job = await lists.send_entries(station, entries, full=False, requested_by=principal.actor, wait_s=WAIT_S)
    return job_view(job)


@router.post("/stations/{station_id}/local-list/send-deletions")
async def send_deletions(station_id: StationId, body: EntriesBody, principal: Writer, context: Context) -> JobView:
    """Have a station delete just these tokens from its list, registered or not."""
    station = await station_of(context, principal, station_id)
    entries = [ListEntry(each, None) for each in body.id_tags]
    job = await context.services.local_lists.send_entries(
        station, entries, full=False, requested_by=principal.actor, wait_s=WAIT_S
    )
    return job_view(job)


async def _view(context: ApiContext, known: LocalList) -> LocalListView:
    lists = context.services.local_lists
    _, left_out = await lists.wanted(known)
    changes = await lists.differs(known)
    return LocalListView.model_validate(msgspec.structs.asdict(known) | {"changes": changes, "left_out": left_out})
