"""The database stands still for longer than an answer may take (handbook §1.7, §1.14).

What stations said meanwhile is answered with an error, stored all the same when the database goes on, and found when
they say it again; nothing is stored twice.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import Any

import asyncpg
import pytest

from stationmaster.conformance.errors import CallRefused
from stationmaster.conformance.station import ScriptedStation
from stationmaster.storage.urls import is_sqlite, sqlite_path
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, start, stop, timestamp

pytestmark = pytest.mark.slow


@asynccontextmanager
async def standing_still(url: str) -> AsyncIterator[None]:
    """Another program holds what is written to; reading goes on."""
    if is_sqlite(url):
        with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    other = await asyncpg.connect(url)
    try:
        async with other.transaction():
            await other.execute('LOCK TABLE "transaction", meter_value IN SHARE ROW EXCLUSIVE MODE')
            yield
    finally:
        await other.close()


async def errors(*calls: Any) -> None:
    """Each of these is answered with an error while the database stands still."""
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(answer, CallRefused), answer
        assert "InternalError" in str(answer)


def unnamed(at: str) -> dict[str, Any]:
    """Values that name no transaction."""
    return {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": [{"value": "7"}]}]}


async def transactions(api: Api, station: ScriptedStation) -> list[Any]:
    return await api.everything("/transactions", station_id=station.identity)


async def test_what_is_answered_too_late_is_stored_once(mortal_node: NodeProcess, empty_database_url: str) -> None:
    async with mortal_node.api() as api, AsyncExitStack() as stack:
        tag = await api.token()
        starting, forgetful, measuring, stopping = [
            await stack.enter_async_context(
                ScriptedStation(mortal_node.url, await api.station(), password=PASSWORD, patience_s=30)
            )
            for _ in range(4)
        ]
        for station in (starting, forgetful, measuring, stopping):
            await booted(station)
            await station.call("MeterValues", unnamed(timestamp()))
        begin = {"connectorId": 1, "idTag": tag, "meterStart": 7, "timestamp": timestamp()}
        measured, stopped = [(await start(station, tag))["transactionId"] for station in (measuring, stopping)]
        values = {**unnamed(timestamp()), "transactionId": measured}
        end = {"transactionId": stopped, "meterStop": 5000, "timestamp": timestamp()}
        async with standing_still(empty_database_url):
            await errors(
                starting.call("StartTransaction", begin),
                forgetful.call("StartTransaction", begin),
                measuring.call("MeterValues", values),
                stopping.call("StopTransaction", end),
            )
            assert "currentTime" in await starting.call("Heartbeat", {})

        (kept,) = await api.eventually("/transactions", station_id=starting.identity, flagged=True)
        assert kept["flags"] == ["start_unconfirmed"]
        assert (await starting.call("StartTransaction", begin))["transactionId"] == kept["transaction_id"]
        (kept,) = await transactions(api, starting)
        assert (kept["state"], kept["flags"]) == ("open", [])

        (kept,) = await api.eventually("/transactions", station_id=forgetful.identity, flagged=True)
        await forgetful.call("MeterValues", unnamed(timestamp()))
        assert len((await api.get(f"/transactions/{kept['id']}/meter-values"))["items"]) == 1
        await stop(forgetful, -1)
        (kept,) = await transactions(api, forgetful)
        assert (kept["state"], "orphan" in kept["flags"], "stop_inferred" in kept["flags"]) == ("closed", False, True)

        assert await measuring.call("MeterValues", values) == {}
        (kept,) = await transactions(api, measuring)
        assert len((await api.get(f"/transactions/{kept['id']}/meter-values"))["items"]) == 1

        (kept,) = await api.eventually("/transactions", station_id=stopping.identity, state="closed")
        await stopping.call("MeterValues", unnamed(timestamp()))
        assert (await api.get(f"/transactions/{kept['id']}/meter-values"))["items"] == []
        assert await stopping.call("StopTransaction", end) == {}
        (kept,) = await transactions(api, stopping)
        assert (kept["state"], kept["meter_stop_wh"], kept["flags"]) == ("closed", 5000, [])
