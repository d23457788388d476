"""Connectors, as the stations last reported them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WholeFormat, whole
from stationmaster.api.places import connector_number
from stationmaster.api.provisioning import station_of
from stationmaster.api.values import Listed, Moment, View
from stationmaster.domain.stations import Connector

router = APIRouter(tags=["Stations"], responses=PROBLEMS)


class ConnectorView(View):
    """A connector; number 0 is the station itself."""

    evse_id: int | None
    connector_id: int | None = Field(description="As the station counts it.")
    status: str | None
    error_code: str | None
    info: str | None
    vendor_id: str | None
    vendor_error_code: str | None
    reported_at: Moment | None = Field(description="When the station says it became so.")
    received_at: Moment | None
    desired_operative: bool | None = Field(description="What an operator asked for.")
    availability_status: str | None = Field(description="What the station said to that.")


@router.get("/stations/{station_id}/connectors", response_model=Listed[ConnectorView], responses=LISTED)
async def list_connectors(
    station_id: StationId,
    principal: Annotated[Principal, Depends(may("stations:read"))],
    context: Context,
    wanted: WholeFormat,
) -> Any:
    """The connectors of a station."""
    station = await station_of(context, principal, station_id)
    connectors = await context.storage.connectors.of(station_id)
    return whole(wanted, [_view(each, station.last_protocol) for each in connectors], "connectors")


def _view(connector: Connector, protocol: str | None) -> ConnectorView:
    view = ConnectorView.model_validate(connector)
    view.connector_id = connector_number(protocol, connector.evse_id, connector.connector_id)
    return view
