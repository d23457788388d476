"""What several tests of connections say and ask."""

import asyncio
from typing import Any

from stationmaster.actions.contract import StationConnection
from stationmaster.ocpp.v16 import V16
from stationmaster.session.events import CallAnswered, CallFailed
from tests.gateway.conftest import World
from tests.gateway.raw import RawStation

CLEAR_CACHE = V16.check_outgoing("ClearCache", {})


def heartbeat(message_id: object) -> list[Any]:
    return [2, message_id, "Heartbeat", {}]


def connection_of(world: World, identity: str = "CP1") -> StationConnection:
    connection = world.gateway.connection(identity)
    assert connection is not None
    return connection


def clear_cache(world: World, key: str = "k", **options: Any) -> asyncio.Task[CallAnswered | CallFailed]:
    """Somebody asks the station."""
    connection = connection_of(world)

    async def ask() -> CallAnswered | CallFailed:
        return await connection.call("ClearCache", CLEAR_CACHE, key=key, **options)

    return asyncio.create_task(ask())


async def answered_by(station: RawStation, payload: dict[str, Any] | None = None) -> None:
    question = await station.hear()
    await station.say([3, question[1], payload or {"status": "Accepted"}])
