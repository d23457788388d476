"""Commands through the API: sent as they were written, answered with the job, refused before anything is sent."""

import asyncio
import json
from typing import Any

import pytest

from stationmaster.conformance.station import ScriptedStation
from stationmaster.ocpp.errors import ErrorCode
from tests.api.conftest import Client, connected, eventually

JSON = {"Content-Type": "application/json"}


async def test_the_job_holds_the_stations_answer(api: Client) -> None:
    async with connected(api) as station:
        asked = asyncio.create_task(
            api.post(f"/stations/{station.identity}/commands/RemoteStopTransaction", {"transactionId": 4}, 200)
        )
        request = await station.obey("RemoteStopTransaction", {"status": "Rejected"})
        job = await asked
    assert request.payload == {"transactionId": 4}
    assert (job["station_id"], job["action"], job["state"]) == (station.identity, "RemoteStopTransaction", "done")
    assert (job["response"], job["result"], job["error"]) == ({"status": "Rejected"}, "Rejected", None)
    assert job["payload"] == {"transactionId": 4}
    assert job["finished"]
    assert job["requested_by"] == "api_key:test"
    assert await api.get(f"/jobs/{job['id']}") == job


async def test_a_member_that_is_left_out_stays_out_and_numbers_keep_their_digits(api: Client) -> None:
    profile = {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0.1}, {"startPeriod": 60, "limit": 16}],
            },
        },
    }
    body = json.dumps(profile).replace('"limit": 16}', '"limit": 16.10}')
    async with connected(api) as station:
        asked = asyncio.create_task(
            api.http.post(
                f"/api/v1/stations/{station.identity}/commands/SetChargingProfile", content=body, headers=JSON
            )
        )
        await station.obey("SetChargingProfile", {"status": "Accepted"})
        assert (await asked).status_code == 200
        sent = next(text for text in station.transcript.said("<<") if '"SetChargingProfile"' in text)
    assert '"limit":0.1}' in sent
    assert '"limit":16.1}' in sent
    assert "duration" not in sent
    assert "null" not in sent


async def test_without_waiting_the_job_is_on_its_way(api: Client) -> None:
    async with connected(api) as station:
        answer = await api.http.post(f"/api/v1/stations/{station.identity}/commands/ClearCache?wait=0")
        assert answer.status_code == 202
        job = answer.json()
        assert job["state"] in ("queued", "sent")
        assert not job["finished"]
        await station.obey("ClearCache", {"status": "Accepted"})

        async def done() -> Any:
            found = (await api.http.get(answer.headers["location"])).json()
            return found if found["finished"] else None

        assert (await eventually(done))["state"] == "done"


async def test_a_wait_that_is_over_leaves_the_job_running(api: Client) -> None:
    async with connected(api) as station:
        job = await api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 202, wait=0.05)
        assert job["state"] in ("queued", "sent")
        await station.obey("ClearCache", {"status": "Accepted"})


async def test_a_callerror_is_a_result(api: Client) -> None:
    async with connected(api) as station:
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 200))
        request = await station.expect("ClearCache")
        await station.refuse(request, ErrorCode.NOT_SUPPORTED, "no cache here")
        job = await asked
    assert (job["state"], job["result"]) == ("error", "NotSupported")
    assert (job["error"]["code"], job["error"]["description"]) == ("NotSupported", "no cache here")
    assert job["response"] is None


async def test_a_station_that_leaves_before_it_answers(api: Client) -> None:
    async with connected(api) as station:
        asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 200))
        await station.expect("ClearCache")
        await station.disconnect()
        job = await asked
    assert job["state"] == "not_delivered"
    assert job["error"]["description"]


async def test_nothing_is_sent_to_a_station_that_is_away(api: Client) -> None:
    station_id = await api.station()
    problem = await api.problem(
        "POST", f"/stations/{station_id}/commands/Reset", 409, "station_offline", json={"type": "Soft"}
    )
    assert station_id in problem["detail"]
    assert (await api.get("/jobs", station_id=station_id))["items"] == []


