"""Files that go out: whole, in part (one range), or only announced, and how much of them was really taken.

Starlette has an answer for files, but it does not tell what the other side took, and it answers several
ranges at once, with which a small request makes a large answer.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from stationmaster.api.problems import problem_response
from stationmaster.domain.files import StoredFile

__all__ = ["Taken", "file_response"]

BLOCK_BYTES: Final = 128 * 1024
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Taken = Callable[[int, int], Awaitable[None]]
"""Told that the bytes from the first to before the second were taken."""


async def nobody_counts(_start: int, _end: int) -> None:
    """For files that may be taken as often as one likes."""


def file_response(request: Request, stored: StoredFile, path: Path, taken: Taken = nobody_counts) -> Response:
    """The answer to GET or HEAD for a file: 200, 206 for one range, 416 for one that is not there or for several."""
    size = stored.size_bytes
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{stored.sha256}"',
        "Content-Disposition": _disposition(stored.name),
        "Cache-Control": "no-store",
    }
    wanted = request.headers.get("range")
    condition = request.headers.get("if-range")
    if wanted is None or (condition is not None and condition != headers["ETag"]):
        return _answer(request, 200, headers, path, (0, size), taken)
    span = _span(wanted, size)
    if span is None:
        # Several ranges at once are refused too: no station asks for them.
        return problem_response(
            416, "range_not_there", "There is no such part.", headers={"Content-Range": f"bytes */{size}"}
        )
    headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    return _answer(request, 206, headers, path, span, taken)


def _answer(
    request: Request, status: int, headers: dict[str, str], path: Path, span: tuple[int, int], taken: Taken
) -> Response:
    headers["Content-Length"] = str(span[1] - span[0])
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type="application/octet-stream")
    blocks = _blocks(request, path, span, taken)
    return StreamingResponse(blocks, status, headers, "application/octet-stream")


async def _blocks(request: Request, path: Path, span: tuple[int, int], taken: Taken) -> AsyncIterator[bytes]:
    """The bytes; what was asked for anew was taken, so a connection that broke counts what came before it."""
    start, end = span
    place = start
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(file.seek, start)
        try:
            while place < end:
                block = await asyncio.to_thread(file.read, min(BLOCK_BYTES, end - place))
                if not block:
                    return
                yield block
                if await request.is_disconnected():
                    return
                place += len(block)
        finally:
            if place > start:
                await asyncio.shield(taken(start, place))


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """From the first byte to before the last of a `Range`; None when it cannot be satisfied."""
    match = _RANGE.fullmatch(wanted.replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    return (start, end) if start < end else None


def _disposition(name: str) -> str:
    plain = "".join(character if character.isascii() and character not in '"\\%' else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
