"""Commits become events: here at once, on other nodes over the bus, and nothing waits for either."""

import asyncio
import json

from stationmaster.api.live import EventFilter, EventHub
from stationmaster.app.event_publisher import MOST_WAITING, EventPublisher
from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.facts import HandshakeRefused, StationDisconnected
from stationmaster.storage import Committed


def committed(number: int, organisation_id: str = "o") -> Committed:
    fact = StationDisconnected(
        organisation_id=organisation_id,
        station_id="CP7",
        received_at=1_740_832_496_000_000,
        connection_id=1,
        epoch=1,
        close_code=1000,
        reason="bye",
    )
    return Committed(number, fact)


def hub() -> EventHub:
    return EventHub(client_limit=10, queue_limit=100)


async def test_a_commit_is_told_to_the_clients_of_its_organisation() -> None:
    bus, clients = MemoryBus(), hub()
    publisher = EventPublisher(clients, bus, "one", clustered=False)
    with clients.connect("o", EventFilter()) as mine, clients.connect("p", EventFilter()) as theirs:
        publisher.committed([committed(7), committed(8, "p"), committed(9)])
        told = [await mine.next(1), await mine.next(1), await mine.next(0.01)]
        assert [each and each.id for each in told] == [7, 9, None]
        other = await theirs.next(1)
        assert other is not None
        assert json.loads(other.body) == {
            "id": "8",
            "type": "station.disconnected",
            "station_id": "CP7",
            "at": "2025-03-01T12:34:56.000Z",
            "data": {"connection_id": 1, "epoch": 1, "close_code": 1000, "reason": "bye", "last_seen_at": None}
            | _received(other.body),
        }
    await bus.close()


def _received(body: bytes) -> dict[str, str]:
    received: dict[str, str] = {"received_at": json.loads(body)["data"]["received_at"]}
    return received


async def test_what_one_node_commits_another_tells_and_nobody_hears_it_twice() -> None:
    bus = MemoryBus()
    hub_one, hub_two = hub(), hub()
    one = EventPublisher(hub_one, bus, "one", clustered=True)
    two = EventPublisher(hub_two, bus, "two", clustered=True)
    async with one.running(), two.running():
        with hub_one.connect("o", EventFilter()) as at_one, hub_two.connect("o", EventFilter()) as at_two:
            one.committed([committed(1), committed(2)])
            one.committed([committed(3)])
            for client in (at_one, at_two):
                told = [await client.next(5) for _ in range(3)]
                assert [each and each.id for each in told] == [1, 2, 3]
                assert await client.next(0.05) is None
    await bus.close()


async def test_a_bus_that_does_not_keep_up_costs_the_oldest_and_bounded_memory() -> None:
    bus, clients = MemoryBus(), hub()
    publisher = EventPublisher(clients, bus, "one", clustered=True)
    publisher.committed([committed(number) for number in range(MOST_WAITING + 5)])
    assert len(publisher) == MOST_WAITING
    assert publisher.lost == 5
    await bus.close()


async def test_who_stands_at_the_door_is_told_to_everybody() -> None:
    bus, clients = MemoryBus(), hub()
    publisher = EventPublisher(clients, bus, "one", clustered=False)
    refusal = HandshakeRefused(
        organisation_id="",
        station_id="NEW",
        received_at=1_740_832_496_000_000,
        remote_address="10.0.0.1",
        path="/ocpp/NEW",
        status=404,
        reason="unknown_station",
        detail="Accept it.",
        known=False,
    )
    with clients.connect("o", EventFilter()) as all_sites, clients.connect("o", EventFilter([], ["CP7"])) as one_site:
        publisher.committed([Committed(1, refusal)])
        told = await all_sites.next(1)
        assert told is not None
        assert told.type == "station.refused"
        assert await one_site.next(0.01) is None
    await bus.close()


async def test_garbage_from_another_node_is_passed_over() -> None:
    bus, clients = MemoryBus(), hub()
    publisher = EventPublisher(clients, bus, "one", clustered=True)
    async with publisher.running():
        with clients.connect("o", EventFilter()) as client:
            await bus.publish("stationmaster.v1.events.o", b"\xc1")
            await asyncio.sleep(0.01)
            publisher.committed([committed(5)])
            told = await client.next(5)
            assert told is not None
            assert told.id == 5
    await bus.close()
