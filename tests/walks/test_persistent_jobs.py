"""Jobs that outlive a node: it is killed and started again, the station comes, and what waits comes or is too late.

Each kind of database has a node of its own here, since it is to die.
"""

import asyncio
from typing import Any

import pytest

from stationmaster.conformance.link import now
from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import format_instant
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted

ACCEPTED = {"status": "Accepted"}


async def waiting(api: Api, identity: str, action: str, payload: dict[str, Any], **query: Any) -> Any:
    """A persistent command for a station that is away; its job."""
    answer = await api.command(identity, action, payload, persistent=True, **query)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["state"], job["persistent"], job["sent_at"]) == ("queued", True, None)
    return job


def in_s(seconds: float) -> str:
    return format_instant(now() + round(seconds * 1_000_000))


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_what_waits_survives_a_kill_and_is_delivered_in_order_and_once(mortal_node: NodeProcess) -> None:
    async with mortal_node.api() as api:
        identity = await api.station()
        first = await waiting(api, identity, "ChangeConfiguration", {"key": "BlinkRepeat", "value": "3"})
        second = await waiting(api, identity, "ClearCache", {})
        await mortal_node.die_and_return()
        assert (await api.get(f"/jobs/{first['id']}"))["state"] == "queued"
        async with ScriptedStation(mortal_node.url, identity, password=PASSWORD) as station:
            await booted(station)
            change = await station.obey("ChangeConfiguration", ACCEPTED)
            assert change.payload == {"key": "BlinkRepeat", "value": "3"}
            await station.obey("ClearCache", {"status": "Rejected"})
            done = await api.job(first, "done")
            assert (done["result"], done["queued_at"], done["expires_at"]) == (
                "Accepted", first["queued_at"], first["expires_at"],
            )  # fmt: skip
            assert (await api.job(second, "done"))["result"] == "Rejected"
        await mortal_node.die_and_return()
        async with ScriptedStation(mortal_node.url, identity, password=PASSWORD) as station:
            await booted(station)
            await asyncio.sleep(7)  # The block ends without fault: nothing came a second time.


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_after_the_deadline_nothing_is_delivered(mortal_node: NodeProcess) -> None:
    async with mortal_node.api() as api:
        identity = await api.station()
        job = await waiting(api, identity, "ClearCache", {}, deadline=in_s(3))
        await asyncio.to_thread(mortal_node.kill)
        await asyncio.sleep(3)
        await asyncio.to_thread(mortal_node.start)
        async with ScriptedStation(mortal_node.url, identity, password=PASSWORD) as station:
            await booted(station)
            ended = await api.job(job, "expired")
            assert ended["error"]["code"] == "expired"
            assert ended["sent_at"] is None
            await asyncio.sleep(6)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_what_was_on_its_way_when_the_node_died_is_not_sent_again(mortal_node: NodeProcess) -> None:
    async with mortal_node.api() as api:
        identity = await api.station()
        job = await waiting(api, identity, "ClearCache", {})
        station = ScriptedStation(mortal_node.url, identity, password=PASSWORD)
        await station.connect()
        await booted(station)
        await station.expect("ClearCache")
        await api.job(job, "sent")
        await mortal_node.die_and_return()
        await station.sever()
        async with ScriptedStation(mortal_node.url, identity, password=PASSWORD) as again:
            await booted(again)
            await asyncio.sleep(7)
        assert (await api.get(f"/jobs/{job['id']}"))["state"] == "sent", "until it is sure that nobody will tell"


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_desired_configuration_waits_over_a_kill(mortal_node: NodeProcess) -> None:
    async with mortal_node.api() as api:
        identity = await api.station()
        entries = [{"key": "HeartbeatInterval", "value": "600"}]
        template = await api.post("/configuration-templates", {"name": "T", "entries": entries})
        body = {"mode": "on_demand", "template_ids": [template["id"]]}
        assert (await api.client.put(f"/stations/{identity}/desired-configuration", json=body)).status_code == 200
        job = await api.post(f"/stations/{identity}/desired-configuration/apply")
        assert (job["state"], job["progress"]) == ("waiting", {"step": "ask"})
        await mortal_node.die_and_return()
        async with ScriptedStation(mortal_node.url, identity, password=PASSWORD) as station:
            await booted(station)
            limit = [{"key": "GetConfigurationMaxKeys", "readonly": True, "value": "9"}]
            await station.obey("GetConfiguration", {"configurationKey": limit})
            for value in ("300", "600"):
                told = [{"key": "HeartbeatInterval", "readonly": False, "value": value}]
                await station.obey("GetConfiguration", {"configurationKey": told})
                if value == "300":
                    await station.obey("ChangeConfiguration", ACCEPTED)
            assert (await api.job(job, "done"))["result"] == "in_step"
