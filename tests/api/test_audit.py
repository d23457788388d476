"""The audit log through the API: every change leaves an entry, and it holds no secret."""

import csv
import hashlib
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stationmaster.app.node import running_node
from tests.api.conftest import (
    Client,
    NodeThread,
    client_of,
    connected,
    eventually,
    new_id,
    settings_of,
    with_role,
)
from tests.api.people import PASSWORD, new_user, signed_in

PUBLIC = {"POST /api/v1/session"}
"""Who signs in is in the log by the sign-in itself."""


async def entries(api: Client, **filters: Any) -> list[Any]:
    return list((await api.get("/audit", limit=1000, **filters))["items"])


async def test_who_did_what_with_what_result(api: Client) -> None:
    async with signed_in(api, "operator") as browser:
        username = (await browser.get("/session"))["username"]
        station_id = new_id()
        body = {"id": station_id, "password": "a password of sixteen bytes", "name": "Yard"}
        await browser.post("/stations", body)
        await browser.problem("POST", "/stations", 409, "station_exists", json=body)
        await browser.patch(f"/stations/{station_id}", {"operator_state": "Pending"})
        await browser.problem("POST", "/users", 403, "not_permitted", json={"username": "x", "role": "viewer"})
        await browser.get(f"/stations/{station_id}")
        await browser.delete(f"/stations/{station_id}")
    found = await entries(api, actor=f"user:{username}")
    told = [(each["action"], each["station_id"], each["result"], each["status"]) for each in reversed(found)]
    assert told == [
        ("sign_in", None, "ok", None),
        ("register_station", station_id, "ok", 201),
        ("register_station", None, "refused", 409),
        ("change_station", station_id, "ok", 200),
        ("create_user", None, "refused", 403),
        ("delete_station", station_id, "ok", 204),
    ]
    change = found[2]
    assert change["details"] == {"body": {"operator_state": "Pending"}}
    assert change["target"] == f"/stations/{station_id}"
    assert change["remote_address"] == "127.0.0.1"
    assert found[4]["details"]["body"]["password"] == "********"
    assert [each["action"] for each in await entries(api, station_id=station_id)] == [
        "delete_station",
        "change_station",
        "register_station",
    ]


async def test_what_a_station_was_asked_and_what_it_answered(api: Client) -> None:
    async with connected(api) as station:
        path = f"/stations/{station.identity}/commands"
        payload = {"key": "AuthorizationKey", "value": "canary-4f00112233445566778899aabbcc"}
        answer = await api.http.post(f"/api/v1{path}/ChangeConfiguration?wait=0", json=payload)
        job = answer.json()
        await station.obey("ChangeConfiguration", {"status": "Rejected"})

        async def answered() -> list[Any]:
            return await entries(api, action="ChangeConfiguration")

        (done,) = await eventually(answered)
        await api.problem(
            "POST", f"{path}/ChangeConfiguration", 422, "payload_invalid", json={"value": payload["value"]}
        )
        await api.problem("POST", f"{path}/Fly", 404, "unknown_action", json=payload)
    assert (done["station_id"], done["result"], done["target"]) == (station.identity, "ok", f"/jobs/{job['id']}")
    assert done["details"]["result"] == "Rejected"
    sent = await entries(api, action="send_command")
    assert [(each["details"]["command"], each["result"], each["status"]) for each in sent] == [
        ("Fly", "refused", 404),
        ("ChangeConfiguration", "refused", 422),
        ("ChangeConfiguration", "ok", 202),
    ]
    assert sent[2]["details"]["job_id"] == job["id"]
    assert "canary" not in json.dumps(await entries(api))


