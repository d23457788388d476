"""What an FTP user sees: a folder that is not there, with the one file that the pass is for, or none.

The rule that shapes this file: a path is only ever compared, never opened. A file that was brought is kept when
the transfer has ended in order; whatever else ends it, nothing is left.
"""

import asyncio
import functools
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, NamedTuple, ParamSpec, TypeVar

import aioftp
from aioftp.pathio import AbstractPathIO, AsyncPathIOContext

from stationmaster.domain.errors import DomainError
from stationmaster.domain.files import Direction, FilePass, StoredFile
from stationmaster.services.file_store import IncomingFile
from stationmaster.services.files import FileService
from stationmaster.storage import StorageError

__all__ = ["PassFiles", "PassUser"]

ROOT: Final = Path("/pass")
MOST_FOLDERS: Final = 10

P = ParamSpec("P")
R = TypeVar("R")


class PassUser(aioftp.User):
    """A log-in with a pass."""

    def __init__(self, login: str, files: FileService) -> None:
        super().__init__(login, None, base_path=ROOT)
        self.files = files
        self.found: FilePass | None = None
        self.stored: StoredFile | None = None
        self.folders: set[Path] = {ROOT}

    async def log_in(self, secret: str) -> bool:
        """Find the pass."""
        self.found = await self.files.log_in(self.login or "", secret)
        if self.found is not None and self.found.direction == Direction.DOWNLOAD:
            self.stored, _ = await self.files.to_fetch(self.found)
            self.permissions = [aioftp.Permission("/", readable=True, writable=False)]
        return self.found is not None

    async def is_good(self) -> bool:
        """Whether the pass still opens the door: it may have been used since the log-in."""
        now = None if self.found is None else await self.files.again(self.found)
        return now is not None and await self.files.still_good(now, Direction(now.direction))


class Sizes(NamedTuple):
    """What a listing tells of a file or a folder."""

    st_size: int
    st_ctime: float
    st_mtime: float
    st_nlink: int
    st_mode: int


class _Fetching:
    """A file on its way out. What was read before the latest read was taken."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.start = self.taken = self.place = 0


class _Bringing:
    """A file on its way in."""

    def __init__(self, user: PassUser, name: str) -> None:
        self.name = name
        self.incoming: IncomingFile | None = None
        self._user = user

    async def begun(self) -> IncomingFile:
        """The file on disk; made when the first bytes come, since aioftp loses an error at the opening."""
        if self.incoming is None and self._user.found is not None:
            self.incoming = await self._user.files.begin_bringing(self._user.found)
        if self.incoming is None:
            raise PermissionError("the pass is used up")
        return self.incoming


def _told(work: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Our errors as those of a file system, which aioftp answers with 451."""

    @functools.wraps(work)
    async def telling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await work(*args, **kwargs)
        except (DomainError, StorageError, OSError) as error:
            raise aioftp.PathIOError from error

    return telling


class _Transfer(AsyncPathIOContext):
    """An open file; one that was not closed in order was broken off."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        files: Any = self.pathio
        if kind is None:
            await files.close(self.file)
        else:
            await files.broken_off(self.file)


class PassFiles(AbstractPathIO[Path]):
    """The file system of one connection."""

    @property
    def _user(self) -> PassUser:
        user = None if self.connection is None else self.connection.user
        if not isinstance(user, PassUser):
            raise aioftp.PathIOError
        return user

    async def exists(self, path: Path) -> bool:
        """Whether something is there."""
        return await self.is_dir(path) or await self.is_file(path)

    async def is_dir(self, path: Path) -> bool:
        """The root, and folders that the station made up in this connection, as long as the pass is good."""
        return path in self._user.folders and await self._user.is_good()

    async def is_file(self, path: Path) -> bool:
        """The one file to fetch, as long as the pass is good. What was brought is not seen."""
        stored = self._user.stored
        return stored is not None and path == ROOT / stored.name and await self._user.is_good()

    async def mkdir(self, path: Path, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Some stations make a folder before they bring a file: it is there for them, and nowhere else."""
        user = self._user
        if user.stored is not None or len(user.folders) >= MOST_FOLDERS or path.parent not in user.folders:
            raise aioftp.PathIOError
        user.folders.add(path)

    async def rmdir(self, path: Path) -> None:
        """Not here."""
        raise aioftp.PathIOError

    async def unlink(self, path: Path) -> None:
        """Not here."""
        raise aioftp.PathIOError

    async def rename(self, source: Path, destination: Path) -> Path:
        """Not here."""
        raise aioftp.PathIOError

    async def list(self, path: Path) -> AsyncIterator[Path]:
        """The file to fetch, if this is its folder."""
        stored = self._user.stored
        if stored is not None and path == ROOT:
            yield ROOT / stored.name

    async def stat(self, path: Path) -> Sizes:  # type: ignore[override]  # what aioftp reads of it
        """What a listing tells."""
        stored = self._user.stored
        if stored is not None and path == ROOT / stored.name:
            seconds = stored.created_at / 1_000_000
            return Sizes(stored.size_bytes, seconds, seconds, 1, stat.S_IFREG | 0o400)
        return Sizes(0, 0, 0, 1, stat.S_IFDIR | 0o300)

    def open(self, *args: Any, **kwargs: Any) -> AsyncPathIOContext:
        """Open the file to fetch, or a new one."""
        return _Transfer(self, args, kwargs)  # type: ignore[arg-type]  # they go on as they came

    @_told
    async def _open(self, path: Path, mode: str = "rb") -> Any:
        user = self._user
        if mode == "rb" and user.stored is not None:
            place = await user.files.path_of(user.stored)
            return _Fetching(await asyncio.to_thread(place.open, "rb"))
        if mode == "wb" and user.stored is None:
            return _Bringing(user, path.name)
        raise PermissionError("this cannot be done with this pass")

    @_told
    async def seek(self, file: Any, offset: int, whence: int = 0) -> int:
        """Go on where a transfer broke off."""
        if not isinstance(file, _Fetching):
            raise PermissionError("a file is brought from its beginning")
        await asyncio.to_thread(file.file.seek, offset)
        file.start = file.taken = file.place = offset
        return offset

    @_told
    async def write(self, file: Any, data: bytes) -> int:
        """Some of the file has come."""
        # When the log-in ends, aioftp cancels the transfer; until Python 3.12, `asyncio.wait_for` forgets that if data
        # comes in the same turn.
        if self.connection is None or self.connection.command_connection.writer.is_closing():
            raise ConnectionResetError("the log-in has ended")
        await (await file.begun()).write(data)
        return len(data)

    @_told
    async def read(self, file: Any, block_size: int) -> bytes:
        """More of the file is wanted, so what was read before has been taken."""
        file.taken = file.place
        block: bytes = await asyncio.to_thread(file.file.read, block_size)
        file.place += len(block)
        return block

    @_told
    async def close(self, file: Any) -> None:
        """The transfer has ended in order."""
        user = self._user
        if isinstance(file, _Fetching):
            await self._let_go(file)
        elif user.found is not None:
            await user.files.brought(user.found, await file.begun(), file.name)

    @_told
    async def broken_off(self, file: Any) -> None:
        """The transfer has ended in some other way."""
        user = self._user
        if isinstance(file, _Fetching):
            await self._let_go(file)
        elif user.found is not None and file.incoming is not None:
            await user.files.broken_off(user.found, file.incoming)

    async def _let_go(self, file: _Fetching) -> None:
        await asyncio.to_thread(file.file.close)
        user = self._user
        if user.found is not None and file.taken > file.start:
            await user.files.fetched(user.found, file.start, file.taken)
