"""Organisations: whose stations, tokens and users they are; what belongs to one does not exist for another."""

import re
from typing import Final

import msgspec

from stationmaster.domain.errors import Conflict, FieldError, Invalid
from stationmaster.domain.identities import check_text
from stationmaster.domain.roles import ADMIN
from stationmaster.domain.users import User
from stationmaster.services.api_keys import ApiKeys
from stationmaster.services.context import ServiceContext
from stationmaster.services.users import NewUser, Users
from stationmaster.storage import errors as storage_errors
from stationmaster.storage.queries.access import Organisation

__all__ = ["FirstAdministrator", "Organisations"]

FIRST_KEY_NAME: Final = "first administrator"
LONGEST_NAME: Final = 200
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class FirstAdministrator(msgspec.Struct, frozen=True):
    """Who may do everything in an organisation from the start. `secret` is an API key and the user's first password."""

    user: User
    secret: str


class Organisations:
    """Keeps organisations."""

    def __init__(self, context: ServiceContext, api_keys: ApiKeys, users: Users) -> None:
        self._storage = context.storage
        self._api_keys = api_keys
        self._users = users

    async def find(self) -> list[Organisation]:
        """All of them."""
        return await self._storage.organisations.find()

    async def create(self, organisation_id: str, name: str) -> Organisation:
        """Add an organisation. Raises Invalid, or Conflict (`organisation_exists`)."""
        if not _ID.fullmatch(organisation_id):
            words = "An organisation's id has up to 63 small letters, digits and hyphens, and no hyphen in front."
            raise Invalid("field_invalid", words, fields=(FieldError("id", "characters", words),))
        checked = check_text("name", name, LONGEST_NAME, required=True) or ""
        try:
            return await self._storage.organisations.create(Organisation(id=organisation_id, name=checked))
        except storage_errors.Conflict as error:
            raise Conflict("organisation_exists", f"There is an organisation `{organisation_id}` already.") from error

    async def first_administrator(self, organisation_id: str, username: str) -> FirstAdministrator:
        """One secret for the first administrator: a program may use it at once, a person may sign in with it.

        Raises Invalid, or Conflict (`user_exists`).
        """
        made = await self._api_keys.create(organisation_id, FIRST_KEY_NAME, ADMIN)
        try:
            user = await self._users.create(
                organisation_id, NewUser(username=username, role=ADMIN, password=made.text, name="Administrator")
            )
        except (Conflict, Invalid):
            await self._api_keys.revoke(organisation_id, made.key.id)
            raise
        return FirstAdministrator(user, made.text)
