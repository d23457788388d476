"""What every message of OCPP 1.6 means: two tables on one screen.

CALLS: the station asks, a handler answers. COMMANDS: we ask, a `Command` says what stops it, what is
warned about, and what its answer means. `Actions16` ties both to the services; the gateway calls it.
"""

from collections.abc import Awaitable, Mapping
from typing import Final

from stationmaster.actions.contract import Answer, StationConnection
from stationmaster.actions.v16 import (
    aftermath,
    authorization,
    availability,
    certificates,
    configuration,
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
from stationmaster.actions.v16.command import Command
from stationmaster.actions.v16.context import ActionContext, Handler, Situation
from stationmaster.actions.v16.link import Catalogue16, Link16
from stationmaster.bus.messages_v1 import CommandReply, CommandRequest, decode, encode
from stationmaster.ocpp.errors import ErrorCode, OcppError
from stationmaster.ocpp.v16 import V16
from stationmaster.services.bundle import Services
from stationmaster.session.events import CallAnsweredLate, CallReceived

__all__ = ["CALLS", "CATALOGUE", "COMMANDS", "Actions16"]

CALLS: Final[Mapping[str, Handler]] = {
    "Authorize": authorization.authorize,
    "BootNotification": provisioning.boot_notification,
    "DataTransfer": data_transfer.data_transfer,
    "DiagnosticsStatusNotification": diagnostics.diagnostics_status_notification,
    "FirmwareStatusNotification": firmware.firmware_status_notification,
    "Heartbeat": provisioning.heartbeat,
    "LogStatusNotification": diagnostics.log_status_notification,
    "MeterValues": metering.meter_values,
    "SecurityEventNotification": security.security_event_notification,
    "SignCertificate": certificates.sign_certificate,
    "SignedFirmwareStatusNotification": firmware.signed_firmware_status_notification,
    "StartTransaction": transactions.start_transaction,
    "StatusNotification": availability.status_notification,
    "StopTransaction": transactions.stop_transaction,
}

COMMANDS: Final[Mapping[str, Command]] = {
    "CancelReservation": reservations.CANCEL_RESERVATION,
    "CertificateSigned": certificates.CERTIFICATE_SIGNED,
    "ChangeAvailability": availability.CHANGE_AVAILABILITY,
    "ChangeConfiguration": configuration.CHANGE_CONFIGURATION,
    "ClearCache": authorization.CLEAR_CACHE,
    "ClearChargingProfile": smart_charging.CLEAR_CHARGING_PROFILE,
    "DataTransfer": data_transfer.DATA_TRANSFER,
    "DeleteCertificate": certificates.DELETE_CERTIFICATE,
    "ExtendedTriggerMessage": remote_control.EXTENDED_TRIGGER_MESSAGE,
    "GetCompositeSchedule": smart_charging.GET_COMPOSITE_SCHEDULE,
    "GetConfiguration": configuration.GET_CONFIGURATION,
    "GetDiagnostics": diagnostics.GET_DIAGNOSTICS,
    "GetInstalledCertificateIds": certificates.GET_INSTALLED_CERTIFICATE_IDS,
    "GetLocalListVersion": local_lists.GET_LOCAL_LIST_VERSION,
    "GetLog": diagnostics.GET_LOG,
    "InstallCertificate": certificates.INSTALL_CERTIFICATE,
    "RemoteStartTransaction": remote_control.REMOTE_START_TRANSACTION,
    "RemoteStopTransaction": remote_control.REMOTE_STOP_TRANSACTION,
    "ReserveNow": reservations.RESERVE_NOW,
    "Reset": provisioning.RESET,
    "SendLocalList": local_lists.SEND_LOCAL_LIST,
    "SetChargingProfile": smart_charging.SET_CHARGING_PROFILE,
    "SignedUpdateFirmware": firmware.SIGNED_UPDATE_FIRMWARE,
    "TriggerMessage": remote_control.TRIGGER_MESSAGE,
    "UnlockConnector": remote_control.UNLOCK_CONNECTOR,
    "UpdateFirmware": firmware.UPDATE_FIRMWARE,
}

CATALOGUE: Final = Catalogue16(V16, COMMANDS)
"""What can be asked of a 1.6 station, for `Services(catalogues={"ocpp1.6": CATALOGUE})`."""


class Actions16:
    """OCPP 1.6 on top of the services of a node. `fraction_digits` is how exactly we write times (§2.2)."""

    def __init__(self, services: Services, *, fraction_digits: int = 3) -> None:
        self._context = ActionContext(services, fraction_digits=fraction_digits)
        self._services = services

    def dispatch(self, connection: StationConnection, call: CallReceived) -> Awaitable[Answer]:
        """Answer a CALL. An `OcppError` is for the station; any other exception is a failure of ours."""
        handler = CALLS.get(call.action)
        if handler is None:
            raise OcppError(ErrorCode.NOT_SUPPORTED, f"{call.action} is not supported")
        context = self._context
        return handler(Situation(context, connection, context.station_of(connection), call))

    async def run_command(self, connection: StationConnection, request: CommandRequest) -> CommandReply:
        """Carry out a command to a station whose socket this node holds; see `services.commands`."""
        return await self._services.commands.run(request, Link16(self._context, connection, CATALOGUE))

    async def handle_command(self, connection: StationConnection, message: bytes) -> bytes:
        """The same for a message of the bus; raises `msgspec.MsgspecError` when it holds no command."""
        return encode(await self.run_command(connection, decode(message, CommandRequest)))

    async def answered_late(self, connection: StationConnection, late: CallAnsweredLate) -> None:
        """A command that had timed out was answered after all."""
        await aftermath.answered_late(self._context, connection, late)
