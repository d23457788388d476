"""Remote start and stop, UnlockConnector, TriggerMessage (handbook §3.3.10, §3.3.11, §3.3.16, §3.3.17, §4.8).

The rule that shapes this file: an accepted remote start or stop is a promise. The job waits for the
StartTransaction or StopTransaction that keeps it, and never sends anything again.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec

from stationmaster.actions.v16.command import Asking, Command, Settled, warn_of_unknown_connector
from stationmaster.actions.v16.context import Situation
from stationmaster.actions.v16.profiles import profile_of
from stationmaster.domain.jobs import Awaits, Job, awaits, progress_of
from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.installed import install_at_start
from stationmaster.ocpp.v16 import V16
from stationmaster.ocpp.v16.remote_control import (
    RemoteStartTransactionRequest,
    RemoteStartTransactionResponse,
    RemoteStopTransactionRequest,
    RemoteStopTransactionResponse,
)

__all__ = [
    "EXTENDED_TRIGGER_MESSAGE",
    "REMOTE_START_TRANSACTION",
    "REMOTE_STOP_TRANSACTION",
    "TRIGGER_MESSAGE",
    "UNLOCK_CONNECTOR",
    "profile_came_along",
]

_BUSY: Final = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})
_UNFIT: Final = frozenset({"Unavailable", "Faulted"})
_LONGEST_CONNECTION_TIMEOUT_S: Final = 24 * 3600
_members: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


# RemoteStartTransaction


def _block_profile(_asking: Asking, message: RemoteStartTransactionRequest) -> str | None:
    profile = message.charging_profile
    if profile is None:
        return None
    if profile.charging_profile_purpose != "TxProfile":
        return "a profile in a remote start has the purpose TxProfile (erratum 3.41)"
    if profile.transaction_id is not None:
        return "a profile in a remote start names no transaction, for there is none yet (erratum 3.41)"
    return None


async def _warn_of_busy_connector(asking: Asking, message: RemoteStartTransactionRequest) -> str | None:
    if message.connector_id is None:
        return None
    for connector in await asking.connectors():
        if connector.evse_id == message.connector_id and connector.status in _BUSY | _UNFIT:
            return f"Connector {message.connector_id} is {connector.status}."
    return None


async def _warn_of_no_smart_charging(asking: Asking, message: RemoteStartTransactionRequest) -> str | None:
    if message.charging_profile is None:
        return None
    profiles = await asking.value_of("SupportedFeatureProfiles")
    if profiles is None or "smartcharging" in profiles.lower():
        return None
    return "The station does not support smart charging and will ignore the profile."


async def _awaited_start(asking: Asking, message: RemoteStartTransactionRequest) -> Awaits:
    """Asked before it is sent, which reads the keys: after the answer there is no time for that."""
    connection_timeout_s = await asking.number_of("ConnectionTimeOut")
    if connection_timeout_s is None or not 0 < connection_timeout_s <= _LONGEST_CONNECTION_TIMEOUT_S:
        connection_timeout_s = asking.settings.connection_timeout_s
    until = asking.in_s(connection_timeout_s + asking.settings.remote_start_extra_s)
    what = {"id_tag": message.id_tag, "evse_id": message.connector_id, "local_time_zone": asking.local_time_zone}
    return awaits("transaction_start", until, **what)


async def _start_agreed(
    asking: Asking, message: RemoteStartTransactionRequest, response: RemoteStartTransactionResponse
) -> Settled:
    return Settled(awaits=await _awaited_start(asking, message) if response.status == "Accepted" else None)


async def profile_came_along(situation: Situation, job: Job, ocpp_id: str, connector_id: int) -> None:
    """The transaction of a remote start began: a profile that travelled with it belongs to it now (erratum 3.42)."""
    message = V16.check_outgoing(job.action, _members.decode(job.payload))
    if not isinstance(message, RemoteStartTransactionRequest) or message.charging_profile is None:
        return
    services, station = situation.context.services, situation.station
    capabilities = await services.smart_charging.capabilities_of(station.station_id)
    location = Location.of_connector_number(station.station_id, connector_id)
    profile, now = profile_of(message.charging_profile), situation.call.received_at
    awaited = progress_of(job).awaits
    await services.smart_charging.change(
        station.organisation_id,
        station.station_id,
        "transaction_started",
        lambda mirror: install_at_start(
            mirror,
            location,
            profile,
            ocpp_id,
            now,
            smart_charging=capabilities.smart_charging,
            local_time_zone=None if awaited is None else awaited.local_time_zone,
        ),
    )


REMOTE_START_TRANSACTION = Command(
    blocks=(_block_profile,),
    warnings=(warn_of_unknown_connector, _warn_of_busy_connector, _warn_of_no_smart_charging),
    foresee=_awaited_start,
    settle=_start_agreed,
)


# RemoteStopTransaction


async def _warn_of_unknown_transaction(asking: Asking, message: RemoteStopTransactionRequest) -> str | None:
    stored = await asking.storage.transactions.by_ocpp_id(asking.station_id, str(message.transaction_id))
    if stored is None:
        return f"The station never told of a transaction {message.transaction_id}."
    return None if stored.state == "open" else f"Transaction {message.transaction_id} is {stored.state}."


async def _awaited_stop(asking: Asking, message: RemoteStopTransactionRequest) -> Awaits:
    until = asking.in_s(asking.settings.remote_stop_wait_s)
    return awaits("transaction_end", until, ocpp_id=str(message.transaction_id))


async def _stop_agreed(
    asking: Asking, message: RemoteStopTransactionRequest, response: RemoteStopTransactionResponse
) -> Settled:
    return Settled(awaits=await _awaited_stop(asking, message) if response.status == "Accepted" else None)


REMOTE_STOP_TRANSACTION = Command(warnings=(_warn_of_unknown_transaction,), foresee=_awaited_stop, settle=_stop_agreed)

UNLOCK_CONNECTOR = Command(warnings=(warn_of_unknown_connector,))

# The gate blocks a trigger of BootNotification after Accepted, and opens permits for what is triggered (§1.13).
TRIGGER_MESSAGE = Command(warnings=(warn_of_unknown_connector,))
EXTENDED_TRIGGER_MESSAGE = Command(warnings=(warn_of_unknown_connector,))
