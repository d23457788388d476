"""Reservations over real sockets: handbook §5.6 row by row, and what becomes of each (§3.8)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stationmaster.conformance.station import ScriptedStation
from stationmaster.ocpp.errors import ErrorCode
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, status

ACCEPTED = {"status": "Accepted"}


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


def in_s(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def reserve(api: Api, station: ScriptedStation, answer: str, **wish: Any) -> tuple[dict[str, Any], Any]:
    """An operator reserves; what the station got, and what the API answered."""
    body = {"station_id": station.identity, "connector_id": 1, "expires_at": in_s(600), **wish}
    asked = asyncio.create_task(api.post("/reservations", body))
    request = await station.obey("ReserveNow", {"status": answer})
    return request.payload, await asked


async def state_of(api: Api, made: Any, *, becomes: str) -> Any:
    """The reservation, once it has come to a state."""
    path = f"/stations/{made['reservation']['station_id']}/reservations/{made['reservation']['reservation_id']}"
    async with asyncio.timeout(15):
        while True:
            found = await api.get(path)
            if found["state"] == becomes:
                return found
            await asyncio.sleep(0.05)


async def start_with(station: ScriptedStation, tag: str, **more: Any) -> Any:
    body = {"connectorId": 1, "idTag": tag, "meterStart": 0, "timestamp": in_s(0), **more}
    return await station.call("StartTransaction", body)


async def test_046_a_transaction_that_names_it_uses_it(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        sent, made = await reserve(api, station, "Accepted", id_tag=tag)
        assert (sent["connectorId"], sent["idTag"]) == (1, tag)
        assert "parentIdTag" not in sent
        assert made["reservation"]["state"] == "active"
        await status(station, "Reserved")
        answer = await start_with(station, tag, reservationId=sent["reservationId"])
        assert answer["idTagInfo"]["status"] == "Accepted"
        used = await state_of(api, made, becomes="used")
        assert used["transaction_id"] == (await api.transaction(station.identity))["id"]
        assert [step["state"] for step in used["history"]] == ["requested", "active", "used"]


async def test_047_it_expires_by_our_clock(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        _, made = await reserve(api, station, "Accepted", id_tag=tag, expires_at=in_s(1))
        await state_of(api, made, becomes="expired")


@pytest.mark.parametrize("word", ["Faulted", "Occupied", "Unavailable", "Rejected"])
async def test_048_what_the_station_declines_is_not_active(node: NodeProcess, api: Api, word: str) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await status(station, "Preparing")
        _, made = await reserve(api, station, word, id_tag=tag)
        assert (made["reservation"]["state"], made["reservation"]["answer"]) == ("refused", word)


async def test_048_an_error_is_a_refusal_too(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        body = {"station_id": station.identity, "connector_id": 1, "id_tag": tag, "expires_at": in_s(60)}
        asked = asyncio.create_task(api.post("/reservations", body))
        await station.refuse(await station.expect("ReserveNow"), ErrorCode.NOT_SUPPORTED)
        made = await asked
        assert (made["job"]["state"], made["reservation"]["state"]) == ("error", "refused")


async def test_049_the_whole_station(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        sent, made = await reserve(api, station, "Accepted", id_tag=tag, connector_id=0)
        assert sent["connectorId"] == 0
        await start_with(station, tag)
        used = await state_of(api, made, becomes="used")
        assert used["history"][-1]["why"] == "matched", "the station did not name it"


async def test_051_cancelled(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        sent, made = await reserve(api, station, "Accepted", id_tag=tag)
        await status(station, "Reserved")
        path = f"/stations/{station.identity}/reservations/{sent['reservationId']}/cancel"
        asked = asyncio.create_task(api.post(path))
        request = await station.obey("CancelReservation", ACCEPTED)
        assert request.payload == {"reservationId": sent["reservationId"]}
        await asked
        await state_of(api, made, becomes="cancelled")
        await status(station, "Available")
        again = await api.client.post(path)
        assert (again.status_code, again.json()["code"]) == (409, "reservation_over")


async def test_052_a_cancellation_that_is_rejected_ends_it_at_the_station(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        sent, made = await reserve(api, station, "Accepted", id_tag=tag)
        wish = {"reservationId": sent["reservationId"]}
        await api.press(station, "CancelReservation", wish, {"status": "Rejected"})
        await state_of(api, made, becomes="ended_at_station")


async def test_053_the_group_of_the_token_is_filled_in_and_may_charge(node: NodeProcess, api: Api) -> None:
    parent = await api.token()
    tag = await api.token(parent_id_tag=parent)
    friend = await api.token(parent_id_tag=parent)
    async with await connected(node, api) as station:
        await booted(station)
        sent, made = await reserve(api, station, "Accepted", id_tag=tag)
        assert sent["parentIdTag"] == parent
        answer = await start_with(station, friend)
        assert answer["idTagInfo"]["parentIdTag"] == parent
        await state_of(api, made, becomes="used")
        bare, _ = await reserve(api, station, "Accepted", id_tag=tag, parent_id_tag=None)
        assert "parentIdTag" not in bare


@pytest.mark.parametrize(("word", "connector"), [("Faulted", 1), ("Unavailable", 0)])
async def test_a_fault_ends_it(node: NodeProcess, api: Api, word: str, connector: int) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        _, made = await reserve(api, station, "Accepted", id_tag=tag)
        await status(station, word, connector)
        await state_of(api, made, becomes="ended_by_fault")


async def test_the_same_id_again_replaces_it(node: NodeProcess, api: Api) -> None:
    first, second = await api.token(), await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        sent, made = await reserve(api, station, "Accepted", id_tag=first)
        await reserve(api, station, "Accepted", id_tag=second, reservation_id=sent["reservationId"])
        now = await state_of(api, made, becomes="active")
        assert now["id_tag"] == second
        assert "replaced" in [step["state"] for step in now["history"]]


async def test_a_station_that_frees_it_by_itself_has_ended_it(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        _, made = await reserve(api, station, "Accepted", id_tag=tag)
        await status(station, "Reserved")
        await status(station, "Available")
        await state_of(api, made, becomes="ended_at_station")


@pytest.mark.parametrize("boots", [False, True], ids=["reconnect", "boot"])
async def test_a_station_that_frees_it_while_it_is_away_has_ended_it(
    node: NodeProcess, api: Api, *, boots: bool
) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        _, made = await reserve(api, station, "Accepted", id_tag=tag)
        await status(station, "Reserved")
    async with ScriptedStation(node.url, station.identity, password=PASSWORD) as station:
        if boots:
            await booted(station)
        await status(station, "Available")
        await state_of(api, made, becomes="ended_at_station")
