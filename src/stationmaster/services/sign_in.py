"""Signing in with a password (RELIABILITY S-16).

The rule that shapes this file: whoever fails is told the same thing in the same time, whatever was wrong;
whoever keeps failing waits longer and longer, by user and address, so that nobody can be kept out from
elsewhere; and every attempt that was judged is in the audit log.
"""

import ipaddress
from typing import Any, Final

from stationmaster.domain.errors import FieldError, Invalid, Throttled, Unauthenticated
from stationmaster.domain.stations import DEFAULT_ORGANISATION_ID
from stationmaster.domain.throttling import SignInThrottle
from stationmaster.domain.users import User, check_new_password, username_key
from stationmaster.services.audit import NOBODY, Audit
from stationmaster.services.context import ServiceContext
from stationmaster.services.password_hashing import PasswordHashing
from stationmaster.services.second_factor import SecondFactor
from stationmaster.services.sessions import Caller, Sessions, SignedIn

__all__ = ["SignIn", "network_of"]

FREE_ATTEMPTS: Final = 5
LONGEST_WAIT_S: Final = 900
_KEY_LENGTH: Final = 100
_IPV6_NETWORK_BITS: Final = 64


class SignIn:
    """Lets people in."""

    def __init__(
        self,
        context: ServiceContext,
        hashing: PasswordHashing,
        sessions: Sessions,
        second_factor: SecondFactor,
        audit: Audit,
    ) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._hashing = hashing
        self._sessions = sessions
        self._second_factor = second_factor
        self._audit = audit
        self._throttle = SignInThrottle(free=FREE_ATTEMPTS, longest_s=LONGEST_WAIT_S)
        self._strangers = SignInThrottle(free=0, longest_s=0)

    async def with_password(self, username: str, password: str, code: str | None, caller: Caller) -> SignedIn:
        """Sign in.

        Raises:
            Unauthenticated: `sign_in_refused`, whatever was wrong; `totp_required` when the password is
                right and the code is missing.
            Throttled: `sign_in_throttled` after too many failures, or `sign_in_busy`.
        """
        pair = (username_key(username)[:_KEY_LENGTH], network_of(caller.address))
        self._check_throttle(pair)
        failures = self._throttle.begin(pair, self._clock())
        user = await self._storage.users.by_username(username)
        try:
            method = await self._judge(user, password, code, caller)
        except (Throttled, Unauthenticated) as error:
            # Nobody was wrong yet: the attempt counts neither way, or guesses at codes would be free.
            self._throttle.withdraw(pair)
            if user is not None and error.code != "sign_in_busy":
                await self._tell(user, caller, "refused", reason=error.code)
            raise
        if method is None or user is None:
            await self._tell_failure(user, caller, failures)
            raise Unauthenticated("sign_in_refused", "The user name, the password or the code is wrong.")
        self._throttle.succeeded(pair)
        changes: dict[str, Any] = {"last_login_at": self._clock()}
        if user.password_hash is not None and self._hashing.is_outdated(user.password_hash):
            changes["password_hash"] = await self._hashing.hash(password, pair[1])
        user = await self._storage.users.update(user.id, changes)
        signed_in = await self._sessions.begin(user, caller, method)
        await self._tell(user, caller, "ok", method=method)
        return signed_in

    async def change_password(self, signed_in: SignedIn, current: str, new: str, caller: Caller) -> SignedIn:
        """Take a new password of whoever is signed in; all their other sessions end, and this one gets a new secret.

        Raises Invalid (`password_wrong`, `password_invalid`, `no_password`) and Throttled.
        """
        await self.prove_password(signed_in, current, caller, "current_password")
        user = signed_in.user
        checked = check_new_password(new, user.username, "new_password")
        hashed = await self._hashing.hash(checked, network_of(caller.address))
        await self._storage.users.update(user.id, {"password_hash": hashed, "password_changed_at": self._clock()})
        return await self._sessions.renew(signed_in, caller)

    async def prove_password(self, signed_in: SignedIn, password: str, caller: Caller, field: str) -> None:
        """Raise Invalid unless it is the password of whoever is signed in: a stolen session is not enough."""
        user = signed_in.user
        if user.password_hash is None:
            raise Invalid("no_password", "This account has no password: it signs in through an OpenID provider.")
        pair = (username_key(user.username)[:_KEY_LENGTH], network_of(caller.address))
        self._check_throttle(pair)
        self._throttle.begin(pair, self._clock())
        if not await self._hashing.matches(user.password_hash, password, pair[1]):
            words = "This is not the present password."
            raise Invalid("password_wrong", words, fields=(FieldError(field, "wrong", words),))
        self._throttle.withdraw(pair)

    # Inside.

    async def _judge(self, user: User | None, password: str, code: str | None, caller: Caller) -> str | None:
        """How they proved who they are; None when they did not."""
        usable = user if user is not None and user.disabled_at is None else None
        stored = usable.password_hash if usable is not None else None
        if not await self._hashing.matches(stored, password, network_of(caller.address)) or usable is None:
            return None
        if not usable.totp_enabled:
            return "password"
        if not code or not code.strip():
            raise Unauthenticated("totp_required", "The code of the authenticator app is missing.")
        return await self._second_factor.check(usable, code.strip())

    def _check_throttle(self, pair: tuple[str, str]) -> None:
        if wait_s := self._throttle.wait_s(pair, self._clock()):
            words = f"Too many attempts have failed. Wait {wait_s} s."
            raise Throttled("sign_in_throttled", words, details={"retry_after_s": wait_s})

    async def _tell_failure(self, user: User | None, caller: Caller, failures: int) -> None:
        """Each failure of a user is told. Of names that nobody has, from one place, only the 1st, 2nd, 4th, 8th ...

        They cost whoever sends them nothing, and the audit log is kept for ever.
        """
        if user is not None:
            await self._tell(user, caller, "refused", reason="sign_in_refused", failures_in_a_row=failures)
            return
        count = self._strangers.begin(("", network_of(caller.address)), self._clock())
        if count & (count - 1) == 0:
            await self._tell(None, caller, "refused", reason="unknown_user", failures_in_a_row=count)

    async def _tell(self, user: User | None, caller: Caller, result: str, **details: object) -> None:
        """Into the audit log. What an unknown user typed is not kept: it may be a password in the wrong box."""
        organisation_id = user.organisation_id if user is not None else DEFAULT_ORGANISATION_ID
        actor = f"user:{user.username}" if user is not None else NOBODY
        address = caller.address
        await self._audit.record(
            organisation_id, actor, "sign_in", result=result, remote_address=address, details=details
        )


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the 64 bits of IPv6 that one household has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False).network_address)
    return address
