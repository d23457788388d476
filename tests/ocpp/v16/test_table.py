"""The table of OCPP 1.6 itself (handbook 3.0, 4.8)."""

import pytest

from stationmaster.ocpp.protocol import Sender
from stationmaster.ocpp.v16 import V16, metering, transactions
from tests.ocpp.messages import wire_names

FROM_STATION = {
    "Authorize",
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
}


def test_there_are_28_actions_and_11_of_the_security_extension() -> None:
    assert V16.name == "ocpp1.6"
    assert len(V16.actions) == 28 + 11


def test_who_sends_what() -> None:
    senders = {name: row.sender for name, row in V16.actions.items()}

    assert {name for name, sender in senders.items() if sender is Sender.STATION} == FROM_STATION
    assert [name for name, sender in senders.items() if sender is Sender.BOTH] == ["DataTransfer"]


def test_an_action_stands_in_the_file_of_its_block() -> None:
    for row in V16.actions.values():
        for message in (row.request, row.response):
            assert message.__module__ == f"stationmaster.ocpp.v16.{row.block}"
        assert row.request.__name__ == f"{row.name}Request"
        assert row.response.__name__ == f"{row.name}Response"


def test_three_messages_are_transaction_related() -> None:
    related = {name for name, row in V16.actions.items() if row.transaction_related}

    assert related == {"StartTransaction", "StopTransaction", "MeterValues"}


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        V16.actions["Reset"] = V16.actions["Heartbeat"]  # type: ignore[index]  # that it cannot be done is the point


@pytest.mark.parametrize(
    ("action", "members"),
    [
        ("StartTransaction", ["connectorId", "idTag", "meterStart", "timestamp", "reservationId"]),
        ("StopTransaction", ["transactionId", "meterStop", "timestamp", "idTag", "reason", "transactionData"]),
        ("MeterValues", ["connectorId", "transactionId", "meterValue"]),
        (
            "StatusNotification",
            ["connectorId", "errorCode", "status", "info", "timestamp", "vendorId", "vendorErrorCode"],
        ),
        ("ReserveNow", ["connectorId", "expiryDate", "idTag", "parentIdTag", "reservationId"]),
        ("GetLog", ["logType", "requestId", "retries", "retryInterval", "log"]),
        ("SignedUpdateFirmware", ["requestId", "retries", "retryInterval", "firmware"]),
    ],
)
def test_members_stand_in_the_order_of_the_handbook(action: str, members: list[str]) -> None:
    assert wire_names(V16.actions[action].request) == members


def test_the_open_enumerations_can_be_asked_for() -> None:
    assert len(metering.MEASURANDS) == 22
    assert len(transactions.REASONS) == 11
