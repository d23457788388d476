"""An OpenID provider as we ask it: its document, its keys, and the exchange of a code for tokens.

The rule that shapes this file: only what was configured is asked, over TLS unless it is this machine;
redirects are not followed, and every answer has a limit and a deadline.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from stationmaster.domain.errors import Unavailable
from stationmaster.services.oidc_settings import THIS_MACHINE, is_safe_url

__all__ = ["OidcProvider", "ProviderDocument"]

log = structlog.get_logger(__name__)

T = TypeVar("T")

TIMEOUT_S: Final = 10.0
LONGEST_ANSWER: Final = 1024 * 1024
DOCUMENT_LIFETIME_S: Final = 3600.0
KEYS_LIFETIME_S: Final = 3600.0
KEYS_AGAIN_AFTER_S: Final = 30.0
"""How soon the keys are fetched again because a token names an unknown one: nobody can make us ask all the time."""
_OK: Final = 200


class ProviderDocument(msgspec.Struct, frozen=True):
    """What we need of the provider's metadata (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class OidcProvider:
    """One provider. `monotonic` tells seconds."""

    def __init__(self, issuer: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._monotonic = monotonic
        self._document: tuple[float, ProviderDocument] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def document(self) -> ProviderDocument:
        """The provider's metadata. Raises Unavailable."""
        now = self._monotonic()
        if self._document is not None and now - self._document[0] < DOCUMENT_LIFETIME_S:
            return self._document[1]
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._get(url, ProviderDocument)
        if found.issuer != self._issuer:
            raise _unusable(f"it says that it is {found.issuer[:100]!r}")
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if not is_safe_url(address):
                raise _unusable(f"{address[:100]!r} is not an https address")
        self._document = (now, found)
        return found

    async def keys(self, *, afresh: bool = False) -> KeySet:
        """The keys it signs with; `afresh` asks again, unless that was done a moment ago. Raises Unavailable."""
        now = self._monotonic()
        if self._keys is not None:
            age = now - self._keys[0]
            if age < (KEYS_AGAIN_AFTER_S if afresh else KEYS_LIFETIME_S):
                return self._keys[1]
        found = await self._get((await self.document()).jwks_uri, dict[str, Any])
        try:
            keys = KeySet.import_key_set(cast("KeySetSerialization", found))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _unusable(f"its keys cannot be read: {error}") from error
        self._keys = (now, keys)
        return keys

    async def tokens(self, form: dict[str, str], client_id: str, client_secret: str | None) -> dict[str, Any] | None:
        """What it gives for a code; None when it refuses. Raises Unavailable."""
        document = await self.document()
        # RFC 6749, 2.3.1: in a header if there is a secret, else the id in the form.
        auth = None if client_secret is None else httpx.BasicAuth(_form(client_id), _form(client_secret))
        fields = form if auth is not None else {**form, "client_id": client_id}
        status, body = await self._ask("POST", document.token_endpoint, data=fields, auth=auth)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _unusable(f"the token endpoint answered {status}")
        if status != _OK:
            return None
        return _read(body, dict[str, Any])

    async def _get(self, url: str, kind: type[T]) -> T:
        status, body = await self._ask("GET", url)
        if status != _OK:
            raise _unusable(f"{url[:200]} answered {status}")
        return _read(body, kind)

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, bytes]:
        here = urlsplit(url).hostname in THIS_MACHINE
        try:
            async with (
                httpx.AsyncClient(
                    verify=await asyncio.to_thread(_trusted),
                    timeout=TIMEOUT_S,
                    follow_redirects=False,
                    trust_env=not here,
                ) as client,
                client.stream(method, url, headers={"Accept": "application/json"}, **options) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LONGEST_ANSWER:
                        raise _unusable(f"its answer is longer than {LONGEST_ANSWER} bytes")
                return answer.status_code, body
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unusable(f"{type(error).__name__}: {error}") from error


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed. Made once, off the loop: to read all of them takes a tenth of a second."""
    return httpx.create_ssl_context()


def _form(text: str) -> str:
    return httpx.QueryParams({"x": text}).__str__()[2:]


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(f"its answer cannot be read: {error}") from error


def _unusable(why: str) -> Unavailable:
    log.warning("oidc.provider_unusable", why=why)
    return Unavailable("oidc_unavailable", "The OpenID provider cannot be used at the moment; the log has the reason.")
