"""Short ways to write profiles in tests."""

from stationmaster.domain.locations import Location
from stationmaster.domain.smart_charging.composite import CompositeQuestion, CompositeSchedule, composite_schedule
from stationmaster.domain.smart_charging.profiles import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    InstalledProfile,
    Kind,
    Purpose,
    RateUnit,
    Recurrency,
    RunningTransaction,
)
from stationmaster.domain.smart_charging.tenths import tenths_of
from stationmaster.instants import parse_instant

SECOND = 1_000_000
STATION = "CP7"


def at(text: str) -> int:
    """`2024-03-05 07:00` in UTC."""
    return parse_instant(text)


def place(number: int) -> Location:
    return Location.of_connector_number(STATION, number)


def profile(
    purpose: Purpose,
    *periods: tuple[int, str] | tuple[int, str, int],
    kind: Kind = Kind.ABSOLUTE,
    level: int = 0,
    profile_id: int = 1,
    unit: RateUnit = RateUnit.AMPERE,
    start: str | None = None,
    duration_s: int | None = None,
    recurrency: Recurrency | None = None,
    valid_from: str | None = None,
    valid_to: str | None = None,
    transaction_id: str | None = None,
) -> ChargingProfile:
    """`(seconds, "16.5")` or `(seconds, "16.5", phases)` per period; kind follows from `recurrency`."""
    return ChargingProfile(
        profile_id=profile_id,
        stack_level=level,
        purpose=purpose,
        kind=Kind.RECURRING if recurrency else kind,
        recurrency=recurrency,
        valid_from=at(valid_from) if valid_from else None,
        valid_to=at(valid_to) if valid_to else None,
        transaction_id=transaction_id,
        schedules=(
            ChargingSchedule(
                unit=unit,
                duration_s=duration_s,
                start_schedule=at(start) if start else None,
                periods=tuple(
                    ChargingSchedulePeriod(
                        start_period_s=period[0],
                        limit_tenths=tenths_of(period[1]),
                        number_phases=period[2] if len(period) == 3 else None,
                    )
                    for period in periods
                ),
            ),
        ),
    )


def installed(number: int, what: ChargingProfile) -> InstalledProfile:
    return InstalledProfile(location=place(number), profile=what)


def running(number: int, since: str, transaction_id: str = "17") -> RunningTransaction:
    return RunningTransaction(transaction_id=transaction_id, evse_id=number, started_at=at(since))


def composite(
    number: int,
    now: str,
    duration_s: int,
    *entries: InstalledProfile,
    unit: RateUnit | None = RateUnit.AMPERE,
    transactions: tuple[RunningTransaction, ...] = (),
    voltage_v: int | None = 230,
) -> CompositeSchedule:
    question = CompositeQuestion(
        location=place(number), now=at(now), duration_s=duration_s, unit=unit, nominal_voltage_v=voltage_v
    )
    return composite_schedule(question, entries, transactions)


def said(schedule: CompositeSchedule) -> str:
    """The way the handbook writes it: `0→25, 3600→16`."""
    return ", ".join(
        f"{each.start_period_s}→{'∞' if each.limit_tenths is None else f'{each.limit_tenths / 10:g}'}"
        for each in schedule.periods
    )
