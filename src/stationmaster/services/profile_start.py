"""When a profile begins that does not say so: the clock on the wall where the station stands decides."""

from datetime import UTC, datetime, tzinfo

import msgspec

from stationmaster.domain.smart_charging.local_time import local_start
from stationmaster.domain.smart_charging.profiles import ChargingProfile, Kind, Recurrency
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant
from stationmaster.services.sites import zone_of
from stationmaster.services.time_zones import offset_reader

__all__ = ["Begun", "begun"]


class Begun(msgspec.Struct, frozen=True):
    """A profile as it is sent, and the zone whose clock it follows from then on; None: its start is for good."""

    profile: ChargingProfile
    local_time_zone: str | None = None


def begun(profile: ChargingProfile, now: Instant, time_zone: str) -> Begun:
    """A profile with a start where it needs one and names none (§3.6.3, A-16). Raises Invalid for an unknown zone.

    That is the last midnight in the zone. A recurring profile begins at the last midnight (of a weekly one: Monday's)
    as the clocks count now, and has to be sent anew when they change.
    """
    if profile.kind is Kind.RELATIVE or all(each.start_schedule is not None for each in profile.schedules):
        return Begun(profile)
    zone = zone_of(time_zone)
    if profile.kind is Kind.RECURRING:
        start = local_start(profile.recurrency or Recurrency.DAILY, offset_reader(zone)(now), now)
    else:
        start = _last_midnight(now, zone)
    schedules = tuple(
        schedule if schedule.start_schedule is not None else msgspec.structs.replace(schedule, start_schedule=start)
        for schedule in profile.schedules
    )
    started = msgspec.structs.replace(profile, schedules=schedules)
    return Begun(started, time_zone if profile.kind is Kind.RECURRING else None)


def _last_midnight(now: Instant, zone: tzinfo) -> Instant:
    here = datetime.fromtimestamp(now / MICROSECONDS_PER_SECOND, UTC).astimezone(zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp()) * MICROSECONDS_PER_SECOND
