"""The message log: every frame in and out, raw but for secrets."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Filters, InstantIn, Listed, LongId, Moment, Text, View
from stationmaster.domain.errors import Invalid

router = APIRouter(tags=["Message log"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("messages:read"))]


class MessageView(View):
    """A frame; its answer is beside it when both were stored at once."""

    id: LongId = Field(description="Grows with time.")
    station_id: str
    connection_id: LongId
    at: Moment = Field(validation_alias="received_at")
    direction: str = Field(description="`in`: from the station; `out`: to it.")
    kind: str = Field(description="call, call_result, call_error, unreadable, ignored or binary.")
    message_id: str | None
    action: str | None
    frame: str
    answer: str | None
    answer_kind: str | None
    latency_us: int | None
    error_code: str | None


class MessageFilters(Filters):
    """What messages can be narrowed by."""

    station_id: Text | None = None
    direction: Literal["in", "out"] | None = None
    kind: Literal["call", "call_result", "call_error", "unreadable", "ignored", "binary"] | None = None
    action: Text | None = None
    message_id: Text | None = None
    connection_id: int | None = Field(default=None, ge=0, le=2**63 - 1)
    error_code: Text | None = None
    search: Text | None = Field(default=None, description="Part of the frame or of its answer.")
    since: InstantIn | None = None
    until: InstantIn | None = None


@router.get("/messages", response_model=Listed[MessageView], responses=LISTED)
async def list_messages(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[MessageFilters, Query()]
) -> Any:
    """The message log, the newest first."""
    await within_sites(context, principal, filters.station_id)
    find = partial(context.storage.messages.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, MessageView.model_validate, "messages")


async def within_sites(context: ApiContext, principal: Principal, station_id: str | None) -> None:
    """Lists that know no sites: who is limited to some names a station of theirs. Raises Invalid, NotFound."""
    if principal.site_ids is None:
        return
    if station_id is None:
        raise Invalid("station_required", "This key is limited to some sites: narrow the list by station_id.")
    await station_of(context, principal, station_id)
