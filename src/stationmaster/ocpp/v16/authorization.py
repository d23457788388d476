"""Authorize and ClearCache. Source: handbook 2.3, 3.2.1, 3.3.4."""

from typing import Literal

from stationmaster.ocpp.fields import IdToken, Maybe, Message, Timestamp

AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
ClearCacheStatus = Literal["Accepted", "Rejected"]


class IdTagInfo(Message, frozen=True, kw_only=True):
    """What we think of a token. No expiry date means the cache entry has no end."""

    status: AuthorizationStatus
    expiry_date: Maybe[Timestamp] = None
    parent_id_tag: Maybe[IdToken] = None


class AuthorizeRequest(Message, frozen=True, kw_only=True):
    """Ask whether a token may charge. Lenient reading keeps a tag above 20 characters whole."""

    id_tag: IdToken


class AuthorizeResponse(Message, frozen=True, kw_only=True):
    """The status of the token; never `ConcurrentTx` here."""

    id_tag_info: IdTagInfo


class ClearCacheRequest(Message, frozen=True, kw_only=True):
    """Empty the authorization cache."""


class ClearCacheResponse(Message, frozen=True, kw_only=True):
    """`Rejected` also if there is no cache."""

    status: ClearCacheStatus
