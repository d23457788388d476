"""Transactions, as they were reported; energy is worked out and says from what."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.places import connector_number
from stationmaster.api.values import Filters, Id, InstantIn, Listed, Moment, Text, View
from stationmaster.domain.transactions import Transaction

router = APIRouter(tags=["Transactions"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("transactions:read"))]


class TransactionView(View):
    """A transaction."""

    id: int = Field(description="Ours, unique.")
    transaction_id: int | str = Field(description="As the station knows it: a number in OCPP 1.6.")
    station_id: str
    site_id: str | None
    protocol: str
    evse_id: int | None
    connector_id: int | None = Field(description="As the station counts it.")
    id_tag: str | None
    parent_id_tag: str | None
    state: str = Field(description="open, closed or superseded.")
    authorization_status: str | None
    reservation_id: int | None
    started_at: Moment | None
    started_at_text: str | None = Field(description="As the station wrote it.")
    start_received_at: Moment | None
    stopped_at: Moment | None
    stopped_at_text: str | None
    stop_received_at: Moment | None
    stop_reason: str | None
    stop_id_tag: str | None
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int | None
    energy_source: str | None = Field(description="meter_stop or last_sample.")
    last_meter_wh: float | None
    last_sampled_at: Moment | None
    remote_start_job_id: str | None
    flags: list[str] = Field(description="What is odd about it; empty when nothing is.")


class TransactionFilters(Filters):
    """What transactions can be narrowed by."""

    station_id: Text | None = None
    evse_id: int | None = Field(default=None, ge=0, le=2**31 - 1)
    id_tag: Text | None = Field(default=None, description="The whole tag, in any case.")
    state: Literal["open", "closed", "superseded"] | None = None
    since: InstantIn | None = Field(default=None, description="Started at or after this time.")
    until: InstantIn | None = Field(default=None, description="Started before this time.")
    flagged: bool | None = Field(default=None, description="Only those about which something is odd, or nothing.")


@router.get("/transactions", response_model=Listed[TransactionView], responses=LISTED)
async def list_transactions(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[TransactionFilters, Query()]
) -> Any:
    """All transactions, the newest first."""
    find = partial(
        context.storage.transactions.find, principal.organisation_id, site_ids=principal.site_ids, **filters.wanted()
    )
    return await listing(filters, wanted, find, view, "transactions")


@router.get("/transactions/{id}")
async def read_transaction(id: Id, principal: Reader, context: Context) -> TransactionView:
    """One transaction."""
    return view(await transaction_of(context, principal, id))


async def transaction_of(context: ApiContext, principal: Principal, id: int) -> Transaction:
    """A transaction that the principal may see; raises NotFound."""
    transaction = await context.storage.transactions.get(id)
    if transaction is None or not principal.sees(transaction):
        raise unknown("transaction", "transaction_unknown")
    return transaction


def view(transaction: Transaction) -> TransactionView:
    """What is told of a transaction."""
    return TransactionView.model_validate(_Told(transaction))


class _Told:
    """A transaction with its id and its place in the station's words."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        ocpp_id = transaction.ocpp_id
        numbered = transaction.protocol == "ocpp1.6" and ocpp_id.lstrip("-").isdecimal()
        self.transaction_id = int(ocpp_id) if numbered else ocpp_id
        self.connector_id = connector_number(transaction.protocol, transaction.evse_id, transaction.connector_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)
