"""RemoteStartTransaction, RemoteStopTransaction, UnlockConnector, TriggerMessage and its extension.

Source: handbook 3.3.10, 3.3.11, 3.3.16, 3.3.17, 4.8.
"""

from typing import Literal

from stationmaster.ocpp.fields import Connector, IdToken, Integer, Maybe, Message

from .smart_charging import ChargingProfile

RemoteStartStopStatus = Literal["Accepted", "Rejected"]
UnlockStatus = Literal["Unlocked", "UnlockFailed", "NotSupported"]
MessageTrigger = Literal[
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
]
ExtendedMessageTrigger = Literal[
    "BootNotification",
    "LogStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "SignChargePointCertificate",
    "StatusNotification",
]
TriggerMessageStatus = Literal["Accepted", "Rejected", "NotImplemented"]


class RemoteStartTransactionRequest(Message, frozen=True, kw_only=True):
    """Try to start; without a connector the station chooses."""

    id_tag: IdToken
    connector_id: Maybe[Connector] = None
    charging_profile: Maybe[ChargingProfile] = None


class RemoteStartTransactionResponse(Message, frozen=True, kw_only=True):
    """`Accepted` means that the station will try."""

    status: RemoteStartStopStatus


class RemoteStopTransactionRequest(Message, frozen=True, kw_only=True):
    """Stop a transaction; any integer may be asked for (§3.3.11)."""

    transaction_id: Integer


class RemoteStopTransactionResponse(Message, frozen=True, kw_only=True):
    """`Rejected` means that the transaction does not run there."""

    status: RemoteStartStopStatus


class UnlockConnectorRequest(Message, frozen=True, kw_only=True):
    """Release the cable lock."""

    connector_id: Connector


class UnlockConnectorResponse(Message, frozen=True, kw_only=True):
    """`NotSupported` also for an unknown connector."""

    status: UnlockStatus


class TriggerMessageRequest(Message, frozen=True, kw_only=True):
    """Ask for a message; leave the connector out rather than sending 0 (handbook 8, A-9)."""

    requested_message: MessageTrigger
    connector_id: Maybe[Connector] = None


class TriggerMessageResponse(Message, frozen=True, kw_only=True):
    """The answer comes first, the message afterwards."""

    status: TriggerMessageStatus


class ExtendedTriggerMessageRequest(Message, frozen=True, kw_only=True):
    """TriggerMessage of the security extension."""

    requested_message: ExtendedMessageTrigger
    connector_id: Maybe[Connector] = None


class ExtendedTriggerMessageResponse(Message, frozen=True, kw_only=True):
    """The answer comes first, the message afterwards."""

    status: TriggerMessageStatus
