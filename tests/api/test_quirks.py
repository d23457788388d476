"""Oddities counted by station, model and firmware, and quirk profiles as operators keep them."""

from typing import Any

from stationmaster.conformance.station import ScriptedStation
from tests.api.conftest import PASSWORD, Client, NodeThread, client_of, eventually, new_id, with_role


async def odd(api: Client, times: int, *, vendor: str, model: str, firmware: str, **more: Any) -> str:
    """A station of some kind that has sent so many numbers as texts; its id."""
    identity = await api.station(**more)
    url = api.node.ocpp_url("127.0.0.1")
    async with ScriptedStation(url, identity, password=PASSWORD, patience_s=10) as station:
        boot = {"chargePointVendor": vendor, "chargePointModel": model, "firmwareVersion": firmware}
        assert (await station.call("BootNotification", boot))["status"] == "Accepted"
        for number in range(times):
            status = '{"connectorId":"1","errorCode":"NoError","status":"Available"}'
            assert "[3," in await station.ask(f'[2,"{number}","StatusNotification",{status}]')
        station.violations.clear()  # the script's station does not know of what was said past it

    async def counted() -> bool:
        found = await api.get(f"/stations/{identity}/oddities")
        return bool(found["items"]) and found["items"][0]["count"] == times

    await eventually(counted)
    return identity


async def test_oddities_are_counted_by_station_model_and_firmware(api: Client) -> None:
    one = await odd(api, 3, vendor="EFR", model="A", firmware="1", site_id="here")
    two = await odd(api, 2, vendor="EFR", model="A", firmware="2")
    three = await odd(api, 1, vendor="EFR", model="B", firmware="2")

    def told(page: Any) -> list[tuple[Any, ...]]:
        return [tuple(each[name] for name in ("model", "firmware", "station_id", "count")) for each in page["items"]]

    assert told(await api.get("/oddities")) == [("A", "1", one, 3), ("A", "2", two, 2), ("B", "2", three, 1)]
    assert told(await api.get("/oddities", group_by="model")) == [("A", None, None, 5), ("B", None, None, 1)]
    assert told(await api.get("/oddities", group_by="firmware", model="A")) == [
        ("A", "1", None, 3),
        ("A", "2", None, 2),
    ]
    assert told(await api.get("/oddities", firmware="2", kind="number_as_text")) == [
        ("A", "2", two, 2),
        ("B", "2", three, 1),
    ]
    assert told(await api.get("/oddities", vendor="Other")) == []
    by_model = (await api.get("/oddities", group_by="model"))["items"][0]
    assert (by_model["stations"], by_model["kind"], by_model["raw"]) == (2, "number_as_text", "1")
    page = await api.get("/oddities", limit=2)
    assert told(await api.get("/oddities", limit=2, cursor=page["next_cursor"])) == [("B", "2", three, 1)]
    csv = (await api.http.get("/api/v1/oddities", params={"format": "csv"})).text.splitlines()
    assert csv[0].startswith("vendor,model,firmware,station_id,kind")
    assert len(csv) == 4
    async with with_role(api, "viewer", site_ids=["here"]) as limited:
        assert told(await limited.get("/oddities")) == [("A", "1", one, 3)]
        assert told(await limited.get("/oddities", group_by="model")) == [("A", None, None, 3)]
    await api.problem("GET", "/oddities?group_by=colour", 422, "invalid")


async def test_oddities_of_others_are_not_told(api: Client, node_thread: NodeThread) -> None:
    await odd(api, 1, vendor="EFR", model="A", firmware="1")
    _, key = node_thread.new_organisation()
    async with client_of(api.node, key) as other:
        assert (await other.get("/oddities"))["items"] == []


async def test_a_profile_is_made_changed_and_deleted(api: Client) -> None:
    switches = {"repair_missing_values": True, "reused_ids": True, "energy_scale": 0.001}
    wanted = {"name": "AEFA", "vendor": "AEFA", "model": "X*", **switches}
    made = await api.post("/quirk-profiles", wanted)
    assert wanted.items() <= made.items()
    assert await api.get(f"/quirk-profiles/{made['id']}") == made
    changed = await api.patch(f"/quirk-profiles/{made['id']}", {"energy_scale": None, "timestamps_are_local": -60})
    assert (changed["energy_scale"], changed["timestamps_are_local"]) == (None, -60)
    assert changed["repair_missing_values"] is True
    assert [each["id"] for each in (await api.get("/quirk-profiles", vendor="aefa"))["items"]] == [made["id"]]
    station = await api.station(quirk_profile_id=made["id"])
    assert (await api.get(f"/stations/{station}/quirks"))["chosen"] is True
    await api.delete(f"/quirk-profiles/{made['id']}")
    assert (await api.get(f"/stations/{station}"))["quirk_profile_id"] is None
    assert (await api.get(f"/stations/{station}/quirks"))["quirk_profile_id"] is None
    await api.problem("GET", f"/quirk-profiles/{made['id']}", 404, "quirk_profile_unknown")


async def test_what_makes_no_profile(api: Client, node_thread: NodeThread) -> None:
    for wrong, field in (
        ({"energy_scale": 0}, "energy_scale"),
        ({"timestamps_are_local": 900}, "timestamps_are_local"),
        ({"disabled_tolerances": ["bad manners"]}, "disabled_tolerances"),
        ({"model": "of nobody"}, "vendor"),
    ):
        answer = await api.http.post("/api/v1/quirk-profiles", json={"name": "wrong", **wrong})
        assert answer.status_code == 422, wrong
        assert field in answer.text
    await api.problem(
        "POST",
        "/stations",
        422,
        "field_invalid",
        json={"id": new_id(), "quirk_profile_id": "0123", "password": PASSWORD},
    )
    made = await api.post("/quirk-profiles", {"name": "ours"})
    _, key = node_thread.new_organisation()
    async with client_of(api.node, key) as other:
        await other.problem("GET", f"/quirk-profiles/{made['id']}", 404, "quirk_profile_unknown")
        await other.problem("DELETE", f"/quirk-profiles/{made['id']}", 404, "quirk_profile_unknown")
    async with with_role(api, "viewer") as viewer:
        assert (await viewer.get("/quirk-profiles"))["items"][0]["name"] == "ours"
        await viewer.problem("POST", "/quirk-profiles", 403, "not_permitted", json={"name": "mine"})
