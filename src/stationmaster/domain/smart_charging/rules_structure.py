"""Rules of the profile by itself: its periods, numbers, kind and times.

The rule that shapes this file: these need nothing but the profile (and the present), so the
library is checked by them too (handbook §3.6.1, §3.6.3).
"""

from collections.abc import Iterator

from stationmaster.domain.smart_charging.profiles import DEFAULT_NUMBER_PHASES, Kind, RateUnit
from stationmaster.domain.smart_charging.rule import Draft, Finding, Sending
from stationmaster.domain.smart_charging.tenths import MAX_TENTHS
from stationmaster.instants import MICROSECONDS_PER_SECOND

_LARGEST = 2**31 - 1


def schedule_required(draft: Draft) -> Iterator[Finding]:
    """A profile has a schedule."""
    if not draft.profile.schedules:
        yield "schedules", "a profile needs a schedule"


def period_required(draft: Draft) -> Iterator[Finding]:
    """A schedule has at least one period."""
    for path, schedule in draft.schedules:
        if not schedule.periods:
            yield f"{path}.periods", "a schedule needs at least one period"


def first_period_at_zero(draft: Draft) -> Iterator[Finding]:
    """The first period starts where the schedule starts."""
    for path, schedule in draft.schedules:
        if schedule.periods and schedule.periods[0].start_period_s != 0:
            yield f"{path}.periods[0].start_period_s", "the first period must start at 0 s"


def periods_increasing(draft: Draft) -> Iterator[Finding]:
    """Periods start one after the other."""
    for path, schedule in draft.schedules:
        starts = [period.start_period_s for period in schedule.periods]
        for index in range(1, len(starts)):
            if starts[index] <= starts[index - 1]:
                yield (
                    f"{path}.periods[{index}].start_period_s",
                    f"periods must start one after the other: {starts[index]} s does not follow {starts[index - 1]} s",
                )


def limit_in_range(draft: Draft) -> Iterator[Finding]:
    """Limits are not negative and fit the number range."""
    for path, schedule in draft.schedules:
        limits = {f"periods[{index}].limit_tenths": each.limit_tenths for index, each in enumerate(schedule.periods)}
        if schedule.min_charging_rate_tenths is not None:
            limits["min_charging_rate_tenths"] = schedule.min_charging_rate_tenths
        for field, tenths in limits.items():
            if not 0 <= tenths <= MAX_TENTHS:
                yield f"{path}.{field}", f"a limit must lie between 0 and {MAX_TENTHS // 10} {schedule.unit}"


def phases_one_to_three(draft: Draft) -> Iterator[Finding]:
    """The number of phases, where given, is 1, 2 or 3."""
    for path, schedule in draft.schedules:
        for index, period in enumerate(schedule.periods):
            if period.number_phases is not None and not 1 <= period.number_phases <= DEFAULT_NUMBER_PHASES:
                yield (
                    f"{path}.periods[{index}].number_phases",
                    f"a connector has 1 to 3 phases, not {period.number_phases}",
                )


def numbers_in_range(draft: Draft) -> Iterator[Finding]:
    """Ids are positive, levels are not negative, durations are positive, and all fit 32 bits."""
    profile = draft.profile
    if not 1 <= profile.profile_id <= _LARGEST:
        yield "profile_id", f"the id must lie between 1 and {_LARGEST}"
    if not 0 <= profile.stack_level <= _LARGEST:
        yield "stack_level", f"the stack level must lie between 0 and {_LARGEST}"
    for path, schedule in draft.schedules:
        if schedule.duration_s is not None and not 1 <= schedule.duration_s <= _LARGEST:
            yield f"{path}.duration_s", f"a duration must lie between 1 s and {_LARGEST} s; leave it out for no end"


def recurrence_only_with_recurring(draft: Draft) -> Iterator[Finding]:
    """Only recurring profiles have a recurrence."""
    if draft.profile.recurrency is not None and draft.profile.kind is not Kind.RECURRING:
        yield "recurrency", "only a recurring profile has a recurrence; leave it out"


def recurring_needs_recurrence(draft: Draft) -> Iterator[Finding]:
    """Recurring profiles say how often they recur."""
    if draft.profile.recurrency is None and draft.profile.kind is Kind.RECURRING:
        yield "recurrency", "a recurring profile must say whether it recurs daily or weekly"


