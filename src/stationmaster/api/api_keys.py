"""Keys of the API: made, listed, revoked. The key itself is seen once, in the answer that makes it."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from stationmaster.api.access import PERMISSIONS, Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.permissions import Role
from stationmaster.api.values import Body, Filters, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.errors import FieldError, Forbidden, Invalid
from stationmaster.storage import Page
from stationmaster.storage.queries.access import ApiKey

router = APIRouter(tags=["API keys"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("api_keys:read"))]
Writer = Annotated[Principal, Depends(may("api_keys:write"))]


class ApiKeyView(View):
    """A key, without the key."""

    id: str
    name: str
    role: str
    site_ids: list[str] | None = Field(description="Null: the whole organisation.")
    permissions: list[str] | None = Field(description="Null: all that the role permits.")
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
    permissions: list[Text] | None = Field(
        default=None, min_length=1, max_length=100, description="Narrows what the role permits; null: all of it."
    )
    expires_at: InstantIn | None = None


class ApiKeyFilters(Filters):
    """What keys can be narrowed by."""

    role: Role | None = None


@router.get("/api-keys", response_model=Listed[ApiKeyView], responses=LISTED)
async def list_api_keys(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[ApiKeyFilters, Query()]
) -> Any:
    """All keys of the organisation."""
    find = partial(_find_within, context, principal, filters.wanted())
    return await listing(filters, wanted, find, ApiKeyView.model_validate, "api-keys")


@router.post("/api-keys", status_code=201)
async def make_api_key(body: NewApiKeyBody, principal: Writer, context: Context) -> NewApiKeyView:
    """Make a key that may do no more, and for no longer, than whoever asks for it."""
    permissions = _narrowed(body)
    principal.require_as_much_as(body.role, permissions)
    if principal.expires_at is not None and (body.expires_at or principal.expires_at + 1) > principal.expires_at:
        raise Forbidden("longer_than_own", "A key cannot make one that expires later than itself.")
    site_ids = body.site_ids
    if principal.site_ids is not None:
        site_ids = list(principal.site_ids) if site_ids is None else site_ids
        for site_id in site_ids:
            principal.require_site(site_id)
    made = await context.services.api_keys.create(
        principal.organisation_id,
        body.name,
        body.role,
        site_ids=site_ids,
        expires_at=body.expires_at,
        permissions=permissions,
    )
    return NewApiKeyView(**ApiKeyView.model_validate(made.key).model_dump(), key=made.text)


@router.delete("/api-keys/{key_id}", status_code=204)
async def revoke_api_key(
    key_id: Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")], principal: Writer, context: Context
) -> None:
    """End a key, at once and everywhere."""
    key = await context.storage.api_keys.get(key_id)
    if key is None or not _is_within(principal, key):
        raise unknown("API key", "api_key_unknown")
    await context.services.api_keys.revoke(principal.organisation_id, key_id)


def _narrowed(body: NewApiKeyBody) -> tuple[str, ...] | None:
    if body.permissions is None:
        return None
    unheard_of = sorted(set(body.permissions) - PERMISSIONS)
    if unheard_of:
        words = f"There is no permission {unheard_of[0]}."
        raise Invalid("field_invalid", words, fields=(FieldError("permissions", "unknown", words),))
    return tuple(sorted(set(body.permissions)))


def _is_within(principal: Principal, key: ApiKey) -> bool:
    """Whether a key exists for whoever asks: those limited to sites see keys that are limited to the same ones."""
    if key.organisation_id != principal.organisation_id:
        return False
    return principal.site_ids is None or (key.site_ids is not None and set(key.site_ids) <= set(principal.site_ids))


async def _find_within(
    context: ApiContext, principal: Principal, filters: dict[str, Any], *, limit: int, cursor: str | None
) -> Page[ApiKey]:
    page = await context.storage.api_keys.find(principal.organisation_id, limit=limit, cursor=cursor, **filters)
    return Page([key for key in page.items if _is_within(principal, key)], page.next_cursor)
