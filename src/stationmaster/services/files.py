"""The file service: passes for one transfer of one job, and the files that travel (handbook §3.9.3).

The rule that shapes this file: a station never says where something lies or what it is called on our
disk. It shows a secret; what the secret opens is decided here. Every reason why a pass does not open
is told in the same way: there is nothing there.
"""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import msgspec

from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.files import Direction, FileKind, FilePass, StoredFile, display_name, is_good
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.file_store import FileStore, IncomingFile

__all__ = ["FTP", "FileService", "Grant"]

MOST_AT_ONCE: Final = 2
"""Uploads under way with one pass: a second try may begin before the first is seen to be dead."""
PROTOCOLS_KEY: Final = "supportedfiletransferprotocols"
PASS_MEMORY_US: Final = 7 * 86_400_000_000
"""How long an expired pass is kept, for whoever asks why a transfer failed."""
FTP: Final = frozenset({"ftp", "ftps"})


class Grant(msgspec.Struct, frozen=True):
    """A pass that was made, and its secret, which is told once."""

    made: FilePass
    secret: str


class FileService:
    """Makes passes, opens what they open, keeps what was brought."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._secrets = context.secrets
        self._clock = context.clock
        self.settings = context.settings.files
        self.store = FileStore(self.settings.folder, keep_free_bytes=self.settings.keep_free_bytes)
        self._under_way: dict[str, int] = {}

    # Passes.

    async def grant_download(
        self, station: Station, job_id: str, stored: StoredFile, *, uses: int, until: Instant
    ) -> Grant:
        """Let the station of a job fetch a file so many times, and break off as often as it likes."""
        return await self._grant(
            station, job_id, Direction.DOWNLOAD, stored.kind, stored.size_bytes, until, uses=uses, file_id=stored.id
        )

    async def grant_upload(self, station: Station, job_id: str, kind: FileKind, *, until: Instant) -> Grant:
        """Let the station of a job bring one file."""
        limit_bytes = self.settings.upload_limit_bytes
        return await self._grant(station, job_id, Direction.UPLOAD, kind, limit_bytes, until, uses=1)

    async def revoke(self, grant: Grant) -> None:
        """Take a pass back: its job was never sent."""
        await self._storage.file_passes.delete(grant.made.id)

    async def transfer_for(self, station: Station, wanted: str) -> str:
        """Whether to go by "http" or "ftp": as wanted, or for "auto" as the station can. Conflict without FTP."""
        if wanted == "auto":
            wanted = "ftp" if self.settings.ftp is not None and await self._speaks_only_ftp(station.id) else "http"
        if wanted == "ftp" and self.settings.ftp is None:
            raise Conflict("ftp_off", "Our FTP server is off: set ftp.port, or give a location of your own.")
        return wanted

    def address(self, grant: Grant, transfer: str, origin: str, name: str = "") -> str:
        """What the station is told: where to fetch the file, or the folder to bring it to.

        `origin` is how whoever asked for the transfer reached us, for want of a setting.
        """
        base_url = (self.settings.base_url or origin).rstrip("/")
        host = urlsplit(base_url).hostname
        if not host:
            words = "It is not known how stations reach us: set files.base_url, or give a location of your own."
            raise Invalid("base_url_missing", words, fields=(FieldError("location", "base_url_missing", words),))
        shown = quote(name, safe="")
        if transfer == "ftp" and self.settings.ftp is not None:
            ftp = self.settings.ftp
            host = ftp.host or host
            host = f"[{host}]" if ":" in host else host
            return f"ftp://{grant.made.id}:{grant.secret}@{host}:{ftp.port}/{shown}"
        way = "get" if grant.made.direction == Direction.DOWNLOAD else "put"
        return f"{base_url}/files/{way}/{grant.secret}/{shown}"

    # What a station does with a pass.

    async def redeem(self, secret: str, direction: Direction) -> FilePass:
        """The pass of a secret. Raises NotFound when it is not known, used, expired, or its job is over."""
        found: FilePass | None = await self._storage.file_passes.by_hash(self._secrets.file_secret_hash(secret))
        if found is None or not await self.still_good(found, direction):
            raise _nothing_there()
        return found

    async def log_in(self, pass_id: str, secret: str) -> FilePass | None:
        """The pass of an FTP user, if the password is its secret and it is good."""
        found: FilePass | None = await self._storage.file_passes.by_hash(self._secrets.file_secret_hash(secret))
        if found is None or found.id != pass_id or not await self.still_good(found, Direction(found.direction)):
            return None
        return found

    async def again(self, found: FilePass) -> FilePass | None:
        """A pass as it is now."""
        now: FilePass | None = await self._storage.file_passes.get(found.id)
        return now

    async def still_good(self, found: FilePass, direction: Direction) -> bool:
        """Whether a pass opens the door now."""
        job = await self._storage.jobs.get(found.job_id)
        return is_good(found, direction, job, self._clock())

    async def to_fetch(self, found: FilePass) -> tuple[StoredFile, Path]:
        """The file that a pass is for, and where it lies. Raises NotFound."""
        stored: StoredFile | None = None if found.file_id is None else await self._storage.files.get(found.file_id)
        if stored is None:
            raise _nothing_there()
        return stored, await self.path_of(stored)

    async def path_of(self, stored: StoredFile) -> Path:
        """Where a file lies. Raises NotFound when the disk has lost it."""
        path = self.store.path_of(stored.id)
        if not await asyncio.to_thread(path.is_file):
            raise _nothing_there()
        return path

    async def fetched(self, found: FilePass, start: int, end: int) -> None:
        """The station took the bytes from `start` to before `end`."""
        await self._storage.file_passes.delivered(found.id, start, end)

    async def begin_bringing(self, found: FilePass) -> IncomingFile:
        """A file begins to come. To be followed by `brought` or `broken_off`. Raises Conflict, Unavailable."""
        if self._under_way.get(found.id, 0) >= MOST_AT_ONCE:
            raise Conflict("upload_under_way", "This upload is under way already.")
        self._under_way[found.id] = self._under_way.get(found.id, 0) + 1
        try:
            return await self.store.begin(found.size_bytes)
        except BaseException:
            self._ended(found)
            raise

    async def broken_off(self, found: FilePass, incoming: IncomingFile) -> None:
        """The file will not come whole; nothing is left of it, and the station may try again."""
        self._ended(found)
        await incoming.abandon()

    async def brought(self, found: FilePass, incoming: IncomingFile, name: str) -> StoredFile:
        """The whole file has come: keep it. Raises NotFound when another was kept before it, Unavailable."""
        try:
            written = await incoming.finish()
            stored = StoredFile(
                id=written.id,
                organisation_id=found.organisation_id,
                site_id=found.site_id,
                station_id=found.station_id,
                job_id=found.job_id,
                kind=found.kind,
                name=display_name(name, f"{found.kind}-{found.station_id}"),
                size_bytes=written.size_bytes,
                sha256=written.sha256,
                created_at=self._clock(),
            )
            try:
                kept = await self._storage.file_passes.use(found, stored)
            except BaseException:
                await self.store.remove(written.id)
                raise
        finally:
            self._ended(found)
        if not kept:
            await self.store.remove(written.id)
            raise _nothing_there()
        return stored

    # Upkeep.

    async def remove(self, stored: StoredFile) -> None:
        """Forget a file. Its row goes first: a file without one is swept away later."""
        await self._storage.files.delete([stored.id])
        await self.store.remove(stored.id)

    async def remove_old(self, before: Instant, now: Instant) -> int:
        """Remove what stations brought before a time, old passes, and what dead nodes left. Returns how many files."""
        removed = 0
        while True:
            page = await self._storage.files.find(
                kind=[FileKind.DIAGNOSTICS.value, FileKind.LOG.value], before=before, limit=500
            )
            for stored in page.items:
                await self.remove(stored)
            removed += len(page.items)
            if page.next_cursor is None:
                break
        await self._storage.file_passes.prune(now - PASS_MEMORY_US)
        return removed + await self.store.sweep(self._storage.files.known, now - 86_400_000_000)

    # Inside.

    async def _grant(
        self,
        station: Station,
        job_id: str,
        direction: Direction,
        kind: str,
        size_bytes: int,
        until: Instant,
        *,
        uses: int,
        file_id: str | None = None,
    ) -> Grant:
        made = FilePass(
            id=uuid4().hex[:16],
            organisation_id=station.organisation_id,
            site_id=station.site_id,
            station_id=station.id,
            job_id=job_id,
            direction=direction.value,
            kind=str(kind),
            file_id=file_id,
            size_bytes=size_bytes,
            delivered_bytes=0,
            uses_left=uses,
            created_at=self._clock(),
            expires_at=until,
        )
        secret = self._secrets.new_file_secret()
        await self._storage.file_passes.create(made, self._secrets.file_secret_hash(secret))
        return Grant(made, secret)

    async def _speaks_only_ftp(self, station_id: str) -> bool:
        for each in await self._storage.configuration.of(station_id):
            if each.variable.lower() == PROTOCOLS_KEY and each.value:
                spoken = {part.strip().lower() for part in each.value.split(",")}
                return bool(spoken & FTP) and not spoken & {"http", "https"}
        return False

    def _ended(self, found: FilePass) -> None:
        left = self._under_way.pop(found.id, 1) - 1
        if left > 0:
            self._under_way[found.id] = left


def _nothing_there() -> NotFound:
    return NotFound("file_unknown", "There is nothing there.")
