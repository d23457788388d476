"""What the command line does to a database without a node: a node may run on it at the same time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from stationmaster.app.config import Settings
from stationmaster.app.databases import database_url, migrated, open_storage
from stationmaster.app.errors import StartError
from stationmaster.app.node import clock, data_folder
from stationmaster.app.secrets import pepper_of
from stationmaster.app.sections import service_settings
from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.errors import DomainError
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.instants import format_instant
from stationmaster.services.api_keys import ApiKeys
from stationmaster.services.context import ServiceContext
from stationmaster.services.secrets import SecretKeeper
from stationmaster.storage import Storage

__all__ = ["Administration", "administration"]

_PAGE = 1_000


class Administration:
    """Keys of the API of the default organisation. Errors of the caller are StartErrors of one line."""

    def __init__(self, storage: Storage, api_keys: ApiKeys) -> None:
        self._storage = storage
        self._api_keys = api_keys

    async def create_api_key(self, name: str, role: str, expires_at: datetime | None) -> str:
        """Make a key; returns its text."""
        expiry = None if expires_at is None else round(expires_at.timestamp() * 1_000_000)
        try:
            return (await self._api_keys.create(DEFAULT_ORGANISATION_ID, name, role, expires_at=expiry)).text
        except DomainError as error:
            raise StartError(error.message) from None

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
    try:
        context = ServiceContext(storage, bus, clock, service_settings(settings), secrets)
        yield Administration(storage, ApiKeys(context))
    finally:
        await bus.close()
        await storage.close()
