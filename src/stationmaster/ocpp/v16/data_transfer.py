"""DataTransfer, the vendors' own messages, in both directions. Source: handbook 3.2.3."""

from typing import Literal

from stationmaster.ocpp.fields import CiString50, CiString255, Maybe, Message

DataTransferStatus = Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]


class DataTransferRequest(Message, frozen=True, kw_only=True):
    """`data` is free text of any length, often JSON inside."""

    vendor_id: CiString255
    message_id: Maybe[CiString50] = None
    data: Maybe[str] = None


class DataTransferResponse(Message, frozen=True, kw_only=True):
    """The vendor's answer."""

    status: DataTransferStatus
    data: Maybe[str] = None
