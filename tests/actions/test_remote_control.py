"""A remote start or stop is a promise that one transaction keeps, whatever crosses on the way (handbook §3.3.10)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from stationmaster.domain.jobs import Job
from stationmaster.domain.transactions import Transaction
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Node, open_node


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    """A node on each database: what it remembers of jobs is held against what is stored."""
    async with open_node(database_url) as running:
        yield running


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


async def test_a_start_that_was_not_stored_keeps_nothing_from_its_resend(node: Node) -> None:
    line = await connect(node)
    job = await accepted(node, line, "RemoteStartTransaction", idTag="A1")
    record = node.storage.record

    async def away(_facts: Any) -> Any:
        raise ConnectionError("the database is away")

    node.storage.record = away  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        await start(line)
    node.storage.record = record  # type: ignore[method-assign]
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
