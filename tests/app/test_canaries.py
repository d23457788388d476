"""Secrets that are planted turn up nowhere: log, answers, figures, message log, audit log, database (RELIABILITY S-14).

What is shown once on purpose (a password that was made, a recovery code, the token of a session for its own page) may
stand in that one answer, and nowhere else.
"""

import asyncio
import base64
import io
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from stationmaster.app.node import Node, running_node
from stationmaster.conformance.errors import HandshakeRefused
from stationmaster.conformance.station import ScriptedStation
from stationmaster.domain.totp import code_at
from tests.api.conftest import Client, client_of, settings_of
from tests.openid import CLIENT_ID, OpenIdProvider, consent

STATION_PASSWORD = "canary-station-password-71c9"
WRONG_PASSWORD = "canary-wrong-password-a830"
NEW_PASSWORD = "CA9A4700112233445566778899AABBCC"
URL_PASSWORD = "canary-url-password-55e1"
PEPPER = "canary-pepper-1f0b5c77d2"
USER_PASSWORD = "canary-user-password-3b1d"
WRONG_USER_PASSWORD = "canary-wrong-user-password-9f"
TYPED_AS_NAME = "canary-password-in-the-wrong-box"
CLIENT_SECRET = "canary-client-secret-77aa"
SMTP_PASSWORD = "canary-smtp-password-18be"


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider(CLIENT_SECRET)
    yield provider
    provider.stop()


@asynccontextmanager
async def a_node(folder: Path, provider: OpenIdProvider) -> AsyncIterator[Node]:
    settings = settings_of(
        folder,
        f"sqlite:///{folder / 'x.sqlite'}",
        database__migrate=True,
        security__pepper=PEPPER,
        oidc__issuer=provider.issuer,
        oidc__client_id=CLIENT_ID,
        oidc__client_secret=CLIENT_SECRET,
        oidc__roles="ops=operator",
        smtp__host="127.0.0.1",
        smtp__port=1,
        smtp__tls="none",
        smtp__username="canary",
        smtp__password=SMTP_PASSWORD,
        security__private_hosts="127.0.0.1",
    )
    async with running_node(settings) as node:
        yield node


async def test_no_secret_is_seen_anywhere(tmp_path: Path, log: io.StringIO, provider: OpenIdProvider) -> None:
    told: list[str] = []
    async with a_node(tmp_path, provider) as node, client_of(node, node.first_key) as api:
        secrets = {"first key": node.first_key or ""}
        told += await stations_speak(node, api)
        secrets |= await people_speak(node, api, told)
        secrets |= await a_provider_speaks(node, told)
        secrets |= await others_are_told(api)
        document = (await api.http.get("/api/v1/openapi.json")).json()
        for path, operations in document["paths"].items():
            if "get" in operations and path != "/api/v1/events":
                filled = re.sub(r"{station_id}", "CP7", path)
                told += [(await api.http.get(filled)).text, (await api.http.get(f"{filled}?format=csv")).text]
        told.append((await api.http.get("/api/v1/stations", headers={"Authorization": "Bearer sm_wrong"})).text)
        figures = (await api.http.get("/metrics")).text
    everything = {
        "log": log.getvalue(),
        "figures": figures,
        "answers": "\n".join(told),
        "files": everything_in(tmp_path),
    }
    for place in ("answers", "files"):
        assert "CP7" in everything[place], "the search finds what is there"
        assert "change_own_password" in everything[place]
    secrets |= {
        "station password": STATION_PASSWORD,
        "wrong station password": WRONG_PASSWORD,
        "new station password": NEW_PASSWORD,
        "password in a URL": URL_PASSWORD,
        "pepper": PEPPER,
        "user password": USER_PASSWORD,
        "wrong user password": WRONG_USER_PASSWORD,
        "password typed as a name": TYPED_AS_NAME,
        "client secret": CLIENT_SECRET,
        "SMTP password": SMTP_PASSWORD,
    }
    assert len(secrets) >= 21
    for name, secret in secrets.items():
        assert len(secret) >= 16, name
        for place, text in everything.items():
            for writing in writings_of(secret):
                assert writing not in text, f"the {name} is in the {place}"


def everything_in(folder: Path) -> str:
    return "\n".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())


def writings_of(secret: str) -> set[str]:
    """The secret, and what it looks like where somebody encoded it."""
    raw = secret.encode()
    return {secret, raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode().rstrip("=")}


