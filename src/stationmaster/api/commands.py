"""Commands to stations, in the specification's own words, and the jobs that they are.

The body goes to the station member for member: what is left out stays out, and a number has the
digits that were written.
"""

import json
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, NoReturn

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.audit_trail import note
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId, problems
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.problems import ApiError
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.errors import Conflict, Forbidden
from stationmaster.domain.jobs import ENDED, Job, JobState
from stationmaster.domain.stations import Station

router = APIRouter(tags=["Commands"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]
Sender = Annotated[Principal, Depends(may("commands:send"))]
Action = Annotated[
    str, Path(pattern="^[A-Za-z0-9]{1,50}$", description="The action, such as `RemoteStartTransaction`.")
]
WAIT_MARGIN_S = 1.0
LONGEST_WAIT_S = 600.0
MOST_DIGITS = 40


class JobErrorView(View):
    """Why a job did not go well."""

    code: str
    description: str
    details: dict[str, Any]


class JobView(View):
    """A command and what became of it."""

    id: str
    station_id: str
    site_id: str | None
    action: str
    protocol: str | None
    state: JobState = Field(
        description="queued, sent, waiting (the station agreed, and what it agreed to is still to come), then an end."
    )
    finished: bool
    payload: Any = Field(description="What was asked, secrets masked.")
    response: dict[str, Any] | None = Field(description="What the station answered.")
    result: str | None = Field(description="The status in the answer, or the code of the error.")
    error: JobErrorView | None
    warnings: list[str]
    progress: Any
    requested_by: str
    persistent: bool
    queued_at: Moment
    expires_at: Moment | None
    sent_at: Moment | None
    answered_at: Moment | None
    finished_at: Moment | None


class JobFilters(Filters):
    """What jobs can be narrowed by."""

    station_id: Text | None = None
    action: Text | None = None
    state: JobState | None = None
    requested_by: Text | None = None
    since: InstantIn | None = None
    until: InstantIn | None = None


class CommandOptions(BaseModel):
    """How a command is to be sent."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    wait: float | None = Field(
        default=None,
        ge=0,
        le=LONGEST_WAIT_S,
        description="Seconds to wait for the answer; 0: answer 202 at once. None: as long as the station may take.",
    )
    timeout: float | None = Field(default=None, ge=1, le=600, description="Seconds the station may take to answer.")
    send_anyway: bool = Field(
        default=False, description="Lift the one block that a test may have to lift: a profile that is not higher."
    )

    persistent: bool = Field(
        default=False,
        description="Keep the command for a station that is away, over restarts too, until the deadline; never later.",
    )
    deadline: InstantIn | None = Field(
        default=None, description="With `persistent`: until when; a day if left out, 90 days at most."
    )

    def wait_s(self, call_timeout_s: float) -> float:
        """How long to wait."""
        if self.wait is not None:
            return self.wait
        return min((self.timeout or call_timeout_s) + WAIT_MARGIN_S, LONGEST_WAIT_S)


_PAYLOAD_DOCUMENT = {
    "requestBody": {
        "required": False,
        "description": "The payload, exactly as OCPP has it. No body is the empty payload.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.post(
    "/stations/{station_id}/commands/{action}",
    openapi_extra=_PAYLOAD_DOCUMENT,
    responses={202: {"description": "The command is on its way.", "model": JobView}, **problems(504)},
)
async def send_command(
    station_id: StationId,
    action: Action,
    request: Request,
    response: Response,
    principal: Sender,
    context: Context,
    options: Annotated[CommandOptions, Query()],
) -> JobView:
    """Send a command to a station and answer with the job.

    Nothing is sent to a station that is not connected, unless the command is `persistent`: then it waits.
    """
    note(request, command=action)  # never the body: it may hold a new password of the station
    # Whatever it is called: it is JSON or refused, and a plain `curl -d` has always been taken.
    payload = read_payload(await request.body())
    station = await station_of(context, principal, station_id)
    require_for_danger(context, principal, station, action, payload)
    wait_s = options.wait_s(station.call_timeout_s or context.services.context.settings.call_timeout_s)
    if options.persistent:
        job = await context.services.persistent_commands.send(
            station,
            action,
            payload,
            requested_by=principal.actor,
            wait_s=wait_s,
            deadline=options.deadline,
            timeout_s=options.timeout,
            force=options.send_anyway,
        )
    elif options.deadline is not None:
        raise ApiError(422, "field_invalid", "A deadline is for a command that is `persistent`.")
    else:
        job = await context.services.commands.send(
            principal.organisation_id,
            station_id,
            action,
            payload,
            requested_by=principal.actor,
            wait_s=wait_s,
            timeout_s=options.timeout,
            force=options.send_anyway,
        )
    if job.state not in ENDED and job.state != JobState.WAITING:
        response.status_code = 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    told = view(job)
    note(request, job_id=job.id, state=told.state, job_result=told.result, payload=told.payload)
    return told


@router.get("/jobs", response_model=Listed[JobView], responses=LISTED)
async def list_jobs(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[JobFilters, Query()]
) -> Any:
    """All jobs, the newest first."""
    find = partial(
        context.storage.jobs.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, view, "jobs")


@router.get("/jobs/{job_id}")
async def read_job(
    job_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")], principal: Reader, context: Context
) -> JobView:
    """One job."""
    job = await context.storage.jobs.get(job_id)
    if job is None or not principal.sees(job):
        raise unknown("job", "job_unknown")
    return view(job)


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(
    job_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")], principal: Sender, context: Context
) -> JobView:
    """Call off a persistent job that waits for its station. What was sent cannot be called back."""
    job = await context.storage.jobs.get(job_id)
    if job is None or not principal.sees(job):
        raise unknown("job", "job_unknown")
    if await context.storage.configuration_jobs.get(job_id) is not None:
        await context.services.configuration_jobs.cancel(job_id)
    elif not await context.services.persistent_commands.cancel(job_id):
        raise Conflict("not_cancellable", "Only a persistent job that waits for its station can be called off.")
    return view(await context.storage.jobs.get(job_id) or job)


def require_for_danger(
    context: ApiContext, principal: Principal, station: Station, action: str, payload: dict[str, Any]
) -> None:
    """Raise Forbidden for a dangerous command of whoever may not send such; NotFound, Invalid for a broken one."""
    why = context.services.commands.danger(station, action, payload)
    if why is not None and "commands:dangerous" not in principal.permissions:
        words = f"{why} It needs the permission commands:dangerous, which the role {principal.role} does not include."
        raise Forbidden("dangerous_command", words)


def view(job: Job) -> JobView:
    """What is told of a job."""
    return JobView.model_validate(_Told(job))


def read_payload(body: bytes) -> dict[str, Any]:
    """The members of a payload, numbers with a fraction as Decimal; raises ApiError 400 or 422."""
    if not body.strip():
        return {}
    try:
        payload = json.loads(
            body.decode(),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_not_a_number,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        words = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ApiError(400, "malformed_json", f"The body is not JSON: {words}.") from error
    if not isinstance(payload, dict):
        raise ApiError(422, "payload_invalid", "The payload of a command is a JSON object.")
    return payload


def _decimal(text: str) -> Decimal:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number has more than {MOST_DIGITS} digits")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number has more than {MOST_DIGITS} digits")
    return int(text)


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(members)
    if len(read) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice[:50]!r} is given twice")
    return read


class _Told:
    """A job with its JSON texts read."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.finished = job.state in ENDED
        self.payload = _read(job.payload)
        self.response = _read(job.response)
        self.error = _error(job)
        self.progress = _read(job.progress)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)


def _error(job: Job) -> dict[str, Any] | None:
    error = _read(job.error)
    if error is None:
        return None
    return {
        "code": error.get("code", ""),
        "description": error.get("description", ""),
        "details": error.get("details") or {},
    }


def _read(text: str | None) -> Any:
    """What is stored; a row that cannot be read takes no list away."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return None
