"""Organisations, as the administrators of the default one keep them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WholeFormat, whole
from stationmaster.api.values import Body, Listed, Moment, Text, View
from stationmaster.domain.users import check_username

router = APIRouter(tags=["Organisations"], responses=PROBLEMS)

Writer = Annotated[Principal, Depends(may("users:write"))]


class OrganisationView(View):
    """An organisation: what belongs to one does not exist for another."""

    id: str
    name: str
    created_at: Moment


class NewOrganisationView(OrganisationView):
    """An organisation just made, and the way into it."""

    username: str = Field(description="Its first administrator.")
    secret: str = Field(
        description="The first administrator's password, and an API key that may do everything in the organisation; "
        "it is never shown again."
    )


class NewOrganisationBody(Body):
    """An organisation to be made."""

    id: Text = Field(min_length=1, max_length=63, description="Small letters, digits and hyphens.")
    name: Text = Field(min_length=1, max_length=200)
    username: Text | None = Field(
        default=None, max_length=100, description="Of its first administrator; `admin-` and the id, if left out."
    )


@router.get("/organisations", response_model=Listed[OrganisationView], responses=LISTED)
async def list_organisations(principal: Writer, context: Context, wanted: WholeFormat) -> Any:
    """All organisations of this system."""
    principal.require_system_administrator()
    found = await context.services.people.organisations.find()
    return whole(wanted, [OrganisationView.model_validate(each) for each in found], "organisations")


@router.post("/organisations", status_code=201)
async def create_organisation(
    body: NewOrganisationBody, principal: Writer, context: Context, response: Response
) -> NewOrganisationView:
    """Make an organisation with its first administrator."""
    principal.require_system_administrator()
    organisations = context.services.people.organisations
    username = check_username(body.username if body.username is not None else f"admin-{body.id}")
    made = await organisations.create(body.id, body.name)
    first = await organisations.first_administrator(made.id, username)
    response.headers["Location"] = f"/api/v1/organisations/{made.id}"
    told = OrganisationView.model_validate(made).model_dump()
    return NewOrganisationView(**told, username=first.user.username, secret=first.secret)
