"""Signing in through an OpenID provider, with a browser that keeps cookies and follows redirects."""

from collections.abc import AsyncIterator, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from stationmaster.app.node import Node, running_node
from tests.api.conftest import client_of, settings_of
from tests.openid import CLIENT_ID, CLIENT_SECRET, OpenIdProvider


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.stop()


@pytest.fixture
async def node(tmp_path: Path, provider: OpenIdProvider) -> AsyncIterator[Node]:
    provider.reset()
    settings = settings_of(
        tmp_path,
        f"sqlite:///{tmp_path / 'x.sqlite'}",
        database__migrate=True,
        oidc__issuer=provider.issuer,
        oidc__client_id=CLIENT_ID,
        oidc__client_secret=CLIENT_SECRET,
        oidc__name="Example login",
        oidc__roles="ops=operator, chiefs = admin",
    )
    async with running_node(settings) as node:
        yield node


async def test_a_person_comes_in_and_lands_where_they_were(node: Node) -> None:
    async with client_of(node, None) as browser:
        assert await browser.get("/session/options") == {"oidc": {"name": "Example login"}}
        start = await browser.http.get("/api/v1/session/oidc/start", params={"return_to": "/stations?search=x"})
        assert start.status_code == 303
        cookie = SimpleCookie(start.headers["set-cookie"])["stationmaster_oidc"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "lax"
        assert cookie["path"] == "/api/v1/session/oidc"
        asked = {name: values[0] for name, values in parse_qs(urlsplit(start.headers["location"]).query).items()}
        assert asked["redirect_uri"] == f"http://127.0.0.1:{node.http_port}/api/v1/session/oidc/callback"
        for secret in ("state", "nonce", "code_challenge"):
            assert len(asked[secret]) >= 43
        consented = await browser.http.get(start.headers["location"])
        back = await browser.http.get(consented.headers["location"])
        assert back.status_code == 303
        assert back.headers["location"] == "/stations?search=x"
        session = await browser.get("/session")
        assert (session["username"], session["role"]) == ("olga", "operator")
        browser.http.headers["X-CSRF-Token"] = session["csrf_token"]
        await browser.problem("POST", "/session/totp", 422, "no_password", json={"password": ""})
        await browser.delete("/session")
        replayed = await browser.http.get(consented.headers["location"])
        assert replayed.status_code == 401
        await browser.problem("GET", "/session", 401, "api_key_missing")


async def test_another_browser_cannot_end_the_login(node: Node) -> None:
    async with client_of(node, None) as victim, client_of(node, None) as attacker:
        start = await attacker.http.get("/api/v1/session/oidc/start")
        consented = await attacker.http.get(start.headers["location"])
        back = await victim.http.get(consented.headers["location"])
        assert back.status_code == 401
        assert back.json()["code"] == "oidc_refused"
        await victim.problem("GET", "/session", 401, "api_key_missing")


async def test_whoever_may_not_come_in_reads_why(node: Node, provider: OpenIdProvider) -> None:
    provider.person["roles"] = ["strangers"]
    async with client_of(node, None) as browser:
        start = await browser.http.get("/api/v1/session/oidc/start")
        consented = await browser.http.get(start.headers["location"])
        back = await browser.http.get(consented.headers["location"], headers={"Accept": "text/html,*/*"})
        assert back.status_code == 401
        assert "gives you no role" in back.text
        assert "set-cookie" not in back.headers


async def test_a_provider_that_is_away_keeps_nobody_else_out(node: Node, provider: OpenIdProvider) -> None:
    provider.document = {"issuer": "https://somebody.example"}
    async with client_of(node, None) as browser:
        await browser.problem("GET", "/session/oidc/start", 503, "oidc_unavailable")
        body = {"username": "admin", "password": node.first_key, "totp_code": None}
        assert (await browser.post("/session", body, 200))["role"] == "admin"


def test_the_provider_here_keeps_to_the_rules(provider: OpenIdProvider) -> None:
    """The oracle: a code without its verifier, or of another client, gives nothing."""
    provider.reset()
    form = {"grant_type": "authorization_code", "code": "made up", "redirect_uri": "x", "code_verifier": "x"}
    with httpx.Client(trust_env=False) as client:
        assert client.post(f"{provider.issuer}/token", data=form).status_code == 401
        auth = httpx.BasicAuth(CLIENT_ID, CLIENT_SECRET.replace(" ", "+"))
        assert client.post(f"{provider.issuer}/token", data=form, auth=auth).status_code == 400
