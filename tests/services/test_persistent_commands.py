"""Commands that wait for a station: never late, never twice, whoever dies in between."""

import json

from stationmaster.domain.jobs import Job
from stationmaster.services.persistent_commands import CLAIM_US
from tests.actions.line import connect
from tests.services.node import ORGANISATION, Node

SECOND = 1_000_000


async def waiting(node: Node, deadline_s: int = 7200) -> Job:
    """A command for CP7, which is away."""
    station = await node.station("CP7")
    until = node.clock() + deadline_s * SECOND
    kept = node.services.persistent_commands
    job = await kept.send(station, "ClearCache", {}, requested_by="api_key:test", wait_s=0, deadline=until)
    assert (job.state, job.persistent) == ("queued", True)
    return job


async def ended(node: Node, job: Job) -> tuple[str, str]:
    """Where the job is, and the code of its error."""
    found = await node.storage.jobs.get(job.id)
    assert found is not None
    return found.state, json.loads(found.error or "{}").get("code", "")


async def test_what_a_node_was_sending_when_it_died_is_not_sent_again_and_ends_as_unknown(node: Node) -> None:
    job = await waiting(node)
    now = node.clock()
    await node.storage.persistent_commands.update(job.id, {"attempted_at": now, "claimed_until": now + CLAIM_US})
    line = await connect(node, "CP7")
    await node.services.persistent_commands.came("CP7")
    assert await ended(node, job) == ("queued", ""), "the other node may still be at it"
    node.clock.pass_s(CLAIM_US / SECOND + 1)
    await node.services.persistent_commands.advance(node.clock())
    assert await ended(node, job) == ("not_delivered", "outcome_unknown")
    assert line.heard == []
    assert (await node.storage.jobs.find(ORGANISATION, state="queued")).items == []


async def test_after_its_deadline_it_is_not_sent(node: Node) -> None:
    job = await waiting(node, deadline_s=60)
    node.clock.pass_s(61)
    line = await connect(node, "CP7")
    await node.services.persistent_commands.advance(node.clock())
    assert await ended(node, job) == ("expired", "expired")
    assert line.heard == []
