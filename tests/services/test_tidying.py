"""Transactions that never got a stop: closed by the policy, told, and the station's again when it speaks of them."""

import asyncio
from typing import Any

import msgspec
import pytest

from stationmaster.domain.tidying import TidyingPolicy, TransactionTidied
from stationmaster.domain.transactions import Transaction
from stationmaster.instants import format_instant
from stationmaster.services.context import ServiceSettings
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Node, open_node

HOUR_S = 3600
PROFILE: dict[str, Any] = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
}


def present(node: Node) -> str:
    return format_instant(node.clock())


async def begin(node: Node, line: Line) -> Transaction:
    """A transaction that runs, and whose station holds a profile for it."""
    answer = await line.says("StartTransaction", connectorId=1, idTag="A1", meterStart=1000, timestamp=present(node))
    line.will_answer("SetChargingProfile", status="Accepted")
    wish = {"connectorId": 1, "csChargingProfiles": PROFILE | {"transactionId": answer["transactionId"]}}
    await node.services.commands.send(ORGANISATION, "CP7", "SetChargingProfile", wish, requested_by="test", wait_s=5)
    found = await node.storage.transactions.by_ocpp_id("CP7", str(answer["transactionId"]))
    assert found is not None
    return found


async def measure(node: Node, line: Line, transaction: Transaction, register_wh: int) -> None:
    sample = {"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    value = {"timestamp": present(node), "sampledValue": [sample]}
    await line.says("MeterValues", connectorId=1, transactionId=int(transaction.ocpp_id), meterValue=[value])


async def now(node: Node, transaction: Transaction) -> Transaction:
    found = await node.storage.transactions.get(transaction.id)
    assert found is not None
    return found


async def held(node: Node) -> int:
    return len(await node.services.smart_charging.mirror_of("CP7"))


def told(node: Node) -> list[tuple[str, str]]:
    """What is told of tidying from now on: what, why."""
    news: list[tuple[str, str]] = []

    def hear(committed: Any) -> None:
        facts = [each.fact for each in committed]
        news.extend((fact.what, fact.reason) for fact in facts if isinstance(fact, TransactionTidied))

    node.storage.on_committed(hear)
    return news


async def test_one_that_fell_silent_is_closed_with_what_is_known_and_opened_by_its_station(node: Node) -> None:
    line = await connect(node)
    transaction, news = await begin(node, line), told(node)
    node.clock.pass_s(HOUR_S)
    await measure(node, line, transaction, 5200)
    heard = node.clock()
    sweep = node.services.tidying.sweep
    assert await sweep(node.clock.pass_s(13 * 24 * HOUR_S)) == 0
    assert await held(node) == 1
    assert await sweep(node.clock.pass_s(2 * 24 * HOUR_S)) == 1
    closed = await now(node, transaction)
    assert (closed.state, closed.stop_reason, closed.stopped_at) == ("closed", "silent", heard)
    assert "closed_by_policy" in closed.flags
    assert await held(node) == 0, "its profiles died with it"
    assert await sweep(node.clock()) == 0
    await asyncio.sleep(0)  # the node that holds the station hears of it

    await measure(node, line, transaction, 6000)
    opened = await now(node, transaction)
    assert (opened.state, opened.stop_reason) == ("open", None)
    assert "reopened" in opened.flags
    assert "closed_by_policy" not in opened.flags
    await line.says(
        "StopTransaction",
        transactionId=int(transaction.ocpp_id),
        meterStop=7000,
        timestamp=present(node),
        reason="Local",
    )
    ended = await now(node, transaction)
    assert (ended.state, ended.stop_reason, ended.meter_stop_wh) == ("closed", "Local", 7000)
    assert news == [("closed", "silent"), ("reopened", "late_values")]


async def test_a_free_connector_closes_what_was_left_open_on_it(node: Node) -> None:
    line = await connect(node)
    transaction = await begin(node, line)
    node.clock.pass_s(60)
    await line.says("StatusNotification", connectorId=1, errorCode="NoError", status="Available")
    assert (await now(node, transaction)).state == "open", "at once nothing is closed (§8 A-30)"
    assert await node.services.tidying.sweep(node.clock.pass_s(25 * HOUR_S)) == 1
    assert (await now(node, transaction)).stop_reason == "connector_free"


@pytest.mark.parametrize("late", ["values", "stop"])
async def test_a_late_stop_has_the_last_word_on_what_the_policy_closed(node: Node, late: str) -> None:
    line = await connect(node)
    transaction = await begin(node, line)
    assert await node.services.tidying.sweep(node.clock.pass_s(15 * 24 * HOUR_S)) == 1
    if late == "values":
        await measure(node, line, transaction, 1500)
    await line.says("StopTransaction", transactionId=int(transaction.ocpp_id), meterStop=4000, timestamp=present(node))
    ended = await now(node, transaction)
    assert (ended.state, ended.meter_stop_wh) == ("closed", 4000)
    assert await node.services.tidying.sweep(node.clock.pass_s(30 * 24 * HOUR_S)) == 0


async def test_a_policy_of_zero_hours_closes_nothing(sqlite_url: str) -> None:
    never = TidyingPolicy(superseded_hours=0, idle_hours=0, silent_hours=0)
    settings = msgspec.structs.replace(ServiceSettings(), tidying=never)
    async with open_node(sqlite_url, settings=settings) as node:
        line = await connect(node)
        await begin(node, line)
        assert await node.services.tidying.sweep(node.clock.pass_s(1000 * 24 * HOUR_S)) == 0
