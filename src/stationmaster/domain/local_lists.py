"""Local authorization lists: what a station should know, what it has acknowledged, and the way between (handbook §3.7).

The rule that shapes this file: a station has one list with a version above 0. A difference may be sent only
upon the version that we know; whenever that is in doubt, the whole list is sent.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

import msgspec

from stationmaster.domain.facts import Fact
from stationmaster.domain.tokens import Token, TokenStatus, key_of
from stationmaster.instants import Instant

__all__ = [
    "ListChunk",
    "ListEntry",
    "ListMode",
    "ListVersionOrder",
    "LocalList",
    "LocalListChanged",
    "LocalListReplaced",
    "SendListOrder",
    "desired_entries",
    "difference",
    "due_at",
    "plan",
]


HOUR_US = 3_600_000_000


class ListMode(StrEnum):
    """Which tokens a station should know."""

    NONE = "none"
    ALL = "all"
    SELECTION = "selection"


class ListEntry(msgspec.Struct, frozen=True):
    """A token in a list. `status` None deletes it from the list (differences only)."""

    id_tag: str
    status: str | None
    expires_at: Instant | None = None
    parent_id_tag: str | None = None


class LocalList(msgspec.Struct, frozen=True, kw_only=True):
    """The list of one station: what is wanted, and what it acknowledged last.

    `version` None: not known. `state`: "unknown", "syncing", "in_sync", "drift", "failed", "not_supported".
    `schedule_hours` None: synchronised only when somebody asks.
    """

    organisation_id: str
    station_id: str
    mode: str = ListMode.NONE
    selection: tuple[str, ...] = ()
    version: int | None = None
    station_version: int | None = None
    """As the station told it last."""
    acknowledged: tuple[ListEntry, ...] = ()
    state: str = "unknown"
    schedule_hours: float | None = None
    synchronised_at: Instant | None = None
    checked_at: Instant | None = None
    problem: str | None = None
    updated_at: Instant = 0


class LocalListChanged(Fact, frozen=True, kw_only=True, gc=False):
    """What is known or wanted of a station's list is this now. Events leave the entries out."""

    event_type: ClassVar[str | None] = "local_list.changed"
    stored_event: ClassVar[bool] = False

    list: LocalList

    def told(self) -> object:
        """See `Fact.told`: a list may have thousands of entries, and an event comes for each message of a sync."""
        members = msgspec.structs.asdict(self.list)
        counts = {f"{name}_count": len(members.pop(name)) for name in ("acknowledged", "selection")}
        return msgspec.structs.asdict(self) | {"list": members | counts}


class LocalListReplaced(Fact, frozen=True, kw_only=True, gc=False):
    """A station took a whole list, to its last part: whatever it held before is gone."""

    event_type: ClassVar[str | None] = "local_list.replaced"

    version: int | None


class ListVersionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Ask which version a station has."""


class SendListOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Send a whole list, or a difference."""

    version: int
    full: bool
    entries: tuple[ListEntry, ...]


class ListChunk(msgspec.Struct, frozen=True):
    """One message of a synchronisation."""

    version: int
    full: bool
    entries: tuple[ListEntry, ...]


def desired_entries(
    tokens: Sequence[Token], now: Instant, most: int | None = None
) -> tuple[tuple[ListEntry, ...], int]:
    """The list that tokens make, sorted, and how many did not fit: usable ones go first."""
    entries: dict[str, ListEntry] = {}
    for token in sorted(tokens, key=lambda each: (not _usable(each, now), key_of(each.value))):
        entries.setdefault(key_of(token.value), _entry(token, now))
    listed = list(entries.values())
    kept = listed if most is None else listed[:most]
    return tuple(sorted(kept, key=lambda each: key_of(each.id_tag))), len(listed) - len(kept)


def difference(acknowledged: Sequence[ListEntry], wanted: Sequence[ListEntry]) -> tuple[ListEntry, ...]:
    """What leads from one list to the other: added, changed, deleted."""
    old: Mapping[str, ListEntry] = {key_of(each.id_tag): each for each in acknowledged}
    new: Mapping[str, ListEntry] = {key_of(each.id_tag): each for each in wanted}
    changed = [each for key, each in new.items() if old.get(key) != each]
    deleted = [ListEntry(each.id_tag, None) for key, each in old.items() if key not in new]
    return tuple(changed + deleted)


def plan(
    known: LocalList,
    wanted: Sequence[ListEntry],
    station_version: int | None,
    *,
    most_per_message: int | None,
    force_full: bool = False,
) -> tuple[ListChunk, ...]:
    """The messages that bring a station to the wanted list; none when it has it.

    A difference needs a version that the station and we agree on; otherwise the first message is a
    whole list, and what does not fit in it follows as differences, one version up each.
    """
    version = max(known.version or 0, station_version or 0)
    agreed = known.version is not None and station_version in {None, known.version} and known.state != "failed"
    if agreed and not force_full:
        changes = difference(known.acknowledged, wanted)
        if not changes:
            return ()
        if len(changes) <= max(1, len(wanted)):
            return _chunks(changes, version, most_per_message, full=False)
    if not wanted and station_version == 0 and not force_full:
        return ()
    return _chunks(tuple(wanted), version, most_per_message, full=True)


def due_at(known: LocalList) -> Instant:
    """When a schedule synchronises a list next: what failed or broke off is tried again after an hour at most.

    Only for lists that have a schedule.
    """
    interval_us = round((known.schedule_hours or 0) * HOUR_US)
    if known.state == "not_supported":
        return known.updated_at + interval_us
    if known.problem is not None or known.state == "syncing":
        return known.updated_at + min(interval_us, HOUR_US)
    return (known.synchronised_at or 0) + interval_us


def _chunks(entries: tuple[ListEntry, ...], version: int, most: int | None, *, full: bool) -> tuple[ListChunk, ...]:
    size = max(1, most or len(entries) or 1)
    parts = [entries[start : start + size] for start in range(0, len(entries), size)] or [()]
    return tuple(ListChunk(version + 1 + index, full and index == 0, part) for index, part in enumerate(parts))


def _usable(token: Token, now: Instant) -> bool:
    return token.status == TokenStatus.ACCEPTED and (token.expires_at is None or token.expires_at > now)


def _entry(token: Token, now: Instant) -> ListEntry:
    if token.status == TokenStatus.BLOCKED:
        status = "Blocked"
    elif token.expires_at is not None and token.expires_at <= now:
        status = "Expired"
    else:
        status = "Accepted"
    return ListEntry(token.value, status, token.expires_at, token.parent_id_tag)
