"""Signing in with a browser: cookies, CSRF, other origins, second factors, the event stream."""

import asyncio
import base64
import time
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.api.cookies import give_cookie
from stationmaster.api.permissions import ROLE_PERMISSIONS
from stationmaster.domain.roles import ROLES
from stationmaster.domain.totp import code_at
from tests.api.conftest import Client, client_of, new_id
from tests.api.people import PASSWORD, browser_of, new_user, signed_in


def cookie_of(answer: httpx.Response, name: str = "stationmaster_session") -> Any:
    cookies = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies[name]


async def sign_in(browser: Client, username: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    body = {"username": username, "password": password, "totp_code": None, **more}
    return await browser.http.post("/api/v1/session", json=body)


async def test_a_person_signs_in_and_out(api: Client) -> None:
    user = await new_user(api, "operator", name="Olga", site_ids=["here"])
    async with browser_of(api) as browser:
        await browser.problem("GET", "/session", 401, "api_key_missing")
        answer = await sign_in(browser, user["username"])
        session = answer.json()
        assert session | {"csrf_token": "", "expires_at": ""} == {
            "name": "Olga",
            "username": user["username"],
            "role": "operator",
            "permissions": sorted(ROLE_PERMISSIONS["operator"]),
            "organisation_id": user_organisation(session),
            "site_ids": ["here"],
            "csrf_token": "",
            "totp_enabled": False,
            "expires_at": "",
        }
        cookie = cookie_of(answer)
        assert len(base64.urlsafe_b64decode(cookie.value + "=")) == 32
        assert cookie["httponly"]
        assert cookie["samesite"] == "lax"
        assert cookie["path"] == "/"
        assert not cookie["secure"], "it came without TLS"
        assert cookie.value not in answer.text
        assert cookie.value not in session["csrf_token"]
        assert (await browser.get("/session"))["csrf_token"] == session["csrf_token"]
        assert await browser.get("/stations")
        browser.http.headers["X-CSRF-Token"] = session["csrf_token"]
        answer = await browser.http.delete("/api/v1/session")
        assert answer.status_code == 204
        assert cookie_of(answer)["max-age"] == "0"
        browser.http.cookies.set("stationmaster_session", cookie.value)
        await browser.problem("GET", "/session", 401, "not_signed_in")
        await browser.problem("GET", "/stations", 401, "not_signed_in")


def user_organisation(session: Any) -> str:
    assert session["organisation_id"].startswith("org-")
    return str(session["organisation_id"])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_goes_over_tls_only_when_it_came_over_tls(scheme: str) -> None:
    """The scheme is the one of the browser also behind a proxy that is trusted (http.trusted_proxies)."""
    scope = {"type": "http", "scheme": scheme, "path": "/", "headers": [], "server": ("x", 1), "query_string": b""}
    response = Response()
    give_cookie(Request(scope), response, "a", "b", 60, "/")
    assert ("Secure" in response.headers["set-cookie"]) is (scheme == "https")


@pytest.mark.parametrize(
    "method, path", [("POST", "/stations"), ("DELETE", "/session"), ("PATCH", "/stations/x"), ("POST", "/session/totp")]
)
async def test_a_change_needs_the_token_of_the_session(api: Client, method: str, path: str) -> None:
    async with signed_in(api) as browser, signed_in(api) as other:
        theirs = other.http.headers["X-CSRF-Token"]
        for token, code in (
            (None, "csrf_missing"),
            ("", "csrf_wrong"),
            ("x" * 64, "csrf_wrong"),
            (theirs, "csrf_wrong"),
        ):
            del browser.http.headers["X-CSRF-Token"]
            if token is not None:
                browser.http.headers["X-CSRF-Token"] = token
            await browser.problem(method, path, 403, code, json={})
            browser.http.headers.setdefault("X-CSRF-Token", "")
        assert await browser.get("/session"), "reading needs none, and nothing was signed out"


async def test_a_program_needs_no_token(api: Client) -> None:
    await api.station()
    async with signed_in(api) as browser:
        browser.http.headers["Authorization"] = api.http.headers["Authorization"]
        del browser.http.headers["X-CSRF-Token"]
        await browser.station()
        await browser.problem("GET", "/session", 401, "not_signed_in")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_origin_is_not_answered(api: Client, headers: dict[str, str]) -> None:
    """Though the browser sends the cookie, and even where the page has stolen a token."""
    async with signed_in(api) as browser:
        for method, path in (("GET", "/events"), ("GET", "/stations"), ("POST", "/stations"), ("DELETE", "/session")):
            await browser.problem(method, path, 403, "cross_origin", headers=headers)
        body = {"username": "x", "password": "y", "totp_code": None}
        await browser.problem("POST", "/session", 403, "cross_origin", headers=headers, json=body)


async def test_our_own_pages_and_links_to_us_are(api: Client) -> None:
    async with signed_in(api) as browser:
        own = f"http://127.0.0.1:{api.node.http_port}"
        for headers in (
            {"Origin": own},
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        ):
            answer = await browser.http.get("/api/v1/stations?format=csv", headers=headers)
            assert answer.status_code == 200, headers


async def test_the_event_stream_takes_the_cookie_and_ends_with_the_session(api: Client) -> None:
    station_id = await api.station()
    async with signed_in(api, "viewer") as browser:
        async with browser.http.stream("GET", "/api/v1/events") as stream:
            assert stream.status_code == 200
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 3000"
            await api.delete(f"/stations/{station_id}")
            assert (await browser.http.delete("/api/v1/session")).status_code == 204
            async with asyncio.timeout(30):
                rest = [line async for line in lines]
        assert ": you are not signed in any more" in rest


async def test_whoever_fails_is_told_nothing_and_waits(api: Client) -> None:
    user = await new_user(api)
    async with browser_of(api) as browser:
        problems = []
        for username, password in ((user["username"], "wrong"), (new_id("nobody"), PASSWORD), (user["username"], "")):
            problems.append((await sign_in(browser, username, password)).json())
        assert len({str(problem) for problem in problems}) == 1
        assert problems[0]["code"] == "sign_in_refused"
        for _ in range(20):
            await sign_in(browser, user["username"], "wrong")
        answer = await sign_in(browser, user["username"], "wrong")
        assert answer.status_code == 429
        assert answer.json()["code"] == "sign_in_throttled"
        assert 1 <= int(answer.headers["retry-after"]) <= 900
        other = await new_user(api)
        assert (await sign_in(browser, other["username"])).status_code == 200


async def test_a_code_is_asked_for(api: Client) -> None:
    async with signed_in(api) as browser:
        problem = await browser.problem("POST", "/session/totp", 422, "password_wrong", json={"password": "wrong"})
        assert problem["errors"][0]["field"] == "password"
        enrolled = await browser.post("/session/totp", {"password": PASSWORD}, 200)
        secret = base64.b32decode(enrolled["secret"])
        assert enrolled["secret"] in enrolled["uri"]
        await browser.problem("POST", "/session/totp/confirm", 422, "totp_wrong", json={"code": "000000"})
        code = code_at(secret, int(time.time()) // 30 - 1)
        codes = (await browser.post("/session/totp/confirm", {"code": code}, 200))["recovery_codes"]
        session = await browser.get("/session")
        assert session["totp_enabled"]
        async with browser_of(api) as again:
            answer = await sign_in(again, session["username"])
            assert (answer.status_code, answer.json()["code"]) == (401, "totp_required")
            assert "stationmaster_session" not in answer.headers.get("set-cookie", "")
            answer = await sign_in(again, session["username"], totp_code="000000")
            assert answer.json()["code"] == "sign_in_refused"
            answer = await sign_in(again, session["username"], totp_code=code_at(secret, int(time.time()) // 30))
            assert answer.status_code == 200
        async with browser_of(api) as lost:
            assert (await sign_in(lost, session["username"], totp_code=codes[0])).status_code == 200
        await browser.problem("POST", "/session/totp", 409, "totp_enabled", json={"password": PASSWORD})
        await browser.post("/session/totp/disable", {"password": PASSWORD}, 204)
        async with browser_of(api) as easy:
            assert (await sign_in(easy, session["username"])).status_code == 200


async def test_a_new_password_of_ones_own(api: Client) -> None:
    async with signed_in(api) as browser:
        username = (await browser.get("/session"))["username"]
        async with browser_of(api) as elsewhere:
            assert (await sign_in(elsewhere, username)).status_code == 200
            body = {"current_password": "wrong", "new_password": "another good password"}
            problem = await browser.problem("POST", "/session/password", 422, "password_wrong", json=body)
            assert problem["errors"][0]["field"] == "current_password"
            body |= {"current_password": PASSWORD, "new_password": "short"}
            problem = await browser.problem("POST", "/session/password", 422, "password_invalid", json=body)
            assert problem["errors"][0]["field"] == "new_password"
            body |= {"new_password": "another good password"}
            session = await browser.post("/session/password", body, 200)
            await elsewhere.problem("GET", "/session", 401, "not_signed_in")
            await browser.problem("DELETE", "/session", 403, "csrf_wrong")  # the old token went with the old session
            browser.http.headers["X-CSRF-Token"] = session["csrf_token"]
            await browser.delete("/session")
            assert (await sign_in(elsewhere, username, "another good password")).status_code == 200


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_do_what_it_says(api: Client, role: str) -> None:
    async with signed_in(api, role) as browser:
        permissions = set((await browser.get("/session"))["permissions"])
        assert permissions == ROLE_PERMISSIONS[role]
        for path, permission in (
            ("/stations", "stations:read"),
            ("/users", "users:read"),
            ("/api-keys", "api_keys:read"),
            ("/audit", "audit:read"),
            ("/settings", "settings:read"),
            ("/messages", "messages:read"),
            ("/actions", "stations:read"),
            ("/about", "stations:read"),
        ):
            answer = await browser.http.get(f"/api/v1{path}")
            assert (answer.status_code == 200) is (permission in permissions), f"{role} {path}: {answer.text}"


async def test_how_one_may_sign_in_is_told_to_everybody(api: Client) -> None:
    async with browser_of(api) as browser:
        assert await browser.get("/session/options") == {"oidc": None}
        await browser.problem("GET", "/session/oidc/start", 404, "oidc_not_configured")
        page = await browser.http.get("/api/v1/session/oidc/callback", headers={"Accept": "text/html"})
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")


async def test_a_key_is_no_person(api: Client) -> None:
    for method, path in (("GET", "/session"), ("DELETE", "/session"), ("POST", "/session/totp")):
        options = {"json": {"password": "x"}} if method == "POST" else {}
        await api.problem(method, path, 401, "not_signed_in", **options)


async def test_bearer_wins_over_the_cookie(api: Client) -> None:
    async with signed_in(api) as browser, client_of(api.node, "sm_unknown") as stranger:
        stranger.http.cookies.update(browser.http.cookies)
        await stranger.problem("GET", "/stations", 401, "api_key_invalid")
