"""Writing measured values: one row per moment, repeats dropped, overlapping sets merged value by value.

A set is linked to the transaction its station names, never to one of another station. The
unique keys of the table find repeats: a batch of new sets is one insert, and only what that
insert left out is compared with what is stored (handbook §1.14, §3.2.7). The main meter (connector
0) and a connector have a set each, also where a station names one transaction for both.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from stationmaster.domain.facts import BEGIN, REGISTER, MeterSample, MeterSampled
from stationmaster.domain.locations import Location
from stationmaster.storage.committed import ALREADY_STORED, AlreadyStored
from stationmaster.storage.programs import Batch, Execute, Program
from stationmaster.storage.statements import insert_into, select_by, update_by
from stationmaster.storage.tables import meter_value, transaction
from stationmaster.storage.text import clean, cleaned, key_text

__all__ = ["merge_samples", "register_of", "store_samples"]

_INSERT = insert_into(meter_value, ignore=True)
_FOUND = ("id", "transaction_id", "station_id", "evse_id", "reported_transaction_id", "sampled_at", "samples", "flags")
_FIND_OF_TRANSACTION = select_by(
    meter_value,
    ("transaction_id", "sampled_at", "evse_id"),
    _FOUND,
    where="t.transaction_id = :transaction_id AND t.sampled_at = :sampled_at AND t.evse_id = :evse_id",
)
_FIND_OF_LOCATION = select_by(
    meter_value,
    ("station_id", "evse_id", "reported_transaction_id", "sampled_at"),
    _FOUND,
    where="t.transaction_id IS NULL AND t.station_id = :station_id AND t.evse_id = :evse_id"
    " AND t.reported_transaction_id = :reported_transaction_id AND t.sampled_at = :sampled_at",
)
_CHANGE = update_by(meter_value, ("id",), ("samples", "register_wh", "flags"))
_FIND_OWNER = select_by(
    transaction,
    ("id",),
    ("id", "station_id", "ocpp_id"),
    where="t.id = :id",
)
_FIND_NAMED = select_by(
    transaction,
    ("station_id", "ocpp_id"),
    ("id", "station_id", "ocpp_id"),
    where="t.station_id = :station_id AND t.ocpp_id = :ocpp_id AND t.start_received_at IS NOT NULL",
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[MeterSample, ...])

_Key = tuple[Any, ...]
"""(transaction, sampled_at, evse or 0), or (station, evse or 0, the id the station named or "", sampled_at)."""


class _Set:
    """What is known of one moment: the row to write, and which facts it answers for."""

    __slots__ = ("fact", "flags", "id", "samples", "transaction_id")

    def __init__(self, fact: MeterSampled, transaction_id: int | None, flags: tuple[str, ...], row_id: int) -> None:
        self.fact = fact
        self.transaction_id = transaction_id
        self.flags = flags
        self.samples = _flagged(fact.samples)
        self.id = row_id

    def row(self) -> tuple[Any, ...]:
        """The row in the order of the table."""
        fact = self.fact
        location = fact.location or Location(fact.station_id)
        samples, text, reported = self.samples, fact.sampled_at_text, fact.reported_transaction_id
        return (
            self.id,
            fact.organisation_id,
            fact.station_id,
            self.transaction_id,
            location.evse_id or 0,
            location.connector_id or 0,
            fact.sampled_at,
            None if text is None else clean(text),
            fact.received_at,
            encode_samples(samples),
            self.register_wh(samples),
            "" if reported is None else key_text(reported),
            fact.inferred,
            _flags_text(self.flags),
        )

    def register_wh(self, samples: tuple[MeterSample, ...]) -> int | None:
        """The energy register among samples of this moment; the main meter's is none of a transaction (§3.2.7)."""
        location = self.fact.location
        if self.transaction_id is not None and location is not None and location.evse_id is None:
            return None
        return register_of(samples)


