"""What an operator asks of a station: the rows of handbook §5.3, pressed through the REST API, over real sockets."""

import asyncio

import pytest

from stationmaster.conformance.station import ScriptedStation
from stationmaster.ocpp.errors import ErrorCode
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import authorize, booted, charging, start, status, stop

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    """A station that is registered; entering it connects it."""
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


async def test_010_remote_start_plugged_first(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await status(station, "Preparing")
        wish = {"connectorId": 1, "idTag": tag}
        request, job = await api.press(station, "RemoteStartTransaction", wish, ACCEPTED)
        assert request.payload == wish
        assert (job["state"], job["response"]) == ("waiting", ACCEPTED)
        assert await authorize(station, tag) == "Accepted"
        assert (await start(station, tag))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Charging")
        assert (await api.job(job, "done"))["result"] == "Accepted"
        assert (await api.transaction(station.identity))["remote_start_job_id"] == job["id"]


async def test_011_1_remote_start_first(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        request, job = await api.press(station, "RemoteStartTransaction", {"idTag": tag}, ACCEPTED)
        assert request.payload == {"idTag": tag}, "what is left out stays out"
        assert await authorize(station, tag) == "Accepted"
        await status(station, "Preparing")
        assert (await start(station, tag))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Charging")
        await api.job(job, "done")


async def test_011_2_the_driver_does_not_plug_in(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        _, job = await api.press(station, "RemoteStartTransaction", {"connectorId": 1, "idTag": tag}, ACCEPTED)
        assert await authorize(station, tag) == "Accepted"
        await status(station, "Preparing")
        await status(station, "Available")
        assert (await api.get(f"/jobs/{job['id']}"))["state"] == "waiting", "it lapses by itself"


async def test_012_remote_stop(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        wish = {"transactionId": transaction_id}
        request, job = await api.press(station, "RemoteStopTransaction", wish, ACCEPTED)
        assert request.payload == wish
        assert await stop(station, transaction_id, reason="Remote") == {}
        await status(station, "Finishing")
        await status(station, "Available")
        await api.job(job, "done")
        assert (await api.transaction(station.identity))["stop_reason"] == "Remote"


async def test_026_remote_start_rejected(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        _, job = await api.press(station, "RemoteStartTransaction", {"idTag": "ANY", "connectorId": 1}, REJECTED)
        assert (job["state"], job["result"]) == ("done", "Rejected")
        await station.silence(0.3)


async def test_028_remote_stop_rejected(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await charging(station, tag)
        _, job = await api.press(station, "RemoteStopTransaction", {"transactionId": 4711}, REJECTED)
        assert (job["state"], job["result"]) == ("done", "Rejected")
        assert (await api.transaction(station.identity))["state"] == "open"


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
async def test_013_014_reset(node: NodeProcess, api: Api, kind: str) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        request, job = await api.press(station, "Reset", {"type": kind}, ACCEPTED)
        assert request.payload == {"type": kind}
        assert job["state"] == "waiting"
        await station.disconnect()
        await station.connect()
        await booted(station)
        await api.job(job, "done")


@pytest.mark.parametrize("answer", ["Unlocked", "NotSupported", "UnlockFailed"])
async def test_017_030_unlock_without_a_session(node: NodeProcess, api: Api, answer: str) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        request, job = await api.press(station, "UnlockConnector", {"connectorId": 1}, {"status": answer})
        assert request.payload == {"connectorId": 1}
        assert (job["state"], job["result"]) == ("done", answer)


async def test_018_1_unlock_with_a_session(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        await api.press(station, "UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"})
        await status(station, "Finishing")
        assert await stop(station, transaction_id, reason="UnlockCommand") == {}
        await status(station, "Available")


async def test_031_a_connector_that_nobody_knows(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connectorId": 99}
        request, job = await api.press(station, "UnlockConnector", wish, {"status": "NotSupported"})
        assert request.payload == wish
        assert job["result"] == "NotSupported"


async def test_061_clear_cache(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        request, job = await api.press(station, "ClearCache", {}, ACCEPTED)
        assert request.payload == {}
        assert (job["state"], job["result"]) == ("done", "Accepted")


async def test_019_configuration_is_read(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        keys = [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core"},
        ]
        request, job = await api.press(station, "GetConfiguration", {}, {"configurationKey": keys})
        assert request.payload == {}, "no key field at all"
        assert job["response"] == {"configurationKey": keys}
        one = {"key": ["SupportedFeatureProfiles"]}
        request, _ = await api.press(station, "GetConfiguration", one, {"configurationKey": keys[1:]})
        assert request.payload == one
        known = await api.everything(f"/stations/{station.identity}/configuration")
        assert {(entry["variable"], entry["value"]) for entry in known} == {(key["key"], key["value"]) for key in keys}


@pytest.mark.parametrize(
    ("key", "value", "answer"),
    [
        ("MeterValueSampleInterval", "60", "Accepted"),
        ("NobodyKnowsThisKey", "whatever", "NotSupported"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("StopTxnSampledData", "", "Accepted"),
    ],
    ids=["021", "040_1", "040_2", "empty value"],
)
async def test_021_040_configuration_is_changed(node: NodeProcess, api: Api, key: str, value: str, answer: str) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"key": key, "value": value}
        request, job = await api.press(station, "ChangeConfiguration", wish, {"status": answer})
        assert request.payload == wish
        assert (job["state"], job["result"]) == ("done", answer)
        await station.silence(0.2)


async def test_availability_is_changed(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"connectorId": 1, "type": "Inoperative"}
        request, job = await api.press(station, "ChangeAvailability", wish, {"status": "Scheduled"})
        assert request.payload == wish
        assert job["response"] == {"status": "Scheduled"}
        await status(station, "Unavailable")
        connectors = (await api.get(f"/stations/{station.identity}/connectors"))["items"]
        assert next(one for one in connectors if one["connector_id"] == 1)["status"] == "Unavailable"


async def test_a_message_for_a_vendor_is_sent(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        wish = {"vendorId": "com.example", "messageId": "Hello", "data": '{"a":1}'}
        answer = {"status": "Accepted", "data": "hi"}
        request, job = await api.press(station, "DataTransfer", wish, answer)
        assert request.payload == wish
        assert job["response"] == answer


async def test_a_callerror_is_a_result(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        command = asyncio.create_task(api.command(station.identity, "ClearCache", {}))
        await station.refuse(await station.expect("ClearCache"), ErrorCode.NOT_SUPPORTED, "no cache")
        job = (await command).json()
        assert job["state"] == "error"
        assert (job["error"]["code"], job["error"]["description"]) == ("NotSupported", "no cache")


async def test_an_answer_that_breaks_the_schema_is_a_result_too(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        command = asyncio.create_task(api.command(station.identity, "ClearCache", {}))
        request = await station.expect("ClearCache")
        await station.say(f'[3,"{request.message_id}",{{"status":"Perhaps"}}]')
        job = (await command).json()
        assert job["state"] == "invalid_response"
        assert await station.call("Heartbeat"), "the conversation goes on"


async def test_a_station_that_is_not_there_and_a_payload_that_is_wrong(node: NodeProcess, api: Api) -> None:
    station = await connected(node, api)
    assert (await api.command(station.identity, "Reset", {"type": "Soft"})).status_code == 409
    async with station:
        await booted(station)
        assert (await api.command(station.identity, "Reset", {"type": "Warm"})).status_code == 422
        assert (await api.command(station.identity, "Reset", {})).status_code == 422
        await station.silence(0.2)


async def test_a_caller_need_not_wait(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        answer = await api.command(station.identity, "ClearCache", {}, wait=0)
        assert answer.status_code == 202
        await station.obey("ClearCache", ACCEPTED)
        assert (await api.job(answer.json(), "done"))["response"] == ACCEPTED
