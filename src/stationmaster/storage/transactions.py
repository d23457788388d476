"""Writing the starts of transactions: what a start turns out to be is decided here, in the database transaction.

It may be a resend, which adds nothing; it may supersede transactions that are open on its connector, or
be superseded itself, if it comes late (handbook §1.14, §3.2.8). Each statement serves all starts of a batch.
"""

from typing import Any

import msgspec

from stationmaster.domain.facts import TransactionStarted, TransactionStored
from stationmaster.domain.tokens import key_of
from stationmaster.domain.transactions import START_UNCONFIRMED, Beginning
from stationmaster.instants import Instant
from stationmaster.storage.active_transactions import ActiveTransactions, find_active
from stationmaster.storage.numbers import digest_of, scramble
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into, select_by, update_by
from stationmaster.storage.tables import transaction

__all__ = ["flags_text", "read_flags", "store_starts"]

_FOUND = (
    "id",
    "ocpp_id",
    "station_id",
    "evse_id",
    "started_at",
    "started_at_text",
    "digest",
    "state",
    "authorization_status",
    "authorization_expires_at",
    "parent_id_tag",
    "start_received_at",
    "flags",
)
_FIND_SAME = select_by(
    transaction,
    ("station_id", "started_at", "digest"),
    _FOUND,
    where="t.station_id = :station_id AND t.started_at = :started_at AND t.digest = :digest",
)
_FIND_OPEN = select_by(
    transaction,
    ("station_id", "evse_id"),
    _FOUND,
    where="t.station_id = :station_id AND t.evse_id = :evse_id AND t.state = 'open'",
)
_INSERT_STARTS = insert_into(
    transaction,
    (
        "id",
        "ocpp_id",
        "organisation_id",
        "station_id",
        "site_id",
        "protocol",
        "evse_id",
        "connector_id",
        "id_tag",
        "token_id",
        "parent_id_tag",
        "state",
        "authorization_status",
        "authorization_expires_at",
        "reservation_id",
        "meter_start_wh",
        "started_at",
        "started_at_text",
        "start_received_at",
        "digest",
        "remote_start_job_id",
        "flags",
    ),
)
_SUPERSEDE = update_by(transaction, ("id",), (), changes={"state": "'superseded'"}, where="t.state = 'open'")
_SET_FLAGS = update_by(transaction, ("id",), ("flags",))

_Key = tuple[str, int, int]


def store_starts(batch: Batch, facts: list[TransactionStarted]) -> Program[list[TransactionStored]]:
    """Store each start, or find that it came before; older open ones on the connector are superseded."""
    digests = [
        digest_of((fact.location.evse_id, fact.location.connector_id, _key_of(fact.id_tag), fact.meter_start_wh))
        for fact in facts
    ]
    same = yield Execute(
        _FIND_SAME,
        [(fact.station_id, fact.started_at, digest) for fact, digest in zip(facts, digests, strict=True)],
    )
    running = yield Execute(_FIND_OPEN, [(fact.station_id, fact.location.evse_id) for fact in facts])
    active = yield from find_active(facts)
    starts = _Starts([*same.rows, *running.rows], active)
    outcomes = [starts.add(fact, digest) for fact, digest in zip(facts, digests, strict=True)]
    for fact, outcome in zip(facts, outcomes, strict=True):
        batch.transactions[fact.station_id, fact.id] = outcome.id
        if outcome.authorization_status != fact.authorization_status and not outcome.resend:
            batch.amended[id(fact)] = _with_status(fact, outcome.authorization_status)
        batch.learned.append((outcome.id, fact.station_id, outcome.ocpp_id))
    if starts.rows:
        yield Execute(_INSERT_STARTS, starts.rows)
    if starts.superseded:
        yield Execute(_SUPERSEDE, [(number,) for number in starts.superseded])
    if starts.confirmed:
        yield Execute(_SET_FLAGS, list(starts.confirmed.items()))
    return outcomes


