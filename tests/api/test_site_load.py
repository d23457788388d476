"""Power shared among real connections, watched through the API: what each gets, since when, why, and what stands."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest

from tests.api.chargers import Charger, charger, reconnected
from tests.api.conftest import Client, eventually, with_role

PHASES = ["L1", "L2", "L3"]
PATIENCE = 4
"""So many times ten seconds may a plan take on a busy machine."""


def fuse(amperes: float) -> list[dict[str, Any]]:
    return [{"name": "fuse", "l1_a": amperes, "l2_a": amperes, "l3_a": amperes}]


async def site(api: Client, amperes: float | None = 63, **more: Any) -> None:
    limits = [] if amperes is None else fuse(amperes)
    prompt = {"change_interval_s": 0}
    await api.post("/sites", {"id": "garage", "name": "Garage", "limits": limits, "settings": prompt} | more)


async def decision(api: Client, station: Charger) -> Any:
    load = await api.get("/sites/garage/load")
    return next((each for each in load["connectors"] if each["station_id"] == station.id), None)


async def gets(api: Client, station: Charger, amperes: float, reason: str | None = None) -> Any:
    """What the API tells of a station, once it has confirmed so much."""

    async def look() -> Any:
        found = await decision(api, station)
        right = found is not None and found["offered_a"] == amperes and reason in {None, found["reason"]}
        return found if right else None

    for _ in range(PATIENCE):
        with suppress(TimeoutError):
            return await eventually(look)
    pytest.fail(f"{station.id} is to get {amperes} A: {await decision(api, station)} {station.asked}")


async def alert(api: Client, kind: str) -> Any:
    async def look() -> Any:
        load = await api.get("/sites/garage/load")
        return next((each for each in load["alerts"] if each["kind"] == kind), None)

    for _ in range(PATIENCE):
        with suppress(TimeoutError):
            return await eventually(look)
    pytest.fail(f"{kind} is to be raised: {await api.get('/sites/garage/load')}")


async def test_nothing_is_sent_until_the_site_has_a_limit_and_all_is_taken_back_when_it_has_none(api: Client) -> None:
    await site(api, None)
    async with charger(api, "garage", PHASES) as station:
        await station.plugs_in()
        load = await api.get("/sites/garage/load")
        assert (load["managed"], station.asked) == (False, [])
        await api.patch("/sites/garage", {"limits": fuse(63)})
        await gets(api, station, 32, "full")
        assert station.limit() == 32
        await api.patch("/sites/garage", {"limits": []})

        async def released() -> bool:
            return station.profiles == {}

        await eventually(released)
        assert not (await api.get("/sites/garage/load"))["managed"]
        jobs = (await api.get("/jobs", station_id=station.id))["items"]
        assert {each["requested_by"] for each in jobs} == {"load_management"}


async def test_two_cars_share_and_the_one_that_stays_gets_it_all(api: Client) -> None:
    await site(api, 40)
    async with charger(api, "garage", PHASES) as one, charger(api, "garage", PHASES) as other:
        await gets(api, one, 0, "standby")
        await gets(api, other, 0, "standby")
        await one.plugs_in()
        told = await gets(api, one, 32, "full")
        assert told["message"].startswith("32 A")
        await other.plugs_in()
        told = await gets(api, other, 20, "shared")
        assert "fuse" in told["message"]
        assert (one.limit(), other.limit()) == (20, 20)
        load = await api.get("/sites/garage/load")
        assert load["limit"]["amperes"] == {"l1_a": 40, "l2_a": 40, "l3_a": 40, "total_a": None}
        assert load["limit"]["set_by"] == {"L1": ["fuse"], "L2": ["fuse"], "L3": ["fuse"]}
        assert load["totals"]["offered"]["l1_a"] == load["totals"]["reserved"]["l1_a"] == 40
        assert load["within_limit"]
        await other.leaves()
        await gets(api, one, 32, "full")
        profile = one.profiles["TxProfile", 1]
        assert profile["transactionId"] == one.transaction_id
        assert profile["chargingSchedule"]["chargingRateUnit"] == "A"
        past = (await api.get("/sites/garage/decisions", station_id=one.id))["items"]
        assert {each["target_a"] for each in past} >= {32, 20}
        points = (await api.get("/sites/garage/load/history"))["points"]
        shared = [point["reserved"]["l1_a"] for point in points if point["transactions"]]
        assert max(shared) == 40, "also between two commands"
        assert points[-1]["transactions"] == 1


async def test_a_single_phase_car_leaves_the_other_phases_to_others(api: Client) -> None:
    await site(api, 32)
    async with charger(api, "garage", ["L1"]) as one, charger(api, "garage", ["L2"]) as other:
        await one.plugs_in()
        await other.plugs_in()
        await gets(api, one, 32)
        await gets(api, other, 32)
        load = await api.get("/sites/garage/load")
        assert load["totals"]["reserved"] == {"l1_a": 32, "l2_a": 32, "l3_a": 0, "total_a": 64}


async def test_a_limit_below_the_minimum_of_one_car_pauses_it_and_says_why(api: Client) -> None:
    await site(api, 5)
    async with charger(api, "garage", PHASES) as station:
        await station.plugs_in()
        assert (await alert(api, "limit_below_minimum"))["station_id"] is None
        told = await gets(api, station, 0, "paused")
        assert "no room" in told["message"]
        assert "6 A" in told["message"]


async def test_what_an_offline_station_may_draw_stays_reserved(api: Client) -> None:
    await site(api, 40)
    async with charger(api, "garage", PHASES) as other:
        async with charger(api, "garage", PHASES) as one:
            await one.plugs_in()
            await gets(api, one, 32)
        raised = await alert(api, "station_offline")
        assert (raised["station_id"], raised["connector_id"]) == (one.id, 1)
        await other.plugs_in()
        await gets(api, other, 8, "shared")
        load = await api.get("/sites/garage/load")
        assert load["totals"]["held_back"]["l1_a"] == 32
        async with reconnected(api, one.id) as back:
            back.transaction_id = one.transaction_id
            back.profiles = one.profiles
            await gets(api, other, 20)

            async def cleared() -> bool:
                load = await api.get("/sites/garage/load")
                return not load["alerts"]

            await eventually(cleared)
            for kind in ("site.alert_raised", "site.alert_cleared"):
                told = (await api.get("/past-events", type=kind))["items"]
                # A busy machine may have been late with an answer, too, and told so.
                away = [each["station_id"] for each in told if each["data"]["kind"] == "station_offline"]
                assert away == [one.id]


async def test_a_station_that_refuses_keeps_its_reserve_and_is_told_of(api: Client) -> None:
    await site(api, 63)
    async with charger(api, "garage", PHASES) as station, charger(api, "garage", PHASES) as other:
        station.answer = "NotSupported"
        await station.plugs_in()
        await alert(api, "limit_refused")
        await other.plugs_in()
        await gets(api, other, 31)


async def test_undeclared_phases_count_with_the_worst_and_are_told_of(api: Client) -> None:
    await site(api, 63)
    async with charger(api, "garage") as station:
        raised = await alert(api, "phases_undeclared")
        assert raised["station_id"] == station.id
        await station.plugs_in()
        await gets(api, station, 32)
        load = await api.get("/sites/garage/load")
        assert load["totals"]["reserved"] == {"l1_a": 32, "l2_a": 32, "l3_a": 32, "total_a": 96}


async def test_other_loads_count_as_posted_and_a_silent_meter_is_told_of(api: Client) -> None:
    await site(
        api,
        40,
        meter={"assumed_l1_a": 30, "assumed_l2_a": 30, "assumed_l3_a": 30},
        settings={"meter_timeout_s": 10, "meter_window_s": 10, "change_interval_s": 0},
    )
    async with charger(api, "garage", PHASES) as station:
        await station.plugs_in()
        await gets(api, station, 10)
        await api.post("/sites/garage/meter-readings", {"l1_a": 20, "l2_a": 12, "l3_a": 0}, 204)
        await gets(api, station, 20)
        load = await api.get("/sites/garage/load")
        assert load["other_loads"]["amperes"]["l1_a"] == 20
        assert not load["other_loads"]["silent"]
        await asyncio.sleep(5)  # half of the time after which the meter counts as silent
        assert (await alert(api, "meter_silent"))["station_id"] is None
        await gets(api, station, 10)
        load = await api.get("/sites/garage/load")
        assert load["other_loads"]["silent"]
        assert load["other_loads"]["amperes"]["l1_a"] == 30
        assert load["within_limit"]


async def test_the_main_meter_of_a_station_may_be_that_of_the_site(api: Client) -> None:
    await site(api, 40)
    async with charger(api, "garage", PHASES) as station, charger(api, "garage", PHASES) as measuring:
        meter = {"kind": "total", "station_id": measuring.id}
        await api.patch("/sites/garage", {"meter": meter})
        await station.plugs_in()
        await gets(api, station, 32)
        await measuring.measures(15, 4, 3, connector=0)
        await gets(api, station, 25)
        await station.measures(25, 25, 25)
        found = await decision(api, station)
        assert found["measured"] == {"l1_a": 25, "l2_a": 25, "l3_a": 25, "total_a": 75}


async def test_a_schedule_of_another_source_limits_for_its_time(api: Client) -> None:
    await site(api, 63)
    entry = {"valid_from": "2025-01-01T00:00:00Z", "valid_to": "2099-01-01T00:00:00Z", "total_w": 10_000}
    async with charger(api, "garage", PHASES) as station:
        await station.plugs_in()
        await gets(api, station, 32)
        await api.ask("PUT", "/sites/garage/limit-schedules/grid", json={"entries": [entry]})
        told = await gets(api, station, 14, "shared")
        assert told["limited_by"] == "total"
        assert "grid" in told["message"]
        await api.delete("/sites/garage/limit-schedules/grid")
        await gets(api, station, 32)


async def test_a_profile_of_somebody_else_that_goes_before_ours_is_told_of_and_reserved(api: Client) -> None:
    await site(api, 40)
    async with charger(api, "garage", PHASES) as station, charger(api, "garage", PHASES) as other:
        await gets(api, station, 0)
        theirs = {
            "chargingProfileId": 5,
            "stackLevel": 8,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": "2025-01-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32}],
            },
        }
        body = {"connectorId": 1, "csChargingProfiles": theirs}
        await api.post(f"/stations/{station.id}/commands/SetChargingProfile", body, 200)
        await alert(api, "limit_overruled")
        await other.plugs_in()
        await gets(api, other, 8)
        await api.post(f"/stations/{station.id}/commands/ClearChargingProfile", {"id": 5}, 200)
        await gets(api, other, 32)


async def test_a_limit_that_somebody_cleared_is_sent_again(api: Client) -> None:
    await site(api, 63)
    async with charger(api, "garage", PHASES) as station:
        await station.plugs_in()
        await gets(api, station, 32)
        await api.post(f"/stations/{station.id}/commands/ClearChargingProfile", {}, 200)
        station.profiles.clear()

        async def there() -> bool:
            return station.limit() == 32

        await eventually(there)


async def test_what_happens_at_a_site_is_on_the_event_stream(api: Client) -> None:
    seen: list[str] = []
    async with AsyncExitStack() as stack:
        stream = await stack.enter_async_context(
            api.http.stream("GET", "/api/v1/events", params={"type": ["site."]}, timeout=20)
        )
        lines = stream.aiter_lines()
        await anext(lines)
        await site(api, 63)
        station = await stack.enter_async_context(charger(api, "garage", PHASES))
        await station.plugs_in()
        async for line in lines:
            for kind in ("site.changed", "site.decision", "site.load"):
                if f'"{kind}"' in line and kind not in seen:
                    seen.append(kind)
            if len(seen) == 3:
                break
    assert set(seen) == {"site.changed", "site.decision", "site.load"}


async def test_whoever_is_limited_to_sites_hears_of_those_and_of_no_other(api: Client) -> None:
    await api.post("/sites", {"id": "mine"})
    await api.post("/sites", {"id": "other"})
    async with with_role(api, "viewer", site_ids=["mine"]) as scoped, AsyncExitStack() as stack:
        stream = await stack.enter_async_context(scoped.http.stream("GET", "/api/v1/events", timeout=20))
        lines = stream.aiter_lines()
        await anext(lines)
        await api.patch("/sites/other", {"limits": fuse(10)})
        await api.patch("/sites/mine", {"limits": fuse(20)})
        told = [line async for line in _until(lines, '"site.load"')]
    sites = [json.loads(line.removeprefix("data: "))["data"]["site_id"] for line in told if line.startswith("data: ")]
    assert set(sites) == {"mine"}


async def _until(lines: AsyncIterator[str], word: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if word in line:
            return
