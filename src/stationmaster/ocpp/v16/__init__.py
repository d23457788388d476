"""OCPP 1.6: the whole table of actions on one screen. Source: handbook 3.0, 4.8.

The request and the response class of an action carry its name, so a row is the name, the file
and who sends it.
"""

from types import ModuleType
from typing import Final

from stationmaster.ocpp.protocol import Action, Protocol, Sender

from . import (
    authorization,
    availability,
    certificates,
    data_transfer,
    diagnostics,
    firmware,
    local_lists,
    metering,
    provisioning,
    remote_control,
    reservations,
    security,
    smart_charging,
    transactions,
)

__all__ = ["V16"]

_TRANSACTION_RELATED: Final = ("StartTransaction", "StopTransaction", "MeterValues")
_BOTH, _CSMS, _STATION = Sender.BOTH, Sender.CSMS, Sender.STATION
_TABLE: Final[tuple[tuple[str, ModuleType, Sender], ...]] = (
    # Core
    ("Authorize", authorization, _STATION),
    ("BootNotification", provisioning, _STATION),
    ("Heartbeat", provisioning, _STATION),
    ("MeterValues", metering, _STATION),
    ("StartTransaction", transactions, _STATION),
    ("StatusNotification", availability, _STATION),
    ("StopTransaction", transactions, _STATION),
    ("DataTransfer", data_transfer, _BOTH),
    # Firmware management
    ("DiagnosticsStatusNotification", diagnostics, _STATION),
    ("FirmwareStatusNotification", firmware, _STATION),
    # Core, to the station
    ("ChangeAvailability", availability, _CSMS),
    ("ChangeConfiguration", provisioning, _CSMS),
    ("ClearCache", authorization, _CSMS),
    ("GetConfiguration", provisioning, _CSMS),
    ("RemoteStartTransaction", remote_control, _CSMS),
    ("RemoteStopTransaction", remote_control, _CSMS),
    ("Reset", provisioning, _CSMS),
    ("UnlockConnector", remote_control, _CSMS),
    # Firmware management, to the station
    ("GetDiagnostics", diagnostics, _CSMS),
    ("UpdateFirmware", firmware, _CSMS),
    # Local authorization list management
    ("GetLocalListVersion", local_lists, _CSMS),
    ("SendLocalList", local_lists, _CSMS),
    # Reservation
    ("CancelReservation", reservations, _CSMS),
    ("ReserveNow", reservations, _CSMS),
    # Smart charging
    ("ClearChargingProfile", smart_charging, _CSMS),
    ("GetCompositeSchedule", smart_charging, _CSMS),
    ("SetChargingProfile", smart_charging, _CSMS),
    # Remote trigger
    ("TriggerMessage", remote_control, _CSMS),
    # Security extension
    ("LogStatusNotification", diagnostics, _STATION),
    ("SecurityEventNotification", security, _STATION),
    ("SignCertificate", certificates, _STATION),
    ("SignedFirmwareStatusNotification", firmware, _STATION),
    ("CertificateSigned", certificates, _CSMS),
    ("DeleteCertificate", certificates, _CSMS),
    ("ExtendedTriggerMessage", remote_control, _CSMS),
    ("GetInstalledCertificateIds", certificates, _CSMS),
    ("GetLog", diagnostics, _CSMS),
    ("InstallCertificate", certificates, _CSMS),
    ("SignedUpdateFirmware", firmware, _CSMS),
)


def _action(name: str, module: ModuleType, sender: Sender) -> Action:
    return Action(
        name=name,
        request=getattr(module, f"{name}Request"),
        response=getattr(module, f"{name}Response"),
        sender=sender,
        block=module.__name__.rpartition(".")[2],
        transaction_related=name in _TRANSACTION_RELATED,
    )


V16: Final = Protocol("ocpp1.6", (_action(*row) for row in _TABLE))
"""OCPP 1.6-J with the security extension: 39 actions."""
