"""One station is asked to update itself, or to bring its diagnostics or a log (handbook §3.9, §4.9, §4.10)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.commands import JobView, view
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId, problems
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, InstantIn, Text
from stationmaster.domain.firmware import UpdateKind
from stationmaster.domain.jobs import ENDED, Job, JobState
from stationmaster.domain.stations import Station
from stationmaster.services.transfer_requests import Asker, BringWish, UpdateWish

router = APIRouter(tags=["Firmware"], responses=PROBLEMS)

Sender = Annotated[Principal, Depends(may("commands:send"))]
Updater = Annotated[Principal, Depends(may("commands:dangerous"))]
Location = Annotated[str, Field(max_length=512, description="An http, https, ftp or ftps address; none: our own.")]
Transfer = Literal["auto", "http", "ftp"]
Retries = Annotated[int, Field(ge=0, le=100)]
Interval = Annotated[int, Field(ge=0, le=86_400)]
WAIT_MARGIN_S = 1.0
_ON_ITS_WAY = {202: {"description": "The command is on its way.", "model": JobView}, **problems(504)}


class UpdateBody(Body):
    """An update of one station."""

    firmware_id: Text | None = Field(default=None, description="An image of the library.")
    location: Location | None = None
    kind: Literal["auto", "plain", "signed"] = Field(
        default=UpdateKind.AUTO.value, description="`auto` goes by what is known of the station."
    )
    transfer: Transfer = "auto"
    retrieve_at: InstantIn | None = Field(default=None, description="Not before; none: now.")
    install_at: InstantIn | None = Field(default=None, description="Not before; only of signed updates.")
    retries: Retries | None = None
    retry_interval_s: Interval | None = None
    signing_certificate: str | None = Field(default=None, max_length=8000, description="Instead of the library's.")
    signature: str | None = Field(default=None, max_length=2000, description="Instead of the library's.")
    send_anyway: bool = Field(
        default=False, description="Send a wrong signature, or firmware that is for other stations, all the same."
    )


class BringBody(Body):
    """What a station is to bring: of which time, and where to."""

    location: Location | None = None
    transfer: Transfer = "auto"
    since: InstantIn | None = None
    until: InstantIn | None = None
    retries: Retries | None = None
    retry_interval_s: Interval | None = None

    def wish(self) -> BringWish:
        """The same for the service."""
        return BringWish(**self.model_dump(exclude={"log_type"}))


class LogBody(BringBody):
    """Which log a station is to bring."""

    log_type: Literal["diagnostics", "security"]


@router.post("/stations/{station_id}/firmware-updates", status_code=200, responses=_ON_ITS_WAY)
async def update_station(
    station_id: StationId, body: UpdateBody, request: Request, response: Response, principal: Updater, context: Context
) -> JobView:
    """Have a station update itself. The job follows the update to its end, over reboots."""
    station = await station_of(context, principal, station_id)
    principal.require("firmware:write")
    wish = UpdateWish(**body.model_dump())
    asker = asker_of(request, principal, context, station)
    return _told(await context.services.transfer_requests.update(asker, station_id, wish), response)


@router.post("/stations/{station_id}/diagnostics", status_code=200, responses=_ON_ITS_WAY)
async def get_diagnostics(
    station_id: StationId, body: BringBody, request: Request, response: Response, principal: Sender, context: Context
) -> JobView:
    """Have a station bring its diagnostics. What it brought is at `/jobs/{job_id}/files`."""
    station = await station_of(context, principal, station_id)
    asker = asker_of(request, principal, context, station)
    return _told(await context.services.transfer_requests.diagnostics(asker, station_id, body.wish()), response)


@router.post("/stations/{station_id}/logs", status_code=200, responses=_ON_ITS_WAY)
async def get_log(
    station_id: StationId, body: LogBody, request: Request, response: Response, principal: Sender, context: Context
) -> JobView:
    """Have a station bring its diagnostics log or its security log."""
    station = await station_of(context, principal, station_id)
    asker = asker_of(request, principal, context, station)
    job = await context.services.transfer_requests.log(asker, station_id, body.log_type, body.wish())
    return _told(job, response)


def asker_of(request: Request, principal: Principal, context: ApiContext, station: Station) -> Asker:
    """Who asks, and how long they wait: as long as the station may take to answer."""
    call_timeout_s = station.call_timeout_s or context.services.context.settings.call_timeout_s
    return Asker(
        organisation_id=principal.organisation_id,
        actor=principal.actor,
        origin=origin_of(request),
        wait_s=call_timeout_s + WAIT_MARGIN_S,
    )


def origin_of(request: Request) -> str:
    """How the one who asks reached us."""
    return str(request.base_url).rstrip("/")


def _told(job: Job, response: Response) -> JobView:
    if job.state not in ENDED and job.state != JobState.WAITING:
        response.status_code = 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return view(job)
