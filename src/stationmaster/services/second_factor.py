"""The second proof at sign-in: a code of an authenticator app, or a recovery code.

The rule that shapes this file: each code is good once, whoever asks on whichever node, and whoever has
the password may guess codes only slowly, from wherever they ask.
"""

from typing import Final

from stationmaster.domain.errors import Conflict, FieldError, Invalid, Throttled
from stationmaster.domain.throttling import SignInThrottle
from stationmaster.domain.totp import is_code, matching_step, provisioning_uri, secret_text
from stationmaster.domain.users import User
from stationmaster.services.context import ServiceContext

__all__ = ["SecondFactor"]

RECOVERY_CODES: Final = 10
LONGEST_CODE: Final = 40
ISSUER: Final = "Stationmaster"
_PURPOSE: Final = "totp secret"


class SecondFactor:
    """Sets up, checks and takes away second factors."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        # Only who has the password comes this far, so this cannot keep a user out whose password is safe.
        self._throttle = SignInThrottle(free=10, longest_s=300)

    async def enrol(self, user: User) -> tuple[str, str]:
        """A new secret, as text and as what a QR code holds; it counts once a code of it is confirmed.

        Raises Conflict for whoever has one already, or signs in elsewhere.
        """
        if user.password_hash is None:
            raise Conflict("no_password", "Whoever signs in through an OpenID provider has their second factor there.")
        if user.totp_enabled:
            raise Conflict("totp_enabled", "There is an authenticator app already; take it away first.")
        secret = self._secrets.new_totp_secret()
        await self._storage.users.update(user.id, {"totp_secret": self._secrets.seal(_PURPOSE, secret)})
        return secret_text(secret), provisioning_uri(secret, user.username, ISSUER)

    async def confirm(self, user: User, code: str) -> list[str]:
        """Ask for codes from now on; returns the recovery codes, not to be seen again.

        Raises Invalid for a wrong code, Conflict when there is nothing to confirm.
        """
        if user.totp_secret is None or user.totp_enabled:
            raise Conflict("totp_not_pending", "There is no new authenticator app to be confirmed.")
        if not await self._check_code(user, code):
            words = "This is not the code that the app shows now."
            raise Invalid("totp_wrong", words, fields=(FieldError("code", "wrong", words),))
        codes = [self._secrets.new_recovery_code() for _ in range(RECOVERY_CODES)]
        await self._storage.users.set_recovery_codes(
            user.id, [self._secrets.recovery_code_hash(user.id, each) for each in codes]
        )
        await self._storage.users.update(user.id, {"totp_confirmed_at": self._clock()})
        return codes

    async def take_away(self, user: User) -> None:
        """Ask for codes no more."""
        await self._storage.users.set_recovery_codes(user.id, [])
        await self._storage.users.update(user.id, {"totp_secret": None, "totp_confirmed_at": None, "totp_last_step": 0})

    async def check(self, user: User, code: str) -> str | None:
        """Use up a good code; says what it was, "totp" or "recovery_code"; None if it is none. Raises Throttled."""
        pair = (user.id, "second factor")
        now = self._clock()
        if wait_s := self._throttle.wait_s(pair, now):
            raise Throttled("sign_in_throttled", f"Wait {wait_s} s.", details={"retry_after_s": wait_s})
        self._throttle.begin(pair, now)
        method = None
        if is_code(code):
            method = "totp" if await self._check_code(user, code) else None
        elif len(code) <= LONGEST_CODE:
            hashed = self._secrets.recovery_code_hash(user.id, code)
            method = "recovery_code" if await self._storage.users.use_recovery_code(user.id, hashed) else None
        if method is not None:
            self._throttle.succeeded(pair)
        return method

    async def _check_code(self, user: User, code: str) -> bool:
        if user.totp_secret is None or not is_code(code):
            return False
        secret = self._secrets.unseal(_PURPOSE, user.totp_secret)
        step = matching_step(secret, code, self._clock(), user.totp_last_step)
        return step is not None and await self._storage.users.use_step(user.id, step)
