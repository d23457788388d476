"""A remote start or stop is a promise that one transaction keeps, whatever crosses on the way (handbook §3.3.10)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.facts import Fact, JobChanged, JobMovedOn
from stationmaster.domain.jobs import Job, job_changed, job_moved_on, progress_of
from stationmaster.domain.transactions import Transaction
from stationmaster.storage.errors import Unavailable as DatabaseAway
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Clock, Node, open_node, until


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    """A node on each database: what it remembers of jobs is held against what is stored."""
    async with open_node(database_url) as running:
        yield running


@pytest.fixture
async def cluster(database_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes on one database and one bus."""
    bus, clock = MemoryBus(), Clock()
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock, node_id=node_id))
            for node_id in ("a", "b")
        ]
        yield first, second
    await bus.close()


async def send(node: Node, action: str, wait_s: float = 5, **payload: Any) -> Job:
    return await node.services.commands.send(ORGANISATION, "CP7", action, payload, requested_by="test", wait_s=wait_s)


async def accepted(node: Node, line: Line, action: str, **payload: Any) -> Job:
    line.will_answer(action, status="Accepted")
    job = await send(node, action, **payload)
    assert job.state == "waiting"
    return job


async def state_of(node: Node, job: Job) -> str:
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    return found.state


async def start(line: Line, connector_id: int = 1, at: str = "2025-03-01T12:34:56Z", meter_wh: int = 0) -> Transaction:
    answer = await line.says(
        "StartTransaction", connectorId=connector_id, idTag="A1", meterStart=meter_wh, timestamp=at
    )
    found = await line.node.storage.transactions.by_ocpp_id("CP7", str(answer["transactionId"]))
    assert found is not None
    return found


async def test_two_starts_in_one_breath_keep_two_promises(node: Node) -> None:
    """The second start comes before what follows from the first has happened."""
    line = await connect(node)
    first = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    node.clock.pass_s(1)
    second = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    line.put_off = []
    begun = [await start(line, connector_id) for connector_id in (1, 2)]
    for later in line.put_off:
        await later()
    assert [each.remote_start_job_id for each in begun] == [first.id, second.id]
    assert [await state_of(node, job) for job in (first, second)] == ["done", "done"]


