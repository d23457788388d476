"""Organisations and the keys of the API."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from stationmaster.instants import Instant
from stationmaster.storage.errors import Conflict, NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import execute
from stationmaster.storage.queries.base import Access, NounReader, one_page, only
from stationmaster.storage.tables import api_key, organisations

__all__ = ["ApiKey", "ApiKeyQueries", "Organisation", "OrganisationQueries"]


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """Whose stations, tokens and transactions they are."""

    id: str
    name: str
    created_at: Instant = 0


_ORGANISATIONS = NounReader(Organisation)


class OrganisationQueries:
    """Organisations; the default one is there from the start."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, organisation_id: str) -> Organisation | None:
        """One organisation."""
        o = organisations.c
        rows = await self._access.read(sa.select(*_ORGANISATIONS.columns(organisations)).where(o.id == organisation_id))
        return _ORGANISATIONS.one(rows[0]) if rows else None

    async def find(self) -> list[Organisation]:
        """All of them, in the order of their ids."""
        statement = sa.select(*_ORGANISATIONS.columns(organisations)).order_by(organisations.c.id)
        return _ORGANISATIONS.many(await self._access.read(statement))

    async def create(self, new: Organisation) -> Organisation:
        """Add one; raises `Conflict`."""
        made = msgspec.structs.replace(new, created_at=new.created_at or self._access.clock())
        try:
            await self._access.write(execute, sa.insert(organisations).values(msgspec.structs.asdict(made)))
        except Conflict as error:
            raise Conflict(f"an organisation {new.id} exists already") from error
        return made


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the API; `hash` is all that is kept of its secret. `site_ids` None: every site."""

    id: str
    organisation_id: str
    name: str
    role: str
    hash: bytes
    site_ids: tuple[str, ...] | None = None
    created_at: Instant = 0
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    last_used_at: Instant | None = None
    permissions: tuple[str, ...] | None = None
    """What it is narrowed to; None: all that its role may do."""


_KEYS = NounReader(ApiKey)
_SELECT_KEYS = sa.select(*_KEYS.columns(api_key))


class ApiKeyQueries:
    """Keys of the API."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def by_hash(self, hash: bytes) -> ApiKey | None:
        """The key with this hash, revoked and expired ones included."""
        rows = await self._access.read(_SELECT_KEYS.where(api_key.c.hash == hash))
        return _KEYS.one(rows[0]) if rows else None

    async def get(self, key_id: str) -> ApiKey | None:
        """One key by its id."""
        rows = await self._access.read(_SELECT_KEYS.where(api_key.c.id == key_id))
        return _KEYS.one(rows[0]) if rows else None

    async def find(
        self,
        organisation_id: str | Sequence[str] | None = None,
        *,
        role: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[ApiKey]:
        """Keys in the order of their ids."""
        k = api_key.c
        where = only({k.organisation_id: organisation_id, k.role: role})
        if cursor is not None:
            where.append(k.id > read_cursor(cursor, str))
        rows = await self._access.read(_SELECT_KEYS.where(*where).order_by(k.id).limit(bounded(limit) + 1))
        return one_page(rows, _KEYS, limit, lambda found: found.id)

    async def create(self, new: ApiKey) -> ApiKey:
        """Add a key; raises `Conflict`."""
        made = msgspec.structs.replace(new, created_at=new.created_at or self._access.clock())
        values = msgspec.structs.asdict(made)
        for name in ("site_ids", "permissions"):
            if values[name] is not None:
                values[name] = msgspec.json.encode(values[name]).decode()
        await self._access.write(execute, sa.insert(api_key).values(values))
        return made

    async def revoke(self, key_id: str) -> ApiKey:
        """Make a key useless from now on; raises `NotFound`."""
        return await self._change(key_id, "revoked_at", sa.func.coalesce(api_key.c.revoked_at, self._access.clock()))

    async def used(self, key_id: str) -> ApiKey:
        """Note that a key was used now; raises `NotFound`."""
        return await self._change(key_id, "last_used_at", self._access.clock())

    async def _change(self, key_id: str, name: str, value: object) -> ApiKey:
        statement = sa.update(api_key).where(api_key.c.id == key_id).values({name: value})
        result = await self._access.write(execute, statement)
        found = await self.get(key_id) if result.rowcount else None
        if found is None:
            raise NotFound(f"no API key {key_id}")
        return found
