"""Sessions and authorisation, driven by the station alone: the rows of handbook §5.2 over real sockets."""

from stationmaster.conformance.station import ScriptedStation
from stationmaster.instants import parse_instant
from tests.walks.running import PASSWORD, Api, NodeProcess
from tests.walks.states import authorize, booted, charging, start, status, stop, timestamp


async def connected(node: NodeProcess, api: Api) -> ScriptedStation:
    """A station that is registered; entering it connects it."""
    return ScriptedStation(node.url, await api.station(), password=PASSWORD)


async def test_001_cold_boot(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        answer = await booted(station)
        assert answer["interval"] > 0
        before = parse_instant(answer["currentTime"])
        assert parse_instant((await station.call("Heartbeat"))["currentTime"]) >= before
        seen = await api.get(f"/stations/{station.identity}")
        assert (seen["vendor"], seen["model"], seen["connected"]) == ("Walk", "One", True)
        connectors = await api.get(f"/stations/{station.identity}/connectors")
        assert {one["status"] for one in connectors["items"]} == {"Available"}


async def test_003_plug_in_first(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await status(station, "Preparing")
        assert await authorize(station, tag) == "Accepted"
        assert (await start(station, tag))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Charging")


async def test_004_1_identification_first(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        stored = await api.transaction(station.identity)
        assert (stored["transaction_id"], stored["id_tag"], stored["state"]) == (transaction_id, tag, "open")


async def test_004_2_the_driver_does_not_plug_in(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        assert await authorize(station, tag) == "Accepted"
        await status(station, "Preparing")
        await status(station, "Available")
        assert (await start(station, tag))["idTagInfo"]["status"] == "Accepted", "nothing is left of the first attempt"


async def test_005_1_disconnected_at_the_car(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        await status(station, "SuspendedEV")
        assert await stop(station, transaction_id, reason="EVDisconnected") == {}, "no idTag, no idTagInfo"
        await status(station, "Finishing")
        await status(station, "Available")
        stored = await api.transaction(station.identity)
        assert (stored["state"], stored["stop_reason"], stored["energy_wh"]) == ("closed", "EVDisconnected", 4000)


async def test_007_a_tag_from_the_cache(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await status(station, "Preparing")
        assert (await start(station, tag))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Charging")


async def test_023_tags_that_may_not_charge(node: NodeProcess, api: Api) -> None:
    expired = await api.token(expires_at=timestamp(3600))
    blocked = await api.token(status="Blocked", expires_at=timestamp(3600))
    async with await connected(node, api) as station:
        await booted(station)
        assert await authorize(station, "NOBODY") == "Invalid"
        assert await authorize(station, expired) == "Expired"
        assert await authorize(station, blocked) == "Blocked"
        assert await authorize(station, blocked.lower()) == "Blocked", "upper and lower case are the same"
    unknown = await api.eventually("/unknown-tokens", station_id=station.identity)
    assert [token["id_tag"] for token in unknown] == ["NOBODY"]


async def test_024_the_lock_fails(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        assert await authorize(station, tag) == "Accepted"
        await status(station, "Preparing")
        await status(station, "Faulted", error_code="ConnectorLockFailure")
        connectors = (await api.get(f"/stations/{station.identity}/connectors"))["items"]
        faulted = next(one for one in connectors if one["connector_id"] == 1)
        assert (faulted["status"], faulted["error_code"]) == ("Faulted", "ConnectorLockFailure")


async def test_032_1_power_failure(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        transaction_id = await charging(station, tag)
        await station.sever()
        await station.connect()
        boot = {"chargePointVendor": "Walk", "chargePointModel": "One"}
        assert (await station.call("BootNotification", boot))["status"] == "Accepted"
        await status(station, "Finishing", 1)
        await status(station, "Available", 2)
        assert (await api.transaction(station.identity))["state"] == "open", "a boot closes nothing"
        assert await stop(station, transaction_id, reason="PowerLoss") == {}
        stored = await api.transaction(station.identity)
        assert (stored["state"], stored["stop_reason"]) == ("closed", "PowerLoss")


async def test_037_1_offline_start_with_a_valid_tag(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        assert (await start(station, tag, ago_s=900))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Charging")


async def test_037_3_offline_start_with_an_invalid_tag(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        answer = await start(station, "NOBODY", ago_s=900)
        assert answer["idTagInfo"]["status"] == "Invalid"
        await status(station, "Charging")
        assert await stop(station, answer["transactionId"], reason="DeAuthorized") == {}
        await status(station, "Finishing")


async def test_039_a_whole_transaction_offline(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        answer = await start(station, tag, ago_s=7200)
        assert answer["idTagInfo"]["status"] == "Accepted"
        stopped = await stop(station, answer["transactionId"], ago_s=3600, idTag=tag, reason="Local")
        assert stopped["idTagInfo"]["status"] == "Accepted"
        stored = await api.transaction(station.identity)
        seconds = (parse_instant(stored["stopped_at"]) - parse_instant(stored["started_at"])) / 1e6
        assert (stored["state"], round(seconds)) == ("closed", 3600)


async def test_064_a_vendor_that_nobody_knows(node: NodeProcess, api: Api) -> None:
    async with await connected(node, api) as station:
        await booted(station)
        message = {"vendorId": "com.example.unknown", "messageId": "Hello", "data": "{}"}
        assert await station.call("DataTransfer", message) == {"status": "UnknownVendorId"}


async def test_a_message_that_was_not_confirmed_is_sent_again(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        message = {"connectorId": 1, "idTag": tag, "meterStart": 7, "timestamp": timestamp(60)}
        first = await station.call("StartTransaction", message)
        await station.sever()
        await station.connect()
        assert await station.call("StartTransaction", message) == first
        assert len(await api.everything("/transactions", station_id=station.identity)) == 1


async def test_nothing_is_asked_of_a_station_by_itself(node: NodeProcess, api: Api) -> None:
    tag = await api.token()
    async with await connected(node, api) as station:
        await booted(station)
        await charging(station, tag)
        await station.silence(0.5)
