"""Alerts, their rules and recipients through the API."""

import asyncio
import csv
import io
from typing import Any

from stationmaster.domain.alerts.kinds import KINDS
from stationmaster.domain.facts import SecurityEventReported
from stationmaster.domain.stations import Station
from tests.api.conftest import Client, NodeThread, client_of, connected, eventually, with_role


async def tampered(api: Client, node_thread: NodeThread, *, site_id: str | None = None, info: str = "open") -> str:
    """A station about which an alert stands; its id."""
    identity = await api.station(**({} if site_id is None else {"site_id": site_id}))

    async def tell() -> None:
        storage = node_thread.node.storage
        station: Station | None = await storage.stations.get(identity)
        assert station is not None
        now = storage.clock()
        await storage.record(
            [
                SecurityEventReported(
                    organisation_id=station.organisation_id,
                    station_id=identity,
                    received_at=now,
                    type="TamperDetectionActivated",
                    occurred_at=now,
                    technical_info=info,
                    critical=True,
                )
            ]
        )

    await asyncio.to_thread(node_thread.do, tell())
    return identity


async def alert_about(api: Client, station_id: str) -> Any:
    return (await eventually(lambda: of_station(api, station_id)))[0]


async def of_station(api: Client, station_id: str) -> list[Any]:
    items: list[Any] = (await api.get("/alerts", station_id=station_id))["items"]
    return items


async def test_an_alert_is_raised_seen_acknowledged_and_put_away(api: Client, node_thread: NodeThread) -> None:
    identity = await tampered(api, node_thread)
    alert = await alert_about(api, identity)
    assert alert["summary"] == f"Security event TamperDetectionActivated at {identity}: open"
    assert (alert["state"], alert["severity"], alert["count"]) == ("open", "critical", 1)
    counts = await api.get("/alerts/counts")
    assert counts["by_severity"][0] == {"severity": "critical", "open": 1, "acknowledged": 0}
    known = await api.post(f"/alerts/{alert['id']}/acknowledge", {"comment": "On my way"}, 200)
    assert (known["state"], known["acknowledged_by"], known["comment"]) == ("acknowledged", "api_key:test", "On my way")
    assert (await api.get("/alerts", state="open"))["items"] == []
    cleared = await api.post(f"/alerts/{alert['id']}/clear", None, 200)
    assert (cleared["state"], cleared["cleared_reason"]) == ("cleared", "by_person")
    await api.problem("POST", f"/alerts/{alert['id']}/clear", 409, "alert_cleared")
    types = [each["type"] for each in (await api.get("/past-events", station_id=identity))["items"]]
    assert types[:3] == ["alert.cleared", "alert.acknowledged", "alert.raised"]


async def test_many_are_acknowledged_at_once_and_foreign_ones_passed_over(api: Client, node_thread: NodeThread) -> None:
    ids = [(await alert_about(api, await tampered(api, node_thread)))["id"] for _ in range(2)]
    _, key = node_thread.new_organisation()
    async with client_of(node_thread.node, key) as stranger:
        assert await stranger.post("/alerts/acknowledge", {"alert_ids": ids}, 200) == {"acknowledged": 0}
    assert await api.post("/alerts/acknowledge", {"alert_ids": ids}, 200) == {"acknowledged": 2}
    assert (await api.get("/alerts/counts"))["acknowledged"] == 2


async def test_the_list_is_filtered_paged_and_exported_without_formulas(api: Client, node_thread: NodeThread) -> None:
    first = await tampered(api, node_thread, info="=1+1")
    await alert_about(api, first)
    second = await tampered(api, node_thread)
    await alert_about(api, second)
    page = await api.get("/alerts", limit=1)
    assert [each["station_id"] for each in page["items"]] == [second]
    rest = await api.get("/alerts", limit=1, cursor=page["next_cursor"])
    assert [each["station_id"] for each in rest["items"]] == [first]
    assert (await api.get("/alerts", search=first.lower()))["items"][0]["station_id"] == first
    assert (await api.get("/alerts", kind="station_offline"))["items"] == []
    answer = await api.http.get("/api/v1/alerts", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["station_id"] for row in rows] == [second, first]
    assert not any(cell.startswith("=") for row in rows for cell in row.values())


