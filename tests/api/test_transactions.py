"""Transactions and measured values through the API, as a station made them."""

from typing import Any

from stationmaster.conformance.station import ScriptedStation
from tests.api.conftest import Client, connected

METER = [
    {"value": "1100", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
    {"value": "16.5", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
    {"value": "nonsense", "measurand": "Voltage"},
]


async def charged(station: ScriptedStation, tag: str, *, stop: bool = True) -> int:
    start = {"connectorId": 2, "idTag": tag, "meterStart": 1000, "timestamp": "2025-03-01T12:00:00Z"}
    transaction_id = (await station.call("StartTransaction", start))["transactionId"]
    values = {
        "connectorId": 2,
        "transactionId": transaction_id,
        "meterValue": [{"timestamp": "2025-03-01T12:05:00Z", "sampledValue": METER}],
    }
    await station.call("MeterValues", values)
    if stop:
        end = {"transactionId": transaction_id, "meterStop": 6000, "timestamp": "2025-03-01T12:30:00+00:00"}
        await station.call("StopTransaction", end)
    return int(transaction_id)


async def test_a_transaction_with_its_values(api: Client) -> None:
    await api.post("/tokens", {"id_tag": "DRIVER", "parent_id_tag": "FAMILY"})
    async with connected(api) as station:
        transaction_id = await charged(station, "DRIVER")
    (transaction,) = (await api.get("/transactions"))["items"]
    expected: dict[str, Any] = {
        "transaction_id": transaction_id,
        "station_id": station.identity,
        "evse_id": 2,
        "connector_id": 2,
        "id_tag": "DRIVER",
        "state": "closed",
        "authorization_status": "Accepted",
        "started_at": "2025-03-01T12:00:00.000Z",
        "stopped_at": "2025-03-01T12:30:00.000Z",
        "stopped_at_text": "2025-03-01T12:30:00+00:00",
        "meter_start_wh": 1000,
        "meter_stop_wh": 6000,
        "energy_wh": 5000,
        "energy_source": "meter_stop",
        "stop_reason": "Local",
    }
    assert {name: transaction[name] for name in expected} == expected
    assert await api.get(f"/transactions/{transaction['id']}") == transaction
    (values,) = (await api.get(f"/transactions/{transaction['id']}/meter-values"))["items"]
    assert values["sampled_at"] == "2025-03-01T12:05:00.000Z"
    assert values["transaction_id"] == transaction["id"]
    energy, current, voltage = values["samples"]
    assert (energy["value"], energy["unit"]) == (1100, "Wh")
    assert (current["value"], current["phase"], current["raw"]) == (16.5, "L1", "16.5")
    assert (voltage["value"], voltage["raw"]) == (None, "nonsense")
    assert voltage["flags"]


async def test_transactions_are_filtered(api: Client) -> None:
    await api.post("/tokens", {"id_tag": "A"})
    await api.post("/tokens", {"id_tag": "B"})
    async with connected(api) as one, connected(api) as other:
        await charged(one, "A")
        await charged(other, "B", stop=False)

        async def found(**query: Any) -> set[str]:
            return {each["id_tag"] for each in (await api.get("/transactions", **query))["items"]}

        assert await found() == {"A", "B"}
        assert await found(state="open") == {"B"}
        assert await found(state="closed") == {"A"}
        assert await found(station_id=one.identity) == {"A"}
        assert await found(id_tag="b") == {"B"}
        assert await found(since="2025-03-01T12:00:01Z") == set()
        assert await found(until="2025-03-01T12:00:01Z") == {"A", "B"}
        assert await found(evse_id=1) == set()


async def test_values_without_a_transaction_are_the_stations(api: Client) -> None:
    async with connected(api) as station:
        values = {"connectorId": 0, "meterValue": [{"timestamp": "2025-03-01T12:05:00Z", "sampledValue": METER[:1]}]}
        await station.call("MeterValues", values)
        (stored,) = (await api.get(f"/stations/{station.identity}/meter-values"))["items"]
    assert (stored["transaction_id"], stored["evse_id"]) == (None, None)


async def test_what_is_not_there(api: Client) -> None:
    await api.problem("GET", "/transactions/5", 404, "transaction_unknown")
    await api.problem("GET", "/transactions/5/meter-values", 404, "transaction_unknown")
    await api.problem("GET", "/stations/NOBODY/meter-values", 404, "station_unknown")
    problem = await api.problem("GET", "/transactions", 422, "invalid", params={"since": "yesterday"})
    assert problem["errors"] == [
        {"field": "since", "code": "instant", "message": "is not a point in time such as 2025-03-01T12:00:00Z"}
    ]
    await api.problem("GET", "/transactions", 422, "invalid", params={"state": "half"})