def start_required(draft: Draft) -> Iterator[Finding]:
    """Absolute and recurring schedules have a start; those of the library get it when they are sent."""
    if draft.profile.kind is Kind.RELATIVE or draft.sending is Sending.LIBRARY:
        return
    for path, schedule in draft.schedules:
        if schedule.start_schedule is None:
            yield (
                f"{path}.start_schedule",
                f"{draft.profile.kind} profiles need a start: stations guess differently without one",
            )


def relative_has_no_start(draft: Draft) -> Iterator[Finding]:
    """Relative schedules have no start of their own."""
    if draft.profile.kind is not Kind.RELATIVE:
        return
    for path, schedule in draft.schedules:
        if schedule.start_schedule is not None:
            yield f"{path}.start_schedule", "a relative schedule starts with the transaction; leave the start out"


def validity_in_order(draft: Draft) -> Iterator[Finding]:
    """The validity ends after it begins."""
    profile = draft.profile
    if profile.valid_from is not None and profile.valid_to is not None and profile.valid_from >= profile.valid_to:
        yield "valid_to", "the validity must end after it begins"


def period_never_reached(draft: Draft) -> Iterator[Finding]:
    """Every period begins before the schedule ends."""
    recurrency = draft.profile.recurrency
    for path, schedule in draft.schedules:
        ends = [end for end in (schedule.duration_s, recurrency.length_s if recurrency else None) if end is not None]
        for index, period in enumerate(schedule.periods):
            if ends and index and period.start_period_s >= min(ends):
                yield (
                    f"{path}.periods[{index}].start_period_s",
                    f"this period is never reached: the schedule ends after {min(ends)} s",
                )


def longer_than_recurrence(draft: Draft) -> Iterator[Finding]:
    """A recurring schedule is not longer than its recurrence."""
    recurrency = draft.profile.recurrency
    for path, schedule in draft.schedules:
        if recurrency and schedule.duration_s is not None and schedule.duration_s > recurrency.length_s:
            yield (
                f"{path}.duration_s",
                f"a {recurrency} schedule begins anew after {recurrency.length_s} s; the rest is not executed",
            )


def never_in_force(draft: Draft) -> Iterator[Finding]:
    """The profile is in force at some time from now on."""
    profile = draft.profile
    if profile.valid_to is not None and profile.valid_to <= draft.now:
        yield "valid_to", "the validity has already ended"
    if profile.kind is not Kind.ABSOLUTE:
        return
    for path, schedule in draft.schedules:
        if schedule.start_schedule is not None and schedule.duration_s is not None:
            end = schedule.start_schedule + schedule.duration_s * MICROSECONDS_PER_SECOND
            if end <= draft.now:
                yield f"{path}.duration_s", "the schedule is already over"
            elif profile.valid_from is not None and end <= profile.valid_from:
                yield f"{path}.duration_s", "the schedule is over before the profile becomes valid"
        if (
            schedule.start_schedule is not None
            and profile.valid_to is not None
            and profile.valid_to <= schedule.start_schedule
        ):
            yield f"{path}.start_schedule", "the schedule begins after the validity has ended"


def begins_in_future(draft: Draft) -> Iterator[Finding]:
    """Validity and start lie in the past, so that there is no gap."""
    if draft.sending is Sending.LIBRARY:
        return
    if draft.profile.valid_from is not None and draft.profile.valid_from > draft.now:
        yield "valid_from", "not valid yet: until then there is a gap; a profile that it replaces is gone at once"
    for path, schedule in draft.schedules:
        if schedule.start_schedule is not None and schedule.start_schedule > draft.now:
            yield (
                f"{path}.start_schedule",
                "the start lies in the future: until then there is a gap; put it slightly into the past",
            )


def zero_limit(draft: Draft) -> Iterator[Finding]:
    """No limit is 0."""
    for path, schedule in draft.schedules:
        for index, period in enumerate(schedule.periods):
            if period.limit_tenths == 0:
                yield (
                    f"{path}.periods[{index}].limit_tenths",
                    "a limit of 0 stops charging; some stations stay stopped until the car is plugged in again",
                )


def current_on_direct_current(draft: Draft) -> Iterator[Finding]:
    """Direct current stations are limited in W."""
    if not draft.capabilities.direct_current:
        return
    for path, schedule in draft.schedules:
        if schedule.unit is RateUnit.AMPERE:
            yield f"{path}.unit", "the station charges with direct current: a limit in W is clear, one in A is not"