async def test_who_is_limited_to_sites_sees_the_alerts_of_those(api: Client, node_thread: NodeThread) -> None:
    inside = await tampered(api, node_thread, site_id="north")
    outside = await tampered(api, node_thread, site_id="south")
    foreign = await alert_about(api, outside)
    await alert_about(api, inside)
    async with with_role(api, "operator", site_ids=["north"]) as limited:
        assert [each["station_id"] for each in (await limited.get("/alerts"))["items"]] == [inside]
        assert (await limited.get("/alerts/counts"))["open"] == 1
        await limited.problem("GET", f"/alerts/{foreign['id']}", 404, "alert_unknown")
        await limited.problem("POST", f"/alerts/{foreign['id']}/acknowledge", 404, "alert_unknown", json={})
        await limited.problem("GET", "/alert-recipients", 403, "other_site")
        rule = (await limited.get("/alert-rules", kind="security_event"))["items"][0]
        await limited.problem("PATCH", f"/alert-rules/{rule['id']}", 403, "other_site", json={"enabled": False})
        own = await limited.post("/alert-rules", {"kind": "security_event", "site_ids": ["north"], "severity": "info"})
        assert own["severity"] == "info"
        await limited.problem(
            "POST", "/alert-rules", 403, "other_site", json={"kind": "security_event", "site_ids": ["south"]}
        )


async def test_every_organisation_has_each_rule_and_may_tune_it(api: Client) -> None:
    rules = (await api.get("/alert-rules"))["items"]
    assert {each["kind"] for each in rules} == set(KINDS)
    assert all(each["is_default"] and each["site_ids"] is None for each in rules)
    rule = next(each for each in rules if each["kind"] == "station_offline")
    path = f"/alert-rules/{rule['id']}"
    changed = await api.patch(path, {"parameters": {"after_minutes": 5}, "severity": "critical", "name": "Away"})
    assert (changed["parameters"], changed["severity"], changed["name"]) == ({"after_minutes": 5}, "critical", "Away")
    bad = await api.problem("PATCH", path, 422, "field_invalid", json={"parameters": {"after_minutes": 0}})
    assert bad["errors"][0]["field"] == "parameters.after_minutes"
    await api.problem("PATCH", path, 422, "field_invalid", json={"parameters": {"minutes": 5}})
    await api.problem("PATCH", path, 422, "field_invalid", json={"recipient_ids": ["nobody"]})
    await api.problem("DELETE", path, 409, "alert_rule_is_default")
    await api.problem("POST", "/alert-rules", 422, "field_invalid", json={"kind": "weather"})
    made = await api.post("/alert-rules", {"kind": "station_offline", "site_ids": ["north"]})
    await api.delete(f"/alert-rules/{made['id']}")
    await api.problem("GET", f"/alert-rules/{made['id']}", 404, "alert_rule_unknown")
    kinds = (await api.get("/alert-rules/kinds"))["items"]
    assert {each["name"] for each in kinds} == set(KINDS)


async def test_a_viewer_reads_and_changes_nothing(api: Client) -> None:
    async with with_role(api, "viewer") as viewer:
        rule = (await viewer.get("/alert-rules"))["items"][0]
        await viewer.problem("PATCH", f"/alert-rules/{rule['id']}", 403, "not_permitted", json={"enabled": False})
        body = {"name": "Night", "addresses": ["a@example.org"]}
        await viewer.problem("POST", "/alert-recipients", 403, "not_permitted", json=body)


async def test_a_station_that_hangs_up_is_waited_for(api: Client, node_thread: NodeThread) -> None:
    rule = (await api.get("/alert-rules", kind="station_offline"))["items"][0]
    async with connected(api) as station:
        subject = f"station:{station.identity}"

    async def watches() -> Any:
        waited_for = node_thread.node.storage.alerts.watches([(rule["id"], subject)])
        return await asyncio.to_thread(node_thread.do, waited_for)

    ((_, _, purpose),) = await eventually(watches)
    assert purpose == "wait"
