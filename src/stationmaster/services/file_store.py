"""The folder of files: written as they come, found by a name of ours, removed without a trace.

The rule that shapes this file: nobody's words become a path. A file is written beside its place, and takes
its place only when it is whole and on the disk; what is broken off, too large, or has no room is removed at once.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from stationmaster.domain.errors import TooLarge, Unavailable
from stationmaster.instants import Instant

__all__ = ["FileStore", "IncomingFile", "Written"]

BLOCK_BYTES: Final = 256 * 1024
LOOK_EVERY_BYTES: Final = 16 * BLOCK_BYTES
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_PARTIAL: Final = ".part"


class Written(msgspec.Struct, frozen=True):
    """A file that is whole and on the disk."""

    id: str
    size_bytes: int
    sha256: str


class FileStore:
    """Files on disk."""

    def __init__(self, folder: Path, *, keep_free_bytes: int) -> None:
        self._folder = folder
        self._keep_free_bytes = keep_free_bytes

    def path_of(self, file_id: str) -> Path:
        """Where a file lies."""
        return self._folder / file_id[:2] / file_id

    async def begin(self, limit_bytes: int) -> "IncomingFile":
        """A new file that may get so large. Raises Unavailable when there is no room for files."""
        file_id = str(uuid4())
        incoming = IncomingFile(file_id, self.path_of(file_id), limit_bytes, self._keep_free_bytes)
        await incoming.open()
        return incoming

    async def remove(self, file_id: str) -> None:
        """Remove a file; harmless when it is not there."""
        await asyncio.to_thread(self.path_of(file_id).unlink, missing_ok=True)

    async def sweep(self, known: Callable[[list[str]], Awaitable[set[str]]], before: Instant) -> int:
        """Remove what a node left when it died: files older than `before` that nobody knows. Returns how many."""
        removed = 0
        for folder in await asyncio.to_thread(self._folders):
            old = await asyncio.to_thread(_older, folder, before)
            kept = await known([path.name for path in old]) if old else set()
            for path in old:
                if path.name not in kept:
                    await asyncio.to_thread(path.unlink, missing_ok=True)
                    removed += 1
        return removed

    def _folders(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return sorted(path for path in self._folder.iterdir() if path.is_dir())
        return []


class IncomingFile:
    """A file on its way in. Ends with `finish`, or with `abandon`, after which nothing is left of it."""

    def __init__(self, file_id: str, path: Path, limit_bytes: int, keep_free_bytes: int) -> None:
        self.id = file_id
        self.size_bytes = 0
        self._path = path
        self._partial = path.with_name(path.name + _PARTIAL)
        self._limit_bytes = limit_bytes
        self._keep_free_bytes = keep_free_bytes
        self._descriptor = -1
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._looked_at = 0
        self._hash = sha256()

    async def open(self) -> None:
        """Make the file. Raises Unavailable."""
        await self._do(self._open)

    async def write(self, part: bytes) -> None:
        """Add bytes. Raises TooLarge or Unavailable, and then nothing is left of the file."""
        self.size_bytes += len(part)
        if self.size_bytes > self._limit_bytes:
            await self.abandon()
            words = f"The file is larger than {self._limit_bytes} bytes, which is the most that is taken here."
            raise TooLarge("file_too_large", words)
        self._waiting.append(part)
        self._waiting_bytes += len(part)
        if self._waiting_bytes >= BLOCK_BYTES:
            await self._do(self._flush)

    async def finish(self) -> Written:
        """Put the whole file in its place, durably. Raises Unavailable."""
        await self._do(self._finish)
        return Written(self.id, self.size_bytes, self._hash.hexdigest())

    async def abandon(self) -> None:
        """Leave nothing behind. Harmless when the file has ended already."""
        await asyncio.to_thread(self._abandon)

    async def _do(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except OSError as error:
            await self.abandon()
            if error.errno in _NO_ROOM:
                raise Unavailable("disk_full", "There is no room for files on the disk.") from error
            raise Unavailable("files_unavailable", f"The file cannot be written: {error.strerror}.") from error
        except asyncio.CancelledError:
            await self.abandon()
            raise

    # In a thread.

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._check_room()
        self._descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def _flush(self) -> None:
        if self.size_bytes - self._looked_at >= LOOK_EVERY_BYTES:
            self._looked_at = self.size_bytes
            self._check_room()
        block = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._hash.update(block)
        view = memoryview(block)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _finish(self) -> None:
        self._flush()
        os.fsync(self._descriptor)
        self._close()
        self._partial.rename(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _abandon(self) -> None:
        self._close()
        self._partial.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _check_room(self) -> None:
        if shutil.disk_usage(self._path.parent).free < self._keep_free_bytes:
            raise OSError(errno.ENOSPC, "less is free than must stay free")


def _older(folder: Path, before: Instant) -> list[Path]:
    return [path for path in _files(folder) if path.stat().st_mtime_ns // 1_000 < before]


def _files(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from (path for path in folder.iterdir() if path.is_file())
