"""People who sign in: who they are, what they are called and what a password must be.

The rule that shapes this file: a password is judged by its length alone (NIST SP 800-63B, 5.1.1.2).
Rules about digits and capitals make passwords worse, and nobody is made to change a good one.
"""

import unicodedata
from typing import Final

import msgspec

from stationmaster.domain.errors import FieldError, Invalid
from stationmaster.domain.identities import check_text, has_control_characters
from stationmaster.instants import Instant

__all__ = [
    "LONGEST_PASSWORD",
    "LONGEST_USERNAME",
    "SHORTEST_PASSWORD",
    "User",
    "UserSession",
    "check_new_password",
    "check_username",
    "normal_password",
    "username_key",
]

LONGEST_USERNAME: Final = 100
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may sign in. Their name is unique in the whole system, since it is all they type.

    `password_hash` None: only the OpenID provider `issuer` vouches for them, as `subject`.
    `totp_secret` is sealed; it counts once `totp_confirmed_at` is set. `totp_last_step` is the time
    step of the code that was used last: none is good for a second time.
    """

    id: str
    organisation_id: str
    username: str
    name: str
    role: str
    site_ids: tuple[str, ...] | None = None
    password_hash: str | None = None
    issuer: str | None = None
    subject: str | None = None
    totp_secret: bytes | None = None
    totp_confirmed_at: Instant | None = None
    totp_last_step: int = 0
    disabled_at: Instant | None = None
    password_changed_at: Instant | None = None
    last_login_at: Instant | None = None
    created_at: Instant = 0
    updated_at: Instant = 0

    @property
    def totp_enabled(self) -> bool:
        """Whether a code is asked for at sign-in."""
        return self.totp_secret is not None and self.totp_confirmed_at is not None


class UserSession(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is signed in: `hash` stands for the secret in their cookie. `expires_at` is the last moment."""

    hash: bytes
    user_id: str
    organisation_id: str
    created_at: Instant
    last_seen_at: Instant
    expires_at: Instant
    remote_address: str
    user_agent: str | None = None
    method: str = "password"
    """How they proved who they are: "password", "totp", "recovery_code" or "oidc"."""


def username_key(username: str) -> str:
    """The form under which two spellings of a user name are the same."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def check_username(username: str) -> str:
    """The user name itself if it can be one. Raises Invalid."""
    checked = check_text("username", unicodedata.normalize("NFKC", username), LONGEST_USERNAME, required=True) or ""
    if any(character.isspace() for character in checked):
        raise Invalid(
            "field_invalid",
            "`username` holds no blanks.",
            fields=(FieldError("username", "characters", "`username` holds no blanks."),),
        )
    return checked


def normal_password(password: str) -> str:
    """The password as it is hashed: one form for what looks the same on every keyboard."""
    return unicodedata.normalize("NFKC", password)


def check_new_password(password: str, username: str, field: str = "password") -> str:
    """A new password in its normal form. Raises Invalid when it is too short, too long or the user's own name."""
    if has_control_characters(password):
        raise _refused(field, "characters", "A password has no control characters.")
    normal = normal_password(password)
    if len(normal) < SHORTEST_PASSWORD:
        raise _refused(field, "too_short", f"A password has at least {SHORTEST_PASSWORD} characters.")
    if len(normal) > LONGEST_PASSWORD:
        raise _refused(field, "too_long", f"A password has at most {LONGEST_PASSWORD} characters.")
    if username_key(password) == username_key(username) or len(set(normal)) == 1:
        raise _refused(field, "too_simple", "A password is neither the user name nor one character many times.")
    return normal


def _refused(field: str, code: str, words: str) -> Invalid:
    return Invalid("password_invalid", words, fields=(FieldError(field, code, words),))
