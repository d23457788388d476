"""Random stacks of profiles: everything the calculation can meet, crowded around one moment."""

from hypothesis import strategies as st

from stationmaster.domain.locations import Location
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
from stationmaster.instants import parse_instant

SECOND = 1_000_000
NOW = parse_instant("2024-03-05T10:00:00Z")
STATION = "CP7"

_PLACES: dict[Purpose, tuple[int, ...]] = {
    Purpose.STATION_EXTERNAL: (0,),
    Purpose.STATION_MAX: (0,),
    Purpose.TX_DEFAULT: (0, 1, 2),
    Purpose.TX: (1, 2),
}


@st.composite
def stacks(
    draw: st.DrawFn, *, spread_s: int, grain_s: int = 1, max_size: int = 9, around: int = NOW
) -> tuple[list[InstalledProfile], list[RunningTransaction]]:
    """Profiles and transactions whose moments lie within `spread_s` of `around`, on a grid of `grain_s`.

    With a grain above a second everything is aligned to it; with a grain of one second, instants
    also fall between the seconds.
    """
    slots = draw(
        st.lists(
            st.sampled_from(list(Purpose)).flatmap(
                lambda purpose: st.tuples(st.sampled_from(_PLACES[purpose]), st.just(purpose), st.integers(0, 4))
            ),
            unique=True,
            max_size=max_size,
        )
    )
    running = draw(st.lists(st.sampled_from((1, 2)), unique=True))
    transactions = [
        RunningTransaction(
            transaction_id=str(number),
            evse_id=number,
            started_at=around - abs(draw(moments(spread_s, grain_s, around)) - around),
        )
        for number in running
    ]
    installed = [
        InstalledProfile(
            location=Location.of_connector_number(STATION, number),
            profile=draw(profiles(purpose, level, identifier, spread_s, grain_s, around)),
        )
        for identifier, (number, purpose, level) in enumerate(slots)
    ]
    return installed, transactions


@st.composite
def moments(draw: st.DrawFn, spread_s: int, grain_s: int, around: int) -> int:
    steps = spread_s // grain_s
    instant = around + draw(st.integers(-steps, steps)) * grain_s * SECOND
    if grain_s == 1:
        instant += draw(st.sampled_from((0, 0, 1, 400_000, 999_999)))
    return instant


@st.composite
def profiles(
    draw: st.DrawFn, purpose: Purpose, level: int, identifier: int, spread_s: int, grain_s: int, around: int
) -> ChargingProfile:
    kind = draw(st.sampled_from(Kind))
    recurrency = draw(st.sampled_from(Recurrency)) if kind is Kind.RECURRING else None
    start = None if kind is Kind.RELATIVE else draw(st.none() | moments(spread_s, grain_s, around))
    lengths = st.integers(0, 2 * spread_s // grain_s).map(lambda steps: steps * grain_s)
    if recurrency is not None and start is not None:
        start -= draw(st.integers(-1, 400)) * recurrency.length_s * SECOND
        # Lengths about that of the recurrence make gaps and overruns at the seam.
        lengths |= lengths.map(lambda length: max(recurrency.length_s - spread_s + length, 0) // grain_s * grain_s)
    duration_s = draw(st.none() | lengths)
    starts = sorted({0, *draw(st.lists(lengths, max_size=4))})
    validity = st.none() | moments(spread_s, grain_s, around)
    return ChargingProfile(
        profile_id=identifier + 1,
        stack_level=level,
        purpose=purpose,
        kind=kind,
        recurrency=recurrency,
        valid_from=draw(validity),
        valid_to=draw(validity),
        transaction_id=draw(st.sampled_from((None, "1", "2"))) if purpose is Purpose.TX else None,
        schedules=(
            ChargingSchedule(
                unit=draw(st.sampled_from(RateUnit)),
                duration_s=duration_s,
                start_schedule=start,
                periods=tuple(
                    ChargingSchedulePeriod(
                        start_period_s=start_s,
                        limit_tenths=draw(st.integers(0, 400) | st.integers(0, 300_000)),
                        number_phases=draw(st.sampled_from((None, 1, 2, 3))),
                    )
                    for start_s in starts
                ),
            ),
        ),
    )
