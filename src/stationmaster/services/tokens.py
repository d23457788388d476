"""Tokens as operators keep them: made, changed, deleted, and every node told (handbook §2.1, §3.2.1)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from stationmaster.bus.messages_v1 import Invalidate, encode
from stationmaster.bus.subjects import INVALIDATE
from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.tokens import Token, TokenStatus
from stationmaster.instants import Instant
from stationmaster.services.authorization import LONGEST_TOKEN, Authorizer
from stationmaster.services.context import ServiceContext
from stationmaster.storage import errors as storage_errors

__all__ = ["NewToken", "Tokens"]

LONGEST_NAME = 200
LONGEST_NOTE = 2000
MOST_ACTIVE = 10_000


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a new token."""

    value: str
    type: str = "Central"
    status: str = TokenStatus.ACCEPTED
    parent_id_tag: str | None = None
    expires_at: Instant | None = None
    max_active_transactions: int | None = None
    name: str | None = None
    note: str | None = None
    site_id: str | None = None


CHANGEABLE = frozenset({"status", "parent_id_tag", "expires_at", "max_active_transactions", "name", "note", "site_id"})
"""The value is what stations know a token by; another value is another token."""


class Tokens:
    """Keeps the tokens of organisations."""

    def __init__(self, context: ServiceContext, authorizer: Authorizer) -> None:
        self._storage = context.storage
        self._bus = context.bus
        self._authorizer = authorizer

    async def create(self, organisation_id: str, new: NewToken) -> Token:
        """Register a token. Raises Invalid, or Conflict (`token_exists`) whatever the case of its letters."""
        value = check_text("id_tag", new.value, LONGEST_TOKEN, required=True) or ""
        checked = _check(msgspec.structs.asdict(new))
        token = Token(
            id=0,
            organisation_id=organisation_id,
            value=value,
            type=check_text("type", new.type, LONGEST_NAME, required=True) or "",
            **{name: checked[name] for name in CHANGEABLE},
        )
        try:
            stored: Token = await self._storage.tokens.create(token)
        except storage_errors.Conflict as error:
            raise Conflict("token_exists", f"The token `{value}` is registered already.") from error
        await self._storage.unknown_tokens.forget(organisation_id, stored.value)
        await self._changed(stored)
        return stored

    async def update(self, organisation_id: str, token_id: int, changes: Mapping[str, Any]) -> Token:
        """Change some members. Raises NotFound, or Invalid for a member that does not exist or cannot be so."""
        token = await self.get(organisation_id, token_id)
        unknown = sorted(set(changes) - CHANGEABLE)
        if unknown:
            raise _invalid(unknown[0], "not_changeable", f"`{unknown[0]}` cannot be changed.")
        try:
            changed: Token = await self._storage.tokens.update(token_id, _check(changes))
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._changed(token)
        return changed

    async def delete(self, organisation_id: str, token_id: int) -> None:
        """Forget a token; what was charged with it stays. Raises NotFound."""
        token = await self.get(organisation_id, token_id)
        try:
            await self._storage.tokens.delete(token_id)
        except storage_errors.NotFound as error:
            raise _not_found() from error
        await self._changed(token)

    async def get(self, organisation_id: str, token_id: int) -> Token:
        """A token of the organisation. Raises NotFound."""
        token: Token | None = await self._storage.tokens.get(token_id)
        if token is None or token.organisation_id != organisation_id:
            raise _not_found()
        return token

    async def _changed(self, token: Token) -> None:
        self._authorizer.forget(token.organisation_id, token.value)
        message = Invalidate(kind="token", key=token.value, organisation_id=token.organisation_id)
        await self._bus.publish(INVALIDATE, encode(message))


def _check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The changeable members that were given, checked."""
    checked: dict[str, Any] = {}
    for name in CHANGEABLE & given.keys():
        value = given[name]
        match name:
            case "status":
                if value not in set(TokenStatus):
                    raise _invalid(name, "unknown", f"A status is one of {', '.join(TokenStatus)}.")
                checked[name] = str(value)
            case "expires_at":
                checked[name] = value
            case "max_active_transactions":
                if value is not None and not 1 <= value <= MOST_ACTIVE:
                    raise _invalid(name, "out_of_range", f"`{name}` is 1 to {MOST_ACTIVE}, or null for no limit.")
                checked[name] = value
            case "parent_id_tag":
                checked[name] = check_text(name, value, LONGEST_TOKEN)
            case "note":
                checked[name] = check_text(name, value, LONGEST_NOTE, lines=True)
            case _:
                checked[name] = check_text(name, value, LONGEST_NAME)
    return checked


def _not_found() -> NotFound:
    return NotFound("token_unknown", "There is no such token.")


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
