"""Configuration of stations, as it was last read or set."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WholeFormat, whole
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Listed, Moment, View

router = APIRouter(tags=["Configuration"], responses=PROBLEMS)


class VariableView(View):
    """A variable; in OCPP 1.6 a configuration key."""

    component: str
    variable: str
    value: str | None = Field(description="In force, as last read or set. Null: not told, or secret.")
    pending_value: str | None = Field(description="What the station holds from its next boot on. Null: nothing waits.")
    readonly: bool | None = Field(description="Null: never read.")
    supported: bool
    write_status: str | None = Field(description="What the station said to the last change.")
    read_at: Moment | None
    written_at: Moment | None


@router.get("/stations/{station_id}/configuration", response_model=Listed[VariableView], responses=LISTED)
async def list_configuration(
    station_id: StationId,
    principal: Annotated[Principal, Depends(may("configuration:read"))],
    context: Context,
    wanted: WholeFormat,
) -> Any:
    """What is known of a station's configuration. GetConfiguration reads it anew."""
    await station_of(context, principal, station_id)
    variables = await context.storage.configuration.of(station_id)
    return whole(wanted, [VariableView.model_validate(each) for each in variables], "configuration")
