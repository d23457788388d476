"""The audit log: who did what to which station with what result."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.messages import within_sites
from stationmaster.api.values import Filters, InstantIn, Listed, Text, View
from stationmaster.domain.audit import AuditEntry, entry_document

router = APIRouter(tags=["Audit log"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("audit:read"))]


class AuditEntryView(BaseModel):
    """An entry. Its hash is SHA-256 over all other members as JSON, names sorted, no blanks."""

    organisation_id: str
    sequence: int = Field(description="Counts from 1, without gaps.")
    at: str = Field(json_schema_extra={"format": "date-time"})
    actor: str = Field(description="`user:NAME`, `api_key:NAME`, `command_line`, or `nobody`.")
    action: str = Field(
        description="The operation of the API, an action of OCPP that a station answered, or `sign_in`."
    )
    target: str | None = Field(description="What it was done to.")
    station_id: str | None
    result: str = Field(description="`ok`, `refused` (what was asked cannot be) or `failed`.")
    status: int | None = Field(description="The HTTP status of the answer.")
    remote_address: str | None
    details: dict[str, Any] = Field(description="What was sent and what came of it, without secrets.")
    previous_hash: str
    hash: str


class FlawView(View):
    """Where the chain is broken, and how."""

    sequence: int
    words: str


class VerificationView(BaseModel):
    """What going through the whole log has shown."""

    whole: bool = Field(description="Nothing was changed, left out or put in.")
    length: int = Field(description="How many entries were gone through.")
    hash: str = Field(description="Of the last of them. Written down elsewhere, it proves later that none was cut off.")
    flaws: list[FlawView] = Field(description="At most 20.")


class AuditFilters(Filters):
    """What the audit log can be narrowed by."""

    actor: Text | None = None
    action: Text | None = None
    station_id: Text | None = None
    result: Literal["ok", "refused", "failed"] | None = None
    search: Text | None = Field(default=None, description="Part of actor, target or details.")
    since: InstantIn | None = None
    until: InstantIn | None = None


@router.get("/audit", response_model=Listed[AuditEntryView], responses=LISTED)
async def list_audit(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[AuditFilters, Query()]
) -> Any:
    """The audit log, the newest first. `stationmaster audit verify` proves that nobody has changed it."""
    await within_sites(context, principal, filters.station_id)
    find = partial(context.storage.audit.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, _view, "audit")


@router.get("/audit/verification")
async def verify_audit(principal: Reader, context: Context) -> VerificationView:
    """Go through the whole log and prove the chain, as `stationmaster audit verify` does. It takes longer with time."""
    principal.require_whole_organisation()
    (proof,) = await context.services.audit.prove(principal.organisation_id)
    return VerificationView(
        whole=not proof.flaws,
        length=proof.head.length,
        hash=proof.head.hash,
        flaws=[FlawView.model_validate(flaw) for flaw in proof.flaws],
    )


def _view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView.model_validate(entry_document(entry) | {"hash": entry.hash})
