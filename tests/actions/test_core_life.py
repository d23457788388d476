"""An ordinary charging life, from boot to stop, on both databases."""

from stationmaster.actions.contract import StationConnection
from tests.actions.line import connect
from tests.services.node import ORGANISATION, START, open_node


async def test_a_station_boots_charges_and_stops(database_url: str) -> None:
    async with open_node(database_url) as node:
        await node.token("04A2", parent_id_tag="FLEET")
        line = await connect(node)
        assert isinstance(line.connection_id, int)
        connection: StationConnection = line
        assert connection.memory is None

        answer = await line.says("BootNotification", chargePointVendor="Volt", chargePointModel="One")
        assert answer == {"status": "Accepted", "currentTime": "2025-03-01T12:34:56.000Z", "interval": 300}
        for connector_id in (0, 1):
            assert (
                await line.says("StatusNotification", connectorId=connector_id, errorCode="NoError", status="Available")
                == {}
            )
        assert await line.says("Heartbeat") == {"currentTime": "2025-03-01T12:34:56.000Z"}
        assert await line.says("Authorize", idTag="04a2") == {
            "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}
        }
        started = await line.says(
            "StartTransaction", connectorId=1, idTag="04A2", meterStart=1000, timestamp="2025-03-01T12:35:00Z"
        )
        assert started["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FLEET"}
        transaction_id = started["transactionId"]
        assert 0 < transaction_id < 2**31
        value = {"value": "1.5", "unit": "kWh", "measurand": "Energy.Active.Import.Register"}
        assert (
            await line.says(
                "MeterValues",
                connectorId=1,
                transactionId=transaction_id,
                meterValue=[{"timestamp": "2025-03-01T12:36:00Z", "sampledValue": [value]}],
            )
            == {}
        )
        assert await line.says(
            "StopTransaction",
            transactionId=transaction_id,
            idTag="04A2",
            meterStop=2500,
            timestamp="2025-03-01T12:39:00Z",
            transactionData=[{"timestamp": "2025-03-01T12:39:00Z", "sampledValue": [{"value": "2500"}]}],
        ) == {"idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}}

        (transaction,) = (await node.storage.transactions.find(ORGANISATION)).items
        assert (transaction.ocpp_id, transaction.state, transaction.energy_wh) == (str(transaction_id), "closed", 1500)
        assert (transaction.stop_reason, transaction.flags) == ("Local", ())
        sets = (await node.storage.transactions.meter_values(transaction.id)).items
        assert [(each.samples[0].value, each.samples[0].raw, each.evse_id) for each in sets] == [
            (1500.0, "1.5", 1),
            (2500.0, "2500", 1),
        ]
        station = await node.storage.stations.get("CP7")
        assert station is not None
        assert (station.vendor, station.model, station.reported_state, station.last_boot_at) == (
            "Volt",
            "One",
            "Accepted",
            START,
        )
        assert [(each.evse_id, each.status) for each in await node.storage.connectors.of("CP7")] == [
            (None, "Available"),
            (1, "Available"),
        ]
