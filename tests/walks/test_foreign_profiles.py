"""The optional profiles on a station that nobody here wrote: each row of handbook §5.4, §5.6, §5.7, §5.8, by our API.

The station is the client of the PyPI package `ocpp`; the rows of §5.5 are in `test_foreign_firmware`.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ocpp.v16.enums import ChargePointStatus, Reason

from tests.walks.full_station import FullStation
from tests.walks.running import Api, NodeProcess
from tests.walks.test_foreign_station import command, station_of_kind


@pytest.fixture
async def station(node: NodeProcess, api: Api) -> AsyncIterator[FullStation]:
    """A station that is booted."""
    async with station_of_kind(FullStation, node, await api.station()) as found:
        yield found


def in_s(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def tags_of(sent: dict[str, Any]) -> list[str]:
    return [entry["id_tag"] for entry in sent["entries"]]


# Local authorization lists (§5.4).


@pytest.mark.parametrize(("version", "state"), [(-1, "not_supported"), (0, "unknown")], ids=["042_1", "042_2"])
async def test_tc_042_the_version_is_asked_for(station: FullStation, api: Api, version: int, state: str) -> None:
    station.list_version = version
    job = await command(api, station.id, "GetLocalListVersion", {})
    assert job["response"] == {"listVersion": version}
    assert (await api.get(f"/stations/{station.id}/local-list"))["state"] == state


@pytest.mark.parametrize(
    ("word", "state"), [("NotSupported", "not_supported"), ("Failed", "failed")], ids=["043_1", "043_3"]
)
async def test_tc_043_a_list_that_is_refused(station: FullStation, api: Api, word: str, state: str) -> None:
    station.says["SendLocalList"] = word
    path = f"/stations/{station.id}/local-list"
    job = await api.post(f"{path}/send-full", {"id_tags": [await api.token()]})
    assert (job["state"], job["result"]) == ("done", word)
    assert [sent["type"] for sent in station.lists] == ["Full"]
    kept = await api.get(path)
    assert (kept["state"], kept["version"], kept["acknowledged"]) == (state, None, [])


async def test_tc_043_4_and_5_a_whole_list_and_then_one_token(station: FullStation, api: Api) -> None:
    one, two = await api.token(), await api.token()
    path = f"/stations/{station.id}/local-list"
    await api.post(f"{path}/send-full", {"id_tags": [one]})
    assert all("id_tag_info" in entry for entry in station.lists[0]["entries"])
    assert station.list == {one: "Accepted"}
    station.list_version = 40
    await command(api, station.id, "GetLocalListVersion", {})
    await api.post(f"{path}/send", {"id_tags": [two]})
    assert (station.lists[1]["type"], tags_of(station.lists[1])) == ("Differential", [two])
    assert station.lists[1]["version"] == 41, "greater than the station's, whoever made that"
    assert station.list == {one: "Accepted", two: "Accepted"}
    await api.post(f"{path}/send-deletions", {"id_tags": [one]})
    assert station.list == {two: "Accepted"}


async def test_a_list_is_synchronised(station: FullStation, api: Api) -> None:
    one, two = await api.token(), await api.token()
    path = f"/stations/{station.id}/local-list"
    for chosen in ([one], [one, two], [two], []):
        await api.client.put(path, json={"mode": "selection" if chosen else "none", "selection": chosen})
        done = await api.post(f"{path}/synchronise")
        assert done["local_list"]["state"] == "in_sync"
        assert station.list == dict.fromkeys(chosen, "Accepted")


# Reservations (§5.6).


async def reserve(api: Api, station: FullStation, id_tag: str, **more: Any) -> Any:
    wish = {"station_id": station.id, "connector_id": 1, "id_tag": id_tag, "expires_at": in_s(600)}
    return (await api.post("/reservations", wish | more))["reservation"]


async def becomes(api: Api, made: Any, state: str) -> Any:
    """The reservation, once it has come to a state."""
    path = f"/stations/{made['station_id']}/reservations/{made['reservation_id']}"
    async with asyncio.timeout(15):
        while (found := await api.get(path))["state"] != state:  # noqa: ASYNC110 -- the node is another process
            await asyncio.sleep(0.05)
    return found


async def test_tc_046_a_transaction_uses_it(station: FullStation, api: Api) -> None:
    tag = await api.token()
    made = await reserve(api, station, tag)
    [wish] = station.reservations.values()
    assert (wish["connector_id"], wish["id_tag"]) == (1, tag)
    await station.charge(tag, made["reservation_id"])
    assert (await becomes(api, made, "used"))["transaction_id"] is not None
    await station.finish(Reason.local)


async def test_tc_047_it_expires(station: FullStation, api: Api) -> None:
    made = await reserve(api, station, await api.token(), expires_at=in_s(1))
    await becomes(api, made, "expired")
    await station.status(ChargePointStatus.available)


@pytest.mark.parametrize("word", ["Faulted", "Occupied", "Unavailable", "Rejected"])
async def test_tc_048_it_is_refused(station: FullStation, api: Api, word: str) -> None:
    station.says["ReserveNow"] = word
    if word == "Unavailable":
        await command(api, station.id, "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"})
        await asyncio.wait_for(station.unavailable.wait(), 20)
    elif word == "Occupied":
        await station.status(ChargePointStatus.preparing)
    made = await reserve(api, station, await api.token())
    assert (made["state"], made["answer"]) == ("refused", word)


async def test_tc_049_the_whole_station(station: FullStation, api: Api) -> None:
    made = await reserve(api, station, await api.token(), connector_id=0)
    assert (made["state"], station.reservations[made["reservation_id"]]["connector_id"]) == ("active", 0)


async def test_tc_051_it_is_cancelled(station: FullStation, api: Api) -> None:
    made = await reserve(api, station, await api.token())
    await api.post(f"/stations/{station.id}/reservations/{made['reservation_id']}/cancel")
    assert station.reservations == {}
    await becomes(api, made, "cancelled")
    await station.status(ChargePointStatus.available)


async def test_tc_052_it_is_gone_already(station: FullStation, api: Api) -> None:
    made = await reserve(api, station, await api.token())
    station.reservations.clear()
    job = await command(api, station.id, "CancelReservation", {"reservationId": made["reservation_id"]})
    assert job["result"] == "Rejected"
    await becomes(api, made, "ended_at_station")


async def test_tc_053_another_of_the_group_charges(station: FullStation, api: Api) -> None:
    parent = await api.token()
    tag, friend = await api.token(parent_id_tag=parent), await api.token(parent_id_tag=parent)
    made = await reserve(api, station, tag)
    assert station.reservations[made["reservation_id"]]["parent_id_tag"] == parent
    await station.charge(friend, made["reservation_id"])
    await becomes(api, made, "used")
    await station.finish(Reason.local)


# Remote trigger (§5.7).


async def trigger(api: Api, station: FullStation, message: str, **more: Any) -> str:
    return str((await command(api, station.id, "TriggerMessage", {"requestedMessage": message} | more))["result"])


async def test_tc_054_five_messages_are_triggered(station: FullStation, api: Api) -> None:
    for wanted, more in (
        ("MeterValues", {"connectorId": 1}),
        ("Heartbeat", {}),
        ("StatusNotification", {"connectorId": 1}),
        ("DiagnosticsStatusNotification", {}),
    ):
        assert await trigger(api, station, wanted, **more) == "Accepted"
        assert await asyncio.wait_for(station.triggered.get(), 10) == wanted
    assert await trigger(api, station, "FirmwareStatusNotification") == "NotImplemented"


async def test_tc_055_a_trigger_is_rejected(station: FullStation, api: Api) -> None:
    station.says["TriggerMessage"] = "Rejected"
    assert await trigger(api, station, "MeterValues") == "Rejected"
    assert station.triggered.empty()


# Smart charging (§5.8).


async def send(api: Api, station: FullStation, preset: str, connector: int = 1) -> dict[str, Any]:
    """Send a preset; the profile as the station holds it."""
    before = set(station.profiles)
    wish = {"connector_id": connector, "preset": preset}
    assert (await api.post(f"/stations/{station.id}/charging-profiles", wish))["job"]["result"] == "Accepted"
    [number] = set(station.profiles) - before
    assert station.profiles[number]["at"] == connector
    return station.profiles[number]


async def test_tc_056_a_default_profile(station: FullStation, api: Api) -> None:
    profile = await send(api, station, "tx_default")
    assert (profile["charging_profile_purpose"], profile["charging_profile_kind"]) == ("TxDefaultProfile", "Absolute")
    assert {"valid_from", "valid_to"} <= set(profile)
    assert not {"transaction_id", "recurrency_kind"} & set(profile)
    schedule = profile["charging_schedule"]
    assert (schedule["charging_rate_unit"], schedule["duration"]) == ("A", 86_400)
    assert schedule["charging_schedule_period"] == [{"start_period": 0, "limit": 6.0, "number_phases": 3}]


async def test_tc_057_a_profile_for_a_transaction(station: FullStation, api: Api) -> None:
    tag = await api.token()
    await station.charge(tag)
    profile = await send(api, station, "tx")
    assert (profile["charging_profile_purpose"], profile["transaction_id"]) == ("TxProfile", station.transaction_id)
    assert (profile["charging_profile_kind"], "start_schedule" in profile["charging_schedule"]) == ("Relative", False)
    await station.finish(Reason.local)


async def test_tc_059_a_remote_start_with_a_profile(station: FullStation, api: Api) -> None:
    wish = {"connector_id": 1, "id_tag": await api.token(), "preset": "remote_start"}
    job = (await api.post(f"/stations/{station.id}/charging-profiles/remote-start", wish))["job"]
    assert job["result"] == "Accepted"
    await asyncio.wait_for(station.started.wait(), 20)
    assert station.came_along is not None
    assert (station.came_along["charging_profile_purpose"], "transaction_id" in station.came_along) == (
        "TxProfile",
        False,
    )
    await api.job(job, "done")
    held = (await api.get(f"/stations/{station.id}/charging-profiles"))["items"]
    assert [entry["profile"]["transaction_id"] for entry in held] == [str(station.transaction_id)]
    await station.finish(Reason.local)


async def test_tc_066_the_composite_schedule(station: FullStation, api: Api) -> None:
    wish = {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"}
    answer = (await command(api, station.id, "GetCompositeSchedule", wish))["response"]
    assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6.0}]
    await send(api, station, "tx_default")
    path = f"/stations/{station.id}/connectors/1/composite-schedule/compare?duration_s=300&unit=A"
    compared = await api.post(path)
    assert compared["ours"]["periods"][0]["limit"] == compared["station"][0]["limit"] == 6.0
    assert compared["differences"] == []


async def test_tc_067_three_profiles_cleared_in_three_ways(station: FullStation, api: Api) -> None:
    tag = await api.token()
    await station.charge(tag)
    sent = [await send(api, station, *each) for each in (("station_max", 0), ("tx_default", 1), ("tx", 1))]
    assert len({profile["charging_profile_id"] for profile in sent}) == 3
    assert {profile["stack_level"] for profile in sent} == {0}
    first = sent[0]["charging_profile_id"]
    path = f"/stations/{station.id}/charging-profiles"
    for body in ({"profile_id": first}, {"connector_id": 1, "purpose": "tx_default", "stack_level": 0}, {}):
        assert (await api.post(f"{path}/clear", body))["result"] == "Accepted"
    assert station.cleared == [
        {"id": first},
        {"connector_id": 1, "charging_profile_purpose": "TxDefaultProfile", "stack_level": 0},
        {},
    ]
    assert station.profiles == {}
    assert (await api.get(path))["items"] == []
    await station.finish(Reason.local, tag)
