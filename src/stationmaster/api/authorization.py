"""Tokens: made, changed, deleted; and those that somebody presented and nobody registered."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.values import Body, Filters, Id, InstantIn, Listed, LongId, Moment, Text, View
from stationmaster.domain.tokens import Token
from stationmaster.services.tokens import NewToken

router = APIRouter(tags=["Tokens"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("tokens:read"))]
Writer = Annotated[Principal, Depends(may("tokens:write"))]
Status = Literal["Accepted", "Blocked"]


class TokenView(View):
    """A token: what a driver identifies with."""

    id: LongId
    id_tag: str = Field(validation_alias="value")
    type: str
    status: str
    parent_id_tag: str | None = Field(description="The group it belongs to.")
    expires_at: Moment | None
    max_active_transactions: int | None = Field(description="Null: no limit.")
    name: str | None
    note: str | None
    site_id: str | None
    created_at: Moment
    updated_at: Moment


class TokenChanges(Body):
    """What can be changed of a token. What is left out stays as it is."""

    status: Status | None = None
    parent_id_tag: Text | None = None
    expires_at: InstantIn | None = None
    max_active_transactions: int | None = Field(default=None, ge=1, le=10_000)
    name: Text | None = Field(default=None, max_length=200)
    note: str | None = Field(default=None, max_length=2000)
    site_id: Text | None = None

    def given(self) -> dict[str, Any]:
        """The members that were sent; null takes a value away where there may be none."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewTokenBody(TokenChanges):
    """A token to be registered."""

    id_tag: Text = Field(min_length=1)
    type: Text = Field(default="Central", min_length=1)


class UnknownTokenView(View):
    """A token that was presented and that nobody has registered."""

    id_tag: str = Field(validation_alias="value")
    station_id: str
    seen_in: str = Field(description="`authorize`, `start` or `stop`.")
    count: int
    first_at: Moment
    last_at: Moment


class TokenFilters(Filters):
    """What tokens can be narrowed by."""

    id_tag: Text | None = Field(default=None, description="The whole tag, in any case.")
    status: Status | None = None
    parent_id_tag: Text | None = None
    search: Text | None = Field(default=None, description="Part of the tag or the name.")


class UnknownTokenFilters(Filters):
    """What unknown tokens can be narrowed by."""

    station_id: Text | None = None
    search: Text | None = Field(default=None, description="Part of the tag.")


@router.get("/tokens", response_model=Listed[TokenView], responses=LISTED)
async def list_tokens(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[TokenFilters, Query()]
) -> Any:
    """All tokens, the newest first."""
    find = partial(
        context.storage.tokens.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, TokenView.model_validate, "tokens")


@router.post("/tokens", status_code=201)
async def register_token(body: NewTokenBody, principal: Writer, context: Context, response: Response) -> TokenView:
    """Register a token. Upper and lower case are the same."""
    principal.require_site(body.site_id)
    given = body.given()
    new = NewToken(value=given.pop("id_tag"), **{name: value for name, value in given.items() if value is not None})
    token = await context.services.tokens.create(principal.organisation_id, new)
    response.headers["Location"] = f"/api/v1/tokens/{token.id}"
    return TokenView.model_validate(token)


@router.get("/tokens/{token_id}")
async def read_token(token_id: Id, principal: Reader, context: Context) -> TokenView:
    """One token."""
    return TokenView.model_validate(await _token_of(context, principal, token_id))


@router.patch("/tokens/{token_id}")
async def change_token(token_id: Id, body: TokenChanges, principal: Writer, context: Context) -> TokenView:
    """Change a token. Every node and every later authorization sees it at once."""
    await _token_of(context, principal, token_id)
    changes = body.given()
    if "site_id" in changes:
        principal.require_site(body.site_id)
    return TokenView.model_validate(await context.services.tokens.update(principal.organisation_id, token_id, changes))


@router.delete("/tokens/{token_id}", status_code=204)
async def delete_token(token_id: Id, principal: Writer, context: Context) -> None:
    """Forget a token. Its transactions stay."""
    await _token_of(context, principal, token_id)
    await context.services.tokens.delete(principal.organisation_id, token_id)


@router.get("/unknown-tokens", response_model=Listed[UnknownTokenView], responses=LISTED)
async def list_unknown_tokens(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[UnknownTokenFilters, Query()]
) -> Any:
    """Tokens that somebody presented and nobody has registered, the one seen last first."""
    find = partial(context.storage.unknown_tokens.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, UnknownTokenView.model_validate, "unknown-tokens")


async def _token_of(context: ApiContext, principal: Principal, token_id: int) -> Token:
    token = await context.services.tokens.get(principal.organisation_id, token_id)
    # A token of no site is everybody's.
    if principal.site_ids is not None and token.site_id is not None and token.site_id not in principal.site_ids:
        raise unknown("token", "token_unknown")
    return token
