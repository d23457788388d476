"""Every command of OCPP 1.6 and how a simulated station obeys it: one table.

What is not in it (certificates, signed firmware) is answered with NotSupported, as by a station without the
security extension's certificate management.
"""

from stationmaster.conformance.life import obey_core, obey_plans, obey_transfers, obey_triggers
from stationmaster.conformance.life.answers import Handler

__all__ = ["COMMANDS"]

COMMANDS: dict[str, Handler] = {
    "CancelReservation": obey_plans.cancel_reservation,
    "ChangeAvailability": obey_core.change_availability,
    "ChangeConfiguration": obey_core.change_configuration,
    "ClearCache": obey_core.clear_cache,
    "ClearChargingProfile": obey_plans.clear_charging_profile,
    "DataTransfer": obey_core.data_transfer,
    "ExtendedTriggerMessage": obey_triggers.trigger_message,
    "GetCompositeSchedule": obey_plans.get_composite_schedule,
    "GetConfiguration": obey_core.get_configuration,
    "GetDiagnostics": obey_transfers.get_diagnostics,
    "GetLocalListVersion": obey_plans.get_local_list_version,
    "GetLog": obey_transfers.get_log,
    "RemoteStartTransaction": obey_core.remote_start,
    "RemoteStopTransaction": obey_core.remote_stop,
    "ReserveNow": obey_plans.reserve_now,
    "Reset": obey_core.reset,
    "SendLocalList": obey_plans.send_local_list,
    "SetChargingProfile": obey_plans.set_charging_profile,
    "TriggerMessage": obey_triggers.trigger_message,
    "UnlockConnector": obey_core.unlock_connector,
    "UpdateFirmware": obey_transfers.update_firmware,
}
