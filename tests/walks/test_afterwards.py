"""What comes after a station's time: an answer that is late, a station that is registered no more."""

import asyncio

import pytest

from stationmaster.conformance.errors import CallRefused
from stationmaster.conformance.station import ScriptedStation
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted


async def test_a_late_answer_is_kept_with_its_job(node: NodeProcess, api: Api) -> None:
    async with ScriptedStation(node.url, await api.station(), password=PASSWORD) as station:
        await booted(station)
        wish = {"key": "HeartbeatInterval", "value": "77"}
        command = asyncio.create_task(api.command(station.identity, "ChangeConfiguration", wish, timeout=1))
        request = await station.expect("ChangeConfiguration")
        job = (await command).json()
        assert job["state"] == "timeout"
        await station.reply(request, {"status": "Accepted"})
        async with asyncio.timeout(10):
            while (await api.get(f"/jobs/{job['id']}"))["response"] is None:  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.05)
        late = await api.get(f"/jobs/{job['id']}")
        assert (late["state"], late["response"]) == ("timeout", {"status": "Accepted"})
        known = await api.eventually(f"/stations/{station.identity}/configuration")
        assert [(one["value"], one["write_status"]) for one in known] == [("77", "unknown")]


async def test_a_station_that_is_removed_is_sent_away(node: NodeProcess, api: Api) -> None:
    identity = await api.station()
    station = ScriptedStation(node.url, identity, password=PASSWORD)
    await station.connect()
    await booted(station)
    assert (await api.client.delete(f"/stations/{identity}")).status_code == 204
    ended = await station.closed(within_s=10)
    assert (ended.code, ended.reason) == (1008, "no longer registered")
    with pytest.raises(Exception, match="404"):
        await station.connect()


async def test_what_an_operator_says_of_a_station_holds_for_its_connection_at_once(node: NodeProcess, api: Api) -> None:
    identity = await api.station(operator_state="Pending")
    async with ScriptedStation(node.url, identity, password=PASSWORD) as station:
        assert await is_refused(station), "it has not booted, and nobody wants it yet"
        for said, refused in (("Accepted", False), ("Rejected", True), ("Accepted", False)):
            answer = await api.client.patch(f"/stations/{identity}", json={"operator_state": said})
            assert answer.status_code == 200
            async with asyncio.timeout(10):
                while await is_refused(station) is not refused:  # noqa: ASYNC110 -- another process
                    await asyncio.sleep(0.05)


async def is_refused(station: ScriptedStation) -> bool:
    try:
        await station.call("Heartbeat")
    except CallRefused as error:
        return "SecurityError" in str(error)
    return False
