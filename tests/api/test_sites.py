"""Sites through the API: kept, wired, limited by others, refused with words, and warned about."""

from typing import Any

import pytest

from tests.api.conftest import Client, with_role

FUSE = {"name": "fuse", "l1_a": 63, "l2_a": 63, "l3_a": 63}


async def site(api: Client, site_id: str = "garage", **more: Any) -> Any:
    return await api.post("/sites", {"id": site_id, "name": "Garage", **more})


async def test_a_site_is_made_read_listed_changed_and_removed(api: Client) -> None:
    made = await site(
        api,
        address="Quay 1",
        latitude=57.7,
        longitude=11.97,
        time_zone="Europe/Stockholm",
        policy="priority",
        limits=[FUSE, {"name": "evening", "total_w": 20_000, "daily_from": "17:00", "daily_to": "06:30"}],
        meter={"kind": "total", "assumed_l1_a": 10.5},
    )
    assert made["limits"][0] == {
        **FUSE,
        "total_w": None,
        "daily_from": None,
        "daily_to": None,
        "weekdays": None,
        "valid_from": None,
        "valid_to": None,
    }
    assert made["limits"][1]["daily_to"] == "06:30"
    assert made["meter"]["assumed_l1_a"] == 10.5
    assert made["managed"]
    assert await api.get("/sites/garage") == made
    assert [each["id"] for each in (await api.get("/sites"))["items"]] == ["garage"]
    changed = await api.patch("/sites/garage", {"name": "Car park", "limits": [], "meter": None})
    assert (changed["name"], changed["managed"], changed["meter"]) == ("Car park", False, None)
    assert changed["policy"] == "priority"
    await api.delete("/sites/garage")
    await api.problem("GET", "/sites/garage", 404, "site_unknown")


async def test_a_site_takes_in_the_stations_that_have_its_id(api: Client) -> None:
    station = await api.station(site_id="north")
    made = await site(api, "north")
    assert made["stations"] == 1
    assert await api.get("/sites/north/connectors") == {"items": [], "next_cursor": None}
    declared = await api.ask("PUT", f"/sites/north/connectors/{station}/2", json={"phases": ["L2", "L3", "L1"]})
    assert (declared["phases"], declared["min_a"], declared["max_a"]) == (["L2", "L3", "L1"], 6, 32)
    (listed,) = (await api.get("/sites/north/connectors"))["items"]
    assert listed == declared
    await api.ask("DELETE", f"/sites/north/connectors/{station}/2", 204)
    await api.problem("DELETE", f"/sites/north/connectors/{station}/2", 404, "connector_unknown")
    elsewhere = await api.station()
    await api.problem("PUT", f"/sites/north/connectors/{elsewhere}/1", 409, "station_elsewhere", json={})


async def test_what_cannot_be_shared_safely_is_refused_with_words(api: Client) -> None:
    async def refused(words: str, **more: Any) -> None:
        problem = await api.problem("POST", "/sites", 422, "field_invalid", json={"id": "bad", **more})
        assert words in problem["detail"]

    await refused("limits nothing", limits=[{"name": "empty"}])
    await refused("which the site does not have", phases=["L1"], limits=[FUSE])
    await refused("different names", limits=[FUSE, FUSE])
    await refused("both ends", limits=[{**FUSE, "daily_from": "17:00"}])
    await refused("ends before it begins", limits=[
        {**FUSE, "valid_from": "2025-03-02T00:00:00Z", "valid_to": "2025-03-01T00:00:00Z"}
    ])  # fmt: skip
    await refused("no time zone", time_zone="Europe/Atlantis")
    await refused("margin for clocks", settings={"lead_s": 30}, limits=[FUSE])
    for limit in ({"name": "fine", "l1_a": 6.25}, {"name": "big", "l1_a": 1e9}, {"name": "low", "l1_a": -1}):
        await api.problem("POST", "/sites", 422, "invalid", json={"id": "bad", "limits": [limit]})
    await site(api)
    await api.problem("POST", "/sites", 409, "site_exists", json={"id": "garage"})


async def test_phases_that_the_site_does_not_have_are_refused_for_a_connector(api: Client) -> None:
    station = await api.station(site_id="flat")
    await site(api, "flat", phases=["L1"], limits=[{"name": "fuse", "l1_a": 25}])
    path = f"/sites/flat/connectors/{station}/1"
    problem = await api.problem("PUT", path, 422, "field_invalid", json={"phases": ["L1", "L2", "L3"]})
    assert "L2, L3" in problem["detail"]
    problem = await api.problem("PUT", path, 422, "field_invalid", json={"phases": ["L1", "L1"]})
    assert "twice" in problem["detail"]
    problem = await api.problem("PUT", path, 422, "field_invalid", json={"min_a": 20, "max_a": 16})
    assert "no current between" in problem["detail"]


