"""The planners of sites as they run: across restarts, on one of many nodes, with stations that answer late.

The clock is the test's: each step lets a second or more pass and wakes the planners, as the node's own clock would.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stationmaster.bus.memory import MemoryBus
from stationmaster.domain.facts import ConnectorStatusChanged
from stationmaster.domain.load_management.lanes import Phase
from stationmaster.domain.load_management.planner import PlannerSnapshot
from stationmaster.domain.load_management.site import Settings, SiteLimit
from stationmaster.domain.load_management.state import ConnectorState
from stationmaster.domain.locations import Location
from stationmaster.domain.sites import Site, Wiring
from stationmaster.instants import format_instant
from stationmaster.services import sites
from stationmaster.services.load_management import runner
from stationmaster.storage import Committed, Unavailable
from tests.actions.line import SILENCE, Line, away, connect
from tests.services.node import ORGANISATION, Clock, Node, open_node
from tests.services.test_in_turn import slow

ALL = (Phase.L1, Phase.L2, Phase.L3)
PROMPT = Settings(plan_delay_ms=100, change_interval_s=0)


def fuse(amperes: int) -> tuple[SiteLimit, ...]:
    return (SiteLimit(name="fuse", phase_deciamps=(amperes * 10,) * 3),)


async def site(node: Node, amperes: int, *station_ids: str, settings: Settings = PROMPT) -> Site:
    """A site with stations of one connector each."""
    made = await node.services.sites.create(
        Site(id="garage", organisation_id=ORGANISATION, name="Garage", limits=fuse(amperes), settings=settings)
    )
    for station_id in station_ids:
        station = await node.station(station_id, site_id="garage")
        wiring = Wiring(organisation_id=ORGANISATION, station_id=station_id, evse_id=1, phases=ALL)
        await node.services.sites.put_wiring(station, wiring)
    return made


def obeys(line: Line, times: int = 50) -> None:
    for _ in range(times):
        line.will_answer("SetChargingProfile", status="Accepted")
        line.will_answer("ClearChargingProfile", status="Accepted")


async def arrives(line: Line, ago_s: float = 0) -> int:
    """A car comes; the number of its transaction."""
    at = format_instant(line.node.clock() - round(ago_s * 1_000_000))
    answer = await line.says("StartTransaction", connectorId=1, idTag="CAR", meterStart=0, timestamp=at)
    return int(answer["transactionId"])


async def goes(line: Line, transaction_id: int) -> None:
    at = format_instant(line.node.clock())
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=100, timestamp=at)


async def state(node: Node, station_id: str) -> ConnectorState | None:
    snapshot: PlannerSnapshot | None = await node.services.load_management.snapshot_of(
        Site(id="garage", organisation_id=ORGANISATION, name="")
    )
    found = () if snapshot is None else snapshot.connectors
    return next((each for each in found if each.connector.location.station_id == station_id), None)


async def goes_on(*nodes: Node, seconds: float = 1) -> None:
    """Time passes, and everybody does what is due."""
    nodes[0].clock.pass_s(seconds)
    for node in nodes:
        await node.services.load_management.tend(node.clock())
    await asyncio.sleep(0.01)


async def until(node: Node, station_id: str, right: Callable[[ConnectorState], bool], *others: Node) -> ConnectorState:
    """Let time pass until the planner knows what it should of a station."""
    for _ in range(60):
        found = await state(node, station_id)
        if found is not None and right(found):
            return found
        await goes_on(node, *others)
    pytest.fail(f"{station_id}: {await state(node, station_id)}")


def offered(deciamps: int) -> Callable[[ConnectorState], bool]:
    return lambda found: found.decision is not None and found.decision.offered_deciamps == deciamps


@pytest.mark.parametrize("dies", [False, True])
async def test_what_was_offered_before_a_restart_is_reserved_after_it(
    sqlite_url: str, dies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with open_node(sqlite_url, clock=clock) as node:
        await site(node, 40, "CP1", "CP2")
        line, other = await connect(node, "CP1"), await connect(node, "CP2")
        obeys(line)
        obeys(other)
        await until(node, "CP1", offered(0))
        await until(node, "CP2", offered(0))
        await arrives(line)
        await until(node, "CP1", offered(320))
        await away(other)
        await away(line)
        if dies:

            async def nothing(*_: Any) -> None:
                """Who dies writes nothing down any more."""

            monkeypatch.setattr(node.storage.site_plans, "let_go", nothing)
            monkeypatch.setattr(node.storage.site_plans, "keep", nothing)
        if not dies:
            await until(node, "CP1", lambda found: not found.online)
    clock.pass_s(120)
    async with open_node(sqlite_url, clock=clock) as node:
        other = await connect(node, "CP2")
        obeys(other)
        await arrives(other)
        await until(node, "CP2", offered(80))
        found = await state(node, "CP1")
        assert found is not None
        assert found.decision is not None
        assert (found.decision.reason.value, found.decision.reserved[0]) == ("offline", 320)
        back = await connect(node, "CP1")
        obeys(back)
        await until(node, "CP2", offered(200))
        await until(node, "CP1", offered(200))


@asynccontextmanager
async def cluster(sqlite_url: str) -> AsyncIterator[tuple[Node, Node]]:
    bus, clock = MemoryBus(), Clock()
    async with (
        open_node(sqlite_url, bus=bus, clock=clock, node_id="a") as here,
        open_node(sqlite_url, bus=bus, clock=clock, node_id="b") as there,
    ):
        yield here, there
    await bus.close()


def planning(*nodes: Node) -> list[Node]:
    return [node for node in nodes if node.services.load_management.plans(ORGANISATION, "garage")]


async def test_of_many_nodes_one_plans_and_hears_what_happens_at_the_others(sqlite_url: str) -> None:
    async with cluster(sqlite_url) as (here, there):
        await site(here, 40, "CP1")
        await goes_on(here, there)
        (owner,) = planning(here, there)
        other = there if owner is here else here
        line = await connect(other, "CP1")
        obeys(line)
        await until(owner, "CP1", offered(0), other)
        await arrives(line)
        await until(owner, "CP1", offered(320), other)
        values = [
            {"value": "16.2", "measurand": "Current.Import", "phase": each, "unit": "A"} for each in ("L1", "L2", "L3")
        ]
        meter_value = [{"timestamp": format_instant(other.clock()), "sampledValue": values}]
        await line.says("MeterValues", connectorId=1, meterValue=meter_value)
        await until(owner, "CP1", lambda found: found.measured == (162, 162, 162, 486), other)
        assert planning(here, there) == [owner]


async def tells_of(line: Line, connector: int) -> None:
    await line.says("StatusNotification", connectorId=connector, errorCode="NoError", status="Available")


async def plans_for(node: Node, *connectors: int) -> bool:
    snapshot: PlannerSnapshot | None = await node.services.load_management.snapshot_of(
        Site(id="garage", organisation_id=ORGANISATION, name="")
    )
    found = () if snapshot is None else snapshot.connectors
    return {each.connector.location.connector_number for each in found} == set(connectors)


async def until_it_plans_for(node: Node, *connectors: int) -> None:
    for _ in range(60):
        if await plans_for(node, *connectors):
            return
        await goes_on(node)
    pytest.fail(f"it does not plan for {connectors}")


async def test_a_connector_that_one_node_hears_of_is_planned_for_by_another(sqlite_url: str) -> None:
    async with cluster(sqlite_url) as (here, there):
        await site(here, 40)
        while not planning(here, there):
            await goes_on(here, there)
        (owner,) = planning(here, there)
        other = there if owner is here else here
        await other.station("CP1", site_id="garage")
        line = await connect(other, "CP1")
        obeys(line)
        await tells_of(line, 1)
        await until_it_plans_for(owner, 1)
        await tells_of(line, 2)
        await until_it_plans_for(owner, 1, 2)


async def test_a_connector_that_is_told_of_while_the_site_is_learned_is_planned_for(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site(node, 40)
    await goes_on(node)
    async with slow(node.services.sites, "connectors_of", monkeypatch) as has_read:
        await node.station("CP1", site_id="garage")
        await has_read.wait()
        line = await connect(node, "CP1")
        obeys(line)
        await tells_of(line, 1)
        await tells_of(line, 2)
    await until_it_plans_for(node, 1, 2)


async def test_a_node_that_stops_in_the_moment_it_hears_of_a_connector_stops_quietly(node: Node) -> None:
    await site(node, 40, "CP1")
    await goes_on(node)
    status = ConnectorStatusChanged(
        organisation_id=ORGANISATION,
        station_id="CP1",
        received_at=node.clock(),
        location=Location.of_connector_number("CP1", 2),
        status="Available",
        error_code="NoError",
        reported_at=node.clock(),
    )
    node.services.load_management.committed([Committed(1, status)])
    await node.services.load_management.close()  # what is not begun yet is left without a warning, which would fail


async def test_a_node_that_was_cut_off_sends_nothing_once_another_plans(sqlite_url: str) -> None:
    async with cluster(sqlite_url) as (here, there):
        await site(here, 40, "CP1")
        await goes_on(here, there)
        (owner,) = planning(here, there)
        other = there if owner is here else here
        line = await connect(other, "CP1")
        obeys(line)
        await until(owner, "CP1", offered(0), other)
        here.clock.pass_s(30)  # the owner does not renew for so long
        await other.services.load_management.tend(other.clock())
        assert planning(here, there) == [here, there], "<< it does not know yet"
        heard = len(line.heard)
        await arrives(line)
        await until(other, "CP1", offered(320), owner)
        assert planning(here, there) == [other]
        profiles = [payload["csChargingProfiles"] for action, payload in line.heard[heard:]]
        assert [each["chargingProfilePurpose"] for each in profiles] == ["TxProfile"], "<< one of them spoke"


async def test_who_stops_in_good_order_hands_the_plan_over_at_once(sqlite_url: str) -> None:
    bus, clock = MemoryBus(), Clock()
    async with open_node(sqlite_url, bus=bus, clock=clock, node_id="b") as there:
        async with open_node(sqlite_url, bus=bus, clock=clock, node_id="a") as here:
            await site(here, 40, "CP1")
            await goes_on(here)
        await goes_on(there, seconds=0)
        assert planning(there) == [there]
    await bus.close()


async def test_a_transaction_that_was_kept_offline_and_is_over_is_sent_nothing(node: Node) -> None:
    await site(node, 40, "CP1")
    line = await connect(node, "CP1")
    obeys(line)
    await until(node, "CP1", offered(0))
    transaction_id = await arrives(line, ago_s=7200)
    await goes_on(node)
    await goes(line, transaction_id)
    for _ in range(20):
        await goes_on(node)
    purposes = [payload["csChargingProfiles"]["chargingProfilePurpose"] for _, payload in line.heard]
    assert set(purposes) == {"TxDefaultProfile"}
    await arrives(line, ago_s=7200)
    await until(node, "CP1", offered(320))  # it does run, as is known after a moment


async def test_an_answer_that_comes_late_still_counts(node: Node) -> None:
    await site(node, 40, "CP1", settings=Settings(plan_delay_ms=100, retry_s=(300,)))
    line = await connect(node, "CP1")
    line.will_answer("SetChargingProfile", SILENCE)
    for _ in range(20):
        if line.heard:
            break
        await goes_on(node)
    assert [action for action, _ in line.heard] == ["SetChargingProfile"]
    line.passes_s(31)
    await until(node, "CP1", lambda found: found.missed == 1)
    job = (await node.storage.jobs.find(ORGANISATION)).items[0]
    assert job.state == "timeout"
    await node.services.commands.answered_late(job.id, '{"status":"Accepted"}', "Accepted")
    found = await until(node, "CP1", offered(0))
    assert found.missed == 0


async def test_a_plan_that_cannot_be_written_down_is_not_carried_out(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site(node, 40, "CP1")
    line = await connect(node, "CP1")
    obeys(line)
    await until(node, "CP1", offered(0))
    heard = len(line.heard)

    async def cannot(*_: Any) -> bool:
        raise Unavailable("the disk is full")

    # The pause after a failure is one of the machine's time, which no test's clock moves.
    monkeypatch.setattr(runner, "_PAUSE_S", 0.01)
    with monkeypatch.context() as broken:
        broken.setattr(node.storage.site_plans, "keep", cannot)
        await arrives(line)
        for _ in range(3):
            await goes_on(node)
        assert line.heard[heard:] == []
    await until(node, "CP1", offered(320))


async def test_limits_are_taken_back_from_a_station_that_was_away_when_the_site_was_removed(node: Node) -> None:
    await site(node, 40, "CP1")
    line = await connect(node, "CP1")
    obeys(line)
    await until(node, "CP1", offered(0))
    await away(line)
    await until(node, "CP1", lambda found: not found.online)
    await node.services.sites.delete(ORGANISATION, "garage")
    for _ in range(3):
        await goes_on(node)
    back = await connect(node, "CP1")
    obeys(back)
    assert await node.services.load_management.sweep_releases(node.clock()) == 1
    assert [action for action, _ in back.heard] == ["ClearChargingProfile"] * 2
    assert await node.services.load_management.sweep_releases(node.clock()) == 0
    assert await node.storage.site_plans.keys() == []


async def test_a_station_that_leaves_the_site_is_released_and_one_that_comes_is_limited(node: Node) -> None:
    await site(node, 40, "CP1")
    line = await connect(node, "CP1")
    obeys(line)
    await until(node, "CP1", offered(0))
    await node.services.stations.update(ORGANISATION, "CP1", {"site_id": None})
    for _ in range(20):
        await goes_on(node)
        if await node.services.load_management.sweep_releases(node.clock()):
            break
    assert await state(node, "CP1") is None
    assert [action for action, _ in line.heard][-2:] == ["ClearChargingProfile"] * 2
    await node.services.stations.update(ORGANISATION, "CP1", {"site_id": "garage"})
    await until(node, "CP1", offered(0))


async def test_a_station_that_forgets_is_told_again_when_it_has_booted(node: Node) -> None:
    await site(node, 40, "CP1")
    station = await node.storage.stations.get("CP1")
    assert station is not None
    wiring = Wiring(organisation_id=ORGANISATION, station_id="CP1", evse_id=1, phases=ALL, forgets_offline=True)
    await node.services.sites.put_wiring(station, wiring)
    line = await connect(node, "CP1")
    obeys(line)
    await until(node, "CP1", offered(0))
    heard = len(line.heard)
    await line.says("BootNotification", chargePointVendor="Forgetful", chargePointModel="One")
    await until(node, "CP1", lambda found: not found.slot.certain)
    await until(node, "CP1", lambda found: found.slot.certain)
    assert [action for action, _ in line.heard[heard:]] == ["SetChargingProfile"]


async def test_what_is_too_old_is_forgotten(node: Node) -> None:
    await site(node, 40, "CP1")
    line = await connect(node, "CP1")
    obeys(line)
    await until(node, "CP1", offered(0))
    assert (await node.storage.site_plans.decisions(ORGANISATION, "garage")).items
    assert await node.services.load_management.prune(node.clock()) == 0
    node.clock.pass_s(40 * 86_400)
    assert await node.services.load_management.prune(node.clock()) > 0
    assert not (await node.storage.site_plans.decisions(ORGANISATION, "garage")).items


async def test_of_a_large_site_no_station_is_left_out(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "AT_A_TIME", 2)
    await site(node, 40, *(f"CP{number}" for number in range(5)))
    await goes_on(node)
    assert None not in [await state(node, f"CP{number}") for number in range(5)]
