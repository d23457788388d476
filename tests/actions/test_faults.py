"""The database fails at every step in turn, and a handler is abandoned at every step in turn (RELIABILITY R-15, R-16).

The station does what the specification tells it: what was not confirmed it sends again, as a new CALL. In the end
there is one transaction with each value once, whatever went wrong on the way, and nothing is left running.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest

from stationmaster.storage import StorageError, Unavailable
from tests.actions.line import Line, connect
from tests.services.node import ORGANISATION, Node, open_node, until

MOST_STEPS = 200
TIMES = ("2025-03-01T12:30:00Z", "2025-03-01T12:31:00Z", "2025-03-01T12:32:00Z")


class FaultyDriver:
    """Counts what the storage asks of its database; one of these requests fails."""

    def __init__(self, node: Node) -> None:
        self.asked = 0
        self.fails_at = 0
        self.when: Literal["before", "after"] = "before"
        driver = node.storage._driver
        for name in ("run", "read"):
            setattr(driver, name, self._failing(getattr(driver, name)))

    def fail(self, at: int, when: Literal["before", "after"]) -> None:
        """From now on the request of this number fails: undone, or done without the answer."""
        self.asked, self.fails_at, self.when = 0, at, when

    def _failing(self, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def request(*arguments: Any) -> Any:
            self.asked += 1
            fails = self.asked == self.fails_at
            if fails and self.when == "before":
                raise Unavailable("the database is away")
            outcome = await real(*arguments)
            if fails:
                raise Unavailable("the connection broke before the answer came")
            return outcome

        return request


async def insists(line: Line, action: str, /, **payload: Any) -> Any:
    """Say it until it is confirmed; the station boots and goes on whatever it hears."""
    for _ in range(5):
        try:
            return await line.says(action, **payload)
        except StorageError:
            continue
    raise AssertionError(f"{action} was never confirmed")


def values(number: int) -> list[dict[str, Any]]:
    return [{"timestamp": TIMES[number], "sampledValue": [{"value": str(number)}]}]


async def lives(line: Line, id_tag: str) -> int:
    """An ordinary charging life; the transaction id."""
    await insists(line, "BootNotification", chargePointVendor="V", chargePointModel="M")
    await insists(line, "StatusNotification", connectorId=1, errorCode="NoError", status="Charging")
    assert (await insists(line, "Authorize", idTag=id_tag))["idTagInfo"]["status"] == "Accepted"
    start = {"connectorId": 1, "idTag": id_tag, "meterStart": 0, "timestamp": TIMES[0]}
    started = await insists(line, "StartTransaction", **start)
    assert started["idTagInfo"]["status"] == "Accepted"
    number: int = started["transactionId"]
    await insists(line, "MeterValues", connectorId=1, transactionId=number, meterValue=values(1))
    stop = {"transactionId": number, "idTag": id_tag, "meterStop": 2, "timestamp": TIMES[2]}
    await insists(line, "StopTransaction", **stop, transactionData=values(2))
    return number


async def one_transaction_is_whole(node: Node, station_id: str, number: int) -> None:
    (kept,) = (await node.storage.transactions.find(ORGANISATION, station_id=station_id)).items
    assert (kept.ocpp_id, kept.state, kept.meter_stop_wh) == (str(number), "closed", 2)
    sets = (await node.storage.transactions.meter_values(kept.id)).items
    assert [each.samples[0].raw for each in sets] == ["1", "2"]
    assert (await node.storage.transactions.meter_values(station_id=station_id)).items == []
    assert [each.status for each in await node.storage.connectors.of(station_id)] == ["Charging"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_whatever_request_to_the_database_fails_nothing_is_lost_or_doubled(
    database_url: str, when: Literal["before", "after"]
) -> None:
    async with open_node(database_url) as node:
        driver = FaultyDriver(node)
        for step in range(1, MOST_STEPS):
            await node.token(f"TAG{step}", max_active_transactions=1)
            line = await connect(node, f"CP{step}")
            driver.fail(step, when)
            number = await lives(line, f"TAG{step}")
            asked = driver.asked
            driver.fail(0, when)
            await one_transaction_is_whole(node, f"CP{step}", number)
            if asked < step:
                break
        assert 8 < step < MOST_STEPS - 1


async def test_wherever_a_handler_is_abandoned_the_next_connection_finishes_it(database_url: str) -> None:
    """The start is cut off after one turn of the event loop, after two, and so on, until it is through."""
    async with open_node(database_url) as node:
        tasks = len(asyncio.all_tasks())

        async def all_tasks_are_done() -> bool:
            return len(asyncio.all_tasks()) == tasks

        step, through = -1, False
        while not through and step < MOST_STEPS:
            step += 1
            turns = step if step < 30 else round(30 * 1.3 ** (step - 29))  # a database that is far away takes many
            station_id, id_tag = f"CP{step}", f"TAG{step}"
            await node.token(id_tag, max_active_transactions=1)
            line = await connect(node, station_id)
            start = {"connectorId": 1, "idTag": id_tag, "meterStart": 0, "timestamp": TIMES[0]}
            cut_off = asyncio.create_task(line.says("StartTransaction", **start))
            for _ in range(turns):
                await asyncio.sleep(0)
            through = cut_off.done()
            cut_off.cancel()
            await asyncio.gather(cut_off, return_exceptions=True)
            line.hangs_up()
            again = await connect(node, station_id)
            await one_transaction_is_whole(node, station_id, await lives(again, id_tag))
            for each in (line, again):
                assert each.serving is not None
                await each.serving.__aexit__(None, None, None)
            await until(all_tasks_are_done)
        assert through
        assert step > 2
