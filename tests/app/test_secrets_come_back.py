"""A station that quotes the secret it was sent, or tells one, leaves it in no table, answer or log (§3.3.3)."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from stationmaster.app.node import running_node
from tests.api.conftest import PASSWORD, Client, client_of, settings_of
from tests.app.test_canaries import everything_in
from tests.gateway.conftest import basic
from tests.gateway.raw import RawStation

NEW_PASSWORD = "DEADBEEF00112233445566778899AABBCCDDEEFF"
PIN = 'canary pin "90417"'
URL_PASSWORD = "canary-of-an-address-55e1"
INVALID = "invalid_response"

ASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "the password": ("ChangeConfiguration", {"key": "AuthorizationKey", "value": NEW_PASSWORD}, NEW_PASSWORD),
    "a key that the operator hides": ("ChangeConfiguration", {"key": "VendorPin", "value": PIN}, PIN),
    "an address to load from": (
        "UpdateFirmware",
        {"location": f"ftp://me:{URL_PASSWORD}@files.example/x", "retrieveDate": "2030-01-01T00:00:00Z"},
        URL_PASSWORD,
    ),
    "an address for the diagnostics": (
        "GetDiagnostics",
        {"location": f"ftp://me:{URL_PASSWORD}@files.example/d"},
        URL_PASSWORD,
    ),
    "an address for the log": (
        "GetLog",
        {
            "logType": "SecurityLog",
            "requestId": 7,
            "log": {"remoteLocation": f"sftp://me:{URL_PASSWORD}@files.example/d"},
        },
        URL_PASSWORD,
    ),
}


class Dialogue:
    """A station on its socket, and a person at the API."""

    def __init__(self, api: Client, identity: str, station: RawStation) -> None:
        self.api = api
        self.identity = identity
        self.station = station
        self.told: list[str] = []

    async def asks(self, action: str, payload: dict[str, Any], **query: Any) -> tuple[asyncio.Task[Any], str]:
        """The person asks; the request that runs, and the id of the message that the station hears."""
        path = f"/api/v1/stations/{self.identity}/commands/{action}"
        asking = asyncio.create_task(self.api.http.post(path, json=payload, params=query))
        kind, message_id, heard, _ = await self.station.hear()
        assert (kind, heard) == (2, action)
        return asking, message_id

    async def ended(self, asking: asyncio.Task[Any]) -> Any:
        """The job as the answer tells it."""
        answer = await asking
        self.told.append(answer.text)
        return answer.json()

    async def comes_again(self, port: int) -> None:
        """The station loses its connection, and makes another."""
        self.station.drop()
        self.station = await entered(port, self.identity)

    async def heard_out(self) -> None:
        """All that the station has said is handled, since it gets an answer to what it says now."""
        kind, _, _ = await self.station.call([2, "last", "Heartbeat", {}])
        assert kind == 3


@asynccontextmanager
async def dialogue(folder: Path, url: str) -> AsyncIterator[Dialogue]:
    async with running_node(settings_of(folder, url)) as node, client_of(node, node.first_key) as api:
        entries = [{"key": "VendorPin", "value": "not the one that is sent", "secret": True}]
        await api.post("/configuration-templates", {"name": "Pin", "entries": entries})
        identity = await api.station()
        talk = Dialogue(api, identity, await entered(node.ocpp_port, identity))
        boot = {"chargePointVendor": "V", "chargePointModel": "M"}
        await talk.station.call([2, "boot", "BootNotification", boot])
        try:
            yield talk
        finally:
            talk.station.drop()


async def entered(port: int, identity: str) -> RawStation:
    """A station that has connected."""
    station = await RawStation.connect(port)
    await station.open(identity, Authorization=basic(identity, PASSWORD.encode()))
    return station


async def told_by_the_api(talk: Dialogue) -> list[str]:
    paths = ["/jobs", "/messages", "/audit", "/security-events", f"/stations/{talk.identity}/connectors"]
    answers = [await talk.api.http.get(f"/api/v1{path}?station_id={talk.identity}") for path in paths]
    return [*talk.told, *(answer.text for answer in answers)]


async def everything_stored(url: str, folder: Path) -> str:
    """The whole database, as it lies there: every byte of the file, or every row of every table."""
    if url.startswith("sqlite"):
        return everything_in(folder)
    connection = await asyncpg.connect(urlsplit(url).geturl())
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [
            row[0]
            for table in tables
            for row in await connection.fetch(f'SELECT rows::text FROM "{table["tablename"]}" AS rows')  # noqa: S608 - names of the catalogue
        ]
    finally:
        await connection.close()
    return "\n".join(rows)


def writings_of(secret: str) -> list[str]:
    once = json.dumps(secret)[1:-1]
    twice = json.dumps(once)[1:-1]
    return [secret, secret.lower(), once, twice, json.dumps(twice)[1:-1]]


async def seen_nowhere(secret: str, *, url: str, folder: Path, log: io.StringIO, told: list[str]) -> None:
    stored = await everything_stored(url, folder)
    for place, text in {"database": stored, "log": log.getvalue(), "answers": "\n".join(told)}.items():
        for writing in writings_of(secret):
            assert writing not in text, f"{place}: {text[max(0, text.index(writing) - 200) :][:400]}"
    assert "last" in stored, "the search finds what is there"


@pytest.mark.parametrize("asked", ASKED)
async def test_a_refusal_that_quotes_the_secret(
    tmp_path: Path, database_url: str, log: io.StringIO, asked: str
) -> None:
    action, payload, secret = ASKED[asked]
    async with dialogue(tmp_path, database_url) as talk:
        asking, message_id = await talk.asks(action, payload)
        description = f"bad payload {json.dumps(payload)}, that is {payload}, above all {secret}"
        details = {"payload": payload, "again": json.dumps(payload), "plain": [secret], secret: 1}
        await talk.station.say([4, message_id, "GenericError", description, details])
        job = await talk.ended(asking)
        assert (job["state"], job["result"], job["error"]["code"]) == ("error", "GenericError", "GenericError")
        assert job["error"]["description"].startswith("bad payload {")
        assert job["error"]["details"]["plain"] == ["***"]
        await talk.station.say([4, message_id, f"It is {secret}", description, details])  # nobody waits for it
        await talk.heard_out()
        told = await told_by_the_api(talk)
    await seen_nowhere(secret, url=database_url, folder=tmp_path, log=log, told=told)


@pytest.mark.parametrize("asked", ASKED)
async def test_every_other_way_in_which_a_secret_comes_back(
    tmp_path: Path, database_url: str, log: io.StringIO, asked: str
) -> None:
    """As the code of an error, in an answer that breaks the schema, late, in its own messages, in no message at all."""
    action, payload, secret = ASKED[asked]
    async with dialogue(tmp_path, database_url) as talk:
        asking, message_id = await talk.asks(action, payload)
        await talk.station.say([4, message_id, secret, "", {}])
        assert (await talk.ended(asking))["error"]["code"] == "***"
        asking, message_id = await talk.asks(action, payload)
        answer = {"status": {"was": secret}, "fileName": [payload], "filename": [secret]}
        await talk.station.say([3, message_id, answer])
        job = await talk.ended(asking)
        assert job["state"] == ("waiting" if action == "UpdateFirmware" else INVALID)
        assert job["response"]["filename"] == ["***"]
        asking, message_id = await talk.asks(action, payload, timeout=1)
        assert (await talk.ended(asking))["state"] == "timeout"
        await talk.station.say([3, message_id, {"status": secret, "was": payload}])
        await talk.station.say(json.dumps([3, message_id, {"was": payload}])[:-2])
        noon = "2026-03-01T12:00:00Z"
        words = json.dumps(payload)
        for call in (
            ("SecurityEventNotification", {"type": "Odd", "timestamp": noon, "techInfo": f"got {secret}"}),
            ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": secret}),
            ("DataTransfer", {"vendorId": "V", "messageId": "m", "data": words}),
            ("Authorize", {"idTag": "NOBODY", "more": secret}),
            (secret, {}),
        ):
            await talk.station.call([2, f"of {secret}", *call])
        await talk.heard_out()
        told = await told_by_the_api(talk)
    await seen_nowhere(secret, url=database_url, folder=tmp_path, log=log, told=told)


@pytest.mark.parametrize("asked", ASKED)
async def test_a_station_that_comes_again_with_the_secret(
    tmp_path: Path, database_url: str, log: io.StringIO, asked: str
) -> None:
    """What it was told on one connection it tells on the next: under another key, to another vendor, as an error."""
    action, payload, secret = ASKED[asked]
    async with dialogue(tmp_path, database_url) as talk:
        asking, message_id = await talk.asks(action, payload)
        await talk.station.say([4, message_id, "InternalError", "", {}])
        assert (await talk.ended(asking))["state"] == "error"
        await talk.comes_again(talk.api.node.ocpp_port)
        asking, message_id = await talk.asks("GetConfiguration", {})
        await talk.station.say([3, message_id, {"configurationKey": [{"key": "VendorCopy", "value": secret}]}])
        assert (await talk.ended(asking))["response"]["configurationKey"][0]["value"] == "***"
        asking, message_id = await talk.asks("ClearCache", {})
        await talk.station.say([4, message_id, "GenericError", f"after {secret}", {"was": payload}])
        assert (await talk.ended(asking))["error"]["description"] == "after ***"
        data = json.dumps(payload)
        await talk.station.call([2, "transfer", "DataTransfer", {"vendorId": "V", "messageId": "m", "data": data}])
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": secret}
        await talk.station.call([2, "status", "StatusNotification", status])
        await talk.heard_out()
        told = await told_by_the_api(talk)
    await seen_nowhere(secret, url=database_url, folder=tmp_path, log=log, told=told)


async def test_a_listing_that_tells_secrets(tmp_path: Path, database_url: str, log: io.StringIO) -> None:
    """Nobody sent these: the station names them, in answers that keep to the schema and in those that do not."""
    odd = {"key": "VendorPin", "readonly": False, "value": NEW_PASSWORD * 15}
    listings: list[dict[str, Any]] = [
        {"configurationKey": [{"key": "AuthorizationKey", "value": NEW_PASSWORD}]},
        {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": NEW_PASSWORD}, odd]},
        {"configurationKey": json.dumps([{"key": "VendorPin", "value": NEW_PASSWORD}])},
        {"configurationKey": [{"VendorPin": NEW_PASSWORD, "authorizationkey": NEW_PASSWORD}]},
    ]
    async with dialogue(tmp_path, database_url) as talk:
        for listed in listings:
            ending = "done" if listed is listings[1] else INVALID
            asking, message_id = await talk.asks("GetConfiguration", {})
            await talk.station.say([3, message_id, listed])
            assert (await talk.ended(asking))["state"] == ending
            asking, message_id = await talk.asks("GetConfiguration", {})
            await talk.station.say([4, message_id, "InternalError", f"cannot list {listed}", listed])
            assert (await talk.ended(asking))["state"] == "error"
            data = json.dumps(listed)
            await talk.station.call([2, "d" + message_id, "DataTransfer", {"vendorId": "V", "data": data}])
        await talk.heard_out()
        told = await told_by_the_api(talk)
    await seen_nowhere(NEW_PASSWORD, url=database_url, folder=tmp_path, log=log, told=told)
