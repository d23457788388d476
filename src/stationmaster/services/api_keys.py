"""Keys of the API: made, found by what a program presents, revoked.

The rule that shapes this file: the key itself is seen once, by the one who asked for it.
"""

from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.roles import ROLES
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.storage import errors as storage_errors
from stationmaster.storage.queries.access import ApiKey

__all__ = ["ApiKeys", "NewApiKey"]

LONGEST_NAME = 100
LONGEST_KEY = 200
USED_EVERY_US = 60_000_000
"""How exactly it is known when a key was used last."""


class NewApiKey(msgspec.Struct, frozen=True):
    """A key just made; `text` is what the program presents."""

    key: ApiKey
    text: str


class ApiKeys:
    """Makes, finds and revokes keys."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._clock = context.clock
        self._secrets = context.secrets

    async def create(
        self,
        organisation_id: str,
        name: str,
        role: str,
        *,
        site_ids: Sequence[str] | None = None,
        expires_at: Instant | None = None,
        permissions: Sequence[str] | None = None,
    ) -> NewApiKey:
        """Make a key; `permissions` narrow what its role may do.

        Raises Invalid for a role that does not exist, an empty name, or an expiry in the past.
        """
        now = self._clock()
        checked_name = check_text("name", name, LONGEST_NAME, required=True) or ""
        if role not in ROLES:
            raise _invalid("role", "unknown", f"A role is one of {', '.join(ROLES)}.")
        if expires_at is not None and expires_at <= now:
            raise _invalid("expires_at", "past", "A key expires in the future.")
        text = self._secrets.new_api_key()
        key = ApiKey(
            id=str(uuid4()),
            organisation_id=organisation_id,
            name=checked_name,
            role=role,
            hash=self._secrets.api_key_hash(text),
            site_ids=None if site_ids is None else tuple(site_ids),
            created_at=now,
            expires_at=expires_at,
            permissions=None if permissions is None else tuple(permissions),
        )
        await self._storage.api_keys.create(key)
        return NewApiKey(key, text)

    async def find(self, text: str) -> ApiKey | None:
        """The key that a program presents, if it is valid now."""
        if not text or len(text) > LONGEST_KEY:
            return None
        key: ApiKey | None = await self._storage.api_keys.by_hash(self._secrets.api_key_hash(text))
        if key is None or key.revoked_at is not None:
            return None
        now = self._clock()
        if key.expires_at is not None and key.expires_at <= now:
            return None
        if now - (key.last_used_at or 0) >= USED_EVERY_US:
            with suppress(storage_errors.StorageError):  # who may read must not fail because nothing can be written
                await self._storage.api_keys.used(key.id)
        return key

    async def revoke(self, organisation_id: str, key_id: str) -> None:
        """End a key at once, on every node. Raises NotFound."""
        key: ApiKey | None = await self._storage.api_keys.get(key_id)
        if key is None or key.organisation_id != organisation_id:
            raise _not_found()
        try:
            await self._storage.api_keys.revoke(key_id)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        message = Invalidate(kind="api_key", key=key_id, organisation_id=organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))


def _not_found() -> NotFound:
    return NotFound("api_key_unknown", "There is no such API key.")


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