async def stations_speak(node: Node, api: Client) -> list[str]:
    """A station comes in, is given a new password, and is sent to an address with one."""
    told: list[str] = []
    await api.post("/stations", {"id": "CP7", "password": STATION_PASSWORD})
    ocpp = node.ocpp_url("127.0.0.1")
    with pytest.raises(HandshakeRefused):
        await ScriptedStation(ocpp, "CP7", password=WRONG_PASSWORD).connect()
    async with ScriptedStation(ocpp, "CP7", password=STATION_PASSWORD) as station:
        await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        for action, payload, answer in (
            ("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD}, {"status": "Rejected"}),
            ("GetDiagnostics", {"location": f"ftp://user:{URL_PASSWORD}@files.example/d"}, {}),
        ):
            asked = asyncio.create_task(api.http.post(f"/api/v1/stations/CP7/commands/{action}", json=payload))
            await station.obey(action, answer)
            told.append((await asked).text)
    broken = {"key": "AuthorizationKey", "value": NEW_PASSWORD, "more": 1}
    told.append((await api.http.post("/api/v1/stations/CP7/commands/ChangeConfiguration", json=broken)).text)
    return told


async def people_speak(node: Node, api: Client, told: list[str]) -> dict[str, str]:
    """A person signs in, well and badly, sets up an app, changes the password; an API key is made."""
    user = await api.post("/users", {"username": "anna", "role": "operator", "password": "canary-first-password-00"})
    told.append(str(user))
    key = await api.post("/api-keys", {"name": "billing", "role": "viewer"})
    made = await api.post("/users", {"username": "ben", "role": "viewer"})
    async with client_of(node, None) as browser:
        for username, password in (("anna", WRONG_USER_PASSWORD), (TYPED_AS_NAME, "x")):
            told.append((await _sign_in(browser, username, password)).text)
        answer = await _sign_in(browser, "anna", "canary-first-password-00")
        first_session = _session_of(answer)
        browser.http.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        body = {"current_password": "canary-first-password-00", "new_password": USER_PASSWORD}
        answer = await browser.http.post("/api/v1/session/password", json=body)
        second_session, csrf_token = _session_of(answer), answer.json()["csrf_token"]
        browser.http.headers["X-CSRF-Token"] = csrf_token
        enrolled = await browser.post("/session/totp", {"password": USER_PASSWORD}, 200)
        code = code_at(base64.b32decode(enrolled["secret"]), int(time.time()) // 30)
        codes = (await browser.post("/session/totp/confirm", {"code": code}, 200))["recovery_codes"]
        told.append((await _sign_in(browser, "anna", USER_PASSWORD)).text)
        told.append((await _sign_in(browser, "anna", USER_PASSWORD, codes[0] + "x")).text)
        third = await _sign_in(browser, "anna", USER_PASSWORD, codes[0])
        assert third.status_code == 200
        await browser.http.get("/api/v1/users?cursor=" + second_session)
    return {
        "API key": key["key"],
        "password that was made": made["password"],
        "first password": "canary-first-password-00",
        "ended session": first_session,
        "session": _session_of(third),
        "session in a query": second_session,
        "CSRF token": csrf_token,
        "TOTP secret": enrolled["secret"],
        "TOTP secret, raw": base64.b32decode(enrolled["secret"]).hex(),
        "used recovery code": codes[0],
        "recovery code": codes[1],
    }


async def a_provider_speaks(node: Node, told: list[str]) -> dict[str, str]:
    """A person signs in through the OpenID provider."""
    async with client_of(node, None) as browser:
        start = await browser.http.get("/api/v1/session/oidc/start")
        answer = await consent(start.headers["location"])
        back = await browser.http.get("/api/v1/session/oidc/callback", params=answer)
        assert back.status_code == 303
        again = await browser.http.get("/api/v1/session/oidc/callback", params=answer)
        told += [start.text, back.text, again.text]
    return {"OIDC code": answer["code"], "OIDC state": answer["state"], "OIDC session": _session_of(back)}


async def others_are_told(api: Client) -> dict[str, str]:
    """A webhook and a list of recipients, neither of which can be reached; the secrets of the webhook."""
    made = await api.post("/webhooks", {"name": "Canary", "url": "http://127.0.0.1:1/"})
    await api.post(f"/webhooks/{made['id']}/test", None, 200)
    again = await api.post(f"/webhooks/{made['id']}/secret", None, 200)
    recipient = await api.post("/alert-recipients", {"name": "Canary", "addresses": ["canary@example.org"]})
    await api.problem("POST", f"/alert-recipients/{recipient['id']}/test", 503, "smtp_refused")
    secrets = {"webhook secret": made["secret"], "second webhook secret": again["secret"]}
    return {name: secret.removeprefix("whsec_") for name, secret in secrets.items()}


async def _sign_in(browser: Client, username: str, password: str, code: str | None = None) -> Any:
    body = {"username": username, "password": password, "totp_code": code}
    return await browser.http.post("/api/v1/session", json=body)


def _session_of(answer: Any) -> str:
    cookies = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies["stationmaster_session"].value
