"""Events, as a live stream (server-sent events) and as history.

A stream is resumed with the id of the last event that was seen: what was stored since is told
first, then what happens. Measured values are told live only.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import partial
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from stationmaster.api.access import Principal, may, still_there
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.event_bodies import event_of, in_api_words
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.live import NOBODY, Client, EventFilter, HubClosed, TooManyClients, TooSlow
from stationmaster.api.messages import within_sites
from stationmaster.api.problems import ApiError
from stationmaster.api.values import Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.bus.messages_v1 import Event
from stationmaster.storage import StoredEvent

router = APIRouter(tags=["Events"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]
RETRY_MS = 3_000
BACKLOG_PAGE = 500
LONGEST_ID = 2**63 - 1
MOST_FILTERS = 50
NO_STATION = "\0"
"""No identity can be this: a filter for it lets nothing through."""
OVERLAP = 1_000
"""How many of the events told last are remembered, so that none of them is told again as a live one."""

WantedTypes = Annotated[
    list[Text],
    Field(
        max_length=MOST_FILTERS,
        description="Event types, or their beginnings with a dot at the end: `transaction.`",
    ),
]


class StreamFilters(BaseModel):
    """What a stream is narrowed to, and where it goes on."""

    model_config = ConfigDict(extra="forbid")

    type: WantedTypes = Field(default=[])
    station_id: list[Text] = Field(default=[], max_length=MOST_FILTERS)
    last_event_id: str | None = Field(
        default=None, max_length=20, description="As the header `Last-Event-ID`, for clients that cannot send it."
    )


class EventFilters(Filters):
    """What past events can be narrowed by."""

    type: WantedTypes = Field(default=[])
    station_id: Text | None = None
    since: InstantIn | None = None
    until: InstantIn | None = None


class EventView(View):
    """Something that happened."""

    id: str
    type: str
    station_id: str
    at: Moment
    data: dict[str, Any]


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(
    principal: Reader,
    request: Request,
    context: Context,
    filters: Annotated[StreamFilters, Query()],
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """What happens, as it happens. Each event is `{"id", "type", "station_id", "at", "data"}`."""
    after = _event_id(last_event_id or filters.last_event_id)
    stations = await _stations_of(context, principal, filters.station_id)
    wanted = EventFilter(filters.type, stations, () if filters.station_id else principal.site_ids or ())
    stack = ExitStack()
    try:
        client = stack.enter_context(context.events.connect(principal.organisation_id, wanted))
    except TooManyClients:
        detail = "There are as many event streams as this node serves."
        raise ApiError(503, "too_many_streams", detail, {"Retry-After": "10"}) from None
    except HubClosed:
        raise ApiError(503, "stopping", "The node is stopping.", {"Retry-After": "5"}) from None
    # The queue is open before the past is read, so that nothing falls between the two.
    return _EventStream(tell_stream(context, client, wanted, after, partial(still_there, request, context)), stack)


@router.get("/past-events", response_model=Listed[EventView], responses=LISTED)
async def list_events(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[EventFilters, Query()]
) -> Any:
    """What happened, the newest first."""
    await within_sites(context, principal, filters.station_id)
    types = filters.type or None
    find = partial(context.storage.events.find, principal.organisation_id, type=types, **filters.wanted("type"))
    return await listing(filters, wanted, find, _view, "events")


class _EventStream(StreamingResponse):
    """A stream that gives its place back however it ends."""

    def __init__(self, told: AsyncGenerator[bytes, None], place: ExitStack) -> None:
        super().__init__(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._told = told
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        with self._place:
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._told.aclose()


async def _always() -> bool:
    return True


async def tell_stream(
    context: ApiContext,
    client: Client,
    wanted: EventFilter,
    after: int | None,
    allowed: Callable[[], Awaitable[bool]] = _always,
) -> AsyncGenerator[bytes, None]:
    """What goes over the wire: first what was stored after `after`, then what happens.

    `allowed` is asked again at every heartbeat, since a key is revoked and a session ends while the stream goes on.
    """
    yield b"retry: %d\n\n" % RETRY_MS
    told: dict[int, None] = {}
    if after is not None:
        async for event in _past(context, client.organisation_id, after):
            told[event.id] = None
            if len(told) > OVERLAP:
                del told[next(iter(told))]
            if wanted.wants(event.type, event.station_id, event.site_id):
                yield _written(event)
    heartbeat_s = context.settings.event_heartbeat_s
    asked_at = monotonic()
    try:
        while True:
            live = await client.next(heartbeat_s)
            if monotonic() - asked_at >= heartbeat_s:
                asked_at = monotonic()
                if not await allowed():
                    yield b": you are not signed in any more\n\n"
                    return
            if live is None:
                yield b": still here\n\n"
            elif live.id not in told:
                yield _written(live)
    except TooSlow:
        yield b": too far behind; come back with the id of the last event\n\n"
    except HubClosed:
        yield b": the node is stopping\n\n"


async def _past(context: ApiContext, organisation_id: str, after: int) -> AsyncIterator[Event]:
    while True:
        stored = await context.storage.events.after(after, [organisation_id, NOBODY], BACKLOG_PAGE)
        for each in stored:
            yield event_of(each)
        if len(stored) < BACKLOG_PAGE:
            return
        after = stored[-1].id


def _written(event: Event) -> bytes:
    """An event on the wire: JSON of one line, so that no line of it can be taken for a field."""
    return b"id: %d\ndata: %b\n\n" % (event.id, event.body)


def _event_id(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    if not text.strip().isdecimal() or not text.isascii() or int(text) > LONGEST_ID:
        raise ApiError(422, "event_id_invalid", "The last event id is a number as it was given in the stream.")
    return int(text)


async def _stations_of(context: ApiContext, principal: Principal, wanted: Sequence[str]) -> list[str]:
    """The stations a stream is about: those wanted, as far as the principal sees them; empty for all."""
    if principal.site_ids is None:
        return list(wanted)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await context.storage.stations.find(
            principal.organisation_id, site_ids=principal.site_ids, limit=1000, cursor=cursor
        )
        seen += [station.id for station in page.items if not wanted or station.id in wanted]
        cursor = page.next_cursor
        if cursor is None:
            # A filter that names nobody would let everything through.
            return seen or [NO_STATION]


def _view(stored: StoredEvent) -> EventView:
    return EventView(
        id=str(stored.id),
        type=stored.type,
        station_id=stored.station_id,
        at=stored.received_at,  # type: ignore[arg-type]  # an Instant becomes text when it is read
        data=in_api_words(stored.data),
    )
