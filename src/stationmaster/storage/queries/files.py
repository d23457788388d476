"""Files and passes: found, kept, used up."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from stationmaster.domain.files import FilePass, StoredFile
from stationmaster.instants import Instant
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.tables import file, file_pass

__all__ = ["FilePassQueries", "FileQueries"]

_FILES = NounReader(StoredFile)
_SELECT_FILES = sa.select(*_FILES.columns(file))
_PASSES = NounReader(FilePass)
_SELECT_PASSES = sa.select(*_PASSES.columns(file_pass))
_f = file.c
_p = file_pass.c


class FileQueries:
    """What lies in the folder of files."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, file_id: str) -> StoredFile | None:
        """One file."""
        rows = await self._access.read(_SELECT_FILES.where(_f.id == file_id))
        return _FILES.one(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        station_id: str | None = None,
        job_id: str | None = None,
        kind: str | Sequence[str] | None = None,
        before: Instant | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[StoredFile]:
        """Files, the newest first; `before` bounds the time at which they came."""
        where = only(
            {
                _f.organisation_id: organisation_id,
                _f.site_id: site_ids,
                _f.station_id: station_id,
                _f.job_id: job_id,
                _f.kind: kind,
            }
        )
        if before is not None:
            where.append(_f.created_at < before)
        if cursor is not None:
            created_at, file_id = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(_f.created_at < created_at, sa.and_(_f.created_at == created_at, _f.id < file_id)))
        statement = _SELECT_FILES.where(*where).order_by(_f.created_at.desc(), _f.id.desc())
        rows = await self._access.read(statement.limit(bounded(limit) + 1))
        return one_page(rows, _FILES, limit, lambda found: (found.created_at, found.id))

    async def known(self, file_ids: Sequence[str]) -> set[str]:
        """Those of `file_ids` that exist."""
        rows = await self._access.read(sa.select(_f.id).where(_f.id.in_(file_ids)))
        return {str(row[0]) for row in rows}

    async def create(self, stored: StoredFile) -> None:
        """Remember a file."""
        await self._access.write(execute, sa.insert(file).values(msgspec.structs.asdict(stored)))

    async def delete(self, file_ids: Sequence[str]) -> None:
        """Forget files."""
        await self._access.write(execute, sa.delete(file).where(_f.id.in_(file_ids)))


class FilePassQueries:
    """Passes, found by the hash of their secret or, for a log-in, by their id."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def by_hash(self, secret_hash: bytes) -> FilePass | None:
        """The pass of a secret."""
        return await self._one(_p.secret_hash == secret_hash)

    async def get(self, pass_id: str) -> FilePass | None:
        """One pass."""
        return await self._one(_p.id == pass_id)

    async def create(self, made: FilePass, secret_hash: bytes) -> None:
        """Remember a pass."""
        values = msgspec.structs.asdict(made) | {"secret_hash": secret_hash}
        await self._access.write(execute, sa.insert(file_pass).values(values))

    async def delete(self, pass_id: str) -> None:
        """Forget a pass: the job that it was made for was never sent."""
        await self._access.write(execute, sa.delete(file_pass).where(_p.id == pass_id))

    async def delivered(self, pass_id: str, start: int, end: int) -> None:
        """The bytes from `start` to before `end` were taken; the last byte uses the pass once.

        Bytes count only where they join those before, so parts out of order do not use up a pass.
        """
        await self._access.write(_deliver, pass_id, start, end)

    async def use(self, made: FilePass, brought: StoredFile) -> bool:
        """The file was brought: keep it and use the pass once, or keep nothing if it was used meanwhile."""
        return await self._access.write(_use, made, brought)

    async def prune(self, before: Instant) -> int:
        """Forget the passes that expired before a time."""
        return (await self._access.write(execute, sa.delete(file_pass).where(_p.expires_at < before))).rowcount

    async def _one(self, condition: sa.ColumnElement[bool]) -> FilePass | None:
        rows = await self._access.read(_SELECT_PASSES.where(condition))
        return _PASSES.one(rows[0]) if rows else None


def _deliver(pass_id: str, start: int, end: int) -> Program[None]:
    joins = (_p.id == pass_id, _p.delivered_bytes >= start, _p.delivered_bytes < end, _p.uses_left > 0)
    whole = (_p.id == pass_id, _p.delivered_bytes >= _p.size_bytes)
    yield from execute(sa.update(file_pass).where(*joins).values(delivered_bytes=end))
    yield from execute(sa.update(file_pass).where(*whole).values(delivered_bytes=0, uses_left=_p.uses_left - 1))


def _use(made: FilePass, brought: StoredFile) -> Program[bool]:
    there = (_p.id == made.id, _p.uses_left > 0)
    used = yield from execute(sa.update(file_pass).where(*there).values(uses_left=_p.uses_left - 1, file_id=brought.id))
    if not used.rowcount:
        return False
    yield from execute(sa.insert(file).values(msgspec.structs.asdict(brought)))
    return True
