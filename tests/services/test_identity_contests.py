"""Moves of an identity are counted over all nodes, one too many is a contest, and a person ends it (S-02)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stationmaster.bus.messages_v1 import Disconnect, decode
from stationmaster.bus.subjects import disconnect_of
from stationmaster.domain.alerts.nouns import Alert
from stationmaster.domain.errors import Conflict, NotFound, Unavailable
from stationmaster.domain.facts import StationConnected
from stationmaster.domain.identity_contests import COUNTED_US, MOST_MOVES
from stationmaster.domain.stations import Station
from stationmaster.services.alerts import NewRule
from tests.services.node import ORGANISATION, SECOND, Clock, Node, open_node

ADDRESSES = ("192.0.2.1", "198.51.100.7")
OTHER_ORGANISATION = "another"
DAY_S = 86_400


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    async with open_node(database_url) as running:
        await running.station("CP7")
        yield running


async def move(node: Node, times: int = 1) -> None:
    """Be replaced from elsewhere, a second after the last time."""
    for _ in range(times):
        node.clock.pass_s(1)
        await node.services.identity_contests.moved("CP7", ADDRESSES)


async def contested(node: Node) -> None:
    await move(node, MOST_MOVES + 1)
    assert (await station(node)).contested_since == node.clock()


async def station(node: Node) -> Station:
    found = await node.storage.stations.get("CP7")
    assert found is not None
    return found


async def settle(node: Node, **options: Any) -> Station:
    node.clock.pass_s(1)
    return await node.services.identity_contests.settle(ORGANISATION, "CP7", **options)


async def told(node: Node) -> list[tuple[str, bool]]:
    """Type and weight of each security event, the oldest first."""
    page = await node.storage.security_events.find(station_id="CP7")
    return [(each.type, each.critical) for each in reversed(page.items)]


async def events(node: Node, type: str) -> list[dict[str, Any]]:
    return [each.data for each in (await node.storage.events.find(station_id="CP7", type=type)).items]


async def test_a_few_moves_are_told_and_one_more_is_a_contest(node: Node) -> None:
    await move(node, MOST_MOVES)
    assert (await station(node)).contested_since is None
    assert await told(node) == [("StationIdentityMoved", False)] * MOST_MOVES
    await move(node)
    began = node.clock()
    assert (await station(node)).contested_since == began
    assert (await told(node))[-1] == ("StationIdentityContested", True)
    (begun,) = await events(node, "station.identity_contested")
    assert begun["remote_addresses"] == list(ADDRESSES)
    latest = (await node.storage.security_events.find(station_id="CP7", limit=1)).items[0]
    assert all(address in str(latest.technical_info) for address in ADDRESSES)


async def test_a_contest_begins_once(node: Node) -> None:
    await contested(node)
    began = (await station(node)).contested_since
    await move(node, MOST_MOVES + 1)
    assert (await station(node)).contested_since == began
    assert len(await events(node, "station.identity_contested")) == 1
    assert (await told(node))[-1] == ("StationIdentityMoved", False)


async def test_of_two_nodes_that_see_one_too_many_one_begins_the_contest(node: Node) -> None:
    await move(node, MOST_MOVES)
    node.clock.pass_s(1)
    moved = node.services.identity_contests.moved
    await asyncio.gather(moved("CP7", ADDRESSES), moved("CP7", (ADDRESSES[1], ADDRESSES[0])))
    assert (await station(node)).contested_since == node.clock()
    assert len(await events(node, "station.identity_contested")) == 1


async def test_a_move_counts_for_ten_minutes(node: Node) -> None:
    await move(node, MOST_MOVES)
    node.clock.pass_s(COUNTED_US / SECOND)
    await move(node, MOST_MOVES)
    assert (await station(node)).contested_since is None
    await move(node)
    assert (await station(node)).contested_since == node.clock()


async def test_moves_are_counted_over_all_nodes_and_after_a_restart(database_url: str) -> None:
    clock = Clock()
    async with open_node(database_url, clock=clock) as one, open_node(database_url, clock=clock, node_id="b") as two:
        await one.station("CP7")
        await move(one)
        await move(two)
        await move(one)
    async with open_node(database_url, clock=clock) as again:
        await move(again)
        began = clock()
    async with open_node(database_url, clock=clock) as after:
        assert (await station(after)).contested_since == began


async def test_what_is_settled_is_forgotten(node: Node) -> None:
    await contested(node)
    settled = await settle(node)
    assert settled.contested_since is None
    assert (await told(node))[-1] == ("StationIdentitySettled", False)
    assert len(await events(node, "station.identity_settled")) == 1
    await move(node, MOST_MOVES)
    assert (await station(node)).contested_since is None, "the moves before do not count any more"
    await move(node)
    assert (await station(node)).contested_since == node.clock()


async def test_what_nobody_contests_cannot_be_settled(node: Node) -> None:
    await move(node)
    await connect(node)

    async def answer(message: bytes) -> bytes:
        raise AssertionError(message)

    async with node.bus.serve(disconnect_of("node-b"), answer):
        with pytest.raises(Conflict) as refused:
            await settle(node, disconnect=True)
    assert refused.value.code == "identity_not_contested"
    assert await told(node) == [("StationIdentityMoved", False)], "nothing is forgotten"
    for organisation_id, station_id in ((OTHER_ORGANISATION, "CP7"), (ORGANISATION, "CP8")):
        with pytest.raises(NotFound):
            await node.services.identity_contests.settle(organisation_id, station_id)


async def test_of_two_people_who_settle_at_once_one_does(node: Node) -> None:
    await contested(node)
    outcomes = await asyncio.gather(settle(node), settle(node), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "Station"]
    assert len(await events(node, "station.identity_settled")) == 1


async def test_what_was_alarmed_for_being_quick_is_no_contest_and_forgets_no_move(node: Node) -> None:
    await move(node, MOST_MOVES)
    node.clock.pass_s(1)
    await node.services.identity_contests.replacing(await station(node), ADDRESSES)
    assert (await told(node))[-1] == ("StationIdentityContested", True)
    assert (await station(node)).contested_since is None
    await move(node)
    assert (await station(node)).contested_since == node.clock()


async def test_a_station_that_is_gone_moves_nowhere(node: Node) -> None:
    await node.services.stations.delete(ORGANISATION, "CP7")
    await move(node, MOST_MOVES + 1)
    assert await told(node) == []


# What is told to people


async def alerts(node: Node) -> list[Alert]:
    await node.services.alert_evaluator.advance(node.clock())
    return list((await node.storage.alerts.find(ORGANISATION)).items)


async def test_a_contest_stands_however_quiet_it_is_and_is_cleared_by_settling(node: Node) -> None:
    await contested(node)
    (alert,) = await alerts(node)
    assert (alert.kind, alert.state, alert.station_id) == ("identity_contested", "open", "CP7")
    assert " and ".join(ADDRESSES) in alert.summary
    node.clock.pass_s(3 * DAY_S)
    assert [each.state for each in await alerts(node)] == ["open"]
    await settle(node)
    (cleared,) = await alerts(node)
    assert (cleared.id, cleared.state, cleared.cleared_reason) == (alert.id, "cleared", "cause_ended")


async def test_an_alarm_for_quick_replacements_clears_when_it_is_quiet(node: Node) -> None:
    node.clock.pass_s(1)
    await node.services.identity_contests.replacing(await station(node), ADDRESSES)
    assert [each.state for each in await alerts(node)] == ["open"]
    node.clock.pass_s(DAY_S)
    assert [each.cleared_reason for each in await alerts(node)] == ["quiet"]


async def test_a_rule_that_is_added_finds_what_is_contested(node: Node) -> None:
    await node.station("CP8")
    await contested(node)
    (known,) = await alerts(node)
    await node.services.alert_rules.create(ORGANISATION, NewRule(kind="identity_contested"))
    node.clock.pass_s(60)
    found = await alerts(node)
    assert [each.station_id for each in found] == ["CP7", "CP7"]
    assert len({each.rule_id for each in (*found, known)}) == 2
    await settle(node)
    assert [each.state for each in await alerts(node)] == ["cleared", "cleared"]


async def test_what_has_ended_before_a_rule_looks_is_not_told(node: Node) -> None:
    await contested(node)
    known = await alerts(node)
    await node.services.alert_rules.create(ORGANISATION, NewRule(kind="identity_contested"))
    await node.storage.stations.update("CP7", {"contested_since": None})  # as if its event had been read before
    node.clock.pass_s(60)
    assert await alerts(node) == known


# The one that is in is sent away


async def connect(node: Node, node_id: str = "node-b", epoch: int = 5) -> None:
    fact = StationConnected(
        organisation_id=ORGANISATION,
        station_id="CP7",
        received_at=node.clock(),
        connection_id=epoch,
        node_id=node_id,
        epoch=epoch,
        remote_address=ADDRESSES[1],
        protocol="ocpp1.6",
        security_profile=0,
    )
    await node.storage.record([fact])


async def test_the_node_that_holds_the_station_is_asked_to_part_with_it(node: Node) -> None:
    await contested(node)
    await connect(node)
    asked: list[Disconnect] = []

    async def answer(message: bytes) -> bytes:
        asked.append(decode(message, Disconnect))
        return b"closed"

    async with node.bus.serve(disconnect_of("node-b"), answer):
        assert (await settle(node, disconnect=True)).contested_since is None
    assert [(each.station_id, each.epoch) for each in asked] == [("CP7", 5)]


async def test_nobody_is_asked_without_need(node: Node) -> None:
    async def answer(message: bytes) -> bytes:
        raise AssertionError(message)

    async with node.bus.serve(disconnect_of("node-b"), answer):
        await contested(node)
        assert (await settle(node, disconnect=True)).contested_since is None, "nobody is in"
        await contested(node)
        await connect(node)
        assert (await settle(node)).contested_since is None, "it was not wanted"


async def test_a_node_that_is_gone_holds_nobody(node: Node) -> None:
    await contested(node)
    await connect(node)
    assert (await settle(node, disconnect=True)).contested_since is None


async def test_nothing_is_settled_when_the_station_cannot_be_parted_with(node: Node) -> None:
    await contested(node)
    await connect(node)

    async def fails(_message: bytes) -> bytes:
        raise OSError("broken")

    async with node.bus.serve(disconnect_of("node-b"), fails):
        with pytest.raises(Unavailable):
            await settle(node, disconnect=True)
    assert (await station(node)).contested_since is not None