async def test_a_start_that_was_not_stored_keeps_nothing_from_its_resend(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await connect(node)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    record = node.storage.record

    async def away(_facts: Any, **_: Any) -> Any:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(node.storage, "record", away)
    with pytest.raises(ConnectionError):
        await start(line)
    monkeypatch.setattr(node.storage, "record", record)
    assert (await start(line)).remote_start_job_id == job.id
    assert await state_of(node, job) == "done"


async def test_a_resend_takes_no_promise_from_the_next_start(node: Node) -> None:
    line = await connect(node)
    await start(line)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    assert (await start(line)).remote_start_job_id is None
    assert await state_of(node, job) == "waiting"
    assert (await start(line, meter_wh=5)).remote_start_job_id == job.id
    assert await state_of(node, job) == "done"


# Where a job is finished on one node, and the station goes on at another


async def boot(line: Line) -> None:
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")


async def moved(line: Line, node: Node) -> Line:
    """The station hangs up and connects to another node, which has heard of what it waits for."""
    line.hangs_up()

    async def told() -> bool:
        return node.services.waiting.any_of("CP7")

    await until(told)
    node.clock.pass_s(1)
    return await connect(node)


async def test_a_job_that_ended_on_another_node_does_not_come_back_to_life(cluster: tuple[Node, Node]) -> None:
    here, there = cluster
    line = await connect(here)
    jobs = [
        await accepted(here, line, "RemoteStartTransaction", idTag="A1"),
        await accepted(here, line, "Reset", type="Soft"),
    ]
    line = await moved(line, there)
    await boot(line)
    assert (await start(line)).remote_start_job_id == jobs[0].id
    ended = [await there.storage.jobs.get(job.id) for job in jobs]
    assert [None if job is None else job.state for job in ended] == ["done", "done"]
    line = await moved(line, here)
    await boot(line)
    assert (await start(line, meter_wh=5)).remote_start_job_id is None
    assert [await here.storage.jobs.get(job.id) for job in jobs] == ended


async def test_a_job_that_another_node_gave_up_stays_so(cluster: tuple[Node, Node]) -> None:
    here, there = cluster
    line = await connect(here)
    job = await accepted(here, line, "RemoteStartTransaction", idTag="A1")
    here.clock.pass_s(181)
    assert await there.services.sweeper.sweep(here.clock()) == 1
    assert (await start(line)).remote_start_job_id is None
    assert await state_of(here, job) == "timeout"


async def test_an_end_that_was_stored_first_stays(node: Node) -> None:
    """The job is called off while what follows from the start is on its way to the database."""
    line = await connect(node)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    line.put_off = []
    await start(line)
    ended = msgspec.structs.replace(job, state="cancelled", finished_at=node.clock())
    await node.storage.record([job_changed(ended, node.clock())])
    events: list[str] = []
    node.storage.on_committed(lambda committed: events.extend(each.fact.event_type or "" for each in committed))
    await line.put_off[0]()
    assert await node.storage.jobs.get(job.id) == ended
    assert events == []


async def test_of_two_ends_in_one_commit_the_first_stays(node: Node) -> None:
    line = await connect(node)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    ends = [msgspec.structs.replace(job, state=state, finished_at=node.clock()) for state in ("cancelled", "done")]
    told: list[str] = []
    node.storage.on_committed(
        lambda committed: told.extend(each.fact.state for each in committed if isinstance(each.fact, JobMovedOn))
    )
    await node.storage.record([job_moved_on(end, node.clock()) for end in ends])
    assert (await state_of(node, job), told) == ("cancelled", ["cancelled"])


async def test_what_was_fulfilled_while_the_database_was_away_does_not_wait_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the job waits is still to be stored when the start comes and its end is."""
    line = await connect(node)
    record, refused = node.storage.record, 0

    async def flaky(facts: Sequence[Fact], **more: Any) -> list[Any]:
        nonlocal refused
        if any(isinstance(fact, JobChanged) and fact.state == "waiting" for fact in facts) and not refused:
            refused += 1
            raise DatabaseAway("away")
        return await record(facts, **more)

    monkeypatch.setattr(node.storage, "record", flaky)
    line.will_answer("RemoteStartTransaction", status="Accepted")
    job = await send(node, "RemoteStartTransaction", wait_s=0, idTag="A1")

    async def was_refused() -> bool:
        return refused == 1

    await until(was_refused)
    assert (await start(line)).remote_start_job_id == job.id
    await node.services.commands.close()
    assert await state_of(node, job) == "done"


async def test_what_comes_after_the_deadline_is_not_what_was_awaited(node: Node) -> None:
    """Whether or not the clock has ended the job yet."""
    line = await connect(node)
    remote_start = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    reset = await accepted(node, line, "Reset", type="Soft")
    node.clock.pass_s(901)
    assert (await start(line)).remote_start_job_id is None
    await boot(line)
    assert [await state_of(node, job) for job in (remote_start, reset)] == ["waiting", "waiting"]


# Where the answer to a start is lost

PROFILE = {
    "chargingProfileId": 9,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]},
}


async def profiles_of(node: Node) -> list[str | None]:
    """The transactions to which the profiles belong that the station holds."""
    return [entry.profile.transaction_id for entry in await node.services.smart_charging.mirror_of("CP7")]


@pytest.mark.parametrize("at_another", [False, True])
async def test_a_start_whose_answer_was_lost_keeps_the_promise_when_it_is_sent_again(
    cluster: tuple[Node, Node], at_another: bool
) -> None:
    here = cluster[0]
    line = await connect(here)
    first = await accepted(here, line, "RemoteStartTransaction", idTag="A1", chargingProfile=PROFILE)
    here.clock.pass_s(1)
    second = await accepted(here, line, "RemoteStartTransaction", idTag="A1")
    line.put_off = []
    begun = await start(line)
    assert (begun.remote_start_job_id, await state_of(here, first)) == (first.id, "waiting")
    node = cluster[at_another]
    line = await moved(line, node)
    assert await start(line) == begun
    assert [await state_of(node, job) for job in (first, second)] == ["done", "waiting"]
    assert await profiles_of(node) == [begun.ocpp_id]
    assert (await start(line, connector_id=2)).remote_start_job_id == second.id


async def test_what_followed_from_a_start_does_not_follow_again(node: Node) -> None:
    line = await connect(node)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1", chargingProfile=PROFILE)
    begun = await start(line)
    other = await accepted(node, line, "RemoteStartTransaction", idTag="B2")
    line.will_answer("ClearChargingProfile", status="Accepted")
    await send(node, "ClearChargingProfile", id=9)
    done = await node.storage.jobs.get(job.id)
    assert await start(line) == begun
    assert (await profiles_of(node), await node.storage.jobs.get(job.id)) == ([], done)
    assert await state_of(node, other) == "waiting"


# Where the station's clock says that the start was long before


@pytest.mark.parametrize(
    "at",
    ["2025-03-01T07:34:56Z", "2025-03-01T12:29:00Z", "1970-01-01T00:00:10Z", "2025-03-01T17:34:56Z"],
    ids=["local time of a place in the west", "a clock behind ours", "no clock", "a clock ahead"],
)
async def test_a_start_is_what_was_asked_for_whatever_the_stations_clock_says(node: Node, at: str) -> None:
    line = await connect(node)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    assert (await start(line, at=at)).remote_start_job_id == job.id
    assert await state_of(node, job) == "done"


# Where what was asked for happens before the station says yes


async def unanswered(node: Node, line: Line, action: str, **payload: Any) -> Job:
    """A command that is on its way."""
    sent = len(line.heard)
    job = await send(node, action, wait_s=0, **payload)

    async def heard() -> bool:
        return len(line.heard) > sent

    await until(heard)
    return job


async def ended(node: Node, job: Job) -> Job:
    """The job once it has ended."""

    async def has_ended() -> bool:
        return await state_of(node, job) not in {"queued", "sent", "waiting"}

    await until(has_ended)
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    return found


async def test_a_start_that_crosses_the_yes_keeps_the_promise(node: Node) -> None:
    line = await connect(node)
    job = await unanswered(node, line, "RemoteStartTransaction", idTag="A1", chargingProfile=PROFILE)
    begun = await start(line)
    assert begun.remote_start_job_id == job.id
    assert (await profiles_of(node), await state_of(node, job)) == ([], "sent")
    line.answers_late(status="Accepted")
    done = await ended(node, job)
    assert (done.state, done.result, done.response) == ("done", "Accepted", '{"status": "Accepted"}')
    assert progress_of(done).transaction_id == begun.id
    assert await profiles_of(node) == [begun.ocpp_id]


async def test_a_stop_that_crosses_the_yes_keeps_the_promise(node: Node) -> None:
    line = await connect(node)
    begun = await start(line)
    job = await unanswered(node, line, "RemoteStopTransaction", transactionId=int(begun.ocpp_id))
    await line.says("StopTransaction", transactionId=int(begun.ocpp_id), meterStop=5, timestamp="2025-03-01T12:35:30Z")
    line.answers_late(status="Accepted")
    done = await ended(node, job)
    assert (done.state, done.result, progress_of(done).transaction_id) == ("done", "Accepted", begun.id)


async def test_a_start_that_crosses_a_no_was_somebody_elses(node: Node) -> None:
    line = await connect(node)
    job = await unanswered(node, line, "RemoteStartTransaction", idTag="A1", chargingProfile=PROFILE)
    await start(line)
    line.answers_late(status="Rejected")
    refused = await ended(node, job)
    assert (refused.result, progress_of(refused).transaction_id) == ("Rejected", None)
    assert await profiles_of(node) == []
    waiting = node.services.waiting
    assert (waiting._kept, waiting._taken, waiting._here) == ({}, {}, {})


async def test_a_command_that_is_not_answered_leaves_nothing_behind(node: Node) -> None:
    line = await connect(node)
    job = await unanswered(node, line, "RemoteStartTransaction", idTag="A1")
    await start(line)
    line.hangs_up()
    lost = await ended(node, job)
    assert lost.state == "not_delivered"
    assert (await start(await connect(node), meter_wh=5)).remote_start_job_id is None
