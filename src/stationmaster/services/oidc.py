"""Signing in through an OpenID provider: authorization code flow with PKCE, state and nonce (RELIABILITY S-16).

The rule that shapes this file: a login ends in the browser in which it began, once. What belongs to it
travels sealed in a cookie of that browser, so nothing is kept here for whoever only begins; its state
is used up with the session that it opens. A provider's user is never taken for a local one of the
same name: they are who the provider's id says, and nobody else.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import structlog
from authlib.oauth2.client import OAuth2Client

from stationmaster.domain.errors import DomainError, NotFound, Unauthenticated
from stationmaster.domain.roles import highest
from stationmaster.domain.users import LONGEST_USERNAME, User
from stationmaster.instants import Instant
from stationmaster.services.audit import NOBODY, Audit
from stationmaster.services.context import ServiceContext
from stationmaster.services.id_token import BadIdToken, Expected, UnknownKey, read_id_token
from stationmaster.services.oidc_provider import OidcProvider
from stationmaster.services.oidc_settings import OidcSettings
from stationmaster.services.sessions import Caller, Sessions, SignedIn
from stationmaster.storage import errors as storage_errors

__all__ = ["Beginning", "Oidc", "local_path"]

log = structlog.get_logger(__name__)

LOGIN_LIFETIME_S: Final = 600
LONGEST_COOKIE: Final = 4_000
LONGEST_PATH: Final = 1_000
LONGEST_CODE: Final = 4_000
_PURPOSE: Final = "oidc login"
_SECOND_US: Final = 1_000_000


class _Login(msgspec.Struct, frozen=True):
    """A login under way, sealed in the browser's cookie."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    redirect_uri: str
    expires_at: Instant


class Beginning(msgspec.Struct, frozen=True):
    """Where to send the browser, and what it must bring back."""

    url: str
    cookie: str


