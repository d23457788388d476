"""Stations on raw sockets at a running node, and what is kept of what they said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.gateway.conftest import basic
from tests.gateway.raw import RawStation
from tests.walks.running import PASSWORD, Api, NodeProcess


@asynccontextmanager
async def entered(node: NodeProcess, api: Api, **more: Any) -> AsyncIterator[tuple[str, RawStation]]:
    """A registered station on a socket of its own."""
    identity = await api.station(**more)
    station = await RawStation.connect(node.ocpp_port)
    try:
        await station.open(identity, Authorization=basic(identity, PASSWORD.encode()))
        yield identity, station
    finally:
        station.drop()


async def served(station: RawStation, message_id: str = "still here") -> None:
    """The next thing the station hears is the answer to its heartbeat: nothing else was sent to it."""
    kind, echoed, answer = await station.call([2, message_id, "Heartbeat", {}])
    assert (kind, echoed, list(answer)) == (3, message_id, ["currentTime"])


async def stored(api: Api, identity: str) -> tuple[list[Any], list[Any], list[Any]]:
    """All that is kept of what a station said about charging."""
    return (
        await api.everything("/transactions", station_id=identity),
        await api.everything(f"/stations/{identity}/meter-values"),
        await api.everything(f"/stations/{identity}/connectors"),
    )


async def logged(api: Api, identity: str) -> list[tuple[str, str]]:
    """The message log of a station, once the last heartbeat is in it: direction and raw text."""
    while True:
        kept = await api.eventually("/messages", station_id=identity)
        if any("still here" in one["frame"] for one in kept):
            return [(one["direction"], one["frame"]) for one in kept]
        await asyncio.sleep(0.05)