def store_samples(batch: Batch, facts: list[MeterSampled]) -> Program[list[AlreadyStored | None]]:
    """Store each set once; the outcome of a set that brought nothing new says so."""
    found = yield from _find_transactions(batch, facts)
    sets: dict[_Key, _Set] = {}
    keys: list[_Key] = []
    outcomes: list[AlreadyStored | None] = [None] * len(facts)
    for i, (row_id, told) in enumerate(zip(batch.take_ids(len(facts)), facts, strict=True)):
        transaction_id, flags = _link(batch, found, told)
        fact = told if told.location is not None else _placed(batch, told, transaction_id)
        key = _key_of(fact, transaction_id)
        keys.append(key)
        present = sets.get(key)
        if present is None:
            sets[key] = _Set(fact, transaction_id, flags, row_id)
            continue
        merged = merge_samples(present.samples, fact.samples)
        if merged is present.samples:
            outcomes[i] = ALREADY_STORED
        present.samples = merged
        present.flags = tuple(dict.fromkeys((*present.flags, *flags)))
    inserted = yield Execute(_INSERT, [item.row() for item in sets.values()])
    if inserted.rowcount < len(sets):
        idle = yield from _merge_with_stored(sets)
        for i, key in enumerate(keys):
            if key in idle:
                outcomes[i] = ALREADY_STORED
    return outcomes


def _merge_with_stored(sets: dict[_Key, _Set]) -> Program[set[_Key]]:
    """Merge the sets whose moment was stored before; the keys of those that brought nothing new."""
    linked = [key for key, item in sets.items() if item.transaction_id is not None]
    unlinked = [key for key, item in sets.items() if item.transaction_id is None]
    rows: list[Sequence[Any]] = []
    for statement, wanted in ((_FIND_OF_TRANSACTION, linked), (_FIND_OF_LOCATION, unlinked)):
        if wanted:
            found = yield Execute(statement, wanted)
            rows += found.rows
    idle: set[_Key] = set()
    changes = []
    for row_id, transaction_id, station_id, evse_id, reported, sampled_at, samples, flags in rows:
        linked_to = (transaction_id, sampled_at, evse_id)
        key = linked_to if transaction_id is not None else (station_id, evse_id, reported, sampled_at)
        item = sets[key]
        if row_id == item.id:
            continue
        stored = _decoder.decode(samples)
        merged = merge_samples(stored, item.samples)
        if merged is stored:
            idle.add(key)
            continue
        known = tuple(msgspec.json.decode(flags)) if flags else ()
        all_flags = _flags_text(tuple(dict.fromkeys((*known, *item.flags))))
        changes.append((row_id, encode_samples(merged), item.register_wh(merged), all_flags))
    if changes:
        yield Execute(_CHANGE, changes)
    return idle


class _Transactions:
    """Transactions that this batch had to look up: whose they are, and what their stations call them."""

    __slots__ = ("named", "stations")

    def __init__(self) -> None:
        self.stations: dict[int, str] = {}
        self.named: dict[tuple[str, str], int] = {}


def _find_transactions(batch: Batch, facts: list[MeterSampled]) -> Program[_Transactions]:
    """Look up the transactions that the facts name and that nobody has asked for yet."""
    numbers: set[int] = set()
    names: set[tuple[str, str]] = set()
    owners, drawn = batch.owners, batch.transactions
    for fact in facts:
        number = fact.transaction_id
        if number is not None:
            if (fact.station_id, number) not in drawn and owners.station_of(number) is None:
                numbers.add(number)
        elif fact.reported_transaction_id is not None:
            name = (fact.station_id, key_text(fact.reported_transaction_id))
            if owners.transaction_of(*name) is None:
                names.add(name)
    transactions = _Transactions()
    for statement, wanted in ((_FIND_OWNER, [(number,) for number in numbers]), (_FIND_NAMED, list(names))):
        if wanted:
            found = yield Execute(statement, wanted)
            for number, station_id, ocpp_id in found.rows:
                transactions.stations[number] = station_id
                transactions.named[station_id, ocpp_id] = number
                batch.learned.append((number, station_id, ocpp_id))
    return transactions