class Oidc:
    """Logins through one provider."""

    def __init__(self, context: ServiceContext, sessions: Sessions, audit: Audit, settings: OidcSettings) -> None:
        self._storage = context.storage
        self._clock = context.clock
        self._secrets = context.secrets
        self._sessions = sessions
        self._audit = audit
        self.settings = settings
        self._provider = OidcProvider(settings.issuer)

    async def begin(self, redirect_uri: str, return_to: str) -> Beginning:
        """Begin a login that comes back to `redirect_uri`, and then goes to `return_to`. Raises Unavailable."""
        document = await self._provider.document()
        settings = self.settings
        login = _Login(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            return_to=local_path(return_to),
            redirect_uri=settings.redirect_url or redirect_uri,
            expires_at=self._clock() + LOGIN_LIFETIME_S * _SECOND_US,
        )
        client = OAuth2Client(
            None,
            client_id=settings.client_id,
            scope=settings.scope,
            redirect_uri=login.redirect_uri,
            code_challenge_method="S256",
        )
        url, _ = client.create_authorization_url(
            document.authorization_endpoint, state=login.state, code_verifier=login.verifier, nonce=login.nonce
        )
        sealed = self._secrets.seal(_PURPOSE, msgspec.msgpack.encode(login))
        return Beginning(url, urlsafe_b64encode(sealed).decode())

    async def finish(self, cookie: str | None, answer: Mapping[str, str], caller: Caller) -> tuple[SignedIn, str]:
        """End a login: the session, and where the browser goes now.

        Raises Unauthenticated (`oidc_refused`; `oidc_no_role` for whoever may not come in), Unavailable.
        """
        try:
            login = self._login_of(cookie, answer)
            claims = await self._claims(login, answer["code"])
            user = await self._user_of(claims)
            if not await self._storage.sessions.use_oidc_state(
                self._secrets.oidc_state_hash(login.state), login.expires_at
            ):
                raise _refused("the state was used before")
        except DomainError as error:
            await self._tell(self.settings.organisation_id, NOBODY, caller, "refused", reason=error.code)
            raise
        signed_in = await self._sessions.begin(user, caller, "oidc")
        await self._tell(user.organisation_id, f"user:{user.username}", caller, "ok", method="oidc")
        return signed_in, login.return_to

    # Inside.

    def _login_of(self, cookie: str | None, answer: Mapping[str, str]) -> _Login:
        if not cookie or len(cookie) > LONGEST_COOKIE:
            raise _refused("the browser brought no login")
        try:
            login = msgspec.msgpack.decode(
                self._secrets.unseal(_PURPOSE, urlsafe_b64decode(cookie.encode("ascii"))), type=_Login
            )
        except (ValueError, msgspec.MsgspecError):
            raise _refused("the login in the cookie was not made here") from None
        if not hmac.compare_digest(login.state.encode(), answer.get("state", "").encode("utf-8", "replace")):
            raise _refused("the state is not that of this browser's login")
        if self._clock() >= login.expires_at:
            raise _refused("the login took too long")
        # RFC 9207: a provider that names itself must be the one that was asked.
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise _refused("another provider answered")
        if answer.get("error"):
            raise _refused(f"the provider refused: {answer['error'][:100]}")
        if not 0 < len(answer.get("code", "")) <= LONGEST_CODE:
            raise _refused("there is no code")
        return login

    async def _claims(self, login: _Login, code: str) -> dict[str, Any]:
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": login.redirect_uri,
            "code_verifier": login.verifier,
        }
        tokens = await self._provider.tokens(form, settings.client_id, settings.client_secret)
        id_token = None if tokens is None else tokens.get("id_token")
        if tokens is None or not isinstance(id_token, str):
            raise _refused("the provider gave no ID token for the code")
        access_token = tokens.get("access_token")
        expected = Expected(
            issuer=settings.issuer,
            client_id=settings.client_id,
            nonce=login.nonce,
            access_token=access_token if isinstance(access_token, str) else None,
            algorithms=settings.algorithms,
        )
        now_s = self._clock() // _SECOND_US
        try:
            try:
                return read_id_token(id_token, await self._provider.keys(), expected, now_s)
            except UnknownKey:
                return read_id_token(id_token, await self._provider.keys(afresh=True), expected, now_s)
        except BadIdToken as error:
            raise _refused(f"the ID token is not good: {error}") from None

    async def _user_of(self, claims: dict[str, Any]) -> User:
        """Whom the provider means, as they are now by its word."""
        role = highest({ours for theirs, ours in self.settings.roles if theirs in _values_of(claims, self._path())})
        if role is None:
            log.info("oidc.no_role", claim=self.settings.role_claim)
            raise Unauthenticated("oidc_no_role", "The OpenID provider gives you no role in this system.")
        issuer, subject, now = self.settings.issuer, claims["sub"], self._clock()
        name = _text(claims.get("name")) or _text(claims.get("preferred_username")) or subject
        user = await self._storage.users.by_subject(issuer, subject)
        if user is None:
            return await self._new_user(claims, name[:200], role)
        if user.disabled_at is not None:
            raise _refused("the user is disabled")
        return await self._storage.users.update(user.id, {"role": role, "name": name[:200], "last_login_at": now})

    async def _new_user(self, claims: dict[str, Any], name: str, role: str) -> User:
        issuer, subject, now = self.settings.issuer, claims["sub"], self._clock()
        wanted = _text(claims.get("preferred_username")) or _text(claims.get("email")) or subject
        wanted = "".join(wanted.split())[: LONGEST_USERNAME // 2]
        host = urlsplit(issuer).hostname or "oidc"
        user = User(
            id=str(uuid4()),
            organisation_id=self.settings.organisation_id,
            username=wanted,
            name=name,
            role=role,
            issuer=issuer,
            subject=subject,
            last_login_at=now,
        )
        for username in (wanted, f"{wanted}@{host}"[:LONGEST_USERNAME], f"{wanted}@{user.id}"):
            try:
                return await self._storage.users.create(msgspec.structs.replace(user, username=username))
            except storage_errors.Conflict:
                # The name is somebody else's, or another window of the same person was faster.
                known = await self._storage.users.by_subject(issuer, subject)
                if known is not None:
                    return known
        raise NotFound("user_unknown", "The user could not be made.")

    def _path(self) -> list[str]:
        return self.settings.role_claim.split(".")

    async def _tell(self, organisation_id: str, actor: str, caller: Caller, result: str, **details: object) -> None:
        address = caller.address
        await self._audit.record(
            organisation_id, actor, "sign_in", result=result, remote_address=address, details=details
        )


def local_path(path: str) -> str:
    """The path if it is one of ours, else the front page: nobody is sent to another site from here."""
    usable = path.startswith("/") and not path.startswith("//") and len(path) <= LONGEST_PATH
    plain = path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    return path if usable and plain else "/"


def _values_of(claims: Mapping[str, Any], path: list[str]) -> set[str]:
    """The texts at a path such as `realm_access.roles`; a claim whose own name has dots is found too."""
    found: Any = claims.get(".".join(path))
    if found is None:
        found = claims
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return {found}
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() and value.isprintable() else None


def _refused(why: str) -> Unauthenticated:
    log.warning("oidc.refused", why=why)
    return Unauthenticated("oidc_refused", "The login through the OpenID provider was not accepted. Try again.")
