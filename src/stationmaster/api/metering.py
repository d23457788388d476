"""Measured values: of a transaction, and those that belong to none."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS, StationId
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.provisioning import station_of
from stationmaster.api.transactions import transaction_of
from stationmaster.api.values import Filters, Id, InstantIn, Listed, LongId, Moment, View

router = APIRouter(tags=["Transactions"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("transactions:read"))]


class SampleView(View):
    """One measured value."""

    raw: str = Field(description="As the station wrote it.")
    value: float | None = Field(description="In the base unit; null when the text is no number.")
    measurand: str
    unit: str | None
    phase: str | None
    location: str | None
    context: str
    format: str
    flags: list[str] = Field(description="Why it is kept out of every sum; empty when it is not.")


class MeterValueSetView(View):
    """Values that were taken at one moment."""

    id: LongId
    station_id: str
    transaction_id: int | None = Field(description="The `id` of the transaction.")
    evse_id: int | None = Field(description="null: the main meter (connector 0).")
    sampled_at: Moment
    received_at: Moment
    inferred: bool = Field(description="The station named no transaction; place and time did.")
    flags: list[str]
    samples: list[SampleView]


class MeterFilters(Filters):
    """What measured values can be narrowed by."""

    since: InstantIn | None = None
    until: InstantIn | None = None


class StationMeterFilters(MeterFilters):
    """The same, at a station."""

    evse_id: int | None = Field(default=None, ge=0, le=2**31 - 1)


@router.get("/transactions/{id}/meter-values", response_model=Listed[MeterValueSetView], responses=LISTED)
async def list_transaction_meter_values(
    id: Id, principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[MeterFilters, Query()]
) -> Any:
    """The measured values of a transaction, in the order of their times."""
    await transaction_of(context, principal, id)
    find = partial(context.storage.transactions.meter_values, id, **filters.wanted())
    return await listing(filters, wanted, find, MeterValueSetView.model_validate, f"meter-values-{id}")


@router.get("/stations/{station_id}/meter-values", response_model=Listed[MeterValueSetView], responses=LISTED)
async def list_station_meter_values(
    station_id: StationId,
    principal: Reader,
    context: Context,
    wanted: WantedFormat,
    filters: Annotated[StationMeterFilters, Query()],
) -> Any:
    """The measured values of a station that belong to no transaction, in the order of their times."""
    await station_of(context, principal, station_id)
    find = partial(context.storage.transactions.meter_values, station_id=station_id, **filters.wanted())
    return await listing(filters, wanted, find, MeterValueSetView.model_validate, "meter-values")
