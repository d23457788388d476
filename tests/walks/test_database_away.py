"""PostgreSQL goes away and comes back while stations are connected (RELIABILITY R-03)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from stationmaster.conformance.errors import CallRefused
from stationmaster.conformance.station import ScriptedStation
from tests.postgres import PostgresServer
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, start, stop, timestamp

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@asynccontextmanager
async def gone(server: PostgresServer, name: str) -> AsyncIterator[None]:
    """Nobody gets into the database, and whoever was in is thrown out: what a restart of the server looks like."""
    connection = await asyncpg.connect(server.url_of("postgres"))
    try:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await connection.close()


async def ready(api: Api, status: int) -> None:
    async with asyncio.timeout(30):
        while (await api.client.get(f"{api.client.base_url.join('/readyz')}")).status_code != status:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.05)


async def test_stations_stay_are_told_no_untruth_and_go_on(postgres_server: PostgresServer, tmp_path: Path) -> None:
    name = postgres_server.create()
    node = NodeProcess(tmp_path, postgres_server.url_of(name))
    node.start()
    try:
        async with node.api() as api:
            tag = await api.token()
            async with ScriptedStation(node.url, await api.station(), password=PASSWORD) as station:
                await booted(station)
                begin = {"connectorId": 1, "idTag": tag, "meterStart": 7, "timestamp": timestamp()}
                async with gone(postgres_server, name):
                    for _ in range(3):
                        with pytest.raises(CallRefused, match="InternalError"):
                            await station.call("StartTransaction", begin)
                        assert "currentTime" in await station.call("Heartbeat", {})
                    await ready(api, 503)
                    assert (await api.client.get(f"{node.http_url}/healthz")).status_code == 200
                    refused = await api.client.post("/tokens", json={"id_tag": "LATER"})
                    assert refused.status_code == 503, refused.text
                await ready(api, 200)
                number = (await station.call("StartTransaction", begin))["transactionId"]
                assert (await station.call("StartTransaction", begin))["transactionId"] == number
                assert (await start(station, tag, connector=2))["transactionId"] != number
                await stop(station, number)
                kept = await api.everything("/transactions", station_id=station.identity, state="closed")
                assert [(one["transaction_id"], one["meter_start_wh"]) for one in kept] == [(number, 7)]
            (alert,) = await api.eventually("/alerts", kind="database_unavailable")
            assert alert["count"] == 1
        assert node.stop() == 0
    finally:
        node.kill()
        postgres_server.drop(name)
