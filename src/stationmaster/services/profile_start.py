"""When a profile begins that does not say so: the calendar of where the station stands decides."""

from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from stationmaster.domain.smart_charging.profiles import ChargingProfile, Kind, Recurrency
from stationmaster.instants import MICROSECONDS_PER_SECOND, Instant

__all__ = ["begun"]


def begun(profile: ChargingProfile, now: Instant, zone: tzinfo) -> ChargingProfile:
    """A profile with a start where it needs one and names none (§3.6.3, A-16).

    That is the last midnight in `zone`; of a weekly profile, that of Monday.
    """
    if profile.kind is Kind.RELATIVE:
        return profile
    here = datetime.fromtimestamp(now / MICROSECONDS_PER_SECOND, UTC).astimezone(zone)
    start = here.replace(hour=0, minute=0, second=0, microsecond=0)
    if profile.recurrency is Recurrency.WEEKLY:
        start -= timedelta(days=start.weekday())
    instant = int(start.timestamp()) * MICROSECONDS_PER_SECOND
    schedules = tuple(
        schedule if schedule.start_schedule is not None else msgspec.structs.replace(schedule, start_schedule=instant)
        for schedule in profile.schedules
    )
    return msgspec.structs.replace(profile, schedules=schedules)
