"""Composite jobs over restarts: where they stand is in the database, and the station decides (§4.5, §4.6)."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from stationmaster.domain.errors import Conflict, NotFound
from stationmaster.domain.jobs import Job
from stationmaster.domain.security_jobs import SecurityJobKind, SecurityWish
from stationmaster.services.x509.pem import read_certificates
from tests.actions.line import SILENCE, Line, connect
from tests.app.secure_node import Identity
from tests.services.node import ORGANISATION, Node, open_node, until

ROTATE = SecurityJobKind.ROTATE_PASSWORD
RAISE = SecurityJobKind.RAISE_PROFILE
RENEW = SecurityJobKind.RENEW_CERTIFICATE
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


@pytest.mark.parametrize("comes_back_with", [1, 2])
async def test_a_profile_that_is_being_raised_when_the_node_stops(sqlite_url: str, comes_back_with: int) -> None:
    """A station that fell back is asked anew by the node that follows; one that has the new profile settles it."""
    async with open_node(sqlite_url) as first:
        await first.station("CP7", security_profile=1)
        line = await connect(first, "CP7")
        line.will_answer("ChangeConfiguration", SILENCE)
        job = await _cut_off(first, line, RAISE, SecurityWish(security_profile=2))
    async with open_node(sqlite_url, node_id="node-b") as second:
        station = await second.storage.stations.get("CP7")
        assert station is not None
        assert (station.security_profile, station.pending_security_profile) == (1, 2)
        await second.services.security.came_in(station, comes_back_with, "current")
        line = await connect(second, "CP7")
        line.will_answer("ChangeConfiguration", status="Accepted")
        await second.services.security_jobs.advance(second.clock())
        asked_again = [("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})]
        assert line.heard == (asked_again if comes_back_with == 1 else [])
        if comes_back_with == 1:
            station = await second.storage.stations.get("CP7")
            assert station is not None
            await second.services.security.came_in(station, 2, "current")
            await second.services.security_jobs.advance(second.clock())
        done = await job_of(second, job)
        assert (done.state, done.result) == ("done", "Accepted")
        station = await second.storage.stations.get("CP7")
        assert station is not None
        assert (station.security_profile, station.pending_security_profile) == (2, None)


@pytest.mark.parametrize("taken", [True, False])
async def test_a_certificate_that_is_being_renewed_when_the_node_stops(
    sqlite_url: str, tmp_path: Path, taken: bool
) -> None:
    """The request comes to the node that follows, and what the station does with its certificate ends the job."""
    async with open_node(sqlite_url) as first:
        await first.station("CP7", security_profile=3, serial_number="SN-77")
        line = await connect(first, "CP7")
        line.will_answer("ExtendedTriggerMessage", status="Accepted")
        job = await first.services.security_jobs.begin(ORGANISATION, "CP7", RENEW, SecurityWish(), ACTOR)
        assert (job.state, job.progress) == ("waiting", '{"step":"request"}')
    async with open_node(sqlite_url, node_id="node-b") as second:
        second.clock.pass_s(60)
        line = await connect(second, "CP7")
        line.will_answer("CertificateSigned", status="Accepted" if taken else "Rejected")
        assert await line.says("SignCertificate", csr=Identity(tmp_path).request()) == {"status": "Accepted"}

        async def answered() -> bool:
            (made,) = await second.storage.certificates.of_station("CP7")
            return bool(made.state_reason)

        await until(answered)
        await second.services.security_jobs.advance(second.clock())
        if taken:
            assert (await job_of(second, job)).state == "waiting", "it has not come in with it yet"
            station = await second.storage.stations.get("CP7")
            assert station is not None
            ((action, sent),) = line.heard
            assert action == "CertificateSigned"
            leaf = read_certificates(sent["certificateChain"])[0]
            await second.services.certificates.came_in(station, leaf.public_bytes(Encoding.DER))

        async def ended() -> bool:  # the answer has set the job going already, or this does
            await second.services.security_jobs.advance(second.clock())
            return (await job_of(second, job)).finished_at is not None

        await until(ended)
        done = await job_of(second, job)
        assert (done.state, done.result) == (("done", "Accepted") if taken else ("error", "Rejected"))


async def _cut_off(node: Node, line: Line, kind: SecurityJobKind = ROTATE, wish: SecurityWish | None = None) -> Job:
    """Begin, and lose the connection while the station has not answered."""
    jobs = node.services.security_jobs
    begun = asyncio.create_task(jobs.begin(ORGANISATION, "CP7", kind, wish or SecurityWish(), ACTOR))
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


async def test_two_that_are_asked_for_at_once_are_one(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        await node.station("CP7", security_profile=1)
        jobs = node.services.security_jobs
        asked = [jobs.begin(ORGANISATION, "CP7", ROTATE, SecurityWish(), ACTOR) for _ in range(5)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in outcomes].count(Job) == 1
        refused = [each for each in outcomes if isinstance(each, Conflict)]
        assert [each.code for each in refused] == ["security_job_running"] * 4
        assert len(await node.storage.security_jobs.all()) == 1
        page = await node.storage.jobs.find(ORGANISATION)
        assert len(page.items) == 1, "and no other job waits for ever"


async def test_a_higher_profile_that_is_not_used_is_told_of_once_after_a_day(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        await node.station("CP7", security_profile=1)
        line = await connect(node, "CP7")
        line.will_answer("ChangeConfiguration", status="Accepted")
        jobs = node.services.security_jobs
        job = await jobs.begin(ORGANISATION, "CP7", RAISE, SecurityWish(security_profile=2), ACTOR)
        assert job.progress == '{"step":"come_back"}'
        for hours, times in ((23, 0), (2, 1), (24, 1)):
            node.clock.pass_s(hours * 3600)
            await jobs.advance(node.clock())
            page = await node.storage.security_events.find(ORGANISATION)
            assert [each.type for each in page.items] == ["SecurityProfileNotUsed"] * times
        station = await node.storage.stations.get("CP7")
        assert station is not None
        assert station.pending_security_profile == 2, "both still count"


async def test_a_station_that_keeps_its_old_password_is_not_asked_for_ever(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        await node.station("CP7", security_profile=1)
        jobs = node.services.security_jobs
        line = await connect(node, "CP7")
        line.will_answer("ChangeConfiguration", SILENCE)
        job = await _cut_off(node, line)
        times_asked = 1
        while not (await job_of(node, job)).finished_at:
            station = await node.storage.stations.get("CP7")
            assert station is not None
            await node.services.security.came_in(station, 1, "current")
            await jobs.advance(node.clock())
            line = await connect(node, "CP7")
            line.will_answer("ChangeConfiguration", SILENCE)
            moving = asyncio.create_task(jobs.advance(node.clock()))
            await asyncio.wait([moving], timeout=0.2)
            times_asked += len(line.heard)
            line.hangs_up()
            await moving
            assert times_asked <= 3
        done = await job_of(node, job)
        assert (done.state, done.result, times_asked) == ("error", "password_kept", 3)


@pytest.mark.parametrize(("kind", "seconds", "result"), [(ROTATE, 7 * 86_400, "timeout"), (RENEW, 601, "no_request")])
async def test_a_job_does_not_wait_for_ever(sqlite_url: str, kind: SecurityJobKind, seconds: int, result: str) -> None:
    """One for a station that never comes, and one for a station that agrees and sends no request."""
    async with open_node(sqlite_url) as node:
        await node.station("CP7", security_profile=1)
        if kind is RENEW:
            line = await connect(node, "CP7")
            line.will_answer("ExtendedTriggerMessage", status="Accepted")
        jobs = node.services.security_jobs
        job = await jobs.begin(ORGANISATION, "CP7", kind, SecurityWish(), ACTOR)
        node.clock.pass_s(seconds - 60)
        await jobs.advance(node.clock())
        assert (await job_of(node, job)).state == "waiting"
        node.clock.pass_s(61)
        await jobs.advance(node.clock())
        done = await job_of(node, job)
        assert (done.state, done.result) == ("timeout", result)
        assert await node.storage.security_jobs.all() == []
