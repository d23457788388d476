"""Two devices that claim one identity, from the sockets to the person who settles it (RELIABILITY S-02)."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from stationmaster.domain.identity_contests import MOST_MOVES
from tests.api.conftest import Client, eventually, with_role
from tests.api.devices import ELSEWHERE, HOME, Devices


@pytest.fixture
async def devices(api: Client) -> AsyncIterator[Devices]:
    """Those of the node."""
    async with Devices.there() as made:
        yield made


async def contest(api: Client, devices: Devices, station_id: str) -> Any:
    """Two living devices replace each other until one stays in: the one from home."""
    holder = await devices.come_in(api.node, station_id, HOME)
    for number in range(1, MOST_MOVES + 2):
        newest = await devices.come_in(api.node, station_id, (HOME, ELSEWHERE)[number % 2])
        assert await holder.closed() == (1008, "replaced")
        await eventually(partial(told, api, station_id, number))
        holder = newest
    return holder


async def told(api: Client, station_id: str, times: int) -> bool:
    return len((await api.get("/security-events", station_id=station_id))["items"]) == times


async def refusal(api: Client, station_id: str) -> Any:
    found = await api.get("/refused-handshakes", station_id=station_id)
    return found["items"][0] if found["items"] else None


async def test_whoever_is_in_stays_in_until_a_person_settles_it(api: Client, devices: Devices) -> None:
    station_id = await api.station()
    assert (await api.get(f"/stations/{station_id}"))["contested_since"] is None
    holder = await contest(api, devices, station_id)
    seen = await api.get(f"/stations/{station_id}")
    assert seen["contested_since"] is not None
    assert seen["remote_address"] == HOME
    _, answer = await devices.knock(api.node, station_id, ELSEWHERE)
    assert answer.status == 429
    entry = await eventually(lambda: refusal(api, station_id))
    assert (entry["reason"], entry["remote_address"]) == ("contested", ELSEWHERE)
    assert (await holder.call([2, "2", "Heartbeat", {}]))[0] == 3
    settled = await api.post(f"/stations/{station_id}/settle-identity", expected=200)
    assert (settled["id"], settled["contested_since"]) == (station_id, None)
    await devices.come_in(api.node, station_id, ELSEWHERE)
    assert await holder.closed() == (1008, "replaced")
    (entry,) = (await api.get("/audit", station_id=station_id, action="settle_identity"))["items"]
    assert (entry["result"], entry["status"]) == ("ok", 200)


async def test_the_one_that_is_in_can_be_sent_away(api: Client, devices: Devices) -> None:
    station_id = await api.station()
    holder = await contest(api, devices, station_id)
    settled = await api.post(f"/stations/{station_id}/settle-identity", {"disconnect": True}, expected=200)
    assert settled["contested_since"] is None
    assert await holder.closed() == (1008, "disconnected by an operator")

    async def gone() -> bool:
        return not (await api.get(f"/stations/{station_id}"))["connected"]

    await eventually(gone)
    await devices.come_in(api.node, station_id, ELSEWHERE)


async def test_what_nobody_contests_cannot_be_settled(api: Client) -> None:
    path = f"/stations/{await api.station()}/settle-identity"
    await api.problem("POST", path, 409, "identity_not_contested")
    await api.problem("POST", path, 409, "identity_not_contested", json={"disconnect": True})
    await api.problem("POST", path, 422, "invalid", json={"disconnect": "perhaps"})
    async with with_role(api, "viewer") as viewer:
        await viewer.problem("POST", path, 403, "not_permitted", json={})
