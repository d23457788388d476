"""Tokens: what a driver identifies with, and the rules that say whether it may charge (handbook §3.2.1)."""

from enum import StrEnum

import msgspec

from stationmaster.instants import Instant


class TokenStatus(StrEnum):
    """What the operator has decided about a token. Expiry is a date, not a status."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A registered token; found by (organisation, type, value in lower case) (2.0.1 slice §6 rule 6).

    `max_active_transactions` None: no limit of parallel transactions (handbook §8 A-5).
    """

    id: int
    organisation_id: str
    value: str
    type: str = "Central"
    status: str = TokenStatus.ACCEPTED
    parent_id_tag: str | None = None
    expires_at: Instant | None = None
    max_active_transactions: int | None = None
    name: str | None = None
    note: str | None = None
    site_id: str | None = None
    created_at: Instant = 0
    updated_at: Instant = 0


class AuthorizationStatus(StrEnum):
    """May this token charge? `CONCURRENT` only when a transaction starts."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT = "ConcurrentTx"


class Authorization(msgspec.Struct, frozen=True):
    """The answer to "may this token charge?"."""

    status: AuthorizationStatus
    token: Token | None = None
    expires_at: Instant | None = None
    parent_id_tag: str | None = None


def key_of(value: str) -> str:
    """The form under which two spellings of a token are the same (§2.1: CiString)."""
    return value.strip().lower()


def authorize(token: Token | None, now: Instant, *, cache_lifetime_us: int | None = None) -> Authorization:
    """Decide by the token alone; first match wins: unknown, blocked, expired, accepted (§3.2.1).

    The parent is given whatever the status (§8 A-20).
    """
    if token is None:
        return Authorization(AuthorizationStatus.INVALID)
    expires_at = token.expires_at
    if token.status == TokenStatus.BLOCKED:
        status = AuthorizationStatus.BLOCKED
    elif expires_at is not None and expires_at <= now:
        status = AuthorizationStatus.EXPIRED
    else:
        status = AuthorizationStatus.ACCEPTED
    if expires_at is None and cache_lifetime_us is not None and status is AuthorizationStatus.ACCEPTED:
        expires_at = now + cache_lifetime_us
    return Authorization(status, token, expires_at, token.parent_id_tag)
