"""A simulated station against a polite central system, its days running fast: what it says and how it obeys."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stationmaster.conformance.life import Clock, Habits, LivingStation, Outlet, Traits, draw_traits
from stationmaster.conformance.life.connectors import Stop
from stationmaster.conformance.link import Target, now
from stationmaster.instants import format_instant, parse_instant
from tests.conformance.polite import Polite, polite_central_system

DAY_US = 86_400_000_000
SOCKET, CABLE, FAST = Outlet(22_080.0, 3, False), Outlet(11_040.0, 3, True), Outlet(150_000.0, 0, True)

Living = tuple[Polite, LivingStation]


@asynccontextmanager
async def living(
    *, visits: float = 0.0, speed: float = 200.0, outlets: tuple[Outlet, ...] = (SOCKET, CABLE), **overrides: Any
) -> AsyncIterator[Living]:
    """A station that lives, since 300 days ago, `speed` times as fast as we do."""
    traits = Traits("Lindgren", "Duo 22", "4.2.1", outlets, "LI00000001")
    async with polite_central_system() as central:
        for name, value in overrides.items():
            setattr(central, name, value)
        clock = Clock(now() - 300 * DAY_US, speed)
        habits = Habits(["TAG1", "TAG2"], visits, stranger=None)
        station = LivingStation(Target(central.url, "CP7", "secret"), traits, habits, clock, random.Random(7))
        task = asyncio.create_task(station.run())
        try:
            yield central, station
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def booted(central: Polite) -> None:
    await central.hears("BootNotification")
    await central.hears("StatusNotification", connectorId=0)
    await central.hears("StatusNotification", connectorId=2)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something inside the station that it tells nobody."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the station has no events for tests
            await asyncio.sleep(0.01)


async def charging(central: Polite, number: int = 1, id_tag: str = "TAG9") -> int:
    """Bring a connector to charging by remote start; the transaction id."""
    answer = await central.ask("RemoteStartTransaction", {"idTag": id_tag, "connectorId": number})
    assert answer == {"status": "Accepted"}
    await central.hears("StartTransaction", idTag=id_tag)
    await central.hears("StatusNotification", connectorId=number, status="Charging")
    return len(central.payloads("StartTransaction"))


async def test_it_boots_reports_and_beats() -> None:
    async with living(speed=600.0) as (central, _):
        await booted(central)
        await central.hears("Heartbeat")
        assert central.said[0][0] == "BootNotification"
        assert central.said[0][1]["firmwareVersion"] == "4.2.1"
        assert [payload["connectorId"] for payload in central.payloads("StatusNotification")] == [0, 1, 2]
        assert central.authorizations == ["Basic " + base64.b64encode(b"CP7:secret").decode()]


async def test_what_it_has_not_begun_when_it_ends_is_left_quietly() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    async def ends_as_it_begins(station: LivingStation) -> None:
        async with asyncio.TaskGroup() as station.tasks:
            station.spawn(work)
            raise RuntimeError

    async with living() as (_, station):
        with pytest.raises(ExceptionGroup):
            await ends_as_it_begins(station)  # >> work that is left behind in half would warn, which fails here
        station.tasks = None
        station.spawn(work)  # >> it has ended
    assert begun == []


async def test_while_pending_it_only_boots_and_obeys() -> None:
    async with living(statuses={"boot": "Pending"}, speed=1.0) as (central, _):
        await central.hears("BootNotification")
        assert (await central.ask("GetConfiguration", {"key": ["HeartbeatInterval"]}))["configurationKey"]
        assert await central.ask("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Accepted"}
        await central.hears("BootNotification", after=1)
        central.statuses.clear()
        await central.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
        await central.hears("StatusNotification", connectorId=2)
        assert {action for action, _ in central.said[:3]} == {"BootNotification"}
        assert await central.ask("TriggerMessage", {"requestedMessage": "BootNotification"}) == {"status": "Rejected"}


@pytest.mark.parametrize("outlet", [SOCKET, CABLE, FAST], ids=["22 kW", "11 kW", "150 kW"])
async def test_drivers_come_and_charge_plausibly(outlet: Outlet) -> None:
    async with living(visits=20.0, speed=3000.0, outlets=(outlet,)) as (central, station):
        stop = await central.hears("StopTransaction")
        await central.hears("StatusNotification", after=10, status="Available")
    start = central.payloads("StartTransaction")[0]
    values = [
        payload["meterValue"][0]
        for payload in central.payloads("MeterValues")
        if payload.get("transactionId") == stop["transactionId"]
    ]
    registers = [start["meterStart"], *(energy_wh(value) for value in values), stop["meterStop"]]
    assert registers == sorted(registers)
    hours = (parse_instant(stop["timestamp"]) - parse_instant(start["timestamp"])) / 3.6e9
    assert 0 < stop["meterStop"] - start["meterStart"] <= outlet.power_w * hours * 1.01
    for context in ("Sample.Periodic", "Sample.Clock"):  # which of two that are due at once is said first is open
        times = [parse_instant(value["timestamp"]) for value in values if context_of(value) == context]
        assert times == sorted(times)
        assert times or context == "Sample.Clock"
    order = [payload["status"] for payload in central.payloads("StatusNotification") if payload["connectorId"] == 1]
    assert order.index("Preparing") < order.index("Charging") < order.index("Finishing") < len(order) - 1
    assert station.counts["failed"] == 0


def energy_wh(value: dict[str, Any]) -> int:
    return next(
        int(sample["value"])
        for sample in value["sampledValue"]
        if sample["measurand"] == "Energy.Active.Import.Register"
    )


def context_of(value: dict[str, Any]) -> str:
    return str(value["sampledValue"][0]["context"])


async def test_whoever_may_not_charge_goes_away() -> None:
    statuses = {"TAG1": "Blocked", "TAG2": "Expired"}
    async with living(visits=60.0, speed=2000.0, outlets=(SOCKET,), statuses=statuses) as (central, _):
        await central.hears("StatusNotification", connectorId=1, status="Preparing")
        await central.hears("Authorize")
        await central.hears("StatusNotification", after=5, status="Available")
        assert central.payloads("StartTransaction") == []


async def test_a_start_that_is_not_accepted_is_stopped_again() -> None:
    async with living() as (central, _):
        await booted(central)
        await central.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": "false"})
        central.statuses["TAG9"] = "ConcurrentTx"
        await central.ask("RemoteStartTransaction", {"idTag": "TAG9", "connectorId": 1})
        stop = await central.hears("StopTransaction", reason="DeAuthorized")
        assert stop["transactionId"] == 1
        assert central.payloads("Authorize") == []


async def test_remote_start_and_remote_stop() -> None:
    async with living() as (central, _):
        await booted(central)
        transaction_id = await charging(central)
        assert [action for action, _ in central.said if action != "StatusNotification"][1:3] == [
            "Authorize",
            "StartTransaction",
        ]
        assert await central.ask("RemoteStartTransaction", {"idTag": "X", "connectorId": 1}) == {"status": "Rejected"}
        assert await central.ask("RemoteStopTransaction", {"transactionId": 99}) == {"status": "Rejected"}
        assert await central.ask("RemoteStopTransaction", {"transactionId": transaction_id}) == {"status": "Accepted"}
        stop = await central.hears("StopTransaction", transactionId=transaction_id, reason="Remote")
        assert [value["sampledValue"][0]["context"] for value in stop["transactionData"]] == [
            "Transaction.Begin",
            "Transaction.End",
        ]
        await central.hears("StatusNotification", connectorId=1, status="Finishing")


@pytest.mark.parametrize(("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")])
async def test_a_reset_stops_everything_and_comes_back(kind: str, reason: str) -> None:
    async with living() as (central, _):
        await booted(central)
        await charging(central)
        assert await central.ask("Reset", {"type": kind}) == {"status": "Accepted"}
        await central.hears("StopTransaction", reason=reason)
        await central.hears("BootNotification", after=1)
        assert central.connections == 2


async def test_availability_changes_now_or_after_the_transaction() -> None:
    async with living() as (central, _):
        await booted(central)
        transaction_id = await charging(central)
        inoperative = {"connectorId": 0, "type": "Inoperative"}
        assert await central.ask("ChangeAvailability", inoperative) == {"status": "Scheduled"}
        await central.hears("StatusNotification", connectorId=0, status="Unavailable")
        await central.hears("StatusNotification", connectorId=2, status="Unavailable")
        await central.ask("RemoteStopTransaction", {"transactionId": transaction_id})
        await central.hears("StatusNotification", connectorId=1, status="Unavailable")
        assert await central.ask("RemoteStartTransaction", {"idTag": "X", "connectorId": 2}) == {"status": "Rejected"}
        heard = len(central.said)
        assert await central.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"}) == {
            "status": "Accepted"
        }
        await central.hears("StatusNotification", after=heard, connectorId=2, status="Available")
        assert await central.ask("ChangeAvailability", {"connectorId": 9, "type": "Operative"}) == {
            "status": "Rejected"
        }


async def test_configuration_is_read_and_changed() -> None:
    async with living() as (central, _):
        await booted(central)
        everything = await central.ask("GetConfiguration", {})
        names = {entry["key"] for entry in everything["configurationKey"]}
        assert {"HeartbeatInterval", "SupportedFeatureProfiles", "ChargeProfileMaxStackLevel"} <= names
        assert "AuthorizationKey" not in names
        some = await central.ask("GetConfiguration", {"key": ["numberofconnectors", "Nonsense"]})
        assert some == {
            "configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}],
            "unknownKey": ["Nonsense"],
        }
        for key, value, status in (
            ("MeterValueSampleInterval", "30", "Accepted"),
            ("MeterValueSampleInterval", "-1", "Rejected"),
            ("MeterValuesSampledData", "Voltage.L1,Energy.Active.Import.Register", "Accepted"),
            ("MeterValuesSampledData", "Voltage.L1,Weather", "Rejected"),
            ("StopTxnSampledData", "", "Accepted"),
            ("NumberOfConnectors", "7", "Rejected"),
            ("WebSocketPingInterval", "0", "RebootRequired"),
            ("Nonsense", "1", "NotSupported"),
        ):
            assert await central.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}, key


async def test_a_new_password_is_used_at_once() -> None:
    async with living() as (central, _):
        await booted(central)
        key = "00112233445566778899AABBCCDDEEFF"
        answer = await central.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": key})
        assert answer == {"status": "Accepted"}
        await until(lambda: len(central.authorizations) == 2)
        assert central.authorizations[1] == "Basic " + base64.b64encode(b"CP7:" + bytes.fromhex(key)).decode()


async def test_the_lock() -> None:
    async with living() as (central, _):
        await booted(central)
        assert await central.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
        assert await central.ask("UnlockConnector", {"connectorId": 2}) == {"status": "NotSupported"}, "a fixed cable"
        assert await central.ask("UnlockConnector", {"connectorId": 99}) == {"status": "NotSupported"}
        await charging(central)
        assert await central.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
        await central.hears("StopTransaction", reason="UnlockCommand")


async def test_a_profile_limits_the_power() -> None:
    async with living() as (central, station):
        await booted(central)
        transaction_id = await charging(central)
        await until(lambda: station.connectors[0].meter.situation.power_w >= 5000)
        profile = relative_profile(1, transaction_id, 6.0)
        request = {"connectorId": 1, "csChargingProfiles": profile}
        assert await central.ask("SetChargingProfile", request) == {"status": "Accepted"}
        await until(lambda: station.connectors[0].meter.situation.power_w <= 6 * 230 * 3)
        paused = {"connectorId": 1, "csChargingProfiles": relative_profile(2, transaction_id, 0.0)}
        assert await central.ask("SetChargingProfile", paused) == {"status": "Accepted"}
        await central.hears("StatusNotification", connectorId=1, status="SuspendedEVSE")
        schedule = await central.ask(
            "GetCompositeSchedule", {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}
        )
        assert schedule["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 0.0}]
        heard = len(central.said)
        assert await central.ask("ClearChargingProfile", {"id": 2}) == {"status": "Accepted"}
        assert await central.ask("ClearChargingProfile", {"id": 2}) == {"status": "Unknown"}
        await central.hears("StatusNotification", after=heard, connectorId=1, status="Charging")
        wrong_place = {"connectorId": 2, "csChargingProfiles": relative_profile(3, transaction_id, 6.0)}
        assert await central.ask("SetChargingProfile", wrong_place) == {"status": "Rejected"}


def relative_profile(number: int, transaction_id: int, limit: float) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "transactionId": transaction_id,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    }


async def test_reservations_are_kept_used_cancelled_and_end() -> None:
    async with living() as (central, station):
        await booted(central)

        def reserve(number: int, connector: int, minutes: float, id_tag: str = "TAG9") -> dict[str, Any]:
            expiry = format_instant(station.clock.now() + round(minutes * 60_000_000))
            return {"connectorId": connector, "expiryDate": expiry, "idTag": id_tag, "reservationId": number}

        assert await central.ask("ReserveNow", reserve(1, 1, 600)) == {"status": "Accepted"}
        await central.hears("StatusNotification", connectorId=1, status="Reserved")
        assert await central.ask("ReserveNow", reserve(2, 1, 600)) == {"status": "Occupied"}
        assert await central.ask("RemoteStartTransaction", {"idTag": "X", "connectorId": 1}) == {"status": "Rejected"}
        await charging(central, 1, "TAG9")
        assert central.payloads("StartTransaction")[0]["reservationId"] == 1
        assert await central.ask("CancelReservation", {"reservationId": 1}) == {"status": "Rejected"}
        assert await central.ask("ReserveNow", reserve(3, 2, 600)) == {"status": "Accepted"}
        heard = len(central.said)
        assert await central.ask("CancelReservation", {"reservationId": 3}) == {"status": "Accepted"}
        await central.hears("StatusNotification", after=heard, connectorId=2, status="Available")
        heard = len(central.said)
        assert await central.ask("ReserveNow", reserve(4, 2, 1)) == {"status": "Accepted"}
        await central.hears("StatusNotification", after=heard, connectorId=2, status="Available")
        await central.ask("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"})
        assert await central.ask("ReserveNow", reserve(5, 2, 600)) == {"status": "Unavailable"}
        assert await central.ask("ReserveNow", reserve(6, 0, 600)) == {"status": "Occupied"}


async def test_the_local_list_has_a_version() -> None:
    async with living() as (central, station):
        await booted(central)
        assert await central.ask("GetLocalListVersion", {}) == {"listVersion": 0}
        entry = {"idTag": "TAG9", "idTagInfo": {"status": "Blocked", "parentIdTag": "GROUP"}}
        full = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": [entry]}
        assert await central.ask("SendLocalList", full) == {"status": "Accepted"}
        old = {"listVersion": 3, "updateType": "Differential", "localAuthorizationList": []}
        assert await central.ask("SendLocalList", old) == {"status": "VersionMismatch"}
        less = {"listVersion": 4, "updateType": "Differential", "localAuthorizationList": [{"idTag": "tag9"}]}
        assert await central.ask("SendLocalList", less) == {"status": "Accepted"}
        assert station.local_list.entries == {}
        assert await central.ask("GetLocalListVersion", {}) == {"listVersion": 4}
        await central.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "false"})
        assert await central.ask("GetLocalListVersion", {}) == {"listVersion": -1}
        assert await central.ask("SendLocalList", full) == {"status": "NotSupported"}


@pytest.mark.parametrize(
    ("requested", "action"),
    [
        ("Heartbeat", "Heartbeat"),
        ("MeterValues", "MeterValues"),
        ("StatusNotification", "StatusNotification"),
        ("FirmwareStatusNotification", "FirmwareStatusNotification"),
        ("DiagnosticsStatusNotification", "DiagnosticsStatusNotification"),
    ],
)
async def test_it_sends_what_is_triggered(requested: str, action: str) -> None:
    async with living(speed=1.0) as (central, _):
        await booted(central)
        heard = len(central.said)
        assert await central.ask("TriggerMessage", {"requestedMessage": requested}) == {"status": "Accepted"}
        payload = await central.hears(action, after=heard)
        if requested == "MeterValues":
            assert payload["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"
        if requested.endswith("StatusNotification") and requested != "StatusNotification":
            assert payload == {"status": "Idle"}


async def test_what_it_cannot_do_it_says() -> None:
    async with living() as (central, _):
        await booted(central)
        assert (
            await central.refused(
                "InstallCertificate", {"certificateType": "ManufacturerRootCertificate", "certificate": "x"}
            )
            == "NotSupported"
        )
        assert await central.ask("DataTransfer", {"vendorId": "com.example"}) == {"status": "UnknownVendorId"}
        assert await central.ask("ClearCache", {}) == {"status": "Accepted"}
        trigger = {"requestedMessage": "SignChargePointCertificate"}
        assert await central.ask("ExtendedTriggerMessage", trigger) == {"status": "NotImplemented"}


async def test_transaction_messages_wait_for_the_connection_in_order() -> None:
    async with living(speed=300.0) as (central, station):
        await booted(central)
        await charging(central)
        await central.hears("MeterValues")
        central.open = False
        heard = len(central.said)
        await central.drop()
        station.connectors[0].end(Stop("Local", "TAG9"))
        await until(lambda: station.connectors[0].transaction is None)
        central.open = True
        last = await central.hears("StopTransaction")
        assert last["reason"] == "Local"
        texts = [payload["meterValue"][0]["timestamp"] for payload in central.payloads("MeterValues")]
        assert texts == sorted(texts)
        assert [action for action, _ in central.said[heard:]].count("StopTransaction") == 1
        assert len(central.payloads("BootNotification")) == 1, "a mere reconnection is no boot"


async def test_the_same_seed_makes_the_same_station() -> None:
    def draws(seed: int) -> list[Traits]:
        return [draw_traits(random.Random(seed)) for _ in range(5)]

    assert draws(1) == draws(1)
    assert {traits.vendor for seed in range(40) for traits in draws(seed)} == {"Lindgren", "Ostrava Power", "Meridian"}
