"""Writing the ends of transactions: an end may close, repeat, contradict, or belong to nothing we know.

Which of these it is, is decided here, in the database transaction, so that a repeated
StopTransaction changes nothing whatever runs beside it (handbook §1.14, §3.2.10).
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

import msgspec

from stationmaster.domain.clocks import is_doubtful
from stationmaster.domain.energy import BEYOND_PHYSICAL_LIMIT, is_impossible
from stationmaster.domain.facts import TransactionEnded, TransactionEndStored
from stationmaster.domain.tokens import key_of
from stationmaster.domain.transactions import NO_ID, START_UNCONFIRMED, STOP_INFERRED
from stationmaster.storage.numbers import digest_of
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into, select_by, update_by
from stationmaster.storage.tables import token, transaction
from stationmaster.storage.text import clip
from stationmaster.storage.transactions import flags_text, read_flags

__all__ = ["store_ends"]

_FOUND: Final = (
    "id",
    "station_id",
    "ocpp_id",
    "state",
    "id_tag",
    "parent_id_tag",
    "meter_start_wh",
    "started_at",
    "meter_stop_wh",
    "stopped_at",
    "stop_received_at",
    "stop_reason",
    "stop_id_tag",
    "flags",
    "stopped_at_text",
    "evse_id",
)
_FIND_STARTED = select_by(
    transaction,
    ("station_id", "ocpp_id"),
    _FOUND,
    where="t.station_id = :station_id AND t.ocpp_id = :ocpp_id AND t.start_received_at IS NOT NULL",
)
_FIND_ORPHAN = select_by(
    transaction,
    ("station_id", "ocpp_id", "digest"),
    (*_FOUND, "digest"),
    where="t.station_id = :station_id AND t.ocpp_id = :ocpp_id AND t.digest = :digest AND t.start_received_at IS NULL",
)
_FIND_UNCONFIRMED = select_by(
    transaction,
    ("station_id",),
    _FOUND,
    where=f"t.station_id = :station_id AND t.start_received_at IS NOT NULL AND t.flags LIKE '%{START_UNCONFIRMED}%'",
)
_CLOSE = update_by(
    transaction,
    ("id",),
    (
        "meter_stop_wh",
        "stopped_at",
        "stopped_at_text",
        "stop_received_at",
        "stop_reason",
        "stop_id_tag",
        "stop_token_id",
        "flags",
    ),
    changes={"state": "'closed'"},
)
_SET_FLAGS = update_by(transaction, ("id",), ("flags",))
_INSERT_ORPHANS = insert_into(
    transaction,
    (
        "id",
        "ocpp_id",
        "organisation_id",
        "station_id",
        "protocol",
        "state",
        "digest",
        "meter_stop_wh",
        "stopped_at",
        "stopped_at_text",
        "stop_received_at",
        "stop_reason",
        "stop_id_tag",
        "stop_token_id",
        "flags",
    ),
)
_FIND_PARENT = select_by(token, ("id",), ("id", "parent_id_tag"), where="t.id = :id")


class _Found(msgspec.Struct):
    """A stored transaction or orphan as an end finds it, kept up to date within the batch."""

    id: int
    station_id: str
    ocpp_id: str
    state: str
    id_tag: str | None = None
    parent_id_tag: str | None = None
    meter_start_wh: int | None = None
    started_at: int | None = None
    meter_stop_wh: int | None = None
    stopped_at: int | None = None
    stop_received_at: int | None = None
    stop_reason: str | None = None
    stop_id_tag: str | None = None
    flags: str = "[]"
    stopped_at_text: str | None = None
    evse_id: int | None = None

    def says_the_same(self, fact: TransactionEnded) -> bool:
        """Whether this end was stored already, content and all."""
        return (self.meter_stop_wh, self.stopped_at, self.stop_reason, self.stop_id_tag) == (
            fact.meter_stop_wh,
            fact.ended_at,
            fact.reason,
            fact.id_tag,
        )


def store_ends(batch: Batch, facts: list[TransactionEnded]) -> Program[list[TransactionEndStored]]:
    """Close what is ended, recognise what was ended before, and keep ends of nothing as orphans."""
    keys = [(fact.station_id, clip(fact.ocpp_id)) for fact in facts]
    found = yield Execute(_FIND_STARTED, keys)
    started = {(row[1], row[2]): _Found(*row) for row in found.rows}
    orphans: dict[Any, _Found] = {}
    lost = [(*key, _orphan_digest(fact)) for key, fact in zip(keys, facts, strict=True) if key not in started]
    if lost:
        found = yield Execute(_FIND_ORPHAN, lost)
        orphans = {(row[1], row[2], row[-1]): _Found(*row[:-1]) for row in found.rows}
    unconfirmed = yield from _find_unconfirmed(station_id for station_id, ocpp_id, _ in lost if ocpp_id == NO_ID)
    parents = yield from _parents_of_strangers(facts, keys, started, unconfirmed)
    ends = _Ends(started, orphans, unconfirmed, parents)
    outcomes = [ends.add(fact, key) for fact, key in zip(facts, keys, strict=True)]
    for fact, outcome in zip(facts, outcomes, strict=True):
        batch.transactions[fact.station_id, fact.orphan_id] = outcome.id
    for row in chain(started.values(), *unconfirmed.values()):
        batch.evses[row.id] = row.evse_id
    for statement, rows in ((_CLOSE, ends.closed), (_SET_FLAGS, ends.flagged), (_INSERT_ORPHANS, ends.orphaned)):
        if rows:
            yield Execute(statement, rows)
    batch.learned += [(row.id, row.station_id, row.ocpp_id) for row in started.values()]
    return outcomes


def _find_unconfirmed(station_ids: Iterable[str]) -> Program[dict[str, list[_Found]]]:
    """The transactions of stations that never heard of their ids, the newest first."""
    unconfirmed: dict[str, list[_Found]] = {station_id: [] for station_id in station_ids}
    if unconfirmed:
        found = yield Execute(_FIND_UNCONFIRMED, [(station_id,) for station_id in unconfirmed])
        for row in sorted(found.rows, key=lambda row: (row[7], row[0]), reverse=True):
            unconfirmed[row[1]].append(_Found(*row))
    return unconfirmed


def _parents_of_strangers(
    facts: list[TransactionEnded],
    keys: list[tuple[str, str]],
    started: dict[tuple[str, str], _Found],
    unconfirmed: dict[str, list[_Found]],
) -> Program[dict[int, str | None]]:
    """The parent of each stopping token that is not the starting one (§3.2.10 duty 4)."""
    strangers = {
        fact.token_id
        for fact, key in zip(facts, keys, strict=True)
        if fact.token_id is not None
        and (_is_stranger(fact, started[key]) if key in started else key[1] == NO_ID and unconfirmed[key[0]])
    }
    if not strangers:
        return {}
    found = yield Execute(_FIND_PARENT, [(token_id,) for token_id in strangers])
    return {row[0]: row[1] for row in found.rows}


def _is_stranger(fact: TransactionEnded, row: _Found) -> bool:
    return fact.id_tag is not None and row.id_tag is not None and key_of(fact.id_tag) != key_of(row.id_tag)


class _Ends:
    """The ends of a batch against what is stored; the rows of each statement to run."""

    def __init__(
        self,
        started: dict[tuple[str, str], _Found],
        orphans: dict[tuple[str, str, int], _Found],
        unconfirmed: dict[str, list[_Found]],
        parents: dict[int, str | None],
    ) -> None:
        self._started = started
        self._orphans = orphans
        self._unconfirmed = unconfirmed
        self._parents = parents
        self.closed: list[tuple[Any, ...]] = []
        self.flagged: list[tuple[Any, ...]] = []
        self.orphaned: list[tuple[Any, ...]] = []

    def add(self, fact: TransactionEnded, key: tuple[str, str]) -> TransactionEndStored:
        """What becomes of one end."""
        row = self._started.get(key)
        if row is None:
            return self._end_without_id(fact, key) if key[1] == NO_ID else self._orphan(fact, key)
        # An end that no message told of (closed by policy) gives way to the one that does.
        if row.state != "closed" or row.stop_received_at is None:
            return self._close(fact, row)
        if row.says_the_same(fact):
            return TransactionEndStored(row.id, "resend", read_flags(row.flags))
        flags = _merged(read_flags(row.flags), ("conflicting_stop",))
        row.flags = flags_text(flags)
        self.flagged.append((row.id, row.flags))
        return TransactionEndStored(row.id, "conflict", flags)

    def _end_without_id(self, fact: TransactionEnded, key: tuple[str, str]) -> TransactionEndStored:
        """It ends the newest start that was never confirmed and that it can belong to, else nothing (§3.2.8)."""
        digest = _orphan_digest(fact)
        if (*key, digest) not in self._orphans:
            for row in self._unconfirmed[fact.station_id]:
                flags = read_flags(row.flags)
                if STOP_INFERRED in flags and _digest(row.stopped_at, row.stopped_at_text, row.meter_stop_wh) == digest:
                    return TransactionEndStored(row.id, "resend", flags)
            for row in self._unconfirmed[fact.station_id]:
                if row.state == "open" and _may_end(fact, row):
                    return self._close(fact, row, STOP_INFERRED)
        return self._orphan(fact, key)

    def _close(self, fact: TransactionEnded, row: _Found, *how: str) -> TransactionEndStored:
        known = read_flags(row.flags)
        if not how and START_UNCONFIRMED in known:  # it knows the id after all
            known = tuple(flag for flag in known if flag != START_UNCONFIRMED)
        flags = _merged(known, (*how, *fact.flags, *self._doubts(fact, row)))
        row.state, row.flags = "closed", flags_text(flags)
        row.meter_stop_wh, row.stopped_at, row.stop_received_at = fact.meter_stop_wh, fact.ended_at, fact.received_at
        row.stop_reason, row.stop_id_tag, row.stopped_at_text = fact.reason, fact.id_tag, fact.ended_at_text
        self.closed.append((row.id, *_end_columns(fact), row.flags))
        return TransactionEndStored(row.id, "closed", flags)

    def _orphan(self, fact: TransactionEnded, key: tuple[str, str]) -> TransactionEndStored:
        digest = _orphan_digest(fact)
        place = (*key, digest)
        known = self._orphans.get(place)
        if known is not None:
            return TransactionEndStored(known.id, "resend", read_flags(known.flags))
        flags = _merged(fact.flags, ("orphan",))
        end = _end_columns(fact)
        text = flags_text(flags)
        self._orphans[place] = _Found(fact.orphan_id, *key, "closed", flags=text)
        self.orphaned.append(
            (fact.orphan_id, key[1], fact.organisation_id, key[0], fact.protocol, "closed", digest, *end, text)
        )
        return TransactionEndStored(fact.orphan_id, "orphan", flags)

    def _doubts(self, fact: TransactionEnded, row: _Found) -> list[str]:
        doubts = []
        if (
            fact.meter_stop_wh is not None
            and row.meter_start_wh is not None
            and fact.meter_stop_wh < row.meter_start_wh
        ):
            doubts.append("negative_energy")
        if is_impossible(row.meter_start_wh, fact.meter_stop_wh, row.started_at, fact.ended_at):
            doubts.append(BEYOND_PHYSICAL_LIMIT)
        if row.started_at is not None and fact.ended_at < row.started_at:
            doubts.append("stopped_before_start")
        if _is_stranger(fact, row):
            parent = None if fact.token_id is None else self._parents.get(fact.token_id)
            if parent is None or row.parent_id_tag is None or key_of(parent) != key_of(row.parent_id_tag):
                doubts.append("stopped_by_other_token")
        return doubts


def _end_columns(fact: TransactionEnded) -> tuple[Any, ...]:
    return (
        fact.meter_stop_wh,
        fact.ended_at,
        fact.ended_at_text,
        fact.received_at,
        fact.reason,
        fact.id_tag,
        fact.token_id,
    )


def _orphan_digest(fact: TransactionEnded) -> int:
    """What else belongs to an orphan's key; without a time of its own the meter reading must do."""
    return _digest(fact.ended_at, fact.ended_at_text, fact.meter_stop_wh)


def _digest(ended_at: int | None, ended_at_text: str | None, meter_stop_wh: int | None) -> int:
    return digest_of((None if ended_at_text is None else ended_at, meter_stop_wh))


def _may_end(fact: TransactionEnded, row: _Found) -> bool:
    """Whether neither the time nor the meter speaks against it."""
    if fact.meter_stop_wh is not None and row.meter_start_wh is not None and fact.meter_stop_wh < row.meter_start_wh:
        return False
    doubtful = is_doubtful(fact.flags) or is_doubtful(read_flags(row.flags))
    return doubtful or row.started_at is None or fact.ended_at >= row.started_at


def _merged(flags: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*flags, *more)))
