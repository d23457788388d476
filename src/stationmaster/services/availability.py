"""What connectors say of themselves (handbook §3.2.9).

The rule that shapes this file: a status is believed, recorded and confirmed, always. Transactions
are never begun or ended because of one.
"""

import msgspec

from stationmaster.domain.availability import status_flags
from stationmaster.domain.facts import ConnectorStatusChanged
from stationmaster.domain.locations import Location
from stationmaster.domain.stations import Connector
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation

__all__ = ["Availability", "StatusReport"]


class StatusReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a station reports of a connector or, without an EVSE, of itself."""

    location: Location
    status: str
    error_code: str
    received_at: Instant
    reported_at: Instant
    reported_at_text: str | None = None
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    flags: tuple[str, ...] = ()


class Availability:
    """Records statuses."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage

    async def last_status(self, station: PresentStation, location: Location) -> str | None:
        """What a connector said last, on this connection, or before it or the last boot."""
        heard = (station.statuses or {}).get(location.evse_id)
        if heard is not None:
            return heard
        stored: list[Connector] = await self._storage.connectors.of(station.station_id)
        place = location.evse_id, location.connector_id
        return next((each.status for each in stored if (each.evse_id, each.connector_id) == place), None)

    async def status(self, station: PresentStation, report: StatusReport) -> None:
        """Record a status. Returns when it is durable."""
        location = report.location
        before = station.remember_status(location.evse_id, report.status)
        odd = status_flags(before, report.status, report.error_code, whole_station=location.evse_id is None)
        await self._storage.record(
            [
                ConnectorStatusChanged(
                    organisation_id=station.organisation_id,
                    station_id=station.station_id,
                    received_at=report.received_at,
                    location=location,
                    status=report.status,
                    error_code=report.error_code,
                    reported_at=report.reported_at,
                    reported_at_text=report.reported_at_text,
                    info=report.info,
                    vendor_id=report.vendor_id,
                    vendor_error_code=report.vendor_error_code,
                    flags=report.flags + odd,
                )
            ]
        )
