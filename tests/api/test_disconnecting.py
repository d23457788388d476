"""An operator closes a station's connection; what the station may do, its next boot decides (handbook §1.13)."""

import asyncio

import pytest

from stationmaster.conformance.errors import CallRefused
from tests.api.conftest import Client, NodeThread, client_of, connected, eventually, with_role

BOOT = {"chargePointVendor": "Tests", "chargePointModel": "One"}


async def gone(api: Client, station_id: str) -> bool:
    return not (await api.get(f"/stations/{station_id}"))["connected"]


async def test_a_rejected_station_goes_on_until_it_is_disconnected_and_boots(api: Client) -> None:
    station_id = await api.station()
    async with connected(api, station_id) as station:
        await api.patch(f"/stations/{station_id}", {"operator_state": "Rejected"})
        assert "currentTime" in await station.call("Heartbeat", {}), "it keeps its session"
        await api.post(f"/stations/{station_id}/disconnect", expected=204)
        ended = await station.closed()
        assert (ended.code, ended.reason) == (1008, "disconnected by an operator")
        await eventually(lambda: gone(api, station_id))
        await station.connect()
        assert "currentTime" in await station.call("Heartbeat", {}), "a connection alone decides nothing"
        assert (await api.get(f"/stations/{station_id}"))["reported_state"] == "Accepted"
        assert (await station.call("BootNotification", BOOT))["status"] == "Rejected"
        with pytest.raises(CallRefused, match="SecurityError"):
            await station.call("Heartbeat", {})


async def test_a_command_under_way_ends_as_on_any_lost_connection(api: Client) -> None:
    async with connected(api) as station:
        path = f"/stations/{station.identity}"
        asked = asyncio.create_task(api.post(f"{path}/commands/ClearCache", {}, 200))
        await station.expect("ClearCache")
        await api.post(f"{path}/disconnect", expected=204)
        job = await asked
        assert job["state"] == "not_delivered"
        assert "unknown" in job["error"]["description"]


async def test_who_disconnected_what_is_written_down(api: Client) -> None:
    async with connected(api) as station, with_role(api, "operator") as operator:
        path = f"/stations/{station.identity}/disconnect"
        await operator.post(path, expected=204)
        await station.closed()
        await eventually(lambda: gone(api, station.identity))
        await operator.problem("POST", path, 409, "station_offline")
        entries = (await api.get("/audit", station_id=station.identity, action="disconnect_station"))["items"]
        assert [(each["result"], each["status"]) for each in entries] == [("refused", 409), ("ok", 204)]
        assert all("operator" in str(each["actor"]) for each in entries)


async def test_only_what_is_connected_can_be_disconnected(api: Client) -> None:
    await api.problem("POST", "/stations/nobody/disconnect", 404, "station_unknown")
    await api.problem("POST", f"/stations/{await api.station()}/disconnect", 409, "station_offline")


async def test_nobody_disconnects_what_is_not_theirs(api: Client, node_thread: NodeThread) -> None:
    _, key = node_thread.new_organisation()
    station_id = await api.station(site_id="here")
    async with connected(api, station_id) as station, client_of(api.node, key) as other:
        path = f"/stations/{station_id}/disconnect"
        await other.problem("POST", path, 404, "station_unknown")
        async with with_role(api, "admin", site_ids=["there"]) as limited:
            await limited.problem("POST", path, 404, "station_unknown")
        async with with_role(api, "viewer") as viewer:
            await viewer.problem("POST", path, 403, "not_permitted")
        narrow = {"name": "keeper", "role": "admin", "permissions": ["stations:read", "stations:write"]}
        async with client_of(api.node, (await api.post("/api-keys", narrow))["key"]) as keeper:
            await keeper.problem("POST", path, 403, "not_permitted")
        assert "currentTime" in await station.call("Heartbeat", {})
