"""An OpenID provider for tests: a real one, on a port of this machine, that can be told to lie.

It keeps to OpenID Connect Core 1.0 and RFC 7636: codes are good once and only for who asked, with the
verifier to the challenge and the redirect address of before.
"""

import asyncio
import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "stationmaster-tests"
CLIENT_SECRET = "a secret of the client"

Forge = Callable[["OpenIdProvider", dict[str, Any], dict[str, Any]], str]
"""Makes the ID token of a (header, claims) that would be right."""


class OpenIdProvider:
    """A provider with one client. `person` is who signs in, as claims; `forge` is how it lies."""

    def __init__(self, client_secret: str = CLIENT_SECRET) -> None:
        self._client_secret = client_secret
        self.private_key = rsa.generate_private_key(65537, 2048)
        pem = self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.public_pem = self.private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key: Key = RSAKey.import_key(pem, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.other_key: Key = ECKey.generate_key("P-256", {"kid": "second", "use": "sig", "alg": "ES256"})
        self.published: list[Key] = [self.key, self.other_key]
        self.person: dict[str, Any] = {}
        self.forge: Forge = lambda provider, header, claims: provider.signed(header, claims)
        self.document: dict[str, Any] = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(self._application(), log_config=None, lifespan="off", access_log=False, ws="none")
        )
        self._thread = threading.Thread(target=self._run, name="openid provider", daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self.reset()

    def reset(self) -> None:
        """An honest provider again."""
        self.person = {"sub": "subject-1", "name": "Olga Operator", "preferred_username": "olga", "roles": ["ops"]}
        self.forge = lambda provider, header, claims: provider.signed(header, claims)
        self.published = [self.key, self.other_key]
        self.document = {}
        self.asked.clear()
        self._codes.clear()

    def stop(self) -> None:
        """End."""
        self._server.should_exit = True
        self._thread.join(5)
        self._socket.close()

    def signed(self, header: dict[str, Any], claims: dict[str, Any], key: Key | None = None) -> str:
        """A token, signed with a key of this provider or another one."""
        key = key or (self.other_key if header.get("alg") == "ES256" else self.key)
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])

    # Inside.

    def _run(self) -> None:
        asyncio.run(self._server.serve([self._socket]))

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, _request: Request) -> Response:
        self.asked.append("document")
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.document,
        }
        return JSONResponse(found)

    async def _keys(self, _request: Request) -> Response:
        self.asked.append("keys")
        return JSONResponse(KeySet(self.published).as_dict())

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}")

    async def _token(self, request: Request) -> Response:
        self.asked.append("token")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        wanted = base64.b64encode(f"{CLIENT_ID}:{self._client_secret.replace(' ', '+')}".encode()).decode()
        asked = self._codes.pop(form["code"], None)
        if request.headers.get("authorization") != f"Basic {wanted}":
            return JSONResponse({"error": "invalid_client"}, 401)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or form["grant_type"] != "authorization_code"
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe(16)
        token = self.forge(self, {"alg": "RS256", "kid": "first"}, self._claims(asked["nonce"], access_token))
        return JSONResponse({"access_token": access_token, "token_type": "Bearer", "id_token": token})

    def _claims(self, nonce: str, access_token: str) -> dict[str, Any]:
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
            **self.person,
        }


async def consent(url: str) -> dict[str, str]:
    """What a browser brings back from the provider when the person there agrees."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as browser:  # noqa: S501 - there is no TLS here
        answer = await browser.get(url)
    assert answer.status_code == 307
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
