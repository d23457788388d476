"""Commands that were under way at a node that is gone: they end with it, and nobody else's do (handbook §3.1)."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import pytest

from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.facts import StationConnected
from stationmaster.domain.jobs import Job, JobState, job_changed
from stationmaster.instants import Instant
from stationmaster.jobs.claims import beat
from stationmaster.jobs.presence import NodePresence
from tests.services.node import ORGANISATION, START, Clock, Node, open_node

STATES = (JobState.QUEUED, JobState.SENT, JobState.WAITING, JobState.DONE)
MINUTE = 60_000_000


@pytest.fixture
async def cluster(database_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes on one database; OURS is connected to the one, THEIRS to the other, each with jobs of every kind."""
    bus, clock = MemoryBus(), Clock()
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock, node_id=node_id))
            for node_id in ("one", "two")
        ]
        for number, (station_id, node_id) in enumerate((("OURS", "one"), ("THEIRS", "two")), 1):
            await one.station(station_id)
            await one.storage.record([connected(station_id, node_id, number)])
            jobs = [job_of(station_id, state) for state in STATES]
            jobs += [job_of(station_id, state, persistent=True) for state in (JobState.QUEUED, JobState.SENT)]
            await one.storage.record([job_changed(job, START) for job in jobs])
        yield one, two
    await bus.close()


def connected(station_id: str, node_id: str, number: int, at: Instant = START) -> StationConnected:
    return StationConnected(
        organisation_id=ORGANISATION,
        station_id=station_id,
        received_at=at,
        connection_id=number,
        node_id=node_id,
        epoch=1,
        remote_address="192.0.2.7",
        protocol="ocpp1.6",
        security_profile=0,
    )


def job_of(station_id: str, state: JobState, *, persistent: bool = False) -> Job:
    return Job(
        id=f"{station_id} {state}{' kept' if persistent else ''}",
        organisation_id=ORGANISATION,
        station_id=station_id,
        site_id=None,
        action="ClearCache",
        protocol="ocpp1.6",
        state=state,
        payload="{}",
        requested_by="test",
        queued_at=START,
        sent_at=None if state == JobState.QUEUED else START,
        finished_at=START if state == JobState.DONE else None,
        persistent=persistent,
    )


async def changed_jobs(node: Node) -> dict[str, tuple[str, str, Instant | None]]:
    """The jobs that are not as they were made: state, code and end."""
    page = await node.storage.jobs.find(ORGANISATION)
    return {
        job.id: (job.state, json.loads(job.error or "{}").get("code"), job.finished_at)
        for job in page.items
        if job.state not in job.id
    }


def presence_of(node: Node, node_id: str) -> NodePresence:
    return NodePresence(node.storage, node_id, list, node.services.sweeper.node_lost)


async def test_a_node_that_starts_ends_what_it_was_doing_when_it_died(cluster: tuple[Node, Node]) -> None:
    one, _ = cluster
    assert await presence_of(one, "one").begin(START + MINUTE) == 1
    assert await changed_jobs(one) == {
        "OURS queued": ("not_delivered", "not_sent", START + MINUTE),
        "OURS sent": ("not_delivered", "outcome_unknown", START + MINUTE),
    }


async def test_what_a_lost_node_was_doing_is_ended_by_who_buries_it(cluster: tuple[Node, Node]) -> None:
    one, two = cluster
    mine, theirs = presence_of(one, "one"), presence_of(two, "two")
    await one.storage.write(beat, "one", START)
    await theirs.beat(START)
    await mine.bury(START + 8_000_000)
    assert await changed_jobs(one) == {}, "silent, but not for long enough"
    await mine.bury(START + MINUTE)
    assert await changed_jobs(one) == {
        "THEIRS queued": ("not_delivered", "not_sent", START + MINUTE),
        "THEIRS sent": ("not_delivered", "outcome_unknown", START + MINUTE),
    }


async def test_what_a_node_was_doing_for_a_station_that_has_come_in_elsewhere_since_ends_without_it(
    cluster: tuple[Node, Node],
) -> None:
    """The records name the new node, so that nobody finds the station when the old one is buried."""
    one, two = cluster
    mine, later = presence_of(one, "one"), START + 5_000_000
    await two.storage.write(beat, "two", START)
    await one.storage.record([connected("THEIRS", "one", 9, later)])
    for state, at in ((JobState.SENT, {"sent_at": later}), (JobState.QUEUED, {"queued_at": later - 1_000_000})):
        new = msgspec.structs.replace(job_of("THEIRS", state), id=f"new {state}", **at)
        await one.storage.record([job_changed(new, later)])
    await mine.bury(START + MINUTE)
    assert await changed_jobs(one) == {}
    assert await one.services.sweeper.sweep(later + 10_000_000) == 0, "its node may be about to end them"
    assert await one.services.sweeper.sweep(later + 10_000_001) == 2
    assert await changed_jobs(one) == {
        "THEIRS queued": ("not_delivered", "not_sent", later + 10_000_001),
        "THEIRS sent": ("not_delivered", "outcome_unknown", later + 10_000_001),
    }
