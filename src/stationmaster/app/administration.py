"""What the command line does to a database without a node: a node may run on it at the same time."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from stationmaster.app.config import Settings
from stationmaster.app.databases import database_url, migrated, open_storage
from stationmaster.app.errors import StartError
from stationmaster.app.node import clock, data_folder
from stationmaster.app.secrets import check_pepper, pepper_of
from stationmaster.app.sections import service_settings
from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.audit import ChainHead, entry_document
from stationmaster.domain.errors import DomainError
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.domain.users import User
from stationmaster.instants import format_instant
from stationmaster.services.api_keys import ApiKeys
from stationmaster.services.audit import COMMAND_LINE, Audit, Proof
from stationmaster.services.context import ServiceContext
from stationmaster.services.people import People
from stationmaster.services.secrets import SecretKeeper
from stationmaster.services.users import NewUser
from stationmaster.storage import Storage

__all__ = ["Administration", "administration", "head_of"]

_PAGE = 1_000
_HASH_DIGITS = 64


class Administration:
    """Keys of the API, users and the audit log. Errors of the caller are StartErrors of one line."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage: Storage = context.storage
        self._api_keys = ApiKeys(context)
        self._audit = Audit(context)
        self._people = People(context, self._api_keys, self._audit)

    def close(self) -> None:
        """Let go of what was begun."""
        self._people.close()

    # Keys of the API.

    async def create_api_key(self, name: str, role: str, expires_at: datetime | None) -> str:
        """Make a key; returns its text."""
        expiry = None if expires_at is None else round(expires_at.timestamp() * 1_000_000)
        try:
            made = await self._api_keys.create(DEFAULT_ORGANISATION_ID, name, role, expires_at=expiry)
        except DomainError as error:
            raise StartError(error.message) from None
        await self._tell(DEFAULT_ORGANISATION_ID, "make_api_key", f"/api-keys/{made.key.id}", role=role)
        return made.text

    async def api_keys(self) -> list[str]:
        """A line for each key."""
        lines: list[str] = []
        cursor: str | None = None
        while True:
            page = await self._storage.api_keys.find(limit=_PAGE, cursor=cursor)
            for key in page.items:
                expired = key.expires_at is not None and key.expires_at <= clock()
                state = "revoked" if key.revoked_at else "expired" if expired else "valid"
                made = format_instant(key.created_at, 0)
                lines.append(f"{key.id}  {state:8}  {key.role:14}  {made}  {key.organisation_id}  {key.name}")
            cursor = page.next_cursor
            if cursor is None:
                return lines

    async def revoke_api_key(self, key_id: str) -> None:
        """End a key."""
        key = await self._storage.api_keys.get(key_id)
        if key is None:
            raise StartError(f"there is no API key {key_id}")
        await self._api_keys.revoke(key.organisation_id, key_id)
        await self._tell(key.organisation_id, "revoke_api_key", f"/api-keys/{key_id}")

    # Users.

    async def create_user(self, organisation_id: str, username: str, role: str, password: str | None) -> str | None:
        """Make a user; returns the password that was made, if none was given."""
        if await self._storage.organisations.get(organisation_id) is None:
            raise StartError(f"there is no organisation {organisation_id}")
        chosen = self._people.users.new_password() if password is None else password
        try:
            user = await self._people.users.create(
                organisation_id, NewUser(username=username, role=role, password=chosen)
            )
        except DomainError as error:
            raise StartError(error.message) from None
        await self._tell(organisation_id, "create_user", f"/users/{user.id}", username=user.username, role=role)
        return None if password is not None else chosen

    async def users(self) -> list[str]:
        """A line for each user."""
        lines: list[str] = []
        cursor: str | None = None
        while True:
            page = await self._storage.users.find(limit=_PAGE, cursor=cursor)
            for user in page.items:
                state = "disabled" if user.disabled_at is not None else "active"
                means = "oidc" if user.issuer is not None else "password+code" if user.totp_enabled else "password"
                lines.append(f"{user.username:24}  {state:8}  {user.role:14}  {means:13}  {user.organisation_id}")
            cursor = page.next_cursor
            if cursor is None:
                return lines

    async def set_password(self, username: str, password: str | None) -> str | None:
        """Give a user a new password and sign them out; returns the one that was made, if none was given."""
        user = await self._user(username)
        chosen = self._people.users.new_password() if password is None else password
        try:
            await self._people.users.set_password(user.organisation_id, user.id, chosen)
        except DomainError as error:
            raise StartError(error.message) from None
        await self._tell(user.organisation_id, "change_user", f"/users/{user.id}", changed="password")
        return None if password is not None else chosen

    async def set_disabled(self, username: str, disabled: bool) -> None:
        """Keep a user out, or let them in again."""
        user = await self._user(username)
        try:
            await self._people.users.update(user.organisation_id, user.id, {"disabled": disabled})
        except DomainError as error:
            raise StartError(error.message) from None
        await self._tell(user.organisation_id, "change_user", f"/users/{user.id}", disabled=disabled)

    async def take_away_totp(self, username: str) -> None:
        """Let in a user who has lost their authenticator app, by the password alone."""
        user = await self._user(username)
        await self._people.users.take_away_totp(user.organisation_id, user.id)
        await self._tell(user.organisation_id, "take_away_totp", f"/users/{user.id}")

    # The audit log.

    async def prove(self, expected: Sequence[ChainHead]) -> list[Proof]:
        """What is known of each chain of the audit log."""
        return await self._audit.prove(expected=expected)

    async def audit_lines(self, organisation_id: str) -> AsyncIterator[str]:
        """The audit log of an organisation as lines of JSON, the oldest entry first."""
        async for portion in self._storage.audit.walk(organisation_id):
            for entry in portion:
                yield json.dumps(entry_document(entry) | {"hash": entry.hash})

    # Inside.

    async def _user(self, username: str) -> User:
        user = await self._storage.users.by_username(username)
        if user is None:
            raise StartError(f"there is no user {username}")
        return user

    async def _tell(self, organisation_id: str, action: str, target: str, **details: object) -> None:
        await self._audit.record(organisation_id, COMMAND_LINE, action, target=target, details=details)


def head_of(text: str) -> ChainHead:
    """A head of a chain as it was written down. Raises StartError."""
    organisation_id, _, rest = text.partition(":")
    length, _, digits = rest.partition(":")
    if not length.isdecimal() or len(digits) != _HASH_DIGITS:
        raise StartError(f"a head is written ORGANISATION:LENGTH:HASH, not {text[:100]}")
    return ChainHead(organisation_id, int(length), digits.lower())


@asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[Administration]:
    """The database of `settings`, open for administration. Raises StartError."""
    data = data_folder(settings)
    url = database_url(settings)
    if settings.database.migrate:
        await migrated(url)
    secrets = SecretKeeper(pepper_of(settings.security, data))
    storage = await open_storage(url, f"administration of {settings.node.id}", clock)
    bus = MemoryBus()
    administrator = Administration(ServiceContext(storage, bus, clock, service_settings(settings), secrets))
    try:
        await check_pepper(storage, secrets, settings.security)
        yield administrator
    finally:
        administrator.close()
        await bus.close()
        await storage.close()
