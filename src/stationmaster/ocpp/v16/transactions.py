"""StartTransaction and StopTransaction.

Both are confirmed whatever they hold, so a mandatory field that cannot be read is `None`; only
the connector and the transaction id must be readable. Source: handbook 1.9, 3.2.8, 3.2.10.
"""

from typing import TYPE_CHECKING, Final

from stationmaster.ocpp.fields import (
    Connector,
    Identifier,
    IdToken,
    Integer,
    Maybe,
    Mended,
    Message,
    Timestamp,
    one_of,
)

from .authorization import IdTagInfo
from .metering import StoppedMeterValue

REASONS: Final = (
    "DeAuthorized",
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
)

if TYPE_CHECKING:
    Reason = str
else:
    Reason = one_of(REASONS, unknown="keep")


class StartTransactionRequest(Message, frozen=True, kw_only=True):
    """A transaction has begun; `meter_start` in Wh."""

    connector_id: Connector
    id_tag: Mended[IdToken]
    meter_start: Mended[Integer]
    timestamp: Mended[Timestamp]
    reservation_id: Maybe[Integer] = None


class StartTransactionResponse(Message, frozen=True, kw_only=True):
    """The status of the token and the id of the transaction, which is always assigned."""

    id_tag_info: IdTagInfo
    transaction_id: Identifier


class StopTransactionRequest(Message, frozen=True, kw_only=True):
    """A transaction is over; `meter_stop` in Wh.

    An absent reason means `Local`; one that is not in `REASONS` is kept as it is and counts as
    `Other`. Source: handbook 1.9, 3.2.10.
    """

    transaction_id: Integer
    meter_stop: Mended[Integer]
    timestamp: Mended[Timestamp]
    id_tag: Maybe[IdToken] = None
    reason: Maybe[Reason] = None
    transaction_data: Maybe[tuple[StoppedMeterValue, ...]] = None


class StopTransactionResponse(Message, frozen=True, kw_only=True):
    """The status of the stopping token; left out if the request named none."""

    id_tag_info: Maybe[IdTagInfo] = None
