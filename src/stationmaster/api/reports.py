"""What stations tell of themselves: security events, transfers of firmware and logs, vendor messages."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.messages import within_sites
from stationmaster.api.values import Filters, InstantIn, Listed, Moment, Text, View

router = APIRouter(tags=["Reports"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]


class SecurityEventView(View):
    """A security event of a station, or of ours about one."""

    station_id: str
    type: str
    occurred_at: Moment
    received_at: Moment
    technical_info: str | None
    critical: bool
    source: str = Field(description="`station` or `csms`.")


class TransferStatusView(View):
    """A step of a firmware update or of an upload."""

    station_id: str
    transfer: str = Field(description="firmware, diagnostics, signed_firmware or log.")
    status: str
    request_id: int | None
    job_id: str | None
    received_at: Moment


class VendorMessageView(View):
    """A vendor message from a station, and our answer."""

    station_id: str
    vendor_id: str
    message_id: str | None
    data: str | None
    status: str
    received_at: Moment


class ReportFilters(Filters):
    """What all reports can be narrowed by."""

    station_id: Text | None = None
    since: InstantIn | None = None
    until: InstantIn | None = None


class SecurityEventFilters(ReportFilters):
    """What security events can be narrowed by."""

    type: Text | None = None
    critical: bool | None = None
    source: Literal["station", "csms"] | None = None


class TransferStatusFilters(ReportFilters):
    """What transfers can be narrowed by."""

    transfer: Literal["firmware", "diagnostics", "signed_firmware", "log"] | None = None
    status: Text | None = None
    job_id: Text | None = None


class VendorMessageFilters(ReportFilters):
    """What vendor messages can be narrowed by."""

    vendor_id: Text | None = None
    message_id: Text | None = None


@router.get("/security-events", response_model=Listed[SecurityEventView], responses=LISTED)
async def list_security_events(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[SecurityEventFilters, Query()]
) -> Any:
    """Security events, the newest first."""
    await within_sites(context, principal, filters.station_id)
    find = partial(context.storage.security_events.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, SecurityEventView.model_validate, "security-events")


@router.get("/transfers", response_model=Listed[TransferStatusView], responses=LISTED)
async def list_transfers(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[TransferStatusFilters, Query()]
) -> Any:
    """Progress of firmware updates and uploads, the newest first."""
    await within_sites(context, principal, filters.station_id)
    find = partial(context.storage.transfer_statuses.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, TransferStatusView.model_validate, "transfers")


@router.get("/vendor-messages", response_model=Listed[VendorMessageView], responses=LISTED)
async def list_vendor_messages(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[VendorMessageFilters, Query()]
) -> Any:
    """Vendor messages from stations (DataTransfer), the newest first."""
    await within_sites(context, principal, filters.station_id)
    find = partial(context.storage.data_transfers.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, VendorMessageView.model_validate, "vendor-messages")
