"""Commands between nodes: asked on one, carried out on another, never late, never twice (handbook §3.1)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stationmaster.bus import BusTimeout, NoResponder, Overloaded, Unreachable
from stationmaster.bus.memory import MemoryBus
from stationmaster.bus.messages_v1 import CommandReply, CommandRequest, decode, encode
from stationmaster.bus.subjects import command_of
from stationmaster.domain.errors import Conflict, Offline, Unavailable
from stationmaster.domain.jobs import Job
from stationmaster.storage.errors import Unavailable as DatabaseAway
from tests.actions.line import SILENCE, connect
from tests.services.node import ORGANISATION, Clock, Node, open_node, until


@pytest.fixture
async def cluster(sqlite_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes on one database and one bus."""
    bus, clock = MemoryBus(), Clock()
    async with (
        open_node(sqlite_url, bus=bus, clock=clock, node_id="a") as here,
        open_node(sqlite_url, bus=bus, clock=clock, node_id="b") as there,
    ):
        yield here, there
    await bus.close()


async def send(node: Node, action: str = "ClearCache", wait_s: float = 5, **payload: Any) -> Job:
    return await node.services.commands.send(ORGANISATION, "CP7", action, payload, requested_by="me", wait_s=wait_s)


async def test_a_command_reaches_the_station_on_another_node(cluster: tuple[Node, Node]) -> None:
    here, there = cluster
    line = await connect(there)
    line.will_answer("ClearCache", status="Accepted")
    job = await send(here)
    assert (job.state, job.result, job.requested_by) == ("done", "Accepted", "me")
    assert [action for action, _ in line.heard] == ["ClearCache"]


async def test_what_a_job_waits_for_may_happen_on_another_node(cluster: tuple[Node, Node]) -> None:
    here, there = cluster
    line = await connect(there)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(here, "RemoteStartTransaction", idTag="A1")
    line.hangs_up()
    moved = await connect(here)

    async def told() -> bool:
        return here.services.waiting.any_of("CP7")

    await until(told)
    await moved.says("StartTransaction", connectorId=1, idTag="A1", meterStart=0, timestamp="2025-03-01T12:34:56Z")
    found = await here.storage.jobs.get(job.id)
    assert found is not None
    assert found.state == "done"


async def test_offline_is_said_at_once_and_leaves_no_job(cluster: tuple[Node, Node]) -> None:
    here, _ = cluster
    await here.station()
    for wait_s in (0, 5):
        with pytest.raises(Offline):
            await send(here, wait_s=wait_s)
    assert (await here.storage.jobs.find(ORGANISATION)).items == []


