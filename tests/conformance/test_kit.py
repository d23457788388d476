"""The kit itself: a node passes every case, and for each case a system that is wrong in one thing fails it.

A case that cannot fail is a defect of the kit, so the table below has a row for every case.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from websockets.headers import build_authorization_basic

from stationmaster.conformance.cases import CASES
from stationmaster.conformance.drivers import Driver
from stationmaster.conformance.kit import REGISTER
from stationmaster.conformance.lab import LabSettings
from stationmaster.conformance.rest_driver import ButtonFailed, RestDriver
from stationmaster.conformance.runner import Verdict, run_cases
from tests.conformance.proxy import Answer, Lenient, Mutation, Other, Refusal, Surprise, Wish, drop, put, wrong_system
from tests.walks.running import NodeProcess

PATIENCE_S = 3.0
status = ("idTagInfo", "status")

MUTATIONS: dict[str, Mutation] = {
    "TC_001": Answer("BootNotification", put("interval", value=0)),
    "TC_003": Answer("StartTransaction", put(*status, value="Invalid")),
    "TC_004_1": Answer("Authorize", put(*status, value="Invalid")),
    "TC_004_2": Refusal("StatusNotification"),
    "TC_005_1": Refusal("StopTransaction"),
    "TC_007": Answer("StartTransaction", put(*status, value="ConcurrentTx")),
    "TC_023_1": Answer("Authorize", put(*status, value="Accepted")),
    "TC_023_2": Answer("Authorize", put(*status, value="Invalid")),
    "TC_023_3": Answer("Authorize", put(*status, value="Invalid")),
    "TC_024": Refusal("StatusNotification"),
    "TC_032_1": Refusal("StopTransaction"),
    "TC_037_1": Answer("StartTransaction", put(*status, value="Invalid")),
    "TC_037_3": Answer("StartTransaction", put(*status, value="Accepted")),
    "TC_039": Answer("StartTransaction", put("transactionId", value=0)),
    "TC_064": Answer("DataTransfer", put("status", value="Accepted")),
    "TC_010": Wish("RemoteStartTransaction", put("idTag", value="SOMEBODY-ELSE")),
    "TC_011_1": Wish("RemoteStartTransaction", drop("idTag")),
    "TC_011_2": Answer("Authorize", put(*status, value="Invalid")),
    "TC_012": Wish("RemoteStopTransaction", put("transactionId", value=1)),
    "TC_026": Surprise("RemoteStartTransaction"),
    "TC_028": Surprise("RemoteStopTransaction"),
    "TC_013": Wish("Reset", put("type", value="Soft")),
    "TC_014": Wish("Reset", put("type", value="Hard")),
    "TC_017_1": Wish("UnlockConnector", put("connectorId", value="1")),
    "TC_017_2": Wish("UnlockConnector", put("connectorId", value=0)),
    "TC_018_1": Refusal("StopTransaction"),
    "TC_030": Surprise("UnlockConnector"),
    "TC_031": Other("UnlockConnector", "ClearCache"),
    "TC_061": Wish("ClearCache", put("everything", value=True)),
    "TC_019_1": Wish("GetConfiguration", put("key", value=["HeartbeatInterval"])),
    "TC_019_2": Wish("GetConfiguration", drop("key")),
    "TC_021": Wish("ChangeConfiguration", put("value", value=60)),
    "TC_040_1": Wish("ChangeConfiguration", put("value", value=None)),
    "TC_040_2": Wish("ChangeConfiguration", put("key", value="HeartbeatInterval")),
    "TC_042_1": Other("GetLocalListVersion", "ClearCache"),
    "TC_042_2": Wish("GetLocalListVersion", put("listVersion", value=1)),
    "TC_043_1": Wish("SendLocalList", put("updateType", value="Differential")),
    "TC_043_3": Wish("SendLocalList", put("listVersion", value=0)),
    "TC_043_4": Wish("SendLocalList", drop("localAuthorizationList", "0", "idTagInfo")),
    "TC_043_5": Wish(
        "SendLocalList",
        lambda sent: sent["localAuthorizationList"].append({"idTag": "MORE", "idTagInfo": {"status": "Accepted"}}),
    ),
    "TC_044_1": Wish("UpdateFirmware", put("location", value="https://elsewhere.example.org/")),
    "TC_044_2": Refusal("FirmwareStatusNotification"),
    "TC_044_3": Wish("UpdateFirmware", drop("retrieveDate")),
    "TC_045_1": Wish("GetDiagnostics", drop("location")),
    "TC_045_2": Refusal("DiagnosticsStatusNotification"),
    "TC_046": Wish("ReserveNow", put("connectorId", value=2)),
    "TC_047": Wish("ReserveNow", put("expiryDate", value="2020-01-01T00:00:00.000Z")),
    "TC_048_1": Wish("ReserveNow", put("idTag", value="SOMEBODY-ELSE")),
    "TC_048_2": Other("ReserveNow", "ClearCache"),
    "TC_048_3": Wish("ChangeAvailability", put("type", value="Operative")),
    "TC_048_4": Wish("ReserveNow", drop("reservationId")),
    "TC_049": Wish("ReserveNow", put("connectorId", value=1)),
    "TC_051": Wish("CancelReservation", put("reservationId", value=0)),
    "TC_052": Wish("CancelReservation", put("reservationId", value=0)),
    "TC_053": Wish("ReserveNow", drop("parentIdTag")),
    "TC_054": Wish("TriggerMessage", lambda sent: sent.pop("connectorId", None)),
    "TC_055": Wish("TriggerMessage", put("requestedMessage", value="Heartbeat")),
    "TC_056": Wish("SetChargingProfile", drop("csChargingProfiles", "validTo")),
    "TC_057": Wish("SetChargingProfile", drop("csChargingProfiles", "transactionId")),
    "TC_059": Wish("RemoteStartTransaction", put("chargingProfile", "transactionId", value=1)),
    "TC_066": Wish("GetCompositeSchedule", drop("chargingRateUnit")),
    "TC_067": Wish("ClearChargingProfile", put("stackLevel", value=9)),
    "TC_073": Wish("ChangeConfiguration", put("value", value="not hexadecimal at all, not one bit")),
    "TC_075_1": Wish("InstallCertificate", put("certificateType", value="CentralSystemRootCertificate")),
    "TC_075_2": Wish("InstallCertificate", put("certificate", value="no certificate")),
    "TC_076": Wish("DeleteCertificate", put("certificateHashData", "hashAlgorithm", value="SHA512")),
    "TC_078": Refusal("SecurityEventNotification"),
    "TC_079": Wish("GetLog", put("logType", value="DiagnosticsLog")),
    "TC_080": Refusal("SignedFirmwareStatusNotification"),
    "TC_081": Wish("SignedUpdateFirmware", put("firmware", "signature", value="c2lnbmF0dXJl")),
    "TC_085": Lenient(),
    "TC_088": Lenient(),
}
"""What is wrong with the system that fails a case."""

OVER_TLS = {"TC_074", "TC_077", "TC_083", "TC_086", "TC_087"}
"""Cases whose channel nobody can stand in the middle of: `test_kit_tls.py` has their wrong systems."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node as people run it, for all cases of this file."""
    data = tmp_path_factory.mktemp("conformance")
    running = NodeProcess(data, f"sqlite:///{data / 'stationmaster.sqlite'}")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
