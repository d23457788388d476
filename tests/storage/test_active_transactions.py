"""The limit of parallel transactions of a token, counted where a start is stored (§3.2.8)."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.facts import TransactionStored
from stationmaster.domain.tokens import Token
from stationmaster.storage import Committed, Storage
from tests.storage.conftest import opened
from tests.storage.facts import at, ended, started
from tests.storage.test_transactions import begin, end, states


async def limited(storage: Storage, limit: int = 1, value: str = "TAG") -> int:
    new = Token(id=0, organisation_id="default", value=value, max_active_transactions=limit)
    return (await storage.tokens.create(new)).id


async def test_a_token_at_its_limit_is_concurrent_elsewhere(storage: Storage) -> None:
    token_id = await limited(storage, 2)
    told: list[Committed] = []
    storage.on_committed(told.extend)

    async def status(connector: int, station_id: str = "CP1", seconds: float = 0, **more: Any) -> str:
        words = {"token_id": token_id, "max_active_transactions": 2, **more}
        outcome = await begin(storage, station_id=station_id, connector=connector, seconds=seconds, **words)
        found = await storage.transactions.get(outcome.id)
        assert found is not None
        assert found.authorization_status == outcome.authorization_status
        return outcome.authorization_status

    assert [await status(1), await status(2), await status(3)] == ["Accepted", "Accepted", "ConcurrentTx"]
    stored = (await storage.events.after(0, "default", 10))[-1]
    for event in (stored, told[-1].as_event()):
        assert event.data["authorization_status"] == event.data["outcome"]["authorization_status"] == "ConcurrentTx"
    assert await status(3) == "ConcurrentTx", "and so it is when it comes again"
    assert set((await states(storage)).values()) == {"open"}, "it runs all the same"
    assert await status(4, authorization_status="Blocked") == "Blocked"
    assert await status(5, max_active_transactions=None) == "Accepted"
    for found in await storage.transactions.open_of_station("CP1"):
        await end(storage, found.ocpp_id)
    assert [await status(1, seconds=4000), await status(1, "CP2")] == ["Accepted", "Accepted"]
    assert await status(1, "CP2", seconds=4000) == "Accepted", "its own connector does not count"
    assert await status(1, "CP3") == "ConcurrentTx"


async def test_the_starts_of_one_commit_count_for_each_other(storage: Storage) -> None:
    one, two = await limited(storage), await limited(storage, value="OTHER")

    def start(number: int, token_id: int, seconds: float = 0, **more: Any) -> Any:
        return started(number, f"CP{number}", token_id=token_id, max_active_transactions=1, seconds=seconds, **more)

    late = started(6, "CP1", token_id=one, max_active_transactions=1, seconds=-100, received_at=at(100))
    newer = started(7, "CP1", token_id=two, max_active_transactions=1, seconds=200)
    facts = [start(1, one), start(2, two), start(3, one), start(4, two), late, newer, start(5, one)]
    outcomes = await storage.record(facts)
    assert [outcome.authorization_status for outcome in outcomes] == [
        "Accepted",
        "Accepted",
        "ConcurrentTx",
        "ConcurrentTx",
        "ConcurrentTx",  # CP3 has one
        "ConcurrentTx",
        "ConcurrentTx",
    ]


@pytest.mark.postgres
async def test_two_nodes_do_not_pass_the_limit_of_a_token(postgres_url: str) -> None:
    """Stations of both nodes start at once, with tokens of which each batch holds several, in any order."""
    rounds, stations = 40, 4
    async with opened(postgres_url) as here, opened(postgres_url, node_id="node-2") as there:
        tokens = [await limited(here, value=f"TAG{number}") for number in range(3)]

        async def start(storage: Storage, station: int, token_id: int, turn: int) -> TransactionStored:
            words = {"token_id": token_id, "max_active_transactions": 1, "seconds": turn}
            return await begin(storage, station_id=f"{storage.node_id}-{station}-{token_id}", **words)

        for turn in range(rounds):
            asked = [
                (storage, station, token_id)
                for station in range(stations)
                for storage, order in ((here, tokens), (there, tokens[::-1]))
                for token_id in order
            ]
            outcomes = await asyncio.gather(*(start(*each, turn) for each in asked))
            for token_id in tokens:
                statuses = [
                    outcome.authorization_status
                    for (_, _, used), outcome in zip(asked, outcomes, strict=True)
                    if used == token_id
                ]
                assert sorted(statuses) == ["Accepted"] + ["ConcurrentTx"] * (2 * stations - 1)
            ends = [
                ended(outcome.ocpp_id, await here.draw_transaction_id(), f"{storage.node_id}-{station}-{token_id}")
                for (storage, station, token_id), outcome in zip(asked, outcomes, strict=True)
            ]
            await here.record(ends)