class _Starts:
    """The starts of a batch against what is stored: `rows` to insert, `superseded` numbers to mark.

    `confirmed`: the flags of those that came again, and whose first answer could not be written.
    """

    def __init__(self, found: list[Any], active: ActiveTransactions) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.superseded: list[int] = []
        self.confirmed: dict[int, str] = {}
        self._unconfirmed: dict[int, str] = {}
        self._active = active
        self._known: dict[_Key, TransactionStored] = {}
        self._without_time: dict[tuple[str, int], TransactionStored] = {}
        self._open: dict[tuple[str, int], dict[int, Beginning]] = {}
        for row in found:
            number, ocpp_id, station_id, evse_id, started_at, text, digest, state, status, expires_at, parent = row[:11]
            stored = TransactionStored(number, ocpp_id, True, status, expires_at, parent)
            self._known[station_id, started_at, digest] = stored
            if state == "open":
                if START_UNCONFIRMED in row[12]:
                    self._unconfirmed[number] = row[12]
                began = Beginning(started_at, row[11], read_flags(row[12]))
                self._open.setdefault((station_id, evse_id), {})[number] = began
                if text is None:
                    self._without_time[station_id, digest] = stored

    def add(self, fact: TransactionStarted, digest: int) -> TransactionStored:
        """What becomes of one start."""
        key = (fact.station_id, fact.started_at, digest)
        known = self._known.get(key)
        if known is None and fact.started_at_text is None:
            # Without a time of its own, a start is told from its resend only while it is still open.
            known = self._without_time.get((fact.station_id, digest))
        if known is not None:
            if known.id in self._unconfirmed:
                flags = [flag for flag in read_flags(self._unconfirmed[known.id]) if flag != START_UNCONFIRMED]
                self.confirmed[known.id] = flags_text(tuple(flags))
            return known
        status = self._active.status_of(fact)
        if status != fact.authorization_status:
            fact = _with_status(fact, status)
        older, superseded_at = self._supersede(fact)
        self.superseded += older
        if superseded_at is None:
            self._active.began(fact, older)
        ocpp_id = str(scramble(fact.id))
        state = "open" if superseded_at is None else "superseded"
        self.rows.append(_start_row(fact, ocpp_id, digest, state))
        outcome = TransactionStored(
            fact.id,
            ocpp_id,
            False,
            fact.authorization_status,
            fact.authorization_expires_at,
            fact.parent_id_tag,
            tuple(older),
            superseded_at,
        )
        self._known[key] = msgspec.structs.replace(outcome, resend=True, superseded_ids=(), superseded_at=None)
        return outcome

    def _supersede(self, fact: TransactionStarted) -> tuple[list[int], Instant | None]:
        """The open ones that this start supersedes, and when the first of those began that it came too late for."""
        evse_id = fact.location.evse_id
        if evse_id is None:
            return [], None
        began = Beginning(fact.started_at, fact.received_at, fact.flags)
        running = self._open.setdefault((fact.station_id, evse_id), {})
        if not running:
            running[fact.id] = began
            return [], None
        newer = {number: other for number, other in running.items() if began.came_late_after(other)}
        older = [number for number in running if number not in newer]
        self._open[fact.station_id, evse_id] = newer or {fact.id: began}
        return older, min((other.started_at for other in newer.values()), default=None)


def _start_row(fact: TransactionStarted, ocpp_id: str, digest: int, state: str) -> tuple[Any, ...]:
    return (
        fact.id,
        ocpp_id,
        fact.organisation_id,
        fact.station_id,
        fact.site_id,
        fact.protocol,
        fact.location.evse_id,
        fact.location.connector_id,
        fact.id_tag,
        fact.token_id,
        fact.parent_id_tag,
        state,
        fact.authorization_status,
        fact.authorization_expires_at,
        fact.reservation_id,
        fact.meter_start_wh,
        fact.started_at,
        fact.started_at_text,
        fact.received_at,
        digest,
        fact.remote_start_job_id,
        flags_text(fact.flags),
    )


def _key_of(id_tag: str | None) -> str | None:
    """A tag that comes again in another case is the same (§2.1)."""
    return None if id_tag is None else key_of(id_tag)


def _with_status(fact: TransactionStarted, status: str) -> TransactionStarted:
    return msgspec.structs.replace(fact, authorization_status=status)


def flags_text(flags: tuple[str, ...]) -> str:
    """The form in which flags are stored: a JSON list."""
    return msgspec.json.encode(flags).decode()


def read_flags(text: str) -> tuple[str, ...]:
    """Flags from that form; most transactions have none."""
    return () if text == "[]" else tuple(msgspec.json.decode(text))
