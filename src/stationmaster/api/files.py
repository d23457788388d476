"""Files that stations brought: listed, fetched, removed."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from stationmaster.api.access import Principal, may, unknown
from stationmaster.api.context import ApiContext, Context
from stationmaster.api.documents import PROBLEMS, problems
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.outgoing import file_response
from stationmaster.api.values import Filters, Listed, Moment, Text, View
from stationmaster.domain.files import FileKind, StoredFile

router = APIRouter(tags=["Files"], responses=PROBLEMS)

Reader = Annotated[Principal, Depends(may("stations:read"))]
Writer = Annotated[Principal, Depends(may("stations:write"))]
Uuid = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")]

BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {"schema": {"type": "string"}}}},
    206: {"description": "The part of the file that `Range` asks for."},
    **problems(416),
}
"""The `responses` of an operation that answers with a file."""


class FileView(View):
    """A file that a station brought."""

    id: str
    station_id: str | None
    site_id: str | None
    job_id: str | None
    kind: FileKind
    name: str = Field(description="As the station called it.")
    size_bytes: int
    sha256: str
    created_at: Moment


class FileFilters(Filters):
    """What files can be narrowed by."""

    station_id: Text | None = None
    job_id: Text | None = None
    kind: FileKind | None = None


@router.get("/files", response_model=Listed[FileView], responses=LISTED)
async def list_files(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[FileFilters, Query()]
) -> Any:
    """Files that stations brought, the newest first. Firmware is listed in its library."""
    given = filters.wanted()
    given["kind"] = filters.kind or [FileKind.DIAGNOSTICS.value, FileKind.LOG.value]
    find = partial(context.storage.files.find, principal.organisation_id, site_ids=principal.site_ids, **given)
    return await listing(filters, wanted, find, FileView.model_validate, "files")


@router.get("/jobs/{job_id}/files", response_model=Listed[FileView], responses=LISTED)
async def list_files_of_job(
    job_id: Uuid, principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[Filters, Query()]
) -> Any:
    """What the station brought for a job."""
    job = await context.storage.jobs.get(job_id)
    if job is None or not principal.sees(job):
        raise unknown("job", "job_unknown")
    find = partial(context.storage.files.find, principal.organisation_id, job_id=job_id)
    return await listing(filters, wanted, find, FileView.model_validate, "files")


@router.get("/files/{file_id}")
async def read_file(file_id: Uuid, principal: Reader, context: Context) -> FileView:
    """One file: what is known of it."""
    return FileView.model_validate(await _file_of(context, principal, file_id))


@router.get("/files/{file_id}/content", response_class=Response, responses=BYTES)
async def read_content(file_id: Uuid, principal: Reader, request: Request, context: Context) -> Response:
    """The file itself, whole or in part."""
    stored = await _file_of(context, principal, file_id)
    return file_response(request, stored, await context.services.files.path_of(stored))


@router.delete("/files/{file_id}", status_code=204)
async def delete_file(file_id: Uuid, principal: Writer, context: Context) -> None:
    """Remove a file."""
    await context.services.files.remove(await _file_of(context, principal, file_id))


async def _file_of(context: ApiContext, principal: Principal, file_id: str) -> StoredFile:
    stored = await context.storage.files.get(file_id)
    if stored is None or not principal.sees(stored) or stored.kind == FileKind.FIRMWARE:
        raise unknown("file", "file_unknown")
    return stored
