"""The firmware library: images brought in, described, signed, fetched, removed; and updates of single stations."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from stationmaster.api.access import Principal, may
from stationmaster.api.context import Context
from stationmaster.api.documents import PROBLEMS
from stationmaster.api.files import BYTES, Uuid
from stationmaster.api.incoming import receive
from stationmaster.api.listing import LISTED, WantedFormat, listing
from stationmaster.api.outgoing import file_response
from stationmaster.api.values import Body, Filters, Listed, Moment, Text, View
from stationmaster.domain.firmware import SignatureState
from stationmaster.services.firmware_library import NewFirmware

router = APIRouter(tags=["Firmware"], responses=PROBLEMS)

UPLOAD = "/api/v1/firmware/upload"
"""Where images are brought: these bodies are written to disk as they come."""

Reader = Annotated[Principal, Depends(may("firmware:read"))]
Writer = Annotated[Principal, Depends(may("firmware:write"))]
Pem = Annotated[str, Field(max_length=8000)]


class FirmwareView(View):
    """An image in the library."""

    id: str
    name: str
    version: str
    vendor: str | None = Field(description="The vendor of the stations that it is for; null: any.")
    model: str | None
    size_bytes: int
    sha256: str
    signing_certificate: str | None
    signature: str | None
    signature_state: SignatureState = Field(
        description="What we found when we checked the signature: RSA-PSS and ECDSA over SHA-256 can be checked."
    )
    note: str | None
    created_by: str
    created_at: Moment
    updated_at: Moment


class FirmwareChanges(Body):
    """What can be changed of an image. What is left out stays as it is."""

    name: Text | None = None
    version: Text | None = None
    vendor: Text | None = None
    model: Text | None = None
    note: str | None = Field(default=None, max_length=2000)
    signing_certificate: Pem | None = Field(default=None, description="PEM, at most 5500 characters.")
    signature: Pem | None = Field(default=None, description="Base64, at most 800 characters.")

    def given(self) -> dict[str, Any]:
        """The members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewFirmwareQuery(BaseModel):
    """What is said of an image in the query; a form says it in its fields, which win."""

    model_config = ConfigDict(extra="forbid")

    version: Text | None = None
    file_name: Text = ""
    name: Text | None = None
    vendor: Text | None = None
    model: Text | None = None
    note: Text | None = None


class FirmwareFilters(Filters):
    """What images can be narrowed by."""

    vendor: Text | None = None
    model: Text | None = None
    version: Text | None = None
    search: Text | None = Field(default=None, description="Part of the name or the version.")


_UPLOAD_DOCUMENT = {
    "requestBody": {
        "required": True,
        "description": "The image: as it is, or as the file of a form whose other fields describe it.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "version"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        **{name: {"type": "string"} for name in NewFirmware.__struct_fields__ if name != "file_name"},
                    },
                }
            },
        },
    }
}
_FIELDS = frozenset(NewFirmware.__struct_fields__) - {"file_name"}


@router.get("/firmware", response_model=Listed[FirmwareView], responses=LISTED)
async def list_firmware(
    principal: Reader, context: Context, wanted: WantedFormat, filters: Annotated[FirmwareFilters, Query()]
) -> Any:
    """All images, the newest first."""
    find = partial(context.storage.firmware.find, principal.organisation_id, **filters.wanted())
    return await listing(filters, wanted, find, FirmwareView.model_validate, "firmware")


@router.post("/firmware/upload", status_code=201, openapi_extra=_UPLOAD_DOCUMENT)
async def upload_firmware(
    request: Request,
    response: Response,
    principal: Writer,
    context: Context,
    query: Annotated[NewFirmwareQuery, Query()],
) -> FirmwareView:
    """Enter an image into the library."""
    library = context.services.firmware
    incoming = await library.begin()
    try:
        form = await receive(request, incoming, context.settings.body_timeout_s)
    except BaseException:
        await incoming.abandon()
        raise
    said: dict[str, Any] = query.model_dump(exclude_none=True)
    said |= {name: value for name, value in form.fields.items() if name in _FIELDS}
    said["file_name"] = said.get("file_name") or form.file_name
    new = NewFirmware(**{"version": "", **said})
    made = await library.add(principal.organisation_id, new, incoming, principal.actor)
    response.headers["Location"] = f"/api/v1/firmware/{made.id}"
    return FirmwareView.model_validate(made)


@router.get("/firmware/{firmware_id}")
async def read_firmware(firmware_id: Uuid, principal: Reader, context: Context) -> FirmwareView:
    """One image: what is known of it."""
    return FirmwareView.model_validate(await context.services.firmware.get(principal.organisation_id, firmware_id))


@router.get("/firmware/{firmware_id}/content", response_class=Response, responses=BYTES)
async def read_image(firmware_id: Uuid, principal: Reader, request: Request, context: Context) -> Response:
    """The image itself, whole or in part."""
    services = context.services
    stored = await services.firmware.file_of(await services.firmware.get(principal.organisation_id, firmware_id))
    return file_response(request, stored, await services.files.path_of(stored))


@router.patch("/firmware/{firmware_id}")
async def change_firmware(
    firmware_id: Uuid, body: FirmwareChanges, principal: Writer, context: Context
) -> FirmwareView:
    """Change what is said of an image. A new signature or certificate is checked at once."""
    changed = await context.services.firmware.update(principal.organisation_id, firmware_id, body.given())
    return FirmwareView.model_validate(changed)


@router.delete("/firmware/{firmware_id}", status_code=204)
async def delete_firmware(firmware_id: Uuid, principal: Writer, context: Context) -> None:
    """Remove an image. One that a campaign spreads stays."""
    await context.services.firmware.delete(principal.organisation_id, firmware_id)
