"""The composite schedule computed the slow way: every second, by the seven steps of handbook §3.6.5.

Written from the handbook alone, as an oracle. It shares nouns with the code under test, and nothing
else: fractions instead of scaled integers, a search at each second instead of breakpoints.
"""

from collections.abc import Sequence
from fractions import Fraction

from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedulePeriod,
    InstalledProfile,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
    RunningTransaction,
)

SECOND = 1_000_000
Limit = Fraction | None


def every_second(
    installed: Sequence[InstalledProfile],
    transactions: Sequence[RunningTransaction],
    *,
    evse_id: int | None,
    now: int,
    seconds: Sequence[int],
    unit: RateUnit,
    voltage_v: int = 230,
) -> list[int | None]:
    """The limit in tenths at each of the seconds after `now`, rounded down; None is unlimited."""
    return [
        _rounded_down(_limit_at(installed, transactions, evse_id, now, now + second * SECOND, unit, voltage_v))
        for second in seconds
    ]


def _limit_at(
    installed: Sequence[InstalledProfile],
    transactions: Sequence[RunningTransaction],
    evse_id: int | None,
    now: int,
    at: int,
    unit: RateUnit,
    voltage_v: int,
) -> Limit:
    def station_limit(purpose: Purpose, origin: int) -> Limit:
        applying = [each.profile for each in installed if each.profile.purpose is purpose]
        return _prevail(applying, at, origin, unit, voltage_v)

    def transaction_limit(connector: int, transaction: RunningTransaction | None) -> Limit:
        origin = transaction.started_at if transaction else now
        if transaction is not None:
            own = [
                each.profile
                for each in installed
                if each.profile.purpose is Purpose.TX
                and each.location.evse_id == connector
                and (each.profile.transaction_id is None or each.profile.transaction_id == transaction.transaction_id)
            ]
            value = _prevail(own, at, origin, unit, voltage_v)
            if value is not None:
                return value
        of_connector = [
            each.profile
            for each in installed
            if each.profile.purpose is Purpose.TX_DEFAULT and each.location.evse_id == connector
        ]
        of_station = [
            each.profile
            for each in installed
            if each.profile.purpose is Purpose.TX_DEFAULT
            and each.location.evse_id is None
            and all(other.stack_level != each.profile.stack_level for other in of_connector)
        ]
        return _prevail(of_connector + of_station, at, origin, unit, voltage_v)

    if evse_id is None:
        origin = now
        parts = [transaction_limit(each.evse_id, each) for each in transactions]
        own = None if any(part is None for part in parts) else sum((part for part in parts if part), Fraction(0))
    else:
        running = next((each for each in transactions if each.evse_id == evse_id), None)
        origin = running.started_at if running else now
        own = transaction_limit(evse_id, running)
    candidates = [own, station_limit(Purpose.STATION_MAX, origin), station_limit(Purpose.STATION_EXTERNAL, origin)]
    return min((each for each in candidates if each is not None), default=None)


def _prevail(profiles: list[ChargingProfile], at: int, origin: int, unit: RateUnit, voltage_v: int) -> Limit:
    for profile in sorted(profiles, key=lambda each: -each.stack_level):
        period = _period_at(profile, at, origin)
        if period is not None:
            return _converted(period, profile.schedules[0].unit, unit, voltage_v)
    return None


def _period_at(profile: ChargingProfile, at: int, relative_origin: int) -> ChargingSchedulePeriod | None:
    if profile.valid_from is not None and at < profile.valid_from:
        return None
    if profile.valid_to is not None and at >= profile.valid_to:
        return None
    schedule = profile.schedules[0]
    start = schedule.start_schedule
    if profile.kind is Kind.RELATIVE or start is None:
        start = relative_origin
    if at < start:
        return None
    offset = Fraction(at - start, SECOND)
    if profile.kind is Kind.RECURRING and profile.recurrency is not None:
        offset %= {Recurrency.DAILY: 24 * 3600, Recurrency.WEEKLY: 7 * 24 * 3600}[profile.recurrency]
    if schedule.duration_s is not None and offset >= schedule.duration_s:
        return None
    reached = [period for period in schedule.periods if period.start_period_s <= offset]
    return reached[-1] if reached else None


def _converted(period: ChargingSchedulePeriod, given: RateUnit, wanted: RateUnit, voltage_v: int) -> Fraction:
    limit = Fraction(period.limit_tenths, 10)
    phases = period.number_phases or 3
    if given is wanted:
        return limit
    return limit / (voltage_v * phases) if wanted is RateUnit.AMPERE else limit * voltage_v * phases


def _rounded_down(limit: Limit) -> int | None:
    return None if limit is None else int(limit * 10 // 1)
