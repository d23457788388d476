"""A station boots: who it is, and whether it may work (handbook §1.13, §3.2.2).

The rule that shapes this file: a BootNotification is answered with what the operator wants now,
read afresh, however early it comes; nothing but that answer changes what the station may do.
"""

from zlib import crc32

import msgspec

from stationmaster.domain.facts import OddityTolerated, StationBooted
from stationmaster.domain.stations import Station
from stationmaster.instants import Instant
from stationmaster.services.context import ServiceContext
from stationmaster.services.presence import PresentStation
from stationmaster.services.quirks import QuirkProfiles

__all__ = ["Identification", "Provisioning", "Registration"]


class Identification(msgspec.Struct, frozen=True, kw_only=True):
    """What a station says of itself."""

    vendor: str | None
    model: str | None
    serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


class Registration(msgspec.Struct, frozen=True):
    """The answer to a boot. `status` is Accepted, Pending or Rejected."""

    status: str
    interval_s: int


class Provisioning:
    """Answers boots."""

    def __init__(self, context: ServiceContext, quirks: QuirkProfiles) -> None:
        self._quirks = quirks
        self._storage = context.storage
        settings = context.settings
        self._intervals = {
            "Accepted": settings.heartbeat_interval_s,
            "Pending": settings.pending_interval_s,
            "Rejected": settings.rejected_interval_s,
        }
        self._spread_percent = settings.interval_spread_percent

    async def boot(self, station: PresentStation, identification: Identification, now: Instant) -> Registration:
        """Record a boot and say whether the station may work. A station that was deleted meanwhile is Rejected."""
        record: Station | None = await self._storage.stations.lookup(station.station_id)
        status = "Rejected" if record is None else record.operator_state
        if record is not None:
            self._note_other_serial(record, identification, now)
        station.forget_transactions(now)
        station.statuses = None
        if record is not None:
            station.quirks = self._quirks.of(
                msgspec.structs.replace(
                    record,
                    vendor=identification.vendor,
                    model=identification.model,
                    firmware_version=identification.firmware_version,
                )
            )
            await self._storage.record([self._booted(station, identification, status, now)])
        return Registration(status, self._interval_s(station.station_id, status))

    def _booted(
        self, station: PresentStation, identification: Identification, status: str, now: Instant
    ) -> StationBooted:
        return StationBooted(
            organisation_id=station.organisation_id,
            station_id=station.station_id,
            received_at=now,
            protocol=station.protocol,
            registration=status,
            vendor=identification.vendor,
            model=identification.model,
            serial_number=identification.serial_number,
            charge_box_serial_number=identification.charge_box_serial_number,
            firmware_version=identification.firmware_version,
            iccid=identification.iccid,
            imsi=identification.imsi,
            meter_type=identification.meter_type,
            meter_serial_number=identification.meter_serial_number,
        )

    def _note_other_serial(self, record: Station, identification: Identification, now: Instant) -> None:
        """Another serial number than before is told to people, never held against the station."""
        told, known = identification.serial_number, record.serial_number
        if told and known and told.lower() != known.lower():
            self._storage.note(
                OddityTolerated(
                    organisation_id=record.organisation_id,
                    station_id=record.id,
                    received_at=now,
                    kind="serial_number_changed",
                    action="BootNotification",
                    path="serial_number",
                    raw=told,
                )
            )

    def _interval_s(self, station_id: str, status: str) -> int:
        """The interval to tell. The spread is drawn from the identity, so that a station hears the same each time."""
        interval_s = self._intervals.get(status, self._intervals["Pending"])
        if not self._spread_percent:
            return max(1, interval_s)
        position = crc32(station_id.encode("utf-8", "surrogatepass")) / 0xFFFFFFFF * 2 - 1
        return max(1, round(interval_s * (1 + position * self._spread_percent / 100)))
