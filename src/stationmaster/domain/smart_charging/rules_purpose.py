"""Rules of what a profile is for, and where it may go.

The rule that shapes this file: most of these hold for every way of sending, the raw one
included, because a station can only refuse what breaks them (handbook §3.1, §3.3.10, §3.6.2).
"""

from collections.abc import Iterator

from stationmaster.domain.smart_charging.installed import station_wide_conflicts
from stationmaster.domain.smart_charging.profiles import InstalledProfile, Kind, Purpose
from stationmaster.domain.smart_charging.rule import Draft, Finding, Sending


def external_is_only_reported(draft: Draft) -> Iterator[Finding]:
    """Limits of third parties are not ours to send."""
    if draft.profile.purpose is Purpose.STATION_EXTERNAL:
        yield "purpose", "limits of third parties are reported by stations and cannot be sent to them"


def station_max_for_station(draft: Draft) -> Iterator[Finding]:
    """A limit of the whole station goes to the station."""
    if draft.profile.purpose is Purpose.STATION_MAX and draft.evse_id is not None and draft.sending is Sending.INSTALL:
        yield "location", "a limit of the whole station goes to the station (connector 0), not to one connector"


def station_max_not_relative(draft: Draft) -> Iterator[Finding]:
    """A limit of the whole station is not relative."""
    if draft.profile.purpose is Purpose.STATION_MAX and draft.profile.kind is Kind.RELATIVE:
        yield "kind", "a limit of the whole station has no transaction to be relative to: use absolute or recurring"


def tx_for_connector(draft: Draft) -> Iterator[Finding]:
    """The profile of a transaction goes to a connector."""
    if draft.profile.purpose is Purpose.TX and draft.sending is Sending.INSTALL and draft.to_station:
        yield "location", "the profile of a transaction goes to its connector, not to the station (connector 0)"


def tx_needs_transaction(draft: Draft) -> Iterator[Finding]:
    """The profile of a running transaction names it."""
    if (
        draft.profile.purpose is Purpose.TX
        and draft.sending is Sending.INSTALL
        and draft.profile.transaction_id is None
    ):
        yield "transaction_id", "the profile of a transaction must name it"


def transaction_only_with_tx(draft: Draft) -> Iterator[Finding]:
    """Only the profile of a transaction names one."""
    if draft.profile.purpose is not Purpose.TX and draft.profile.transaction_id is not None:
        yield "transaction_id", "only the profile of a transaction names one; leave it out"


def remote_start_is_tx(draft: Draft) -> Iterator[Finding]:
    """A remote start carries the profile of a transaction."""
    if draft.sending is Sending.REMOTE_START and draft.profile.purpose is not Purpose.TX:
        yield "purpose", "a remote start can only carry the profile of a transaction"


def remote_start_names_no_transaction(draft: Draft) -> Iterator[Finding]:
    """The profile in a remote start names no transaction."""
    if draft.sending is Sending.REMOTE_START and draft.profile.transaction_id is not None:
        yield "transaction_id", "the transaction of a remote start has no id yet; leave it out"


def absolute_tx_complete(draft: Draft) -> Iterator[Finding]:
    """Absolute profiles for transactions say when they are valid and how long they run."""
    profile = draft.profile
    if profile.kind is not Kind.ABSOLUTE or draft.sending is Sending.LIBRARY:
        return
    if profile.purpose not in {Purpose.TX, Purpose.TX_DEFAULT}:
        return
    missing = [name for name in ("valid_from", "valid_to") if getattr(profile, name) is None]
    missing += [f"{path}.duration_s" for path, schedule in draft.schedules if schedule.duration_s is None]
    for field in missing:
        yield field, "an absolute profile should say from when to when it is valid, and how long it runs"


def transaction_running(draft: Draft) -> Iterator[Finding]:
    """The transaction runs on the connector that the profile is sent to."""
    profile = draft.profile
    if profile.purpose is not Purpose.TX or draft.sending is not Sending.INSTALL or draft.evse_id is None:
        return
    running = [each.transaction_id for each in draft.transactions if each.evse_id == draft.evse_id]
    if profile.transaction_id is not None and profile.transaction_id not in running:
        yield (
            "transaction_id",
            f"transaction {profile.transaction_id} does not run on this connector: the station will refuse the profile",
        )


def replaces_elsewhere(draft: Draft) -> Iterator[Finding]:
    """The id is not in use for a profile at another place, purpose or level."""
    if draft.location is None:
        return
    new = InstalledProfile(location=draft.location, profile=draft.profile)
    for entry in draft.installed:
        if entry.profile.profile_id == draft.profile.profile_id and entry.slot != new.slot:
            yield (
                "profile_id",
                f"id {draft.profile.profile_id} is in use for another profile of this station, which would be replaced",
            )


def overwrites_connector_default(draft: Draft) -> Iterator[Finding]:
    """A default for all connectors meets no connector with a default of its own at that level."""
    if draft.location is None:
        return
    for entry in station_wide_conflicts(draft.installed, draft.location, draft.profile):
        yield (
            "location",
            (
                f"connector {entry.location.evse_id} has a default of its own at level {entry.profile.stack_level}: "
                "some stations overwrite it, others keep it; clear it first"
            ),
        )


def hides_lower_levels(draft: Draft) -> Iterator[Finding]:
    """A profile without an end does not lie on top of others."""
    profile = draft.profile
    if profile.valid_to is not None or not profile.schedules:
        return
    if profile.kind is not Kind.RECURRING and profile.schedule.duration_s is not None:
        return
    if profile.kind is Kind.RECURRING and not _fills_recurrence(draft):
        return
    below = [
        entry
        for entry in draft.installed
        if entry.profile.purpose is profile.purpose
        and entry.profile.stack_level < profile.stack_level
        and (draft.to_station or entry.location.evse_id in {None, draft.evse_id})
    ]
    if below and profile.purpose is not Purpose.TX:
        levels = ", ".join(str(level) for level in sorted({entry.profile.stack_level for entry in below}))
        yield "stack_level", f"without an end it hides the profiles of level {levels} for ever"


def silent_without_fallback(draft: Draft) -> Iterator[Finding]:
    """A recurring profile with pauses has something below it."""
    profile = draft.profile
    if profile.kind is not Kind.RECURRING or _fills_recurrence(draft) or draft.location is None:
        return
    below = any(
        entry.profile.purpose is profile.purpose
        and entry.profile.stack_level < profile.stack_level
        and entry.location.evse_id in {None, draft.evse_id}
        for entry in draft.installed
    )
    if not below:
        yield (
            "schedules[0].duration_s",
            "between two runs this purpose sets no limit at all; put a profile at a lower level, or fill the time",
        )


def _fills_recurrence(draft: Draft) -> bool:
    recurrency = draft.profile.recurrency
    if recurrency is None or not draft.profile.schedules:
        return True
    duration_s = draft.profile.schedule.duration_s
    return duration_s is None or duration_s >= recurrency.length_s
