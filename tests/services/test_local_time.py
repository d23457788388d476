"""Profiles that follow the wall clock of their site are sent anew when it changes: once, whoever was away or died.

The clock is the test's: it stands on the eve of a change in Berlin, and goes over it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Site
from stationmaster.domain.smart_charging.installed import ClearFilter, clear
from stationmaster.domain.smart_charging.profiles import Kind, Purpose, Recurrency
from stationmaster.domain.smart_charging.renewals import MOST_ASKED
from stationmaster.instants import format_instant, parse_instant
from stationmaster.services.profile_start import begun
from stationmaster.services.smart_charging import Installation
from tests.actions.line import away, connect
from tests.services.following_clocks import (
    ACCEPTED,
    AUTUMN,
    DAILY,
    EVE,
    REJECTED,
    SPRING,
    at_home,
    features,
    held,
    install,
    is_asked,
    jobs,
    look,
    profile_with_start,
    sent,
    without_start,
)
from tests.services.node import ORGANISATION, SECOND, Clock, Node, open_node

HOUR_S = 3600
CLAIM_S = 1200


@pytest.fixture
def clock() -> Clock:
    return Clock(EVE)


@pytest.fixture
async def node(database_url: str, clock: Clock) -> AsyncIterator[Node]:
    """A node that runs, on either database."""
    async with open_node(database_url, clock=clock) as running:
        yield running


async def test_in_spring_and_in_autumn_a_profile_is_sent_anew_and_in_between_never(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    before = line.heard[-1][1]
    assert sent(line) == [(1, number, "2025-03-28T23:00:00.000Z")]
    await look(node)
    clock.now = SPRING - 1
    await look(node)
    assert len(sent(line)) == 1
    clock.now = SPRING
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[1:] == [(1, number, "2025-03-29T22:00:00.000Z")]
    after = line.heard[-1][1]
    assert without_start(after) == without_start(before), "all else is as it was sent first"
    (job,) = await jobs(node)
    assert (job.action, job.state, job.result, job.site_id) == ("SetChargingProfile", "done", "Accepted", "home")
    assert await held(node) == [(number, "known", "Europe/Berlin", False)]
    for _ in range(3):
        clock.pass_s(HOUR_S * 30)
        await look(node)
    assert len(sent(line)) == 2
    clock.now = AUTUMN
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[2:] == [(1, number, "2025-10-25T23:00:00.000Z")]


async def test_a_week_begins_on_monday_in_summer_too(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line, msgspec.structs.replace(DAILY, recurrency=Recurrency.WEEKLY))
    line.will_answer("SetChargingProfile", **ACCEPTED)
    clock.now = SPRING
    await look(node)
    assert sent(line) == [(1, number, "2025-03-23T23:00:00.000Z"), (1, number, "2025-03-23T22:00:00.000Z")]


async def test_nothing_is_looked_at_before_its_time_has_come(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    due = node.storage.local_time.due
    assert await due(clock()) == []
    await install(line)
    assert [each.station_id for each in await due(clock())] == ["CP7"], "it has just got one"
    await look(node)
    assert await due(SPRING - 1) == []
    assert [each.station_id for each in await due(SPRING + 999_999)] == ["CP7"]
    await node.services.smart_charging.change(ORGANISATION, "CP7", "cleaned_up", lambda _mirror: ())
    assert await due(AUTUMN) == []


async def test_what_somebody_gave_a_start_and_what_does_not_recur_stays(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    await install(line, profile_with_start("2025-03-28T23:00:00Z"))
    await install(line, msgspec.structs.replace(DAILY, kind=Kind.ABSOLUTE, recurrency=None), connector=2)
    line.will_answer("SetChargingProfile", **ACCEPTED)
    payload = line.heard[0][1]
    await node.services.commands.send(
        ORGANISATION, "CP7", "SetChargingProfile", payload, requested_by="api_key:test", wait_s=5
    )
    assert [zone for _, _, zone, _ in await held(node)] == [None, None]
    clock.now = SPRING
    await look(node)
    assert len(sent(line)) == 3


@pytest.mark.parametrize("answer", [REJECTED, {"status": "NotSupported"}, ("PropertyConstraintViolation", "")])
async def test_a_station_that_refuses_is_not_asked_again_for_this_change(
    node: Node, clock: Clock, database_url: str, answer: Any
) -> None:
    line = await at_home(node)
    number = await install(line)
    clock.now = SPRING
    line.will_answer("SetChargingProfile", answer)
    await look(node)
    assert await held(node) == [(number, "known", "Europe/Berlin", True)]
    # Whatever happens to other profiles, and after a restart.
    await install(line, msgspec.structs.replace(DAILY, stack_level=1))
    for _ in range(3):
        clock.pass_s(HOUR_S * 30)
        await look(node)
    async with open_node(database_url, clock=clock) as again:
        await look(again)
    assert len(sent(line)) == 3
    clock.now = AUTUMN
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[3:] == [(1, number + 1, "2025-10-25T23:00:00.000Z")], "the refused one is in step again"
    assert [out_of_step for *_, out_of_step in await held(node)] == [False, False]
    clock.now = parse_instant("2026-03-29T01:00:00Z")
    line.will_answer("SetChargingProfile", **ACCEPTED)
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert len(sent(line)) == 6, "in the next spring it is asked anew"


async def test_without_an_answer_it_is_asked_again_after_an_hour_and_three_times_in_all(
    node: Node, clock: Clock
) -> None:
    line = await at_home(node)
    number = await install(line)
    clock.now = SPRING
    for times in range(1, 5):
        looking = asyncio.create_task(look(node))
        if times <= MOST_ASKED:
            await is_asked(line)
            line._unanswered.clear()
            line.passes_s(31)
        await looking
        await look(node)
        assert len(sent(line)) == 1 + min(times, MOST_ASKED), "not at once"
        clock.pass_s(HOUR_S)
    assert {start for *_, start in sent(line)[1:]} == {"2025-03-29T22:00:00.000Z"}
    assert await held(node) == [
        (number, "unknown", "Europe/Berlin", False),
        (number, "unknown", "Europe/Berlin", True),
    ]
    assert [job.state for job in await jobs(node)] == ["timeout"] * 3


async def test_a_station_that_is_away_gets_it_when_it_comes(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    await away(line)
    clock.now = SPRING
    await look(node)
    assert await jobs(node) == []
    assert not node.services.arrivals.wanted("CP8")
    assert node.services.arrivals.wanted("CP7")
    again = await connect(node)
    again.will_answer("SetChargingProfile", **ACCEPTED)
    await again.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    assert sent(again) == [(1, number, "2025-03-29T22:00:00.000Z")]
    assert not node.services.arrivals.wanted("CP7")
    await look(node)
    assert len(sent(again)) == 1


async def test_a_station_that_comes_to_a_node_which_did_not_know_gets_it_by_the_clock(
    database_url: str, clock: Clock
) -> None:
    async with open_node(database_url, clock=clock) as node:
        line = await at_home(node)
        number = await install(line)
        await away(line)
    clock.now = AUTUMN - 1
    async with open_node(database_url, clock=clock) as node:
        line = await at_home(node)
        line.will_answer("SetChargingProfile", **ACCEPTED)
        await look(node)
        assert sent(line) == [(1, number, "2025-10-25T22:00:00.000Z")], "the node was down when the clock changed"


async def test_what_was_cleared_or_replaced_is_left_alone(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    cleared = await install(line, connector=1)
    replaced = await install(line, connector=2)
    line.will_answer("ClearChargingProfile", **ACCEPTED)
    await node.services.smart_charging.clear(
        ORGANISATION, "CP7", ClearFilter(profile_id=cleared), requested_by="api_key:test", wait_s=5
    )
    await install(line, msgspec.structs.replace(DAILY, profile_id=replaced), connector=2, zone=None)
    clock.now = SPRING
    await look(node)
    assert len(sent(line)) == 3


async def test_while_a_command_is_on_its_way_that_may_clear_it_nothing_is_sent(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    clearing = asyncio.create_task(
        node.services.smart_charging.clear(
            ORGANISATION, "CP7", ClearFilter(profile_id=number), requested_by="api_key:test", wait_s=60
        )
    )
    await is_asked(line)
    clock.now = SPRING
    await look(node)
    line.answers_late(**ACCEPTED)
    await clearing
    await look(node)
    assert len(sent(line)) == 1
    assert await held(node) == []


async def test_a_profile_that_was_cleared_while_the_one_before_took_its_time_is_left_alone(
    node: Node, clock: Clock
) -> None:
    line = await at_home(node)
    first = await install(line, connector=1)
    second = await install(line, connector=2)
    clock.now = SPRING
    looking = asyncio.create_task(look(node))
    await is_asked(line)
    await node.services.smart_charging.change(
        ORGANISATION, "CP7", "cleared", lambda mirror: clear(mirror, ClearFilter(profile_id=second))
    )
    line.answers_late(**ACCEPTED)
    await looking
    assert len(sent(line)) == 3
    assert [number for number, *_ in await held(node)] == [first]


async def test_a_time_zone_that_somebody_changes_is_a_change_of_the_clocks_too(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    await look(node)
    await node.services.sites.update(ORGANISATION, "home", {"time_zone": "Europe/Paris"})
    await look(node)
    assert len(sent(line)) == 1, "the clocks show the same"
    assert await held(node) == [(number, "known", "Europe/Paris", False)]
    await node.services.sites.update(ORGANISATION, "home", {"time_zone": "America/New_York"})
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[1:] == [(1, number, "2025-03-29T04:00:00.000Z")]
    assert await held(node) == [(number, "known", "America/New_York", False)]


async def test_a_station_goes_by_the_clock_of_its_site_and_without_one_by_the_last(node: Node, clock: Clock) -> None:
    line = await connect(node)
    number = await install(line, zone="UTC")
    await look(node)
    assert sent(line) == [(1, number, "2025-03-29T00:00:00.000Z")]
    await at_home(node, "CP8")
    await node.services.stations.update(ORGANISATION, "CP7", {"site_id": "home"})
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[1:] == [(1, number, "2025-03-28T23:00:00.000Z")]
    await node.services.stations.update(ORGANISATION, "CP7", {"site_id": None})
    await look(node)
    assert len(sent(line)) == 2, "it stands where it stood"
    clock.now = SPRING
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[2:] == [(1, number, "2025-03-29T22:00:00.000Z")]
    assert await held(node) == [(number, "known", "Europe/Berlin", False)]


async def test_what_is_sent_anew_for_all_connectors_does_not_cost_one_its_own(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    own = profile_with_start("2025-03-01T05:00:00Z")
    whole = await install(line, connector=0)
    one = await install(line, own, connector=1, zone=None)
    line.will_answer("SetChargingProfile", **ACCEPTED)
    line.will_answer("SetChargingProfile", **ACCEPTED)
    clock.now = SPRING
    await look(node)
    assert sent(line)[2:] == [(0, whole, "2025-03-29T22:00:00.000Z"), (1, one, "2025-03-01T05:00:00.000Z")]
    assert await held(node) == [(whole, "known", "Europe/Berlin", False), (one, "known", None, False)]
    clock.now = AUTUMN
    line.will_answer("SetChargingProfile", **REJECTED)
    await look(node)
    assert len(sent(line)) == 5, "what was refused took nothing"


async def test_the_profile_of_a_remote_start_follows_the_clocks_while_its_transaction_runs(
    node: Node, clock: Clock
) -> None:
    line = await at_home(node)
    await node.storage.record([features(node)])
    made = begun(msgspec.structs.replace(DAILY, purpose=Purpose.TX), clock(), "Europe/Berlin")
    installation = Installation(
        location=Location.of_connector_number("CP7", 1),
        profile=made.profile,
        local_time_zone=made.local_time_zone,
        send_anyway=True,
    )
    line.will_answer("RemoteStartTransaction", **ACCEPTED)
    await node.services.smart_charging.start_with(
        ORGANISATION, installation, "CARD1", requested_by="api_key:test", wait_s=5
    )
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 0, "timestamp": format_instant(clock())}
    transaction_id = (await line.says("StartTransaction", **start))["transactionId"]
    ((number, *rest),) = await held(node)
    assert rest == ["known", "Europe/Berlin", False]
    clock.now = SPRING
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line) == [(1, number, "2025-03-29T22:00:00.000Z")]
    assert line.heard[-1][1]["csChargingProfiles"]["transactionId"] == transaction_id
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=9, timestamp=format_instant(clock()))
    clock.now = AUTUMN
    await look(node)
    assert len(sent(line)) == 1
    assert await held(node) == []


async def test_two_nodes_that_look_at_once_send_once(database_url: str, clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        bus = MemoryBus()
        stack.push_async_callback(bus.close)
        one = await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock))
        # A second node of the same name: both think that the station is theirs.
        two = await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock))
        other = await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock, node_id="node-b"))
        line = await at_home(one)
        number = await install(line)
        clock.now = SPRING
        looking = asyncio.create_task(look(one, two, other))
        await is_asked(line)
        await look(two)
        await two.services.local_time.came("CP7")
        line.answers_late(**ACCEPTED)
        await looking
        await look(one, two, other)
        assert sent(line)[1:] == [(1, number, "2025-03-29T22:00:00.000Z")]


async def test_a_slow_station_with_several_profiles_is_left_to_whoever_is_at_it(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    for connector in (1, 2):
        await install(line, connector=connector)
    clock.now = SPRING
    looking = asyncio.create_task(look(node))
    await is_asked(line)
    clock.pass_s(CLAIM_S - 1)
    line.answers_late(**ACCEPTED)
    await is_asked(line)
    clock.pass_s(CLAIM_S - 1)
    assert await node.storage.local_time.due(clock()) == []
    line.answers_late(**ACCEPTED)
    await looking
    assert len(sent(line)) == 4


async def test_a_station_that_goes_in_that_very_moment_gets_it_when_it_comes(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    clock.now = SPRING
    line.hangs_up()
    await look(node)
    assert [job.state for job in await jobs(node)] == ["not_delivered"]
    assert await held(node) == [(number, "known", "Europe/Berlin", False)]
    await away(line)
    again = await connect(node)
    again.will_answer("SetChargingProfile", **ACCEPTED)
    await again.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    assert sent(again) == [(1, number, "2025-03-29T22:00:00.000Z")]


async def test_a_node_leaves_the_stations_of_other_nodes_to_them(database_url: str, clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        bus = MemoryBus()
        stack.push_async_callback(bus.close)
        one = await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock))
        other = await stack.enter_async_context(open_node(database_url, bus=bus, clock=clock, node_id="node-b"))
        line = await at_home(one)
        await install(line)
        clock.now = SPRING
        line.will_answer("SetChargingProfile", **ACCEPTED)
        await look(other)
        assert len(sent(line)) == 1
        assert not other.services.arrivals.wanted("CP7")


async def test_what_a_node_was_sending_when_it_died_is_sent_when_its_claim_is_over(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    clock.now = SPRING
    assert await node.storage.local_time.claim("CP7", clock(), clock() + CLAIM_S * SECOND)
    await look(node)
    assert len(sent(line)) == 1, "the other node may still be at it"
    clock.pass_s(CLAIM_S)
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[1:] == [(1, number, "2025-03-29T22:00:00.000Z")]


async def test_a_station_that_is_not_accepted_gets_it_when_it_is(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    await node.services.stations.update(ORGANISATION, "CP7", {"operator_state": "Rejected"})
    await away(line)
    clock.now = SPRING
    rejected = await connect(node)
    await rejected.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    await look(node)
    assert sent(rejected) == []
    await node.services.stations.update(ORGANISATION, "CP7", {"operator_state": "Accepted"})
    rejected.will_answer("SetChargingProfile", **ACCEPTED)
    await rejected.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    assert sent(rejected) == [(1, number, "2025-03-29T22:00:00.000Z")]


async def test_a_zone_that_this_machine_does_not_know_holds_up_nobody_else(node: Node, clock: Clock) -> None:
    line = await at_home(node)
    number = await install(line)
    lost = await at_home(node, "CP1")
    await install(lost, zone="UTC")
    await node.services.stations.update(ORGANISATION, "CP1", {"site_id": "moon"})
    await node.storage.sites.save(
        Site(id="moon", organisation_id=ORGANISATION, name="Moon", time_zone="Moon/Copernicus")
    )
    clock.now = SPRING
    line.will_answer("SetChargingProfile", **ACCEPTED)
    await look(node)
    assert sent(line)[1:] == [(1, number, "2025-03-29T22:00:00.000Z")]
    assert len(sent(lost)) == 1