async def driver(node: NodeProcess) -> AsyncIterator[Driver]:
    """Its buttons."""
    made = RestDriver(node.http_url, node.key)
    yield cast("Driver", made)
    await made.close()


def settings_at(url: str) -> LabSettings:
    return LabSettings(url=url, silent_identity="", wait_s=0.02, reservation_s=0.5, patience_s=PATIENCE_S)


async def verdict(number: str, url: str, driver: Driver) -> tuple[Verdict, str]:
    run = await run_cases([REGISTER[number]], settings_at(url), driver)
    return run.results[0].verdict, run.results[0].reason


def test_there_are_seventy_seven_and_each_can_fail() -> None:
    assert len(CASES) == 77
    assert set(MUTATIONS) | OVER_TLS == set(REGISTER)


@pytest.mark.parametrize("number", MUTATIONS)
async def test_the_right_system_passes_and_the_wrong_one_fails(node: NodeProcess, driver: Driver, number: str) -> None:
    if number not in {"TC_085", "TC_088"}:
        async with wrong_system(node.url.removesuffix("/ocpp"), Mutation()) as url:
            assert await verdict(number, f"{url}/ocpp", driver) == (Verdict.PASS, ""), "nothing is wrong yet"
    mutation = MUTATIONS[number]
    settings = settings_at("")
    if isinstance(mutation, Lenient):
        basic = build_authorization_basic(settings.identity, settings.password)
        mutation = Lenient({"Authorization": basic})
    async with wrong_system(node.url.removesuffix("/ocpp"), mutation) as url:
        run = await run_cases([REGISTER[number]], replace(settings, url=f"{url}/ocpp"), driver)
    assert run.results[0].verdict is Verdict.FAIL
    assert run.results[0].reason


class Vetoing:
    """An operator's page that knows better than the operator."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def press(self, station_id: str, action: str, payload: dict[str, Any]) -> None:
        raise ButtonFailed(f"{action} makes no sense now")


@pytest.mark.parametrize("number", ["TC_031", "TC_048_2", "TC_040_1"])
async def test_a_veto_fails_a_case_at_once(node: NodeProcess, driver: Driver, number: str) -> None:
    found, reason = await verdict(number, node.url, cast("Driver", Vetoing(driver)))
    assert (found, "makes no sense" in reason) == (Verdict.FAIL, True)


async def test_a_system_that_is_not_there_fails_every_case(driver: Driver) -> None:
    run = await run_cases([REGISTER["TC_001"], REGISTER["TC_003"]], settings_at("ws://127.0.0.1:9/ocpp"), driver)
    assert [result.verdict for result in run.results] == [Verdict.FAIL, Verdict.FAIL]
    assert not run.passed