async def test_a_job_is_listed_by_station_action_and_state(api: Client) -> None:
    async with connected(api) as station:
        for status in ("Accepted", "Rejected"):
            asked = asyncio.create_task(api.post(f"/stations/{station.identity}/commands/ClearCache", {}, 200))
            await station.obey("ClearCache", {"status": status})
            await asked
        jobs = (await api.get("/jobs", station_id=station.identity, action="ClearCache", state="done"))["items"]
        assert [job["result"] for job in jobs] == ["Rejected", "Accepted"], "the newest first"
        assert (await api.get("/jobs", action="Reset"))["items"] == []
    await api.problem("GET", "/jobs/none", 404, "job_unknown")
    await api.problem("GET", "/jobs", 422, "invalid", params={"state": "lost"})


@pytest.fixture
async def station_path(api: Client) -> str:
    return f"/stations/{await api.station()}/commands"


@pytest.mark.parametrize(
    "body, status, code, words",
    [
        (b'{"type": }', 400, "malformed_json", "The body is not JSON: Expecting value"),
        (b"\xff\xfe", 400, "malformed_json", "can't decode byte 0xff"),
        (b'{"type": NaN}', 400, "malformed_json", "NaN is no number of JSON"),
        (b'{"type": "Soft", "type": "Hard"}', 400, "malformed_json", "the member 'type' is given twice"),
        (b"[" * 100_000, 400, "malformed_json", "it is nested too deeply"),
        (b'{"a": ' * 100_000, 400, "malformed_json", "it is nested too deeply"),
        (b'{"n": ' + b"9" * 5000 + b"}", 400, "malformed_json", "a number has more than 40 digits"),
        (b'{"n": 0.' + b"9" * 5000 + b"}", 400, "malformed_json", "a number has more than 40 digits"),
        (b'["Soft"]', 422, "payload_invalid", "The payload of a command is a JSON object."),
        (b"5", 422, "payload_invalid", "The payload of a command is a JSON object."),
        (b'{"type": "Warm"}', 422, "payload_invalid", "type"),
        (b"{}", 422, "payload_invalid", "type"),
        (b"", 422, "payload_invalid", "type"),
        (b'{"type": "Soft", "colour": "red"}', 422, "payload_invalid", "colour"),
        (b'{"type": "Soft\\u0000"}', 422, "payload_invalid", "type"),
        (b'{"type": "\\ud800"}', 422, "payload_invalid", "type"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
async def test_a_payload_that_cannot_be_sent(
    api: Client, station_path: str, body: bytes, status: int, code: str, words: str
) -> None:
    problem = await api.problem("POST", f"{station_path}/Reset", status, code, content=body, headers=JSON)
    assert words in problem["detail"]


async def test_what_breaks_the_schema_is_refused_before_the_station_is_looked_for(api: Client) -> None:
    station_id = await api.station()
    problem = await api.problem(
        "POST", f"/stations/{station_id}/commands/RemoteStopTransaction", 422, "payload_invalid", json={}
    )
    assert problem["errors"][0]["field"] == "transactionId"


@pytest.mark.parametrize(
    "path, status, code",
    [
        ("Heartbeat", 404, "unknown_action"),
        ("MakeCoffee", 404, "unknown_action"),
        ("reset", 404, "unknown_action"),
        ("Re-set", 422, "invalid"),
        ("Reset?wait=-1", 422, "invalid"),
        ("Reset?wait=nan", 422, "invalid"),
        ("Reset?wait=1e9", 422, "invalid"),
        ("Reset?timeout=0", 422, "invalid"),
        ("Reset?weight=0", 422, "invalid"),
    ],
)
async def test_what_cannot_be_asked(api: Client, station_path: str, path: str, status: int, code: str) -> None:
    await api.problem("POST", f"{station_path}/{path}", status, code, json={"type": "Soft"})


async def test_a_hard_block_is_a_conflict(api: Client) -> None:
    async with connected(api) as station:
        profile = {"connectorId": 1, "csChargingProfiles": _max_profile()}
        problem = await api.problem(
            "POST", f"/stations/{station.identity}/commands/SetChargingProfile", 409, "blocked", json=profile
        )
        assert problem["detail"]
    assert not _sent(station, "SetChargingProfile")


def _max_profile() -> dict[str, Any]:
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
    }


def _sent(station: ScriptedStation, action: str) -> bool:
    return any(f'"{action}"' in text for text in station.transcript.said("<<"))