def _link(batch: Batch, found: _Transactions, fact: MeterSampled) -> tuple[int | None, tuple[str, ...]]:
    """The transaction that a set belongs to, and the set's flags.

    A number drawn in this batch stands for what it became. A transaction of another station is
    as good as unknown: the set is kept without a link (RELIABILITY S-05).
    """
    number = fact.transaction_id
    if number is None:
        if fact.reported_transaction_id is None:
            return None, fact.flags
        name = (fact.station_id, key_text(fact.reported_transaction_id))
        number = batch.owners.transaction_of(*name) or found.named.get(name)
        return number, fact.flags if number is not None else (*fact.flags, "unknown_transaction")
    drawn = batch.transactions.get((fact.station_id, number))
    if drawn is not None:
        return drawn, fact.flags
    owner = batch.owners.station_of(number) or found.stations.get(number)
    if owner == fact.station_id:
        return number, fact.flags
    return None, (*fact.flags, "unknown_transaction")


def _placed(batch: Batch, fact: MeterSampled, transaction_id: int | None) -> MeterSampled:
    """A set that came with an end is of the connector of the transaction that was ended, if that is known."""
    evse_id = None if transaction_id is None else batch.evses.get(transaction_id)
    if evse_id is None:
        return fact
    placed = msgspec.structs.replace(fact, location=Location(fact.station_id, evse_id, 1))
    batch.amended[id(fact)] = placed
    return placed


def _key_of(fact: MeterSampled, transaction_id: int | None) -> _Key:
    location = fact.location
    evse_id = 0 if location is None else location.evse_id or 0
    if transaction_id is not None:
        return (transaction_id, fact.sampled_at, evse_id)
    reported = "" if fact.reported_transaction_id is None else key_text(fact.reported_transaction_id)
    return (fact.station_id, evse_id, reported, fact.sampled_at)


def encode_samples(samples: Iterable[MeterSample]) -> str:
    """The JSON of a set's samples, fit for every database."""
    try:
        encoded = _encoder.encode(samples)
    except UnicodeEncodeError:
        encoded = b"\\u00"
    if b"\\u00" in encoded:
        encoded = _encoder.encode(cleaned(samples))
    return encoded.decode()


def register_of(samples: Iterable[MeterSample]) -> int | None:
    """The energy register among the samples in Wh, if there is one of the whole connector that is no nonsense.

    Some stations tell the reading of the start in every set, which is that of the set only where it is the only one.
    """
    register = of_begin = None
    for sample in samples:
        if (
            sample.measurand == REGISTER
            and sample.phase is None
            and sample.value is not None
            and not sample.flags
            and sample.location in (None, "Outlet")
        ):
            if sample.context == BEGIN:
                of_begin = round(sample.value)
            else:
                register = round(sample.value)
    return of_begin if register is None else register


def merge_samples(stored: tuple[MeterSample, ...], more: Iterable[MeterSample]) -> tuple[MeterSample, ...]:
    """Add the samples that are not there yet; `stored` itself when there are none.

    A sample with the key of another one but another value is kept beside it, flagged "conflict".
    """
    values: dict[_Key, set[Any]] = {}
    for sample in stored:
        values.setdefault(_sample_key(sample), set()).add(_sample_value(sample))
    added = []
    for sample in more:
        known = values.setdefault(_sample_key(sample), set())
        value = _sample_value(sample)
        if value in known:
            continue
        added.append(msgspec.structs.replace(sample, flags=(*sample.flags, "conflict")) if known else sample)
        known.add(value)
    return (*stored, *added) if added else stored


def _flagged(samples: tuple[MeterSample, ...]) -> tuple[MeterSample, ...]:
    """A set may contradict itself, too; nearly none does, and the cheap look suffices. What it repeats stays."""
    distinct = {(sample.measurand, sample.phase) for sample in samples}
    if len(distinct) == len(samples):
        return samples
    first: dict[_Key, Any] = {}
    return tuple(
        sample
        if first.setdefault(_sample_key(sample), _sample_value(sample)) == _sample_value(sample)
        else msgspec.structs.replace(sample, flags=(*sample.flags, "conflict"))
        for sample in samples
    )


def _sample_key(sample: MeterSample) -> _Key:
    unit = sample.unit or ("Wh" if sample.measurand.startswith("Energy.Active") else None)
    return (sample.measurand, sample.context, sample.format, sample.phase, sample.location or "Outlet", unit)


def _sample_value(sample: MeterSample) -> Any:
    return sample.raw if sample.value is None else sample.value


def _flags_text(flags: tuple[str, ...]) -> str | None:
    return _encoder.encode(flags).decode() if flags else None
