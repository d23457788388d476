"""Where composite jobs stand: one for each station, whichever node begins it."""

import asyncio

from stationmaster.domain.security_jobs import SecurityJob
from stationmaster.domain.stations import Station
from tests.storage.conftest import Clock, opened


def job(number: int, station_id: str) -> SecurityJob:
    return SecurityJob(
        job_id=f"job-{number}",
        organisation_id="default",
        station_id=station_id,
        kind="RotatePassword",
        step="ask",
        wish="{}",
        attempts=0,
        secret_hash=None,
        step_at=number,
        deadline=99,
    )


async def test_of_two_nodes_that_begin_at_once_one_does(postgres_url: str, clock: Clock) -> None:
    async with opened(postgres_url, clock) as one, opened(postgres_url, clock, node_id="other") as two:
        for turn in range(10):
            station_id = f"CP{turn}"
            await one.stations.create(Station(id=station_id))
            new = [job(turn * 10 + number, station_id) for number in range(6)]
            nodes = (one, two) * 3
            begun = await asyncio.gather(
                *(node.security_jobs.create(each) for node, each in zip(nodes, new, strict=True))
            )
            assert sorted(begun) == [False] * 5 + [True]
            assert [each.station_id for each in await one.security_jobs.of_station(station_id)] == [station_id]
