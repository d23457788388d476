"""Desired configuration through the API: templates, precedence, drift, secrets, who may do what."""

import asyncio
from typing import Any

import pytest

from stationmaster.conformance.station import ScriptedStation
from tests.api.conftest import PASSWORD, Client, NodeThread, client_of, connected, eventually, new_id, with_role

SECRET = "battery staple horse correct"
HEARTBEAT = [{"key": "HeartbeatInterval", "value": "600"}]


async def template(api: Client, entries: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    return await api.post("/configuration-templates", {"name": "T", "entries": entries or HEARTBEAT, **more})


async def told(station: ScriptedStation, keys: dict[str, str], unknown: list[str] | None = None) -> list[str]:
    """The station tells its keys once; which ones it was asked for."""
    answer: dict[str, Any] = {
        "configurationKey": [{"key": key, "readonly": False, "value": value} for key, value in keys.items()]
    }
    if unknown:
        answer["unknownKey"] = unknown
    request = await station.obey("GetConfiguration", answer)
    return list(request.payload["key"])


async def follow(api: Client, station_id: str, mode: str, *template_ids: str) -> Any:
    body = {"mode": mode, "template_ids": list(template_ids)}
    return await api.ask("PUT", f"/stations/{station_id}/desired-configuration", json=body)


async def test_templates_are_made_read_changed_and_deleted(api: Client) -> None:
    made = await template(api, vendor="Acme", priority=5, note="for the north", reboot="when_idle", mode="on_demand")
    path = f"/configuration-templates/{made['id']}"
    assert await api.get(path) == made
    assert made["entries"] == [{"key": "HeartbeatInterval", "value": "600", "secret": False}]
    assert (made["priority"], made["vendor"], made["reboot"], made["mode"]) == (5, "Acme", "when_idle", "on_demand")
    changed = await api.patch(path, {"priority": 0, "vendor": None, "note": None})
    assert (changed["priority"], changed["vendor"], changed["note"]) == (0, None, None)
    assert changed["entries"] == made["entries"], "what is left out stays"
    odd = await api.patch(path, {"entries": [{"key": "HeartbeatInterval", "value": "often"}]})
    assert odd["warnings"] == ["HeartbeatInterval is a whole number."]
    await template(api, name="Another")
    page = await api.get("/configuration-templates", limit=1)
    assert [each["name"] for each in page["items"]] == ["Another"]
    rest = await api.get("/configuration-templates", cursor=page["next_cursor"])
    assert [each["name"] for each in rest["items"]] == ["T"]
    assert [each["name"] for each in (await api.get("/configuration-templates", search="anoth"))["items"]] == [
        "Another"
    ]
    csv = (await api.http.get("/api/v1/configuration-templates", params={"format": "csv"})).text.splitlines()
    assert csv[0].startswith("id,name,entries")
    await api.delete(path)
    await api.problem("GET", path, 404, "template_unknown")


@pytest.mark.parametrize(
    ("entries", "field", "code"),
    [
        ([{"key": "AuthorizationKey", "value": "AB" * 20}], "entries.0.key", "not_for_templates"),
        ([{"key": "securityprofile", "value": "2"}], "entries.0.key", "not_for_templates"),
        ([{"key": "A", "value": "1"}, {"key": "a", "value": "2"}], "entries.1.key", "twice"),
        ([{"key": "A"}], "entries.0.value", "missing"),
        ([{"key": "A", "secret": True}], "entries.0.value", "missing"),
    ],
)
async def test_a_template_that_cannot_be_says_which_entry_and_why(
    api: Client, entries: list[dict[str, Any]], field: str, code: str
) -> None:
    body = {"name": "T", "entries": entries}
    problem = await api.problem("POST", "/configuration-templates", 422, "field_invalid", json=body)
    assert [(each["field"], each["code"]) for each in problem["errors"]] == [(field, code)]


async def test_recipes_ship_with_the_program_and_can_be_copied(api: Client) -> None:
    recipes = {each["id"]: each for each in (await api.get("/configuration-recipes"))["items"]}
    metering = {each["key"]: each["value"] for each in recipes["public-metering"]["entries"]}
    assert 60 <= int(metering["MeterValueSampleInterval"]) <= 900
    assert "Energy.Active.Import.Register" in metering["MeterValuesSampledData"].split(",")
    assert metering["ClockAlignedDataInterval"] == "900"
    assert metering["MeterValuesAlignedData"] == "Energy.Active.Import.Register"
    assert metering["StopTxnSampledData"] in {"", "Energy.Active.Import.Register"}
    assert {"public-metering": "§3.5.1", "keep-alive": "§1.10"}.items() <= {
        each["id"]: each["source"] for each in recipes.values()
    }.items()
    keep = {each["key"]: each["value"] for each in recipes["keep-alive"]["entries"]}
    longest_s = int(keep["TransactionMessageAttempts"]) * int(keep["TransactionMessageRetryInterval"])
    assert 0 < int(keep["WebSocketPingInterval"]) < longest_s
    for recipe in recipes.values():
        copied = await template(api, recipe["entries"], name=recipe["name"], note=recipe["note"])
        assert copied["warnings"] == []


async def test_which_template_counts_is_shown(api: Client) -> None:
    identity = await api.station(site_id="north")
    weak = await template(api, name="weak", site_id="north")
    strong = await template(api, [{"key": "heartbeatinterval", "value": "900"}], name="strong", priority=3)
    await follow(api, identity, "show")
    one = await api.get(f"/stations/{identity}/desired-configuration")
    assert [each["name"] for each in one["templates"]] == ["weak"]
    both = await follow(api, identity, "show", strong["id"])
    assert [(each["name"], each["assigned"]) for each in both["templates"]] == [("strong", True), ("weak", False)]
    (key,) = both["keys"]
    assert (key["template_id"], key["desired"], key["overridden"]) == (strong["id"], "900", [weak["id"]])
    assert (key["state"], key["reason"], key["checked_at"]) == ("unknown", "not_read", None)
    listed = await api.get(f"/configuration-templates/{weak['id']}/stations")
    assert listed["items"] == [
        {"station_id": identity, "site_id": "north", "assigned": False, "mode": "show"},
    ]


async def test_off_is_the_default_and_nothing_is_sent_or_shown(api: Client) -> None:
    await template(api, vendor="*")
    async with connected(api) as station:
        path = f"/stations/{station.identity}/desired-configuration"
        found = await api.get(path)
        assert (found["mode"], found["keys"]) == ("off", [])
        await api.problem("POST", f"{path}/apply", 409, "not_followed", json={})


async def test_drift_is_found_shown_and_mended_on_demand(api: Client) -> None:
    made = await template(api, [*HEARTBEAT, {"key": "NoSuchKey", "value": "1"}])
    async with connected(api, await api.station(site_id="north")) as station:
        identity = station.identity
        await follow(api, identity, "on_demand", made["id"])
        applied = asyncio.create_task(api.ask("POST", f"/stations/{identity}/desired-configuration/apply"))
        assert await told(station, {"GetConfigurationMaxKeys": "5"}) == ["GetConfigurationMaxKeys"]
        asked = await told(station, {"HeartbeatInterval": "300"}, ["NoSuchKey"])
        assert asked == ["HeartbeatInterval", "NoSuchKey"]
        change = await station.obey("ChangeConfiguration", {"status": "Accepted"})
        assert change.payload == {"key": "HeartbeatInterval", "value": "600"}
        assert await told(station, {"HeartbeatInterval": "600"}) == ["HeartbeatInterval"]
        job = await applied
        assert (job["state"], job["result"], job["action"]) == ("done", "drifted", "ApplyConfiguration")

        drift = (await api.get("/configuration-drift"))["items"]
        assert [(each["station_id"], each["key"], each["state"]) for each in drift] == [
            (identity, "NoSuchKey", "not_supported")
        ]
        assert (await api.get("/configuration-drift", state="in_step"))["items"][0]["actual"] == "600"
        summary = await api.get("/configuration-drift-summary")
        assert summary == {"states": {"in_step": 1, "not_supported": 1}, "followed_stations": 1}
        for query, count in (({"key": "NOSUCHKEY"}, 1), ({"site_id": "south"}, 0), ({"template_id": "0"}, 0)):
            assert len((await api.get("/configuration-drift", **query))["items"]) == count
        csv = (await api.http.get("/api/v1/configuration-drift", params={"format": "csv"})).text.splitlines()
        assert len(csv) == 2
        async with with_role(api, "viewer", site_ids=["south"]) as limited:
            assert (await limited.get("/configuration-drift"))["items"] == []
            assert (await limited.get("/configuration-drift-summary"))["followed_stations"] == 0
        events = (await api.get("/past-events", type="configuration.drifted"))["items"]
        assert [each["key"] for each in events[0]["data"]["keys"]] == ["NoSuchKey"]


async def test_a_template_is_applied_to_a_group_and_the_run_tells_how_far_it_is(api: Client) -> None:
    made = await template(api, site_id="north")
    away = await api.station(site_id="north")
    off = await api.station(site_id="north")
    path = f"/configuration-templates/{made['id']}"
    async with connected(api, await api.station(site_id="north")) as station:
        counted = await api.post(f"{path}/follow", {"mode": "on_demand", "station_ids": [station.identity, away]}, 200)
        assert counted == {"stations": 2}
        run = await api.post(f"{path}/apply", {}, 202)
        assert (run["total"], run["busy"]) == (2, [])
        assert off not in {each["station_id"] for each in run["stations"]}
        await told(station, {"GetConfigurationMaxKeys": "1"})
        await told(station, {"HeartbeatInterval": "600"})

        async def one_done() -> bool:
            found = await api.get(f"/configuration-runs/{run['run_id']}")
            return bool(found["results"] == {"in_step": 1} and found["finished"] == 1)

        await eventually(one_done)
        again = await api.post(f"{path}/apply", {"station_ids": [away]}, 202)
        assert (again["total"], again["busy"]) == (0, [away])
    async with with_role(api, "viewer", site_ids=["south"]) as limited:
        assert (await limited.get(f"/configuration-runs/{run['run_id']}"))["total"] == 0
    waiting = next(each["job_id"] for each in run["stations"] if each["station_id"] == away)
    ended = await api.ask("POST", f"/jobs/{waiting}/cancel")
    assert ended["state"] == "cancelled"
    await api.problem("POST", f"/jobs/{waiting}/cancel", 409, "job_ended")


async def test_stations_are_assigned_and_taken_back(api: Client) -> None:
    made = await template(api)
    identity = await api.station()
    path = f"/configuration-templates/{made['id']}"
    await api.post(f"{path}/assign", {"station_ids": [identity, identity]}, 200)
    assert (await api.get(f"/stations/{identity}/desired-configuration"))["template_ids"] == [made["id"]]
    assert (await api.get(f"{path}/stations"))["items"][0]["assigned"] is True
    await api.post(f"{path}/unassign", {"station_ids": [identity]}, 200)
    assert (await api.get(f"/stations/{identity}/desired-configuration"))["template_ids"] == []
    body = {"station_ids": ["nobody"]}
    await api.problem("POST", f"{path}/assign", 404, "station_unknown", json=body)
    wrong = {"mode": "show", "template_ids": ["0" * 32]}
    await api.problem("PUT", f"/stations/{identity}/desired-configuration", 422, "field_invalid", json=wrong)


async def test_what_is_of_others_cannot_be_named(api: Client, node_thread: NodeThread) -> None:
    theirs_key = node_thread.new_organisation()[1]
    async with client_of(node_thread.node, theirs_key) as them:
        their_template, their_station = (await template(them))["id"], await them.station()
    mine, identity = await template(api), await api.station()
    body = {"station_ids": [their_station]}
    for step in ("assign", "apply"):
        await api.problem("POST", f"/configuration-templates/{mine['id']}/{step}", 404, "station_unknown", json=body)
    follow_body = {"template_ids": [their_template]}
    path = f"/stations/{identity}/desired-configuration"
    await api.problem("PUT", path, 422, "field_invalid", json=follow_body)
    await follow(api, identity, "on_demand")
    await api.problem("POST", f"{path}/apply", 404, "template_unknown", json={"template_id": their_template})


async def test_a_secret_is_never_shown_again(api: Client) -> None:
    entries = [{"key": "VendorPin", "value": SECRET, "secret": True}]
    made = await template(api, entries)
    path = f"/configuration-templates/{made['id']}"
    assert made["entries"] == [{"key": "VendorPin", "value": None, "secret": True}]
    kept = await api.patch(path, {"entries": [{"key": "VendorPin", "secret": False}]})
    assert kept["entries"][0]["secret"] is True, "once secret, always secret"
    await api.problem(
        "POST", "/configuration-templates", 422, "invalid", json={"name": "T", "entries": entries, "odd": 1}
    )
    async with connected(api) as station:
        await follow(api, station.identity, "on_demand", made["id"])
        asked = f"/stations/{station.identity}/desired-configuration/apply"
        applied = asyncio.create_task(api.ask("POST", asked))
        await told(station, {"GetConfigurationMaxKeys": "5"})
        await told(station, {"VendorPin": "an old pin"})
        change = await station.obey("ChangeConfiguration", {"status": "Accepted"})
        assert change.payload["value"] == SECRET
        assert (await applied)["result"] == "in_step"

        async def logged() -> bool:
            messages = await api.get("/messages", station_id=station.identity)
            return any(each["action"] == "ChangeConfiguration" for each in messages["items"])

        await eventually(logged)
        for place in ("messages", "jobs", "past-events", "audit-log", "configuration-drift?state=in_step"):
            text = (await api.http.get(f"/api/v1/{place}")).text
            assert SECRET not in text, place
            assert "an old pin" not in text, place
        shown = (await api.http.get(f"/api/v1/stations/{station.identity}/configuration")).text
        assert "VendorPin" in shown
        assert "an old pin" not in shown


async def test_who_may_do_what(api: Client) -> None:
    made = await template(api)
    identity = await api.station()
    path = f"/configuration-templates/{made['id']}"
    body = {"name": "T", "entries": HEARTBEAT}
    async with with_role(api, "operator") as operator:
        await operator.problem("POST", "/configuration-templates", 403, "not_permitted", json=body)
        await operator.problem("POST", f"{path}/follow", 403, "not_permitted", json={"mode": "show"})
        assert (await operator.post(f"{path}/apply", {}, 202))["total"] == 0
    async with with_role(api, "viewer") as viewer:
        assert (await viewer.get(path))["id"] == made["id"]
        await viewer.problem("POST", f"{path}/apply", 403, "not_permitted", json={})
        await viewer.problem("POST", f"/stations/{identity}/desired-configuration/apply", 403, "not_permitted")
    async with with_role(api, "security_admin", site_ids=["north"]) as limited:
        await limited.problem("POST", "/configuration-templates", 403, "other_site", json=body)
        await limited.problem("GET", f"/stations/{identity}/desired-configuration", 404, "station_unknown")
    narrow = ["configuration:read", "configuration:write"]
    async with with_role(api, "admin", permissions=narrow) as narrowed:
        risky = {"name": "T", "entries": [{"key": "CentralSystemUrl", "value": "wss://elsewhere"}]}
        await narrowed.problem("POST", "/configuration-templates", 403, "dangerous_command", json=risky)
        await narrowed.problem("PATCH", path, 403, "dangerous_command", json={"entries": risky["entries"]})


async def test_advice_tells_that_pings_are_too_rare(api: Client) -> None:
    async with connected(api) as station:
        path = f"/stations/{station.identity}/configuration-advice"
        assert (await api.get(path))["items"] == []
        read = asyncio.create_task(api.ask("POST", f"/stations/{station.identity}/commands/GetConfiguration"))
        keys = {"WebSocketPingInterval": "180", "TransactionMessageAttempts": "3"}
        keys |= {"TransactionMessageRetryInterval": "60", "MeterValueSampleInterval": "0"}
        answer = {"configurationKey": [{"key": key, "readonly": False, "value": keys[key]} for key in keys]}
        await station.obey("GetConfiguration", answer)
        await read
        found = {each["code"]: each for each in (await api.get(path))["items"]}
        assert set(found) == {"pings_too_rare", "no_samples"}
        assert "3 x 60 s = 180 s" in found["pings_too_rare"]["words"]
        assert found["pings_too_rare"]["keys"][0] == "WebSocketPingInterval"


# Commands that wait.


async def test_a_persistent_command_waits_for_a_station_that_is_away_and_is_delivered_when_it_comes(
    api: Client,
) -> None:
    identity = await api.station()
    path = f"/stations/{identity}/commands"
    await api.problem("POST", f"{path}/ClearCache", 409, "station_offline")
    job = await api.ask("POST", f"{path}/ClearCache", 202, params={"persistent": True})
    assert (job["state"], job["persistent"], job["sent_at"]) == ("queued", True, None)
    url = api.node.ocpp_url("127.0.0.1")
    async with ScriptedStation(url, identity, password=PASSWORD, patience_s=15) as station:
        await station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        await station.obey("ClearCache", {"status": "Accepted"})

        async def done() -> bool:
            found = await api.get(f"/jobs/{job['id']}")
            return bool(found["state"] == "done" and found["result"] == "Accepted" and found["persistent"])

        await eventually(done)
        direct = api.ask("POST", f"{path}/ClearCache", params={"persistent": True})
        sent = asyncio.create_task(direct)
        await station.obey("ClearCache", {"status": "Rejected"})
        assert (await sent)["result"] == "Rejected"


async def test_a_persistent_command_can_be_called_off(api: Client) -> None:
    identity = await api.station()
    job = await api.ask("POST", f"/stations/{identity}/commands/ClearCache", 202, params={"persistent": True})
    assert (await api.ask("POST", f"/jobs/{job['id']}/cancel"))["state"] == "cancelled"
    await api.problem("POST", f"/jobs/{job['id']}/cancel", 409, "not_cancellable")
    await api.problem("POST", f"/jobs/{new_id()}/cancel", 404, "job_unknown")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", {"idTag": "A1"}),
        ("RemoteStopTransaction", {"transactionId": 1}),
        ("UnlockConnector", {"connectorId": 1}),
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "AB" * 20}),
    ],
)
async def test_what_makes_no_sense_later_cannot_wait(api: Client, action: str, payload: dict[str, Any]) -> None:
    path = f"/stations/{await api.station()}/commands/{action}"
    await api.problem("POST", path, 422, "not_persistent", json=payload, params={"persistent": True})
    assert (await api.get("/jobs"))["items"] == []


async def test_a_deadline_lies_ahead_and_is_for_persistent_commands(api: Client) -> None:
    path = f"/stations/{await api.station()}/commands/ClearCache"
    for deadline in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"):
        query: dict[str, Any] = {"persistent": True, "deadline": deadline}
        await api.problem("POST", path, 422, "field_invalid", params=query)
    await api.problem("POST", path, 422, "field_invalid", params={"deadline": "2099-01-01T00:00:00Z"})
