"""Tokens: reading, operator's changes, and those that nobody registered."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.tokens import Token, key_of
from stationmaster.instants import Instant
from stationmaster.storage.errors import Conflict, NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import execute
from stationmaster.storage.queries.base import Access, Lookup, NounReader, contains, one_page, only
from stationmaster.storage.statements import select_by
from stationmaster.storage.tables import token, unknown_token

__all__ = ["TokenQueries", "UnknownToken", "UnknownTokenQueries"]

_TOKENS = NounReader(Token)
_SELECT = sa.select(*_TOKENS.columns(token))
_FIND_BY_KEY = select_by(
    token,
    ("organisation_id", "value_key"),
    _TOKENS.fields,
    where="t.organisation_id = :organisation_id AND t.value_key = :value_key",
)
_FIXED = frozenset({"id", "organisation_id", "created_at"})


class TokenQueries:
    """Registered tokens; a value is found whatever its case (OCPP201-SLICE §6.6)."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access
        self._lookup: Lookup[tuple[str, str], Token] = Lookup(self._find_by_key)

    async def get(self, token_id: int) -> Token | None:
        """One token by its number."""
        rows = await self._access.read(_SELECT.where(token.c.id == token_id))
        return _TOKENS.one(rows[0]) if rows else None

    async def lookup(self, organisation_id: str, value: str) -> Token | None:
        """A token by its value, whatever its type; look-ups of one moment share a query."""
        return await self._lookup.get((organisation_id, key_of(value)))

    async def find_many(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Token]:
        """The tokens of (organisation, value), by (organisation, value in lower case)."""
        return await self._find_by_key([(organisation_id, key_of(value)) for organisation_id, value in keys])

    async def _find_by_key(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Token]:
        if not keys:
            return {}
        rows = await self._access.read(_FIND_BY_KEY, keys)
        # The oldest wins where two types share a value: 1.6 knows no types.
        items = sorted(_TOKENS.many(rows), key=lambda item: item.id, reverse=True)
        return {(item.organisation_id, key_of(item.value)): item for item in items}

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        site_ids: Sequence[str] | None = None,
        status: str | None = None,
        parent_id_tag: str | None = None,
        id_tag: str | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Token]:
        """Tokens, the newest first; `search` looks into value and name, `id_tag` is the whole value."""
        t = token.c
        where = only(
            {
                t.organisation_id: organisation_id,
                t.status: status,
                t.parent_id_tag: parent_id_tag,
                t.value_key: None if id_tag is None else key_of(id_tag),
            }
        )
        if site_ids is not None:
            where.append(sa.or_(t.site_id.is_(None), t.site_id.in_(site_ids)))
        if search:
            where.append(sa.or_(contains(t.value, search), contains(t.name, search)))
        if cursor is not None:
            where.append(t.id < read_cursor(cursor, int))
        rows = await self._access.read(_SELECT.where(*where).order_by(t.id.desc()).limit(bounded(limit) + 1))
        return one_page(rows, _TOKENS, limit, lambda found: found.id)

    async def create(self, new: Token) -> Token:
        """Register a token; its id is given here. Raises `Conflict` if the value is taken."""
        now = self._access.clock()
        made = msgspec.structs.replace(
            new,
            id=self._access.row_ids.take(1, now)[0],
            value=new.value.strip(),
            created_at=new.created_at or now,
            updated_at=now,
        )
        values = msgspec.structs.asdict(made) | {"value_key": key_of(made.value)}
        try:
            await self._access.write(execute, sa.insert(token).values(values))
        except Conflict as error:
            raise Conflict(f"a token {made.value} exists already") from error
        return made

    async def update(self, token_id: int, changes: Mapping[str, Any]) -> Token:
        """Change fields of a token by name; raises `NotFound`, `Conflict`, and ValueError for a fixed field."""
        unknown = sorted(name for name in changes if name not in _TOKENS.fields or name in _FIXED)
        if unknown:
            raise ValueError(f"not to be changed: {', '.join(unknown)}")
        values = {**changes, "updated_at": self._access.clock()}
        if "value" in changes:
            values |= {"value": changes["value"].strip(), "value_key": key_of(changes["value"])}
        result = await self._access.write(execute, sa.update(token).where(token.c.id == token_id).values(values))
        found = await self.get(token_id) if result.rowcount else None
        if found is None:
            raise NotFound(f"no token {token_id}")
        return found

    async def delete(self, token_id: int) -> None:
        """Forget a token; its transactions stay. Raises `NotFound`."""
        result = await self._access.write(execute, sa.delete(token).where(token.c.id == token_id))
        if not result.rowcount:
            raise NotFound(f"no token {token_id}")


class UnknownToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was presented and that nobody has registered. `seen_in`: authorize, start or stop."""

    organisation_id: str
    value: str
    station_id: str
    seen_in: str
    count: int
    first_at: Instant
    last_at: Instant


_UNKNOWN = NounReader(UnknownToken)


class UnknownTokenQueries:
    """Tokens that were seen and are not registered."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        station_id: str | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[UnknownToken]:
        """The one seen last comes first."""
        u = unknown_token.c
        where = only({u.organisation_id: organisation_id, u.station_id: station_id})
        if search:
            where.append(contains(u.value, search))
        if cursor is not None:
            last_at, value_key = read_cursor(cursor, tuple[int, str])
            where.append(sa.or_(u.last_at < last_at, sa.and_(u.last_at == last_at, u.value_key > value_key)))
        statement = sa.select(*_UNKNOWN.columns(unknown_token)).where(*where)
        rows = await self._access.read(statement.order_by(u.last_at.desc(), u.value_key).limit(bounded(limit) + 1))
        return one_page(rows, _UNKNOWN, limit, lambda found: (found.last_at, key_of(found.value)))

    async def forget(self, organisation_id: str, value: str) -> None:
        """Remove one, for instance once it is registered."""
        u = unknown_token.c
        where = sa.and_(u.organisation_id == organisation_id, u.value_key == key_of(value))
        await self._access.write(execute, sa.delete(unknown_token).where(where))
