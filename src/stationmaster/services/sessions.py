"""Who is signed in: sessions that live on the server, found by the secret in a cookie (RELIABILITY S-16).

The rule that shapes this file: the secret is 256 random bits, made anew at each sign-in and known to the
browser alone; a session is asked for in the database at every request, so what is ended is ended on
every node at once.
"""

from contextlib import suppress
from typing import Final

import msgspec

from stationmaster.domain.users import User, UserSession
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.storage.errors import StorageError

__all__ = ["Caller", "Sessions", "SignedIn"]

SEEN_EVERY_US: Final = 60_000_000
LONGEST_SECRET: Final = 100
LONGEST_USER_AGENT: Final = 300
SECOND_US: Final = 1_000_000


class Caller(msgspec.Struct, frozen=True):
    """From where somebody asks. `session` is what their cookie holds, if they have one."""

    address: str
    user_agent: str | None = None
    session: str | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """A session in use. `secret` is what the cookie holds; `ends_at` is when it ends if nothing happens."""

    secret: str
    session: UserSession
    user: User
    ends_at: Instant
    csrf_token: str


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        self._idle_us = context.settings.session_idle_s * SECOND_US
        self._lifetime_us = context.settings.session_lifetime_s * SECOND_US

    async def begin(self, user: User, caller: Caller, method: str) -> SignedIn:
        """A new session; the one that the caller had until now ends, so that none can be planted."""
        now = self._clock()
        secret = self._secrets.new_session()
        session = UserSession(
            hash=self._secrets.session_hash(secret),
            user_id=user.id,
            organisation_id=user.organisation_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._lifetime_us,
            remote_address=caller.address,
            user_agent=caller.user_agent and caller.user_agent[:LONGEST_USER_AGENT],
            method=method,
        )
        await self._storage.sessions.create(session, instead_of=self._hash(caller.session))
        return self._signed_in(secret, session, user)

    async def find(self, secret: str, *, keep: bool = True) -> SignedIn | None:
        """The session of a cookie, if it is good now; with `keep` it does not end by idleness for a while."""
        hashed = self._hash(secret)
        found = None if hashed is None else await self._storage.sessions.find(hashed)
        if found is None:
            return None
        session, user = found
        now = self._clock()
        if user.disabled_at is not None or now >= min(session.expires_at, session.last_seen_at + self._idle_us):
            return None
        if keep and now - session.last_seen_at >= min(SEEN_EVERY_US, self._idle_us // 10):
            session = msgspec.structs.replace(session, last_seen_at=now)
            with suppress(StorageError):  # who may read must not fail because the database cannot be written to
                await self._storage.sessions.seen(session.hash, now)
        return self._signed_in(secret, session, user)

    async def end(self, signed_in: SignedIn) -> None:
        """Sign out."""
        await self._storage.sessions.end(signed_in.session.hash)

    async def end_all_of(self, user_id: str) -> None:
        """Sign a user out everywhere."""
        await self._storage.sessions.end_all_of(user_id)

    async def end_others(self, signed_in: SignedIn) -> None:
        """Sign a user out everywhere else."""
        await self._storage.sessions.end_all_of(signed_in.user.id, but=signed_in.session.hash)

    async def renew(self, signed_in: SignedIn, caller: Caller) -> SignedIn:
        """Go on with a new secret, and end every other session: how somebody proves who they are has changed."""
        await self.end_others(signed_in)
        user = await self._storage.users.get(signed_in.user.id)
        return await self.begin(user or signed_in.user, caller, signed_in.session.method)

    async def prune(self, now: Instant) -> int:
        """Remove what has ended by itself; returns how many."""
        return await self._storage.sessions.prune(expired_at=now, unseen_since=now - self._idle_us)

    def _hash(self, secret: str | None) -> bytes | None:
        return None if not secret or len(secret) > LONGEST_SECRET else self._secrets.session_hash(secret)

    def _signed_in(self, secret: str, session: UserSession, user: User) -> SignedIn:
        ends_at = min(session.expires_at, session.last_seen_at + self._idle_us)
        return SignedIn(secret, session, user, ends_at, self._secrets.csrf_token(secret))
