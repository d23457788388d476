"""Certificate authorities: our own, others that are trusted, and what they revoked."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field
from starlette.responses import PlainTextResponse

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, WholeFormat, listing, whole
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.certificates import AuthorityUse, StoredAuthority
from stationmaster.services.x509.keys import KeyFamily

router = APIRouter(tags=["Certificates"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("certificates:read"))]
Writer = Annotated[Principal, Depends(may("certificates:write"))]
AuthorityId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9:._-]+$")]
Pem = Annotated[str, Field(max_length=64 * 1024, description="PEM.")]
OthersUse = Literal["trusted", "known"]
PEM_TYPE = "application/x-pem-file"
PEM_ANSWER: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {"description": "PEM.", "content": {PEM_TYPE: {"schema": {"type": "string"}}}},
}


class AuthorityView(View):
    """A certificate authority."""

    id: str
    name: str
    use: AuthorityUse = Field(
        description="issuing: ours, signs at present. retired: ours, signed before. trusted: another's, whose client "
        "certificates are accepted. known: kept to be installed in stations."
    )
    key_family: str
    subject: str
    fingerprint: str
    not_before: Moment
    not_after: Moment
    certificate: str = Field(description="PEM.")
    cross_certificate: str | None = Field(description="PEM: its key, signed by the root before it.")
    crl_url: str | None
    has_crl: bool
    crl_fetched_at: Moment | None
    created_at: Moment
    updated_at: Moment


class ServerCertificateView(View):
    """A certificate with which this system presents itself to stations, issued by our own authority."""

    key_family: str
    authority_id: str
    names: list[str] = Field(description="Names and addresses by which stations may reach us.")
    not_before: Moment
    not_after: Moment = Field(description="It is renewed long before, after two thirds of its life.")
    chain: str = Field(description="PEM, the server's certificate first.")


class NewAuthorityBody(Body):
    """Somebody else's authority."""

    name: Text = Field(min_length=1)
    certificate: Pem
    use: OthersUse = "trusted"
    crl_url: Text | None = Field(default=None, description="Where its revocation list is fetched every hour.")


class AuthorityChanges(Body):
    """What can be changed. What is left out stays as it is."""

    name: Text | None = None
    use: OthersUse | None = None
    crl: str | None = Field(default=None, max_length=4 * 1024 * 1024, description="Its revocation list, PEM.")
    crl_url: Text | None = None

    def given(self) -> dict[str, Any]:
        """The members that were sent; the addresses may be taken away with null."""
        kept = {"crl", "crl_url"}
        return {
            name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None or name in kept
        }


class RollOverBody(Body):
    """Which of our roots is to be followed by a new one."""

    key_family: Literal["rsa", "ec"]


class AuthorityFilters(Filters):
    """What authorities can be narrowed by."""

    use: AuthorityUse | None = None


@router.get("/certificate-authorities", response_model=Listed[AuthorityView], responses=LISTED)
async def list_authorities(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[AuthorityFilters, Query()]
) -> Any:
    """All authorities, the newest first. Our own two are made when they are first asked for."""
    await context.services.authorities.ensure(principal.organisation_id)
    find = partial(context.storage.authorities.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, view, "certificate-authorities")


@router.post("/certificate-authorities", status_code=201)
async def add_authority(
    body: NewAuthorityBody, principal: Writer, context: Context, response: Response
) -> AuthorityView:
    """Keep somebody else's root or sub-authority. Stations are let in by the certificates that it signs, if trusted."""
    _of_all_sites(principal)
    added = await context.services.authorities.add(
        principal.organisation_id, body.name, body.certificate, body.use, body.crl_url
    )
    response.headers["Location"] = f"/api/v1/certificate-authorities/{added.id}"
    return view(added)


@router.post("/certificate-authorities/roll-over", status_code=201)
async def roll_over(body: RollOverBody, principal: Writer, context: Context) -> AuthorityView:
    """Make a new root, which the old one vouches for. It signs from now on; the old one stays trusted."""
    _of_all_sites(principal)
    made = await context.services.authorities.roll_over(principal.organisation_id, KeyFamily(body.key_family))
    return view(made)


@router.get("/certificate-authorities/{authority_id}")
async def read_authority(authority_id: AuthorityId, principal: Reader, context: Context) -> AuthorityView:
    """One authority."""
    return view(await context.services.authorities.get(principal.organisation_id, authority_id))


@router.patch("/certificate-authorities/{authority_id}")
async def change_authority(
    authority_id: AuthorityId, body: AuthorityChanges, principal: Writer, context: Context
) -> AuthorityView:
    """Change an authority, or bring its revocation list."""
    _of_all_sites(principal)
    changed = await context.services.authorities.update(principal.organisation_id, authority_id, body.given())
    return view(changed)


@router.delete("/certificate-authorities/{authority_id}", status_code=204)
async def remove_authority(authority_id: AuthorityId, principal: Writer, context: Context) -> None:
    """Trust an authority no more: what it signed opens no door from now on."""
    _of_all_sites(principal)
    await context.services.authorities.remove(principal.organisation_id, authority_id)


@router.get("/certificate-authorities/{authority_id}/crl", response_class=PlainTextResponse, responses=PEM_ANSWER)
async def read_revocation_list(authority_id: AuthorityId, principal: Reader, context: Context) -> Response:
    """What an authority has revoked."""
    text = await context.services.authorities.revocation_list(principal.organisation_id, authority_id)
    return PlainTextResponse(text, media_type=PEM_TYPE)


@router.get("/server-certificates", response_model=Listed[ServerCertificateView], responses=LISTED)
async def list_server_certificates(principal: Reader, context: Context, wanted: WholeFormat) -> Any:
    """Our own certificates for stations that connect over TLS; those that are given as files are not among them."""
    found = await context.storage.authorities.servers()
    ours = [each for each in found if each.organisation_id == principal.organisation_id]
    return whole(wanted, [ServerCertificateView.model_validate(each) for each in ours], "server-certificates")


def view(stored: StoredAuthority) -> AuthorityView:
    """What is told of an authority."""
    return AuthorityView.model_validate(_Told(stored))


def _of_all_sites(principal: Principal) -> None:
    """An authority is of the whole organisation."""
    principal.require_site(None)


class _Told:
    def __init__(self, stored: StoredAuthority) -> None:
        self._stored = stored
        self.has_crl = stored.crl is not None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)