async def test_every_operation_that_changes_something_leaves_an_entry(api: Client) -> None:
    """Whatever comes of it: all are asked for with nonsense, and none is missing."""
    document = (await api.http.get("/api/v1/openapi.json")).json()
    wanted: dict[str, int] = {}
    for path, operations in document["paths"].items():
        for method in operations:
            if method in ("get", "head") or f"{method.upper()} {path}" in PUBLIC or not path.startswith("/api/v1/"):
                continue
            filled = path.replace("{", "").replace("}", "")
            answer = await api.http.request(method.upper(), filled, json={"canary": PASSWORD})
            if answer.status_code != 405:
                wanted[filled.removeprefix("/api/v1")] = wanted.get(filled.removeprefix("/api/v1"), 0) + 1
    found: dict[str, int] = {}
    for each in await entries(api):
        found[each["target"]] = found.get(each["target"], 0) + 1
    assert found == wanted


async def test_whoever_exports_the_log_can_prove_it(api: Client) -> None:
    for number in range(5):
        await api.post("/tokens", {"id_tag": f"T{number}", "note": '\u00e4 \u2028 "quoted" =cmd'})
    items = list(reversed(await entries(api)))
    previous = "0" * 64
    for sequence, entry in enumerate(items, 1):
        stated = entry.pop("hash")
        assert (entry["sequence"], entry["previous_hash"]) == (sequence, previous)
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == stated
        previous = stated


async def test_the_log_as_a_table(api: Client) -> None:
    await api.post("/tokens", {"id_tag": "=CMD()"})
    answer = await api.http.get("/api/v1/audit?format=csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["action"] == "register_token"
    assert json.loads(row["details"])["body"]["id_tag"] == "=CMD()"


async def test_who_may_read_it(api: Client, node_thread: NodeThread) -> None:
    station_id = await api.station(site_id="here")
    async with with_role(api, "security_admin") as security:
        assert await entries(security)
    for role in ("viewer", "operator"):
        async with with_role(api, role) as other:
            await other.problem("GET", "/audit", 403, "not_permitted")
    async with with_role(api, "admin", site_ids=["here"]) as limited:
        await limited.problem("GET", "/audit", 422, "station_required")
        assert [each["action"] for each in await entries(limited, station_id=station_id)] == ["register_station"]


@pytest.mark.parametrize("filters", [{"result": "maybe"}, {"since": "yesterday"}, {"cursor": "x"}])
async def test_a_filter_that_is_none(api: Client, filters: dict[str, str]) -> None:
    answer = await api.http.get("/api/v1/audit", params=filters)
    assert answer.status_code == 422


async def test_failed_sign_ins_are_in_the_log_of_whose_they_are(api: Client) -> None:
    user = await new_user(api)
    await api.http.post("/api/v1/session", json={"username": user["username"], "password": "wrong", "totp_code": None})
    (entry,) = await entries(api, action="sign_in")
    assert (entry["actor"], entry["result"]) == (f"user:{user['username']}", "refused")
    assert entry["details"] == {"reason": "sign_in_refused", "failures_in_a_row": 1}


async def test_the_chain_is_proved_for_whoever_may_read_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    settings = settings_of(tmp_path, f"sqlite:///{file}", database__migrate=True)
    async with running_node(settings) as node, client_of(node, node.first_key) as admin:
        for number in range(3):
            await admin.post("/tokens", {"id_tag": f"TAG-{number}"})
        (newest, *_) = await entries(admin)
        proof = await admin.get("/audit/verification")
        assert proof == {"whole": True, "length": newest["sequence"], "hash": newest["hash"], "flaws": []}
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DROP TRIGGER audit_entry_no_update")
        database.execute("UPDATE audit_entry SET actor = 'user:somebody' WHERE sequence = 2")
    async with running_node(settings) as node, client_of(node, str(admin.http.headers["authorization"])[7:]) as admin:
        proof = await admin.get("/audit/verification")
        assert not proof["whole"]
        assert proof["flaws"][0]["sequence"] == 2


async def test_who_is_limited_to_sites_cannot_prove_what_they_do_not_see(api: Client) -> None:
    async with with_role(api, "admin", site_ids=["here"]) as limited:
        await limited.problem("GET", "/audit/verification", 403, "other_site")
