"""Certificates of stations, and the roots that stations hold."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.certificate_authorities import Pem
from stationmaster.api.commands import JobView
from stationmaster.api.commands import view as job_view
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, StationId, problems
from stationmaster.api.files import Uuid
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.certificates import CertificateState, RootUse, StationCertificate
from stationmaster.domain.jobs import ENDED, Job, JobState
from stationmaster.domain.security_orders import DeleteRootOrder

router = APIRouter(tags=["Certificates"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("certificates:read"))]
Writer = Annotated[Principal, Depends(may("certificates:write"))]
Hex = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[0-9A-Fa-f]+$")]
_ON_ITS_WAY: dict[int | str, dict[str, Any]] = {
    202: {"description": "The command is on its way.", "model": JobView},
    **problems(504),
}


class CertificateView(View):
    """A client certificate of a station."""

    id: str
    station_id: str
    authority_id: str | None
    state: CertificateState = Field(
        description="issued, then active once the station came in with it, then superseded; or refused, or revoked."
    )
    state_reason: str | None
    serial_number: str = Field(description="Hexadecimal.")
    fingerprint: str
    subject: str
    issuer: str
    key_family: str | None
    not_before: Moment
    not_after: Moment
    chain: str = Field(description="PEM, the station's certificate first.")
    created_at: Moment
    updated_at: Moment


class CertificateFilters(Filters):
    """What certificates can be narrowed by."""

    station_id: Text | None = None
    authority_id: Text | None = None
    state: CertificateState | None = None
    expires_before: InstantIn | None = None


class RevokeBody(Body):
    """Why a certificate is revoked."""

    reason: Text | None = None


class SignBody(Body):
    """A signing request that was brought by hand."""

    csr: Annotated[str, Field(max_length=5500, description="PEM PKCS #10.")]


class RootView(View):
    """A root that a station reported, by its hash data, and the authority that it is if we know it."""

    use: RootUse
    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    authority_id: str | None
    authority_name: str | None
    reported_at: Moment
    in_doubt: bool = Field(
        description="A root was installed or deleted since, or may have been. Ask the station again: `roots/refresh`."
    )


class InstallBody(Body):
    """A root to install: a certificate, or one of the authorities that are kept here."""

    use: Literal["central_system", "manufacturer"]
    certificate: Pem | None = None
    authority_id: Text | None = None
    crossed: bool = Field(default=False, description="The one in which the root before vouches for it.")
    refresh: bool = Field(default=False, description="Ask the station afterwards which roots it has.")


class RefreshBody(Body):
    """Which roots a station is asked for."""

    use: Literal["central_system", "manufacturer"]


class DeleteBody(Body):
    """The root to delete, exactly as the station reported it."""

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: Hex
    issuer_key_hash: Hex
    serial_number: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[0-9A-Fa-f]+$")]


@router.get("/certificates", response_model=Listed[CertificateView], responses=LISTED)
async def list_certificates(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[CertificateFilters, Query()]
) -> Any:
    """All client certificates of stations, the newest first."""
    find = partial(
        context.storage.certificates.find,
        principal.organisation_id,
        site_ids=principal.site_ids,
        **filters.wanted(),
    )
    return await listing(filters, wanted, find, CertificateView.model_validate, "certificates")


@router.get("/certificates/{certificate_id}")
async def read_certificate(certificate_id: Uuid, principal: Reader, context: Context) -> CertificateView:
    """One client certificate."""
    return CertificateView.model_validate(await _certificate_of(context, principal, certificate_id))


@router.post("/certificates/{certificate_id}/revoke")
async def revoke_certificate(
    certificate_id: Uuid, principal: Writer, context: Context, body: RevokeBody | None = None
) -> CertificateView:
    """Trust a certificate no more. It opens no door from now on, and our revocation list names it."""
    await _certificate_of(context, principal, certificate_id)
    reason = None if body is None else body.reason
    revoked = await context.services.certificates.revoke(principal.organisation_id, certificate_id, reason)
    return CertificateView.model_validate(revoked)


@router.get("/stations/{station_id}/certificates", response_model=Listed[CertificateView], responses=LISTED)
async def list_station_certificates(
    station_id: StationId, principal: Reader, context: Context, wanted: WholeFormat
) -> Any:
    """The client certificates of a station, the newest first."""
    await station_of(context, principal, station_id)
    found = await context.storage.certificates.of_station(station_id)
    return whole(wanted, [CertificateView.model_validate(each) for each in found], "station-certificates")


@router.post("/stations/{station_id}/certificates", status_code=201)
async def sign_for_station(
    station_id: StationId, body: SignBody, principal: Writer, context: Context, response: Response
) -> CertificateView:
    """Sign a request that was brought by hand, for a station that is set up by hand."""
    station = await station_of(context, principal, station_id)
    made = await context.services.certificates.sign_by_hand(station, body.csr)
    response.headers["Location"] = f"/api/v1/certificates/{made.id}"
    return CertificateView.model_validate(made)


@router.get("/stations/{station_id}/roots", response_model=Listed[RootView], responses=LISTED)
async def list_roots(station_id: StationId, principal: Reader, context: Context, wanted: WholeFormat) -> Any:
    """The roots that a station holds, as it reported them last."""
    await station_of(context, principal, station_id)
    named = await context.services.certificates.installed(principal.organisation_id, station_id)
    items = []
    for each in named:
        authority = each.authority
        told = {name: getattr(each.root, name) for name in each.root.__struct_fields__}
        told |= {"authority_id": None if authority is None else authority.id}
        told |= {"authority_name": None if authority is None else authority.name, "in_doubt": each.in_doubt}
        items.append(RootView.model_validate(told))
    return whole(wanted, items, "station-roots")


@router.post("/stations/{station_id}/roots", responses=_ON_ITS_WAY)
async def install_root(
    station_id: StationId, body: InstallBody, principal: Writer, context: Context, response: Response
) -> JobView:
    """Have a station trust a root."""
    await _dangerous(context, principal, station_id)
    job = await context.services.roots.install(
        principal.organisation_id,
        station_id,
        body.use,
        actor=principal.actor,
        certificate=body.certificate,
        authority_id=body.authority_id,
        crossed=body.crossed,
        refresh=body.refresh,
    )
    return _told(job, response)


@router.post("/stations/{station_id}/roots/refresh", responses=_ON_ITS_WAY)
async def refresh_roots(
    station_id: StationId, body: RefreshBody, principal: Writer, context: Context, response: Response
) -> JobView:
    """Ask a station which roots it holds."""
    await station_of(context, principal, station_id)
    principal.require("commands:send")
    roots = context.services.roots
    return _told(await roots.refresh(principal.organisation_id, station_id, body.use, actor=principal.actor), response)


@router.post("/stations/{station_id}/roots/delete", responses=_ON_ITS_WAY)
async def delete_root(
    station_id: StationId, body: DeleteBody, principal: Writer, context: Context, response: Response
) -> JobView:
    """Have a station trust a root no more."""
    await _dangerous(context, principal, station_id)
    order = DeleteRootOrder(**body.model_dump())
    roots = context.services.roots
    return _told(await roots.delete(principal.organisation_id, station_id, order, actor=principal.actor), response)


async def _certificate_of(context: ApiContext, principal: Principal, certificate_id: str) -> StationCertificate:
    found = await context.services.certificates.get(principal.organisation_id, certificate_id)
    station = await context.storage.stations.get(found.station_id)
    if station is None:
        if principal.site_ids is not None:
            raise unknown("certificate", "certificate_unknown")
    elif not principal.sees(station):
        raise unknown("certificate", "certificate_unknown")
    return found


async def _dangerous(context: ApiContext, principal: Principal, station_id: str) -> None:
    await station_of(context, principal, station_id)
    principal.require("commands:send")
    principal.require("commands:dangerous")


def _told(job: Job, response: Response) -> JobView:
    if job.state not in ENDED and job.state != JobState.WAITING:
        response.status_code = 202
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job_view(job)
