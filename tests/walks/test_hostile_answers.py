"""A hostile value in every field of every answer of a station, over a real socket and on either database (§1.9, D-04).

Each command comes to an end at once, the conversation goes on, and what is kept of the answer can be read back by
everybody.
"""

import asyncio
from typing import Any

import pytest

from tests.gateway.raw import RawStation
from tests.walks.raw_stations import entered, served
from tests.walks.running import Api, NodeProcess
from tests.walks.test_every_action import HASHES, SCHEDULE, WISHES
from tests.walks.test_hostile_fields import CALLS, NOON, VALUES, places, written

DEEP = [f"{'[' * depth}{']' * depth}" for depth in (70, 300, 900)]
ACCEPTED: dict[str, Any] = {"status": "Accepted", "x": 1}
ANSWERS: dict[str, dict[str, Any]] = {
    "DataTransfer": {**ACCEPTED, "data": "d"},
    "GetCompositeSchedule": {
        **ACCEPTED,
        "connectorId": 1,
        "scheduleStart": NOON,
        "chargingSchedule": {**SCHEDULE, "duration": 60, "minChargingRate": 1},
    },
    "GetConfiguration": {"configurationKey": [{"key": "K", "readonly": False, "value": "v"}], "unknownKey": ["u"]},
    "GetDiagnostics": {"fileName": "f", "x": 1},
    "GetInstalledCertificateIds": {**ACCEPTED, "certificateHashData": [HASHES]},
    "GetLocalListVersion": {"listVersion": 1, "x": 1},
    "GetLog": {**ACCEPTED, "filename": "f"},
    "UpdateFirmware": {"x": 1},
}


async def answered(api: Api, identity: str, station: RawStation, action: str, answer: str) -> dict[str, Any]:
    """An operator asks, the station answers (`@`: the id): the job, which has come to its end or waits for more."""
    asking = asyncio.create_task(api.command(identity, action, WISHES[action]))
    kind, message_id, *_ = await station.hear(within_s=20)
    assert kind == 2
    await station.say(answer.replace("@", message_id, 1))
    response = await asking
    assert response.status_code == 200, (answer[:200], response.text[:500])
    job: dict[str, Any] = response.json()
    assert job["state"] in {"done", "waiting", "error", "invalid_response"}, (answer[:200], job)
    return job


async def read_back(api: Api, identity: str) -> None:
    """Whatever shows what stations answered."""
    await api.everything("/jobs", station_id=identity)
    await api.everything("/past-events", station_id=identity)
    await api.everything("/messages", station_id=identity)
    await api.everything("/reservations", station_id=identity)
    for path in ("oddities", "configuration", "roots"):
        await api.everything(f"/stations/{identity}/{path}")
    await api.get(f"/stations/{identity}")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("action", WISHES)
@pytest.mark.usefixtures("neighbour")
async def test_a_hostile_value_in_any_field_ends_the_command_and_can_be_read_back(
    node: NodeProcess, api: Api, action: str
) -> None:
    answer = ANSWERS.get(action, ACCEPTED)
    async with entered(node, api) as (identity, station):
        await station.call([2, "boot", "BootNotification", CALLS["BootNotification"]])
        for way in places(answer):
            for value in [*VALUES, *DEEP]:
                await answered(api, identity, station, action, f'[3,"@",{written(answer, way, value)}]')
        for value in [*VALUES, *DEEP]:
            await answered(api, identity, station, action, f'[3,"@",{value}]')
        await served(station)
        await read_back(api, identity)


@pytest.mark.usefixtures("neighbour")
async def test_a_hostile_value_in_any_part_of_an_error_ends_the_command_and_can_be_read_back(
    node: NodeProcess, api: Api
) -> None:
    parts = [4, "?", "InternalError", "description", {"key": 1}]
    async with entered(node, api) as (identity, station):
        await station.call([2, "boot", "BootNotification", CALLS["BootNotification"]])
        for way in places(parts)[2:]:
            for value in [*VALUES, *DEEP, "71.5", "1e-7"]:
                frame = written(parts, way, value).replace("?", "@")
                job = await answered(api, identity, station, "ClearCache", frame)
                assert job["state"] == "error"
        await served(station)
        await read_back(api, identity)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ('[3,"@",{"status":"Accepted","x":' + "[" * 100_000 + "]" * 100_000 + "}]", "invalid_response"),
        ('[3,"@",' + "[" * 100_000 + "]", "invalid_response"),
        ('[4,"@","InternalError","",{"x":' + "[" * 100_000 + "]" * 100_000 + "}]", "error"),
    ],
)
@pytest.mark.usefixtures("neighbour")
async def test_an_answer_nested_too_deeply_ends_the_command_at_once(
    node: NodeProcess, api: Api, answer: str, state: str
) -> None:
    async with entered(node, api) as (identity, station):
        await station.call([2, "boot", "BootNotification", CALLS["BootNotification"]])
        assert (await answered(api, identity, station, "ClearCache", answer))["state"] == state
        await served(station)
        await read_back(api, identity)


@pytest.mark.parametrize(
    ("answer", "response", "details"),
    [
        ('{"status":"Accepted","x":"a\\ud800"}', {"status": "Accepted", "x": "a\ufffd"}, None),
        ('{"status":[1.50]}', {"status": [1.5]}, {}),
        ('{"status":"Accepted","x":1e400}', {"status": "Accepted", "x": "1e400"}, None),
        ("[]", None, {"payload": "[]"}),
        ("7", None, {"payload": "7"}),
    ],
)
async def test_what_a_station_answered_is_kept(
    node: NodeProcess, api: Api, answer: str, response: Any, details: Any
) -> None:
    async with entered(node, api) as (identity, station):
        await station.call([2, "boot", "BootNotification", CALLS["BootNotification"]])
        job = await answered(api, identity, station, "ClearCache", f'[3,"@",{answer}]')
        assert job["response"] == response
        assert (job["error"] and job["error"]["details"]) == details
