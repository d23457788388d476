"""What an operator sees first, through the API."""

from tests.api.conftest import Client, connected, eventually, with_role


async def test_what_happens_now_is_told_in_sums(api: Client) -> None:
    assert (await api.get("/overview"))["stations"] == {}
    async with connected(api) as station:
        await api.patch(f"/stations/{station.identity}", {"site_id": "yard"})
        await api.post("/stations", {"id": f"{station.identity}-NEW"})
        await api.post("/tokens", {"id_tag": "TAG"})
        moment = "2025-03-01T12:00:00Z"
        await station.call(
            "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": moment}
        )
        start = {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": moment}
        transaction_id = (await station.call("StartTransaction", start))["transactionId"]
        values = [{"value": "11000", "measurand": "Power.Active.Import", "unit": "W"}, {"value": "4000", "unit": "Wh"}]
        now = (await station.call("Heartbeat", {}))["currentTime"]
        await station.call(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": transaction_id,
                "meterValue": [{"timestamp": now, "sampledValue": values}],
            },
        )

        async def charging() -> bool:
            return bool((await api.get("/overview"))["connectors"])

        await eventually(charging)
        told = await api.get("/overview", hours=2)
        assert told["stations"] == {"charging": 1, "new": 1}
        assert told["connectors"] == {"Charging": 1}
        assert (told["power_w"], told["power_known_of"], told["transactions_open"]) == (11_000, 1, 1)
        assert len(told["hours"]) == 2
        assert [each["energy_wh"] for each in told["busiest_stations"]] == [3_000]
        assert [(each["site_id"], each["name"]) for each in told["busiest_sites"]] == [("yard", None)]
        await api.post("/sites", {"id": "yard", "name": "The yard"})
        assert (await api.get("/overview", hours=2))["busiest_sites"][0]["name"] == "The yard"
        async with with_role(api, "viewer", site_ids=["elsewhere"]) as limited:
            assert (await limited.get("/overview"))["stations"] == {}
            assert (await limited.get("/overview"))["transactions_open"] == 0

    async def gone() -> bool:
        return bool((await api.get("/overview"))["stations"] == {"offline": 1, "new": 1})

    await eventually(gone)


async def test_stations_are_where_they_or_their_sites_are(api: Client) -> None:
    await api.post("/stations", {"id": "PLACED-1", "latitude": 57.7, "longitude": 11.97, "name": "Quay"})
    await api.post("/stations", {"id": "PLACED-2"})
    (place,) = (await api.get("/station-places"))["items"]
    assert place == {
        "id": "PLACED-1",
        "name": "Quay",
        "site_id": None,
        "latitude": 57.7,
        "longitude": 11.97,
        "state": "new",
    }


async def test_no_more_hours_than_a_month(api: Client) -> None:
    for hours in ("0", "745", "x"):
        await api.problem("GET", f"/overview?hours={hours}", 422, "invalid")
