"""Profiles at one click, filled with today's dates when they are sent.

The rule that shapes this file: a preset never carries a date of its own; validity and start
are today 00:00Z, the end is start plus duration, ids come from the normal sequence
(handbook §5.8 "Default sets", §9.2).
"""

from enum import StrEnum
from typing import Final

import msgspec

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    Kind,
    Purpose,
    RateUnit,
)
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = [
    "FilledPreset",
    "Preset",
    "PresetSettings",
    "TransactionNeeded",
    "fill",
]

_DAY_US: Final = 86_400 * MICROSECONDS_PER_SECOND


class Preset(StrEnum):
    """The default sets."""

    STATION_MAX = "station_max"
    """One limit for the whole station, today (first profile of TC_067)."""
    TX_DEFAULT = "tx_default"
    """A default for the connector, today (TC_056, second profile of TC_067)."""
    TX = "tx"
    """For the running transaction, from its start (TC_057, third profile of TC_067)."""
    REMOTE_START = "remote_start"
    """To travel within a remote start (TC_059)."""


class PresetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The values that a test lab and we must agree on. `limit_tenths` None: 6.0 A or 6000.0 W."""

    evse_id: int = 1
    stack_level: int = 0
    unit: RateUnit = RateUnit.AMPERE
    limit_tenths: int | None = None
    number_phases: int | None = 3
    """None leaves the member out, which says 3 just as well."""
    duration_s: int = 86_400


class FilledPreset(msgspec.Struct, frozen=True, kw_only=True):
    """A profile ready to be sent, and where it goes; a remote start takes the connector from it."""

    location: Location
    profile: ChargingProfile


class TransactionNeeded(ValueError):
    """The preset is for a running transaction, and none was named."""


def fill(
    preset: Preset,
    settings: PresetSettings,
    *,
    station_id: str,
    profile_id: int,
    now: Instant,
    transaction_id: str | None = None,
) -> FilledPreset:
    """Fill a preset for a station at this moment.

    Raises TransactionNeeded when `preset` is TX and there is no `transaction_id`; other presets
    ignore it.
    """
    if preset is Preset.TX and transaction_id is None:
        raise TransactionNeeded("this preset limits a running transaction: name the transaction")
    relative = preset in {Preset.TX, Preset.REMOTE_START}
    purpose = {Preset.STATION_MAX: Purpose.STATION_MAX, Preset.TX_DEFAULT: Purpose.TX_DEFAULT}.get(preset, Purpose.TX)
    today = now - now % _DAY_US
    limit_tenths = settings.limit_tenths
    if limit_tenths is None:
        limit_tenths = 60 if settings.unit is RateUnit.AMPERE else 60_000
    period = ChargingSchedulePeriod(start_period_s=0, limit_tenths=limit_tenths, number_phases=settings.number_phases)
    profile = ChargingProfile(
        profile_id=profile_id,
        stack_level=settings.stack_level,
        purpose=purpose,
        kind=Kind.RELATIVE if relative else Kind.ABSOLUTE,
        valid_from=None if relative else today,
        valid_to=None if relative else today + settings.duration_s * MICROSECONDS_PER_SECOND,
        transaction_id=transaction_id if preset is Preset.TX else None,
        schedules=(
            ChargingSchedule(
                unit=settings.unit,
                periods=(period,),
                duration_s=None if relative else settings.duration_s,
                start_schedule=None if relative else today,
            ),
        ),
    )
    number = 0 if preset is Preset.STATION_MAX else settings.evse_id
    return FilledPreset(location=Location.of_connector_number(station_id, number), profile=profile)
