"""What we may ask of a station without speaking its protocol version: the actions of each version phrase it."""

from stationmaster.domain.configuration_orders import ConfigurationOrder
from stationmaster.domain.local_lists import ListVersionOrder, SendListOrder
from stationmaster.domain.reservations import CancelReservationOrder, ReserveOrder
from stationmaster.domain.security_orders import SecurityOrder
from stationmaster.domain.transfers import DiagnosticsOrder, LogOrder, SignedUpdateOrder, UpdateOrder

__all__ = ["Order"]

Order = (
    UpdateOrder
    | SignedUpdateOrder
    | DiagnosticsOrder
    | LogOrder
    | ReserveOrder
    | CancelReservationOrder
    | ListVersionOrder
    | SendListOrder
    | ConfigurationOrder
    | SecurityOrder
)
