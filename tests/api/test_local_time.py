"""A profile that follows the clock of its site, over real sockets: what a person sees of it, and of its renewal."""

import asyncio
from typing import Any

from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import parse_instant
from tests.api.conftest import Client, NodeThread, connected, eventually
from tests.walks.states import timestamp

ACCEPTED = {"status": "Accepted"}
DAY_US = 86_400_000_000


async def in_library(api: Client, **schedule: Any) -> str:
    """A profile of each day; its id."""
    periods = [{"start_period_s": 0, "limit": 32}, {"start_period_s": 21_600, "limit": 10}]
    profile = {
        "purpose": "tx_default",
        "kind": "recurring",
        "recurrency": "daily",
        "schedule": {"unit": "A", "periods": periods, "duration_s": 86_400, **schedule},
    }
    return str((await api.post("/charging-profiles", {"name": "by night", "profile": profile}))["id"])


async def install(api: Client, station: ScriptedStation, library_id: str, connector: int = 1) -> dict[str, Any]:
    """Send it; what the station got."""
    body = {"connector_id": connector, "library_id": library_id, "send_anyway": True}
    asked = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", body, 200))
    request = await station.obey("SetChargingProfile", ACCEPTED)
    assert (await asked)["job"]["result"] == "Accepted"
    return dict(request.payload["csChargingProfiles"])


async def holds(api: Client, station: ScriptedStation, *wanted: tuple[int, str | None, bool]) -> None:
    """Wait until the list says this: the node's own clock may have come first, and is not waited for."""

    async def as_wanted() -> bool:
        entries = (await api.get(f"/stations/{station.identity}/charging-profiles"))["items"]
        return [(each["connector_id"], each["local_time_zone"], each["out_of_step"]) for each in entries] == [*wanted]

    await eventually(as_wanted)


def into_the_day(profile: dict[str, Any]) -> int:
    """Microseconds between midnight in UTC and the start of a profile."""
    return parse_instant(profile["chargingSchedule"]["startSchedule"]) % DAY_US


async def test_a_profile_without_a_start_follows_the_time_zone_of_the_site(
    api: Client, node_thread: NodeThread
) -> None:
    site = await api.post("/sites", {"id": "home", "name": "Home", "time_zone": "Asia/Kolkata"})
    identity = await api.station(site_id=site["id"])
    start = "2026-01-01T05:00:00Z"
    runner = node_thread.node.runner
    (piece,) = (each for each in runner._pieces if each.name == "local-time")

    async def look() -> None:
        """What the clock of the node does once a minute."""
        done = asyncio.run_coroutine_threadsafe(runner.run_once(piece), node_thread._loop)
        assert await asyncio.wrap_future(done)

    async with connected(api, identity) as station:
        first = await install(api, station, await in_library(api))
        assert into_the_day(first) == 18.5 * 3_600_000_000
        fixed = await install(api, station, await in_library(api, start_schedule=start), connector=2)
        await holds(api, station, (1, "Asia/Kolkata", False), (2, None, False))
        await look()
        await api.patch("/sites/home", {"time_zone": "Asia/Kathmandu"})
        looking = asyncio.create_task(look())
        again = (await station.obey("SetChargingProfile", ACCEPTED)).payload
        await looking
        sent = again["csChargingProfiles"]
        assert (again["connectorId"], sent["chargingProfileId"]) == (1, first["chargingProfileId"])
        assert into_the_day(sent) == 18.25 * 3_600_000_000
        assert fixed["chargingSchedule"]["startSchedule"].startswith("2026-01-01T05:00:00")
        await holds(api, station, (2, None, False), (1, "Asia/Kathmandu", False))

        async def told() -> bool:
            jobs = (await api.get("/jobs", station_id=identity, requested_by="local_time"))["items"]
            seen = [(each["action"], each["state"], each["result"]) for each in jobs]
            return seen == [("SetChargingProfile", "done", "Accepted")]

        await eventually(told)
        await api.patch("/sites/home", {"time_zone": "Asia/Tokyo"})
        looking = asyncio.create_task(look())
        await station.obey("SetChargingProfile", {"status": "Rejected"})
        await looking
        await holds(api, station, (2, None, False), (1, "Asia/Kathmandu", True))
        events = (await api.get("/past-events", station_id=identity, type="charging_profiles.changed"))["items"]
        assert "local_time" in {each["data"]["cause"] for each in events}
        await look()
        await station.silence(0.2)


async def test_the_profile_of_a_remote_start_says_whose_clock_it_follows(api: Client) -> None:
    await api.post("/sites", {"id": "home", "name": "Home", "time_zone": "Asia/Kolkata"})
    identity = await api.station(site_id="home")
    schedule = {"unit": "A", "periods": [{"start_period_s": 0, "limit": 6}]}
    profile = {"purpose": "tx", "kind": "recurring", "recurrency": "daily", "schedule": schedule}
    kept = await api.post("/charging-profiles", {"name": "for one", "profile": profile})
    async with connected(api, identity) as station:
        body = {"connector_id": 1, "library_id": kept["id"], "id_tag": "CARD1", "send_anyway": True}
        path = f"/stations/{identity}/charging-profiles/remote-start"
        asked = asyncio.create_task(api.post(path, body, 200))
        await station.obey("RemoteStartTransaction", ACCEPTED)
        assert (await asked)["job"]["state"] == "waiting"
        start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": timestamp()}
        await station.call("StartTransaction", start)
        await holds(api, station, (1, "Asia/Kolkata", False))
