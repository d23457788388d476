"""The door for stations: fetch with GET, bring with PUT or POST, at an address that was made for one job (§3.9.3).

Some stations add the name of their file to the address they were given, with or without a slash, and some
do not; all of them arrive. Nothing of what they add is ever used as a path.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from stationmaster.api.context import Context
from stationmaster.api.incoming import receive
from stationmaster.api.outgoing import file_response
from stationmaster.domain.files import Direction

__all__ = ["BRING", "router"]

router = APIRouter(include_in_schema=False)

BRING = "/files/put/"
"""Where stations bring files: these bodies are written to disk as they come."""

Secret = Annotated[str, Path(max_length=200)]


@router.api_route("/files/get/{secret}", methods=["GET", "HEAD"])
@router.api_route("/files/get/{secret}/{rest:path}", methods=["GET", "HEAD"])
async def fetch(request: Request, secret: Secret, context: Context) -> Response:
    """Fetch a file, whole or from where a transfer broke off."""
    files = context.services.files
    found = await files.redeem(secret, Direction.DOWNLOAD)
    stored, path = await files.to_fetch(found)

    async def taken(start: int, end: int) -> None:
        await files.fetched(found, start, end)

    return file_response(request, stored, path, taken)


@router.api_route("/files/put/{secret}", methods=["PUT", "POST"])
@router.api_route("/files/put/{secret}/{rest:path}", methods=["PUT", "POST"])
async def bring(request: Request, secret: Secret, context: Context) -> Response:
    """Bring a file."""
    files = context.services.files
    found = await files.redeem(secret, Direction.UPLOAD)
    incoming = await files.begin_bringing(found)
    try:
        form = await receive(request, incoming, context.settings.body_timeout_s)
    except BaseException:
        await files.broken_off(found, incoming)
        raise
    await files.brought(found, incoming, request.path_params.get("rest") or form.file_name)
    return Response(status_code=201)
