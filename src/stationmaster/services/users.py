"""People who may sign in: made, changed, signed out, forgotten.

The rule that shapes this file: an organisation never loses its last administrator by mistake, and
whoever's password, role or right to be here is changed by somebody else is signed out at once.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from stationmaster.domain.errors import Conflict, FieldError, Invalid, NotFound
from stationmaster.domain.identities import check_text
from stationmaster.domain.roles import ADMIN, ROLES
from stationmaster.domain.users import User, check_new_password, check_username
from stationmaster.services.context import ServiceContext
from stationmaster.services.password_hashing import PasswordHashing
from stationmaster.services.second_factor import SecondFactor
from stationmaster.services.sessions import Sessions
from stationmaster.storage import errors as storage_errors

__all__ = ["NewUser", "Users"]

LONGEST_NAME: Final = 200
CHANGEABLE: Final = frozenset({"name", "role", "site_ids", "disabled"})


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a new user. `site_ids` None: the whole organisation."""

    username: str
    role: str
    password: str
    name: str | None = None
    site_ids: tuple[str, ...] | None = None


class Users:
    """Keeps the users of organisations."""

    def __init__(
        self, context: ServiceContext, hashing: PasswordHashing, sessions: Sessions, second_factor: SecondFactor
    ) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        self._hashing = hashing
        self._sessions = sessions
        self._second_factor = second_factor

    async def create(self, organisation_id: str, new: NewUser) -> User:
        """Add a user. Raises Invalid, or Conflict (`user_exists`): names are unique in the whole system."""
        username = check_username(new.username)
        password = check_new_password(new.password, username)
        checked = _check({"role": new.role, "name": new.name or username, "site_ids": new.site_ids})
        user = User(
            id=str(uuid4()),
            organisation_id=organisation_id,
            username=username,
            password_hash=await self._hashing.hash(password),
            password_changed_at=self._clock(),
            **checked,
        )
        try:
            return await self._storage.users.create(user)
        except storage_errors.Conflict as error:
            raise Conflict("user_exists", f"The user name `{username}` is taken.") from error

    def new_password(self) -> str:
        """A first password for somebody, to be read out or sent to them."""
        return self._secrets.new_user_password()

    async def get(self, organisation_id: str, user_id: str) -> User:
        """A user of the organisation. Raises NotFound."""
        user = await self._storage.users.get(user_id)
        if user is None or user.organisation_id != organisation_id:
            raise _not_found()
        return user

    async def update(self, organisation_id: str, user_id: str, changes: Mapping[str, Any]) -> User:
        """Change a user. Raises NotFound, Invalid, Conflict (`last_administrator`)."""
        user = await self.get(organisation_id, user_id)
        fixed = sorted(changes.keys() - CHANGEABLE)
        if fixed:
            raise _invalid(fixed[0], "fixed", f"`{fixed[0]}` cannot be changed.")
        checked = _check({name: value for name, value in changes.items() if name != "disabled"})
        if "disabled" in changes:
            checked["disabled_at"] = (user.disabled_at or self._clock()) if changes["disabled"] else None
        after = msgspec.structs.replace(user, **checked)
        if _rules(user) and not _rules(after):
            await self._keep_an_administrator(user)
        changed = await self._write(user_id, checked)
        if _powers(changed) != _powers(user):
            await self._sessions.end_all_of(user_id)
        return changed

    async def set_password(self, organisation_id: str, user_id: str, password: str) -> User:
        """Give a user a new password, and sign them out everywhere. Raises NotFound, Invalid, Conflict."""
        user = await self.get(organisation_id, user_id)
        if user.issuer is not None:
            raise Conflict("no_password", "This user signs in through an OpenID provider and has no password here.")
        hashed = await self._hashing.hash(check_new_password(password, user.username))
        changed = await self._write(user_id, {"password_hash": hashed, "password_changed_at": self._clock()})
        await self._sessions.end_all_of(user_id)
        return changed

    async def take_away_totp(self, organisation_id: str, user_id: str) -> None:
        """Let in a user who has lost app and recovery codes by the password alone. Raises NotFound."""
        user = await self.get(organisation_id, user_id)
        await self._second_factor.take_away(user)
        await self._sessions.end_all_of(user_id)

    async def delete(self, organisation_id: str, user_id: str) -> None:
        """Forget a user; what they did stays in the audit log. Raises NotFound, Conflict (`last_administrator`)."""
        user = await self.get(organisation_id, user_id)
        if _rules(user):
            await self._keep_an_administrator(user)
        try:
            await self._storage.users.delete(user_id)
        except storage_errors.NotFound as error:
            raise _not_found() from error

    async def _keep_an_administrator(self, user: User) -> None:
        if not await self._storage.users.other_administrators(user):
            words = "This is the last administrator of the organisation; make another one first."
            raise Conflict("last_administrator", words)

    async def _write(self, user_id: str, changes: Mapping[str, Any]) -> User:
        try:
            return await self._storage.users.update(user_id, changes)
        except storage_errors.NotFound as error:
            raise _not_found() from error


def _rules(user: User) -> bool:
    """Whether they may do everything in their organisation."""
    return user.role == ADMIN and user.disabled_at is None and user.site_ids is None


def _powers(user: User) -> tuple[object, ...]:
    return user.role, user.site_ids, user.disabled_at is None


def _check(given: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(given)
    if "role" in given and given["role"] not in ROLES:
        raise _invalid("role", "unknown", f"A role is one of {', '.join(ROLES)}.")
    if "name" in given:
        checked["name"] = check_text("name", given["name"], LONGEST_NAME, required=True)
    if given.get("site_ids") is not None:
        checked["site_ids"] = tuple(given["site_ids"])
        if not checked["site_ids"]:
            raise _invalid("site_ids", "empty", "`site_ids` names at least one site, or is null for all of them.")
    return checked


def _not_found() -> NotFound:
    return NotFound("user_unknown", "There is no such user.")


def _invalid(field: str, code: str, words: str) -> Invalid:
    return Invalid("field_invalid", words, fields=(FieldError(field, code, words),))
