"""Users, their recovery codes, and who of them is signed in."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from stationmaster.domain.identities import has_control_characters
from stationmaster.domain.roles import ADMIN
from stationmaster.domain.users import User, UserSession, username_key
from stationmaster.instants import Instant
from stationmaster.storage.errors import Conflict, NotFound
from stationmaster.storage.paging import DEFAULT_LIMIT, Page, bounded, read_cursor
from stationmaster.storage.programs import Program, execute
from stationmaster.storage.queries.base import Access, NounReader, contains, one_page, only
from stationmaster.storage.statements import insert_into
from stationmaster.storage.tables import oidc_login, recovery_code, user, user_session

__all__ = ["SessionQueries", "UserQueries"]

_USERS = NounReader(User)
_SELECT_USERS = sa.select(*_USERS.columns(user))
_SESSIONS = NounReader(UserSession)
_FIXED = frozenset({"id", "organisation_id", "username", "created_at"})
_INSERT_CODES = insert_into(recovery_code)
_u = user.c
_s = user_session.c


class UserQueries:
    """People who may sign in."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def get(self, user_id: str) -> User | None:
        """One user."""
        return await self._one(_u.id == user_id)

    async def by_username(self, username: str) -> User | None:
        """The user of this name, however it is spelled."""
        key = username_key(username)
        return None if has_control_characters(key) else await self._one(_u.username_key == key)

    async def by_subject(self, issuer: str, subject: str) -> User | None:
        """Whom an OpenID provider means."""
        return await self._one(_u.issuer == issuer, _u.subject == subject)

    async def find(
        self,
        organisation_id: str | None = None,
        *,
        role: str | None = None,
        search: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[User]:
        """Users in the order of their names."""
        where = only({_u.organisation_id: organisation_id, _u.role: role})
        if search:
            where.append(sa.or_(contains(_u.username, search), contains(_u.name, search)))
        if cursor is not None:
            where.append(_u.username_key > read_cursor(cursor, str))
        rows = await self._access.read(_SELECT_USERS.where(*where).order_by(_u.username_key).limit(bounded(limit) + 1))
        return one_page(rows, _USERS, limit, lambda found: username_key(found.username))

    async def other_administrators(self, of: User) -> int:
        """How many others may do everything in the user's organisation."""
        where = (
            _u.organisation_id == of.organisation_id,
            _u.role == ADMIN,
            _u.id != of.id,
            _u.disabled_at.is_(None),
            _u.site_ids.is_(None),
        )
        rows = await self._access.read(sa.select(sa.func.count()).select_from(user).where(*where))
        return int(rows[0][0])

    async def create(self, new: User) -> User:
        """Add a user; raises `Conflict` if the name is taken."""
        now = self._access.clock()
        made = msgspec.structs.replace(new, created_at=new.created_at or now, updated_at=now)
        values = _values(msgspec.structs.asdict(made)) | {"username_key": username_key(made.username)}
        try:
            await self._access.write(execute, sa.insert(user).values(values))
        except Conflict as error:
            raise Conflict(f"a user {made.username} exists already") from error
        return made

    async def update(self, user_id: str, changes: Mapping[str, Any]) -> User:
        """Change fields of a user by name; raises `NotFound`, and ValueError for a fixed field."""
        unknown = sorted(name for name in changes if name not in _USERS.fields or name in _FIXED)
        if unknown:
            raise ValueError(f"not to be changed: {', '.join(unknown)}")
        values = {**_values(changes), "updated_at": self._access.clock()}
        result = await self._access.write(execute, sa.update(user).where(_u.id == user_id).values(values))
        found = await self.get(user_id) if result.rowcount else None
        if found is None:
            raise NotFound(f"no user {user_id}")
        return found

    async def delete(self, user_id: str) -> None:
        """Forget a user, their sessions and their codes. Raises `NotFound`."""
        result = await self._access.write(execute, sa.delete(user).where(_u.id == user_id))
        if not result.rowcount:
            raise NotFound(f"no user {user_id}")

    async def use_step(self, user_id: str, step: int) -> bool:
        """Note that the code of a time step was used; False when it, or a later one, was used before."""
        statement = sa.update(user).where(_u.id == user_id, _u.totp_last_step < step).values(totp_last_step=step)
        return bool((await self._access.write(execute, statement)).rowcount)

    async def set_recovery_codes(self, user_id: str, hashes: Sequence[bytes]) -> None:
        """Replace the recovery codes of a user."""
        await self._access.write(_replace_codes, user_id, tuple(hashes))

    async def use_recovery_code(self, user_id: str, hash: bytes) -> bool:
        """Use up a recovery code; False when there is none like it, or it was used before."""
        c = recovery_code.c
        where = (c.user_id == user_id, c.hash == hash, c.used_at.is_(None))
        statement = sa.update(recovery_code).where(*where).values(used_at=self._access.clock())
        return bool((await self._access.write(execute, statement)).rowcount)

    async def recovery_codes_left(self, user_id: str) -> int:
        """How many codes have not been used."""
        c = recovery_code.c
        where = (c.user_id == user_id, c.used_at.is_(None))
        return int((await self._access.read(sa.select(sa.func.count()).select_from(recovery_code).where(*where)))[0][0])

    async def _one(self, *where: sa.ColumnElement[bool]) -> User | None:
        rows = await self._access.read(_SELECT_USERS.where(*where))
        return _USERS.one(rows[0]) if rows else None


class SessionQueries:
    """Who is signed in."""

    def __init__(self, access: Access) -> None:
        """Reads and writes through `access`."""
        self._access = access

    async def find(self, hash: bytes) -> tuple[UserSession, User] | None:
        """The session of this hash, expired ones included, and whose it is."""
        columns = [*_SESSIONS.columns(user_session), *_USERS.columns(user)]
        statement = sa.select(*columns).join_from(user_session, user, _s.user_id == _u.id).where(_s.hash == hash)
        rows = await self._access.read(statement)
        if not rows:
            return None
        width = len(_SESSIONS.fields)
        return _SESSIONS.one(rows[0][:width]), _USERS.one(rows[0][width:])

    async def create(self, new: UserSession, *, instead_of: bytes | None = None) -> None:
        """Add a session; `instead_of` is one that ends with the same commit."""
        await self._access.write(_replace_session, new, instead_of)

    async def seen(self, hash: bytes, at: Instant) -> None:
        """Note that a session is in use."""
        await self._access.write(execute, sa.update(user_session).where(_s.hash == hash).values(last_seen_at=at))

    async def end(self, hash: bytes) -> None:
        """End a session."""
        await self._access.write(execute, sa.delete(user_session).where(_s.hash == hash))

    async def end_all_of(self, user_id: str, *, but: bytes | None = None) -> None:
        """End the sessions of a user."""
        where = [_s.user_id == user_id] if but is None else [_s.user_id == user_id, _s.hash != but]
        await self._access.write(execute, sa.delete(user_session).where(*where))

    async def prune(self, *, expired_at: Instant, unseen_since: Instant) -> int:
        """Remove what has expired; returns how many sessions."""
        await self._access.write(execute, sa.delete(oidc_login).where(oidc_login.c.expires_at <= expired_at))
        where = sa.or_(_s.expires_at <= expired_at, _s.last_seen_at <= unseen_since)
        return int((await self._access.write(execute, sa.delete(user_session).where(where))).rowcount)

    async def use_oidc_state(self, hash: bytes, expires_at: Instant) -> bool:
        """Use up the state of an OpenID login; False when it was used before."""
        try:
            await self._access.write(execute, sa.insert(oidc_login).values(hash=hash, expires_at=expires_at))
        except Conflict:
            return False
        return True


def _values(fields: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(fields)
    if values.get("site_ids") is not None:
        values["site_ids"] = msgspec.json.encode(values["site_ids"]).decode()
    return values


def _replace_codes(user_id: str, hashes: tuple[bytes, ...]) -> Program[None]:
    yield from execute(sa.delete(recovery_code).where(recovery_code.c.user_id == user_id))
    if hashes:
        yield from execute(_INSERT_CODES, [(user_id, each, None) for each in hashes])


def _replace_session(new: UserSession, instead_of: bytes | None) -> Program[None]:
    if instead_of is not None:
        yield from execute(sa.delete(user_session).where(_s.hash == instead_of))
    yield from execute(sa.insert(user_session).values(msgspec.structs.asdict(new)))