async def test_without_waiting_the_job_is_there_at_once(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", SILENCE)
    job = await send(node, wait_s=0)
    assert job.state in {"queued", "sent"}
    assert await node.storage.jobs.get(job.id) is not None


async def test_a_wait_that_is_over_returns_the_job_as_it_is(node: Node) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", SILENCE)
    job = await send(node, wait_s=0.05)
    assert job.state in {"queued", "sent"}
    assert job.finished_at is None


async def test_what_a_person_asks_for_goes_before_what_goes_on_by_itself(node: Node) -> None:
    line = await connect(node)
    wishes = (("schedule", "ClearCache"), ("schedule", "GetConfiguration"), ("user:ann", "GetLocalListVersion"))
    for actor, action in wishes:
        await node.services.commands.send(ORGANISATION, "CP7", action, {}, requested_by=actor, wait_s=0)

    async def all_asked() -> bool:
        return line.unanswered == 3

    await until(all_asked)
    line.passes_s(31)
    assert [action for action, _ in line.heard] == ["ClearCache", "GetLocalListVersion"]


async def test_a_request_that_comes_too_late_is_not_carried_out(node: Node) -> None:
    line = await connect(node)
    request = CommandRequest(
        job_id="j1",
        organisation_id=ORGANISATION,
        station_id="CP7",
        action="ClearCache",
        payload=b"{}",
        requested_by="me",
        deadline=node.clock() + 1_000_000,
    )
    node.clock.pass_s(2)
    reply = decode(await node.bus.request(command_of("CP7"), encode(request), 5), CommandReply)
    assert (reply.refusal, line.heard) == ("expired", [])
    assert await node.storage.jobs.get("j1") is None


@pytest.mark.parametrize(
    ("action", "payload", "refusal"),
    [
        ("ClearCache", b"[1]", "payload"),
        ("ClearCache", b"{", "payload"),
        ("Reset", b"{}", "payload"),
        ("Fly", b"{}", "unknown_action"),
        ("SendLocalList", b'{"listVersion":0,"updateType":"Full"}', "blocked"),
    ],
)
async def test_the_node_that_holds_the_station_checks_for_itself(
    node: Node, action: str, payload: bytes, refusal: str
) -> None:
    """Another release may have asked."""
    line = await connect(node)
    request = CommandRequest(
        job_id="j1",
        organisation_id=ORGANISATION,
        station_id="CP7",
        action=action,
        payload=payload,
        requested_by="me",
        deadline=node.clock() + 1_000_000,
    )
    reply = decode(await node.bus.request(command_of("CP7"), encode(request), 5), CommandReply)
    assert (reply.refusal, line.heard) == (refusal, [])


async def test_a_block_is_a_conflict_in_the_words_of_the_rule(node: Node) -> None:
    await connect(node)
    with pytest.raises(Conflict, match=r"erratum 3\.52"):
        await send(node, "SendLocalList", listVersion=0, updateType="Full")


class BrokenBus(MemoryBus):
    """A bus that fails as it is told."""

    failure: Exception | None = None

    async def request(self, subject: str, message: bytes, timeout_s: float, *, epoch: int = 0) -> bytes:
        if self.failure is not None:
            raise self.failure
        return await super().request(subject, message, timeout_s, epoch=epoch)


async def test_a_node_that_cannot_be_reached(sqlite_url: str) -> None:
    bus = BrokenBus()
    async with open_node(sqlite_url, bus=bus) as node:
        await node.station()
        for failure, error, code in (
            (NoResponder("x"), Offline, "station_offline"),
            (Unreachable("away"), Unavailable, "node_unreachable"),
            (Overloaded("x"), Unavailable, "node_unreachable"),
            (BusTimeout("x", 1), Unavailable, "outcome_unknown"),
        ):
            bus.failure = failure
            with pytest.raises(error) as refused:
                await send(node)
            assert refused.value.code == code
    await bus.close()


async def test_a_reply_that_got_lost_does_not_lose_the_job(sqlite_url: str) -> None:
    class Forgetful(MemoryBus):
        async def request(self, subject: str, message: bytes, timeout_s: float, *, epoch: int = 0) -> bytes:
            await super().request(subject, message, timeout_s, epoch=epoch)
            raise BusTimeout(subject, timeout_s)

    bus = Forgetful()
    async with open_node(sqlite_url, bus=bus) as node:
        line = await connect(node)
        line.will_answer("ClearCache", status="Accepted")
        assert (await send(node)).state == "done"
    await bus.close()


async def test_a_failure_of_ours_ends_the_job_and_says_so(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await connect(node)

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(line, "call", broken)
    job = await send(node)
    assert (job.state, job.error is not None and '"internal"' in job.error) == ("not_delivered", True)


async def test_the_end_of_a_job_survives_a_database_that_is_away_for_a_moment(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", status="Accepted")
    record, failures = node.storage.record, [DatabaseAway("away")]

    async def flaky(facts: Any) -> Any:
        if line.heard and failures:
            raise failures.pop()
        return await record(facts)

    monkeypatch.setattr(node.storage, "record", flaky)
    assert (await send(node)).state == "done"


async def test_that_it_was_sent_is_never_recorded_after_its_end(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await connect(node)
    line.will_answer("ClearCache", status="Accepted")
    record, failures = node.storage.record, [DatabaseAway("away")]
    states: list[str] = []

    async def flaky(facts: Any) -> Any:
        state = facts[-1].state
        if state == "sent" and failures:
            raise failures.pop()
        states.append(state)
        return await record(facts)

    monkeypatch.setattr(node.storage, "record", flaky)
    job = await send(node)
    await node.services.commands.close()
    assert (job.state, states) == ("done", ["queued", "sent", "done"])


async def test_jobs_under_way_record_their_end_when_the_node_stops(sqlite_url: str) -> None:
    async with open_node(sqlite_url) as node:
        line = await connect(node)
        line.will_answer("ClearCache", SILENCE)
        job = await send(node, wait_s=0)
        await asyncio.sleep(0)
    async with open_node(sqlite_url) as node:
        found = await node.storage.jobs.get(job.id)
        assert found is not None
        assert found.state == "not_delivered"
