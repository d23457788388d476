"""A real fleet's mess: transactions that never got a stop, late words about them, stations that begin anew."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from stationmaster.conformance.station import ScriptedStation
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import booted, charging, stop


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


def values(transaction_id: int, register_wh: int, at: str) -> dict[str, Any]:
    sample = {"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    return {
        "connectorId": 1,
        "transactionId": transaction_id,
        "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
    }


def now() -> str:
    """The moment by the clock, since a sample counts only within its transaction."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


async def test_a_forgotten_transaction_is_closed_with_the_energy_that_is_known(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        before = await api.transaction(station.identity)
        await station.call("MeterValues", values(transaction_id, before["meter_start_wh"] + 4200, now()))
        closed = await api.post(f"/transactions/{before['id']}/close")
        assert (closed["state"], closed["stop_reason"]) == ("closed", "operator")
        assert (closed["energy_wh"], closed["energy_source"]) == (4200, "last_sample")
        assert "closed_by_policy" in closed["flags"]
        again = await api.client.post(f"/transactions/{before['id']}/close")
        assert again.status_code == 409


async def test_late_values_open_it_again_and_its_stop_has_the_last_word(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        number = (await api.transaction(station.identity))["id"]
        await api.post(f"/transactions/{number}/close")
        await station.call("MeterValues", values(transaction_id, 90_000, now()))
        opened = await api.get(f"/transactions/{number}")
        assert (opened["state"], opened["stopped_at"], opened["stop_reason"]) == ("open", None, None)
        assert "reopened" in opened["flags"]
        await api.post(f"/transactions/{number}/close")
        await stop(station, transaction_id, reason="Local")
        ended = await api.get(f"/transactions/{number}")
        assert (ended["state"], ended["stop_reason"], ended["energy_source"]) == ("closed", "Local", "meter_stop")
        assert "conflicting_stop" not in ended["flags"]


async def test_a_reading_below_the_start_is_refused(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        transaction = await api.transaction(station.identity)
        body = {"meter_stop_wh": max(0, transaction["meter_start_wh"] - 1)}
        if transaction["meter_start_wh"] > 0:
            refused = await api.client.post(f"/transactions/{transaction['id']}/close", json=body)
            assert refused.status_code == 422
            assert refused.json()["code"] == "meter_stop_too_low"
        await stop(station, transaction_id)


async def test_a_station_is_cleaned_up(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await charging(station, tag)
        wish = {"connector_id": 1, "preset": "tx_default"}
        answer = asyncio.create_task(api.post(f"/stations/{station.identity}/charging-profiles", wish))
        await station.obey("SetChargingProfile", {"status": "Accepted"})
        await answer
        wish = {"connectorId": 2, "expiryDate": "2099-01-01T00:00:00Z", "idTag": tag, "reservationId": 4711}
        await api.press(station, "ReserveNow", wish, {"status": "Accepted"})
        done = await api.post(f"/stations/{station.identity}/clean-up")
        assert done == {"closed_transactions": 1, "dropped_profiles": 1, "ended_reservations": 1}
        reservation = await api.get(f"/stations/{station.identity}/reservations/4711")
        assert (reservation["state"], reservation["history"][-1]["why"]) == ("ended_at_station", "cleaned_up")
        await station.silence(0.2)
        again = await charging(station, tag)
        assert again, "nothing that was left behind stands in the way"
        await stop(station, again)
        assert (await api.get(f"/stations/{station.identity}/charging-profiles"))["items"] == []
        assert await api.everything("/transactions", station_id=station.identity, state="open") == []
