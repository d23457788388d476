"""Keys of the API: made, listed, revoked. The key itself is seen once, in the answer that makes it."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from stationmaster.api.access import ROLE_PERMISSIONS, Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.errors import Forbidden

router = APIRouter(tags=["API keys"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("api_keys:read"))]
Writer = Annotated[Principal, Depends(may("api_keys:write"))]
Role = Literal["viewer", "operator", "security_admin", "admin"]


class ApiKeyView(View):
    """A key, without the key."""

    id: str
    name: str
    role: str
    site_ids: list[str] | None = Field(description="Null: the whole organisation.")
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class NewApiKeyView(ApiKeyView):
    """A key just made."""

    key: str = Field(description="To be sent as `Authorization: Bearer KEY`; it is never shown again.")


class NewApiKeyBody(Body):
    """A key to be made."""

    name: Text = Field(min_length=1, max_length=100)
    role: Role
    site_ids: list[Text] | None = Field(default=None, min_length=1, max_length=1000)
    expires_at: InstantIn | None = None


class ApiKeyFilters(Filters):
    """What keys can be narrowed by."""

    role: Role | None = None


@router.get("/api-keys", response_model=Listed[ApiKeyView], responses=LISTED)
async def list_api_keys(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[ApiKeyFilters, Query()]
) -> Any:
    """All keys of the organisation."""
    find = partial(context.storage.api_keys.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, ApiKeyView.model_validate, "api-keys")


@router.post("/api-keys", status_code=201)
async def make_api_key(body: NewApiKeyBody, principal: Writer, context: Context) -> NewApiKeyView:
    """Make a key that may do no more than the key that asks for it."""
    if not ROLE_PERMISSIONS[body.role] <= principal.permissions:
        raise Forbidden("more_than_own", f"A key of the role {body.role} could do more than the one that asks for it.")
    site_ids = body.site_ids
    if principal.site_ids is not None:
        site_ids = list(principal.site_ids) if site_ids is None else site_ids
        for site_id in site_ids:
            principal.require_site(site_id)
    made = await context.services.api_keys.create(
        principal.organisation_id, body.name, body.role, site_ids=site_ids, expires_at=body.expires_at
    )
    return NewApiKeyView(**ApiKeyView.model_validate(made.key).model_dump(), key=made.text)


@router.delete("/api-keys/{key_id}", status_code=204)
async def revoke_api_key(
    key_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")], principal: Writer, context: Context
) -> None:
    """End a key, at once and everywhere."""
    await context.services.api_keys.revoke(principal.organisation_id, key_id)
