"""Composite jobs over restarts: where they stand is in the database, and the station decides (§4.5, §4.6)."""

import asyncio

import pytest

from stationmaster.domain.errors import Conflict, NotFound
from stationmaster.domain.jobs import Job
from stationmaster.domain.security_jobs import SecurityJobKind, SecurityWish
from tests.actions.line import SILENCE, Line, connect
from tests.services.node import ORGANISATION, Node, open_node

ROTATE = SecurityJobKind.ROTATE_PASSWORD
RAISE = SecurityJobKind.RAISE_PROFILE
ACTOR = "api_key:test"


async def job_of(node: Node, job: Job) -> Job:
    found: Job | None = await node.storage.jobs.get(job.id)
    assert found is not None
    return found


async def test_a_job_begun_before_a_restart_is_done_after_it_when_the_station_comes(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as first:
        await first.station("CP7", security_profile=1)
        job = await first.services.security_jobs.begin(ORGANISATION, "CP7", ROTATE, SecurityWish(), ACTOR)
        assert (job.state, job.progress) == ("waiting", '{"step":"ask"}')
    async with open_node(sqlite_url, node_id="node-b") as second:
        await second.services.security_jobs.advance(second.clock())
        assert (await job_of(second, job)).state == "waiting"
        line = await connect(second, "CP7")
        line.will_answer("ChangeConfiguration", status="Accepted")
        await second.services.security_jobs.advance(second.clock())
        done = await job_of(second, job)
        assert (done.state, done.result) == ("done", "Accepted")
        station = await second.storage.stations.get("CP7")
        assert station is not None
        raw = bytes.fromhex(line.heard[0][1]["value"])
        assert second.services.security.which_password(station, raw) == "current"


@pytest.mark.parametrize("presented", ["pending", "current"])
async def test_a_node_that_stops_in_the_middle_leaves_both_and_the_station_decides(
    sqlite_url: str, presented: str
) -> None:
    async with open_node(sqlite_url) as first:
        await first.station("CP7", security_profile=1)
        line = await connect(first, "CP7")
        line.will_answer("ChangeConfiguration", SILENCE)
        job = await _cut_off(first, line)
    async with open_node(sqlite_url, node_id="node-b") as second:
        station = await second.storage.stations.get("CP7")
        assert station is not None
        assert station.pending_password_hash is not None
        await second.services.security_jobs.advance(second.clock())
        assert (await job_of(second, job)).progress == '{"step":"settle"}'
        await second.services.security.came_in(station, 1, presented)
        await second.services.security_jobs.advance(second.clock())
        settled = await job_of(second, job)
        if presented == "pending":
            assert (settled.state, settled.result) == ("done", "Accepted")
        else:
            assert settled.progress == '{"step":"ask"}'


async def _cut_off(node: Node, line: Line) -> Job:
    """Begin to rotate, and lose the connection while the station has not answered."""
    begun = asyncio.create_task(node.services.security_jobs.begin(ORGANISATION, "CP7", ROTATE, SecurityWish(), ACTOR))
    async with asyncio.timeout(5):
        while not line.heard:  # noqa: ASYNC110 -- there is no event
            await asyncio.sleep(0.002)
    line.hangs_up()
    return await begun


async def test_one_at_a_time_and_it_can_be_called_off(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        await node.station("CP7", security_profile=1)
        jobs = node.services.security_jobs
        await jobs.begin(ORGANISATION, "CP7", RAISE, SecurityWish(security_profile=2), ACTOR)
        with pytest.raises(Conflict) as raised:
            await jobs.begin(ORGANISATION, "CP7", ROTATE, SecurityWish(), ACTOR)
        assert raised.value.code == "security_job_running"
        assert (await jobs.cancel(ORGANISATION, "CP7")).state == "cancelled"
        with pytest.raises(NotFound):
            await jobs.cancel(ORGANISATION, "CP7")
        with pytest.raises(Conflict) as raised:
            await jobs.begin(ORGANISATION, "CP7", RAISE, SecurityWish(security_profile=1), ACTOR)
        assert raised.value.code == "profile_not_higher"
        with pytest.raises(NotFound):
            await jobs.begin("elsewhere", "CP7", ROTATE, SecurityWish(), ACTOR)


async def test_a_station_that_refuses_keeps_its_password(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        await node.station("CP7", security_profile=1)
        line = await connect(node, "CP7")
        line.will_answer("ChangeConfiguration", status="Rejected")
        before = await node.storage.stations.get("CP7")
        job = await node.services.security_jobs.begin(ORGANISATION, "CP7", ROTATE, SecurityWish(), ACTOR)
        assert (job.state, job.result) == ("error", "Rejected")
        after = await node.storage.stations.get("CP7")
        assert before is not None
        assert after is not None
        assert (after.password_hash, after.pending_password_hash) == (before.password_hash, None)
