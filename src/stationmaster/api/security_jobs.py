"""Composite jobs of security: rotate a password, raise the profile, renew the certificate of a station."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.commands import JobView, view
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body
from stationmaster.domain.security_jobs import SecurityJobKind, SecurityWish

router = APIRouter(tags=["Certificates"], responses=PROBLEMS)

Writer = Annotated[Principal, Depends(may("certificates:write"))]


class RaiseBody(Body):
    """The profile that a station is to use."""

    security_profile: int = Field(ge=1, le=3)
    reset: bool = Field(default=False, description="Reset the station (Hard) once it has agreed.")


class RenewBody(Body):
    """How a certificate is renewed."""

    set_operator_name: bool = Field(
        default=False, description="First tell the station our name, which its request must hold (CpoName)."
    )


@router.post("/stations/{station_id}/rotate-password", status_code=202)
async def rotate_password(station_id: StationId, principal: Writer, context: Context, response: Response) -> JobView:
    """Give a station a new password, which nobody sees. The job waits for a station that is away."""
    return await _begin(context, principal, station_id, SecurityJobKind.ROTATE_PASSWORD, SecurityWish(), response)


@router.post("/stations/{station_id}/raise-security-profile", status_code=202)
async def raise_security_profile(
    station_id: StationId, body: RaiseBody, principal: Writer, context: Context, response: Response
) -> JobView:
    """Have a station use a higher security profile. Until it came in with it both count, afterwards no lower one."""
    wish = SecurityWish(security_profile=body.security_profile, reset=body.reset)
    return await _begin(context, principal, station_id, SecurityJobKind.RAISE_PROFILE, wish, response)


@router.post("/stations/{station_id}/renew-certificate", status_code=202)
async def renew_certificate(
    station_id: StationId, principal: Writer, context: Context, response: Response, body: RenewBody | None = None
) -> JobView:
    """Have a station make a new key and ask for a certificate. The job ends when it has come in with it."""
    wish = SecurityWish(set_operator_name=body is not None and body.set_operator_name)
    return await _begin(context, principal, station_id, SecurityJobKind.RENEW_CERTIFICATE, wish, response)


@router.post("/stations/{station_id}/cancel-security-job")
async def cancel_security_job(station_id: StationId, principal: Writer, context: Context) -> JobView:
    """Call such a job off. A profile that the station has not used yet counts no more."""
    await station_of(context, principal, station_id)
    return view(await context.services.security_jobs.cancel(principal.organisation_id, station_id))


async def _begin(
    context: ApiContext,
    principal: Principal,
    station_id: str,
    kind: SecurityJobKind,
    wish: SecurityWish,
    response: Response,
) -> JobView:
    await station_of(context, principal, station_id)
    principal.require("commands:send")
    principal.require("commands:dangerous")
    job = await context.services.security_jobs.begin(principal.organisation_id, station_id, kind, wish, principal.actor)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return view(job)
