"""What this system is: its version, its settings, where stations connect, and what they can be asked."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from stationmaster.api.access import Asking, Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.values import Listed, View

router = APIRouter(tags=["About"], responses=PROBLEMS)

StationReader = Annotated[Principal, Depends(may("stations:read"))]
SettingsReader = Annotated[Principal, Depends(may("settings:read"))]


class StationUrlsView(BaseModel):
    """Where stations connect: what is typed into them, but for their identity."""

    ws: str | None = Field(description="Security profiles 0 and 1.")
    wss: str | None = Field(description="Security profiles 2 and 3; null where there is no TLS.")


class OwnOrganisationView(View):
    """Whose data whoever asks sees."""

    id: str
    name: str


class MapView(BaseModel):
    """What the map of the UI is drawn on."""

    tile_url: str | None = Field(description="With {z}, {x} and {y}; null: the outlines of the countries.")
    attribution: str


class AboutView(BaseModel):
    """What whoever asks is talking to."""

    version: str
    node_id: str
    organisation: OwnOrganisationView
    station_urls: StationUrlsView
    map: MapView


class ActionView(View):
    """Something that a station can be asked."""

    action: str
    block: str = Field(description="The functional block of OCPP.")
    dangerous: bool = Field(description="It always needs the permission `commands:dangerous`.")
    dangerous_when: str | None = Field(description="When it needs that permission although it does not always.")
    why_dangerous: str | None
    schema_: dict[str, Any] = Field(
        alias="schema", validation_alias="schema", description="JSON Schema of the request."
    )


class SettingView(View):
    """A setting, its value and where that came from."""

    key: str = Field(description="As in the configuration file: section and name.")
    description: str
    value: str | None = Field(description="As the configuration file writes it; hidden if it is secret.")
    default: str | None
    source: str = Field(description="`default`, the name of a file, a variable or a flag.")
    secret: bool
    variable: str = Field(description="The environment variable that sets it.")


@router.get("/about")
async def read_about(principal: Asking, request: Request, context: Context) -> AboutView:
    """What this system is, for whoever asks."""
    organisation = await context.storage.organisations.get(principal.organisation_id)
    return AboutView(
        version=context.node.version,
        node_id=context.node.id,
        organisation=OwnOrganisationView.model_validate(organisation),
        station_urls=StationUrlsView.model_validate(context.node.station_urls(request.url.hostname or "localhost")),
        map=MapView(tile_url=context.settings.map_tile_url, attribution=context.settings.map_attribution),
    )


@router.get("/actions")
async def list_actions(_principal: StationReader, context: Context) -> Listed[ActionView]:
    """Everything that a station can be asked, with the schema of the request."""
    return Listed(items=[ActionView.model_validate(each) for each in context.actions], next_cursor=None)


@router.get("/settings")
async def list_settings(_principal: SettingsReader, context: Context) -> Listed[SettingView]:
    """The configuration of the node that answers. It is changed where it was made, not here."""
    return Listed(items=[SettingView.model_validate(each) for each in context.node.settings()], next_cursor=None)
