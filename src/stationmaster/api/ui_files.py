"""The files of the built UI, compressed for browsers that take that, which is about a third of the bytes.

Compressed is what is text and long enough to gain. Each file is compressed when it is first asked for, away from the
event loop, and kept until it changes on disk. Nothing here is secret, so that what its length tells is no leak.
"""

import asyncio
import gzip
import mimetypes
from pathlib import Path

from starlette.responses import FileResponse, Response

__all__ = ["UiFiles", "takes_gzip"]

SMALLEST_BYTES = 1024
LEVEL = 9
_TEXT = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml")
_ASSETS_CACHED = "public, max-age=31536000, immutable"


class UiFiles:
    """The files in a folder, by their names as they were at the start; nothing outside it is ever read."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        self._compressed: dict[Path, tuple[int, bytes]] = {}

    def find(self, name: str) -> Path | None:
        """The file of this name, if there is one."""
        return self._files.get(name)

    async def answer(self, name: str, accept_encoding: str) -> Response:
        """The file, compressed if it may be. Names of assets hold a hash of the content, so they are kept for long.

        Raises `KeyError` if there is none of this name.
        """
        path = self._files[name]
        headers = {"Cache-Control": _ASSETS_CACHED if name.startswith("assets/") else "no-cache"}
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        status = path.stat()
        if not kind.startswith(_TEXT) or status.st_size < SMALLEST_BYTES:
            return FileResponse(path, headers=headers)
        headers["Vary"] = "Accept-Encoding"
        if not takes_gzip(accept_encoding):
            return FileResponse(path, headers=headers)
        kept = self._compressed.get(path)
        if kept is None or kept[0] != status.st_mtime_ns:
            kept = (status.st_mtime_ns, await asyncio.to_thread(_compress, path))
            self._compressed[path] = kept
        return Response(kept[1], media_type=kind, headers={**headers, "Content-Encoding": "gzip"})


def _compress(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), LEVEL, mtime=0)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether this `Accept-Encoding` (RFC 9110, 12.5.3) allows gzip; what cannot be read does not."""
    allowed: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        value = weight.replace(" ", "").removeprefix("q=")
        allowed[coding.strip()] = not weight or _above_zero(value)
    return allowed.get("gzip", allowed.get("*", False))


def _above_zero(weight: str) -> bool:
    try:
        return float(weight) > 0
    except ValueError:
        return False
