"""Tidying a real fleet's mess: transactions without an end, stations that are to begin anew."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.provisioning import station_of
from stationmaster.api.transactions import TransactionView, transaction_of, view
from stationmaster.api.values import Body, Id, View

router = APIRouter(tags=["Transactions"], responses=PROBLEMS)

Writer = Annotated[Principal, Depends(may("transactions:write"))]


class CloseBody(Body):
    """How a transaction is closed."""

    meter_stop_wh: int | None = Field(
        default=None, ge=0, le=2**53, description="The reading at its end; without it the last value known counts."
    )


class CleanedUpView(View):
    """What a clean-up took away."""

    closed_transactions: int
    dropped_profiles: int
    ended_reservations: int


@router.post("/transactions/{id}/close")
async def close_transaction(
    id: Id, principal: Writer, context: Context, body: CloseBody | None = None
) -> TransactionView:
    """Close a transaction that its station left open. If the station ends it after all, its word counts."""
    transaction = await transaction_of(context, principal, id)
    return view(await context.services.tidying.close(transaction, None if body is None else body.meter_stop_wh))


@router.post("/stations/{station_id}/clean-up")
async def clean_up_station(station_id: StationId, principal: Writer, context: Context) -> CleanedUpView:
    """Close every open transaction of a station and forget what it holds: for tests, and after repairs."""
    await station_of(context, principal, station_id)
    return CleanedUpView.model_validate(await context.services.tidying.clean_up(principal.organisation_id, station_id))