async def test_what_may_surprise_is_kept_and_warned_about(api: Client) -> None:
    made = await site(api, "lonely", limits=[{"name": "small", "l1_a": 5, "l2_a": 5, "l3_a": 5}])
    assert [each["code"] for each in made["warnings"]] == ["no_stations"]
    station = await api.station(site_id="lonely")
    await api.ask("PUT", f"/sites/lonely/connectors/{station}/1", json={})
    warnings = {each["code"]: each["message"] for each in (await api.get("/sites/lonely"))["warnings"]}
    assert set(warnings) == {"limit_below_minimum", "phases_undeclared"}
    assert "6 A" in warnings["limit_below_minimum"]
    await api.patch("/sites/lonely", {"meter": {"station_id": "CP-ELSEWHERE"}})
    assert "meter_elsewhere" in {each["code"] for each in (await api.get("/sites/lonely"))["warnings"]}
    await api.patch("/sites/lonely", {"limits": []})
    assert "no_limit" in {each["code"] for each in (await api.get("/sites/lonely"))["warnings"]}


async def test_a_schedule_replaces_what_its_source_gave_before(api: Client) -> None:
    await site(api)
    entry = {"valid_from": "2025-03-01T12:00:00Z", "valid_to": "2025-03-01T13:00:00Z", "total_w": 10_000}
    path = "/sites/garage/limit-schedules/price"
    await api.ask("PUT", path, json={"entries": [entry, entry | {"total_w": 5000}]})
    put = await api.ask("PUT", path, json={"entries": [entry | {"l1_a": 16}]})
    assert [(each["name"], each["l1_a"], each["total_w"]) for each in put["entries"]] == [("price", 16, 10_000)]
    assert (await api.get("/sites/garage/limit-schedules"))["items"] == [put]
    assert (await api.get("/sites/garage"))["managed"]
    problem = await api.problem(
        "PUT", path, 422, "field_invalid", json={"entries": [entry | {"valid_to": entry["valid_from"]}]}
    )
    assert problem["errors"][0]["field"] == "entries.0.valid_to"
    await api.problem("PUT", path, 422, "invalid", json={"entries": [entry] * 401})
    await api.delete(path)
    await api.problem("DELETE", path, 404, "schedule_unknown")
    assert not (await api.get("/sites/garage"))["managed"]


async def test_readings_count_only_where_a_meter_is_declared(api: Client) -> None:
    await site(api)
    path, reading = "/sites/garage/meter-readings", {"l1_a": 10, "l2_a": 11, "l3_a": 12}
    await api.problem("POST", path, 409, "site_has_no_meter", json=reading)
    await api.patch("/sites/garage", {"meter": {"station_id": "CP-METER"}})
    await api.problem("POST", path, 409, "meter_is_a_station", json=reading)
    await api.patch("/sites/garage", {"meter": {}})
    await api.post(path, reading, 204)
    actions = [entry["action"] for entry in (await api.get("/audit", limit=100))["items"]]
    assert actions.count("post_meter_reading") == 2, "<< those that were refused; readings are no changes"
    assert actions.count("change_site") == 2


async def test_whoever_is_limited_to_sites_sees_only_those(api: Client) -> None:
    await site(api, "mine")
    await site(api, "other")
    async with with_role(api, "operator", site_ids=["mine", "new"]) as scoped:
        assert [each["id"] for each in (await scoped.get("/sites"))["items"]] == ["mine"]
        for path in ("", "/load", "/load/history", "/decisions", "/connectors", "/limit-schedules"):
            await scoped.problem("GET", f"/sites/other{path}", 404, "site_unknown")
        await scoped.problem("POST", "/sites", 403, "other_site", json={"id": "elsewhere"})
        await site(scoped, "new")
    async with with_role(api, "viewer") as viewer:
        await viewer.problem("POST", "/sites", 403, "not_permitted", json={"id": "x"})
        assert len((await viewer.get("/sites"))["items"]) == 3


async def test_a_site_without_a_plan_says_so(api: Client) -> None:
    await site(api)
    load = await api.get("/sites/garage/load")
    assert (load["managed"], load["connectors"], load["limit"], load["within_limit"]) == (False, [], None, True)
    assert {each["code"] for each in load["warnings"]} == {"no_limit", "no_stations"}
    history = await api.get("/sites/garage/load/history")
    assert (history["points"], history["complete"]) == ([], True)
    problem = {"since": "2025-03-02T00:00:00Z", "until": "2025-03-01T00:00:00Z"}
    await api.problem("GET", "/sites/garage/load/history", 422, "period_invalid", params=problem)


@pytest.mark.parametrize("number", ["1e308", "1e400", "-1e400", "Infinity", "-Infinity", "NaN", "9" * 400, "100000.1"])
async def test_no_current_is_beyond_all_bounds(api: Client, number: str) -> None:
    await site(api, meter={"kind": "total"})
    connector = f"/sites/garage/connectors/{await api.station(site_id='garage')}/1"
    bodies = [("POST", "/sites/garage/meter-readings", "l1_a", f'{{"l1_a": {number}, "l2_a": 0, "l3_a": 0}}')]
    fields = ("min_a", "max_a", "pause_a", "standby_a", "step_a", "worst_case_a")
    bodies += [("PUT", connector, field, f'{{"{field}": {number}}}') for field in fields]
    for method, path, field, body in bodies:
        json_type = {"Content-Type": "application/json"}
        problem = await api.problem(method, path, 422, "invalid", content=body, headers=json_type)
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [(field, "amperes")]
