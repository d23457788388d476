"""The chain of the audit log, proved with nothing but a JSON library, as docs/security.md shows it."""

import hashlib
import json
from collections.abc import Callable

import msgspec
import pytest

from stationmaster.domain.audit import BEGINNING, AuditEntry, check_chain, entry_document, hash_of


def chain(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous_hash = BEGINNING
    for sequence in range(1, length + 1):
        entry = AuditEntry(
            organisation_id="o",
            sequence=sequence,
            at=1_740_832_496_000_000 + sequence * 1_000,
            actor="user:änna \u2028",
            action="change_station",
            target="/stations/CP7",
            station_id="CP7",
            result="ok",
            status=200,
            remote_address="192.0.2.1",
            details='{"body":{"limit":16.50,"name":"\\"quoted\\" \\u0007"}}',
            previous_hash=previous_hash,
        )
        entries.append(msgspec.structs.replace(entry, hash=hash_of(entry)))
        previous_hash = entries[-1].hash
    return entries


def test_a_whole_chain_has_no_flaw() -> None:
    assert list(check_chain(chain(20))) == []
    assert list(check_chain(chain(20)[7:], chain(20)[6])) == []


def test_whoever_has_an_export_can_prove_it() -> None:
    previous_hash = "0" * 64
    for entry in chain(5):
        exported = json.loads(json.dumps(entry_document(entry) | {"hash": entry.hash}))
        stated = exported.pop("hash")
        assert exported["previous_hash"] == previous_hash
        text = json.dumps(exported, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == stated
        previous_hash = stated


FIELDS = [name for name in AuditEntry.__struct_fields__ if name != "sequence"]


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_can_be_changed(field: str) -> None:
    entries = chain(5)
    changed = {"at": 1_000, "status": 204, "details": "{}"}.get(field, "other")
    entries[2] = msgspec.structs.replace(entries[2], **{field: changed})
    assert {flaw.sequence for flaw in check_chain(entries)} & {3, 4}


@pytest.mark.parametrize(
    "damage",
    [
        lambda entries: entries.pop(2),
        lambda entries: entries.pop(0),
        lambda entries: entries.insert(2, entries[2]),
        lambda entries: entries.reverse(),
        lambda entries: entries.__setitem__(slice(1, 3), [entries[2], entries[1]]),
    ],
    ids=["one missing", "the first missing", "one twice", "backwards", "two exchanged"],
)
def test_nothing_can_be_left_out_or_put_in(damage: Callable[[list[AuditEntry]], object]) -> None:
    entries = chain(5)
    damage(entries)
    assert list(check_chain(entries))


def test_an_entry_that_was_made_anew_breaks_the_one_behind_it() -> None:
    entries = chain(5)
    forged = msgspec.structs.replace(entries[2], actor="user:somebody")
    entries[2] = msgspec.structs.replace(forged, hash=hash_of(forged))
    assert [flaw.sequence for flaw in check_chain(entries)] == [4]
