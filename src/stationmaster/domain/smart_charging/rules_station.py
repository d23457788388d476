"""Rules of what the station at hand can do, as far as it has said so.

The rule that shapes this file: what is not known is not held against a profile, and what is
known only warns: stations err about themselves (handbook §3.4, §3.6.4; QUIRKS, Commands).
"""

from collections.abc import Iterator

from stationmaster.domain.smart_charging.profiles import InstalledProfile, Purpose
from stationmaster.domain.smart_charging.rule import Draft, Finding, Sending


def smart_charging_supported(draft: Draft) -> Iterator[Finding]:
    """The station has smart charging."""
    if draft.capabilities.smart_charging is False:
        yield "", "the station says that it has no smart charging"


def stack_level_supported(draft: Draft) -> Iterator[Finding]:
    """The station knows the level."""
    highest = draft.capabilities.max_stack_level
    if highest is not None and draft.profile.stack_level > highest:
        yield "stack_level", f"the station knows the levels 0 to {highest}"


def unit_supported(draft: Draft) -> Iterator[Finding]:
    """The station takes limits in this unit."""
    allowed = draft.capabilities.allowed_units
    if allowed is None:
        return
    for path, schedule in draft.schedules:
        if schedule.unit not in allowed:
            yield f"{path}.unit", f"the station takes limits in {' or '.join(sorted(allowed)) or 'no unit'} only"


def periods_fit(draft: Draft) -> Iterator[Finding]:
    """The station takes that many periods."""
    most = draft.capabilities.max_periods
    if most is None:
        return
    for path, schedule in draft.schedules:
        if len(schedule.periods) > most:
            yield f"{path}.periods", f"the station takes {most} periods, not {len(schedule.periods)}"


def profiles_fit(draft: Draft) -> Iterator[Finding]:
    """The station has room for one more profile."""
    most = draft.capabilities.max_profiles
    if most is None or draft.location is None:
        return
    new = InstalledProfile(location=draft.location, profile=draft.profile)
    staying = [
        entry
        for entry in draft.installed
        if entry.slot != new.slot and entry.profile.profile_id != draft.profile.profile_id
    ]
    if len(staying) + 1 > most:
        yield "", f"the station holds {most} profiles and {len(staying)} are there already: clear one first"


def connector_exists(draft: Draft) -> Iterator[Finding]:
    """The station has the connector."""
    count = draft.capabilities.evse_count
    if count is not None and draft.evse_id is not None and not 1 <= draft.evse_id <= count:
        yield "location", f"the station has {count} connectors, and no connector {draft.evse_id}"


def phases_stay(draft: Draft) -> Iterator[Finding]:
    """The number of phases stays, since changing it while charging can damage cars."""
    if draft.capabilities.switches_phases or draft.profile.purpose not in {Purpose.TX, Purpose.TX_DEFAULT}:
        return
    if draft.sending is Sending.LIBRARY and draft.capabilities.switches_phases is None:
        return
    for path, schedule in draft.schedules:
        if len({period.phases for period in schedule.periods}) > 1:
            yield (
                f"{path}.periods",
                "the number of phases changes while a car may be charging, and the station cannot switch safely",
            )
