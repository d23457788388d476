"""Measured values as they come: once, twice, overlapping, late, for nothing (handbook §1.14, §3.2.7)."""

import json
from typing import Any

import pytest

from stationmaster.domain.facts import REGISTER, MeterSample, MeterSampled, TransactionStored
from stationmaster.domain.metering import read_sample
from stationmaster.storage import AlreadyStored, Committed, Storage
from stationmaster.storage.metering import merge_samples, register_of
from tests.storage.conftest import opened, rows_of
from tests.storage.facts import at, ended, place, register, sampled, started, unanswered, voltage


async def begin(storage: Storage, **more: Any) -> TransactionStored:
    outcome: TransactionStored = (await storage.record([started(await storage.draw_transaction_id(), **more)]))[0]
    return outcome


async def sets(
    storage: Storage, transaction_id: int | None = None, **more: Any
) -> list[tuple[int, tuple[MeterSample, ...]]]:
    """Seconds and samples, in order."""
    page = await storage.transactions.meter_values(transaction_id, **more)
    return [((found.sampled_at - at(0)) // 1_000_000, found.samples) for found in page.items]


async def test_sets_are_kept_in_the_order_of_their_times(storage: Storage) -> None:
    one = await begin(storage)
    late, early = (register(2), voltage(230)), (register(1), voltage(231))
    assert await storage.record([sampled(one.id, *late, seconds=120), sampled(one.id, *early, seconds=60)]) == [
        None,
        None,
    ]
    assert await sets(storage, one.id) == [(60, early), (120, late)]
    found = (await storage.transactions.meter_values(one.id)).items[0]
    assert (found.station_id, found.evse_id, found.connector_id) == ("CP1", 1, 1)
    assert (found.received_at, found.inferred, found.flags) == (at(61), False, ())


async def test_a_repeat_is_dropped_and_not_told(storage: Storage) -> None:
    told: list[object] = []
    storage.on_committed(lambda committed: told.extend(item.fact for item in committed))
    one = await begin(storage)
    fact = sampled(one.id, register(1), voltage(230))
    assert await storage.record([fact]) == [None]
    assert await storage.record([fact]) == [AlreadyStored()]
    assert await storage.record([fact, fact]) == [AlreadyStored(), AlreadyStored()]
    assert told.count(fact) == 1
    assert await sets(storage, one.id) == [(60, fact.samples)]


async def test_a_repeat_within_one_commit_is_dropped(storage: Storage) -> None:
    one = await begin(storage)
    fact = sampled(one.id, register(1))
    assert await storage.record([fact, fact]) == [None, AlreadyStored()]
    assert await sets(storage, one.id) == [(60, fact.samples)]


async def test_overlapping_sets_are_merged_value_by_value(storage: Storage) -> None:
    one = await begin(storage)
    assert await storage.record([sampled(one.id, register(1), voltage(230, "L1"))]) == [None]
    assert await storage.record([sampled(one.id, voltage(230, "L1"), voltage(231, "L2"), flags=("late",))]) == [None]
    assert await sets(storage, one.id) == [(60, (register(1), voltage(230, "L1"), voltage(231, "L2")))]
    assert (await storage.transactions.meter_values(one.id)).items[0].flags == ("late",)


async def test_another_value_of_the_same_thing_is_kept_beside_it_and_flagged(storage: Storage) -> None:
    one = await begin(storage)
    conflict = register(2, flags=("conflict",))
    await storage.record([sampled(one.id, register(1))])
    assert await storage.record([sampled(one.id, register(2))]) == [None]
    assert await storage.record([sampled(one.id, register(2)), sampled(one.id, register(1))]) == [AlreadyStored()] * 2
    assert await sets(storage, one.id) == [(60, (register(1), conflict))]
    transaction = await storage.transactions.get(one.id)
    assert transaction is not None
    assert transaction.last_meter_wh == 1


@pytest.mark.parametrize(
    "other",
    [
        {"context": "Transaction.End"},
        {"phase": "L1"},
        {"location": "Inlet"},
        {"format": "SignedData"},
    ],
)
def test_what_differs_in_a_part_of_the_key_is_another_value(other: dict[str, Any]) -> None:
    assert merge_samples((register(1),), [register(2, **other)]) == (register(1), register(2, **other))


def test_defaults_are_filled_in_before_comparing() -> None:
    stored = (MeterSample("1", 1.0),)
    assert merge_samples(stored, [MeterSample("1.0", 1.0, unit="Wh", location="Outlet")]) is stored


def test_values_that_are_no_numbers_are_compared_as_text() -> None:
    stored = (MeterSample("n/a", None),)
    assert merge_samples(stored, [MeterSample("n/a", None)]) is stored
    assert merge_samples(stored, [MeterSample("NaN", None)])[1].flags == ("conflict",)


def test_the_register_is_that_of_the_whole_connector() -> None:
    assert register_of([voltage(230)]) is None
    assert register_of([register(1, phase="L1"), register(2), register(3, location="Inlet")]) == 2
    assert register_of([register(2, flags=("negative",))]) is None
    assert register_of([register(2.6)]) == 3


def test_the_reading_of_the_start_is_that_of_a_set_only_where_it_is_the_only_one() -> None:
    begin = register(100, context="Transaction.Begin")
    assert register_of([register(180), begin]) == register_of([begin, register(180)]) == 180
    assert register_of([begin, voltage(230)]) == 100
    assert register_of([begin, register(9, flags=("negative",))]) == 100


async def test_a_set_that_contradicts_itself_keeps_both_and_counts_the_first(storage: Storage) -> None:
    one = await begin(storage)
    await storage.record([sampled(one.id, register(500), register(400), register(400), voltage(230))])
    conflict = register(400, flags=("conflict",))
    kept = (register(500), conflict, conflict, voltage(230))
    assert await sets(storage, one.id) == [(60, kept)]
    transaction = await storage.transactions.get(one.id)
    assert transaction is not None
    assert transaction.last_meter_wh == 500


async def test_the_values_of_an_end_are_compared_with_those_before(storage: Storage) -> None:
    one = await begin(storage)
    await storage.record([sampled(one.id, register(1), seconds=60)])
    orphan_id = await storage.draw_transaction_id()
    data = [
        sampled(orphan_id, register(1), seconds=60, connector=None),
        sampled(orphan_id, register(2, context="Transaction.End"), seconds=90, connector=None),
    ]
    told: list[Any] = []
    storage.on_committed(lambda committed: told.extend(item.fact for item in committed))
    outcomes = await storage.record([ended(one.ocpp_id, orphan_id), *data])
    assert [type(outcome).__name__ for outcome in outcomes] == ["TransactionEndStored", "AlreadyStored", "NoneType"]
    assert [seconds for seconds, _ in await sets(storage, one.id)] == [60, 90]
    assert [fact.location for fact in told if isinstance(fact, MeterSampled)] == [place("CP1", 1)]
    transaction = await storage.transactions.get(one.id)
    assert transaction is not None
    assert transaction.last_meter_wh == 2


async def test_the_values_of_an_end_without_an_id_are_compared_with_those_of_the_start_it_ends(
    storage: Storage,
) -> None:
    one = await begin(storage, connector=2)
    storage.note(unanswered(one.id))
    await storage.record([sampled(one.id, register(1), connector=2)])
    for expected in ([None], [AlreadyStored()]):
        orphan_id = await storage.draw_transaction_id()
        data = [sampled(orphan_id, register(wh), seconds=at, connector=None) for at, wh in ((60, 1), (90, 2))]
        stop, repeated, new = await storage.record([ended("-1", orphan_id), *data])
        assert stop.id == one.id
        assert [repeated, new] == [AlreadyStored(), *expected]
    found = (await storage.transactions.meter_values(one.id)).items
    assert [(each.evse_id, len(each.samples)) for each in found] == [(2, 1), (2, 1)]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("wh", [7, 9_000_000])
async def test_the_main_meter_and_the_connector_tell_of_one_moment_of_a_transaction(
    storage: Storage, together: bool, wh: int
) -> None:
    one = await begin(storage)
    of_main_meter, of_connector = sampled(one.id, register(wh), connector=0), sampled(one.id, register(7))
    for expected in (None, AlreadyStored()):
        if together:
            assert await storage.record([of_main_meter, of_connector]) == [expected, expected]
        else:
            assert await storage.record([of_main_meter]) == [expected]
            assert await storage.record([of_connector]) == [expected]
    assert await storage.record([sampled(one.id, register(wh), voltage(230), connector=0)]) == [None]
    found = (await storage.transactions.meter_values(one.id)).items
    assert {each.evse_id: each.samples for each in found} == {None: (register(wh), voltage(230)), 1: (register(7),)}
    for samples in ((register(wh),), (register(wh), voltage(230))):
        assert await storage.record([sampled(one.id, *samples, connector=0, seconds=90)]) == [None]
    transaction = await storage.transactions.get(one.id)
    assert transaction is not None
    assert transaction.last_meter_wh == 7


async def test_the_values_of_an_orphan_are_kept_with_it_also_when_it_comes_again(storage: Storage) -> None:
    outcomes: list[Any] = []
    for _ in range(2):
        orphan_id = await storage.draw_transaction_id()
        outcomes += await storage.record([ended("-1", orphan_id), sampled(orphan_id, register(1))])
    assert outcomes[0].id == outcomes[2].id
    assert outcomes[3] == AlreadyStored()
    assert len(await sets(storage, outcomes[0].id)) == 1


async def test_values_recorded_with_a_resent_start_go_to_the_first(storage: Storage) -> None:
    one = await begin(storage)
    number = await storage.draw_transaction_id()
    await storage.record([started(number), sampled(number, register(1))])
    assert len(await sets(storage, one.id)) == 1


async def test_a_set_is_linked_by_the_number_that_its_station_names(storage: Storage) -> None:
    one = await begin(storage)
    await storage.record([sampled(None, register(1), reported_transaction_id=one.ocpp_id)])
    await storage.record([sampled(None, register(2), reported_transaction_id=one.ocpp_id, seconds=90)])
    assert [seconds for seconds, _ in await sets(storage, one.id)] == [60, 90]


async def test_a_link_survives_a_restart_of_the_node(database_url: str) -> None:
    async with opened(database_url) as storage:
        one = await begin(storage)
    async with opened(database_url) as storage:
        await storage.record([sampled(one.id, register(1)), sampled(None, register(2), reported_transaction_id="-1")])
        assert len(await sets(storage, one.id)) == 1


@pytest.mark.parametrize("by", ["ours", "theirs"])
async def test_a_transaction_of_another_station_is_never_touched(storage: Storage, by: str) -> None:
    one = await begin(storage, station_id="CP1")
    named: dict[str, Any] = {"reported_transaction_id": one.ocpp_id}
    await storage.record([sampled(one.id if by == "ours" else None, register(1), station_id="CP2", **named)])
    assert await sets(storage, one.id) == []
    assert len(await sets(storage, station_id="CP2")) == 1
    found = (await storage.transactions.meter_values(station_id="CP2")).items[0]
    assert found.flags == ("unknown_transaction",)
    assert found.transaction_id is None


async def test_a_number_drawn_beside_for_another_station_is_not_ours(storage: Storage) -> None:
    number = await storage.draw_transaction_id()
    await storage.record([started(number, "CP1"), sampled(number, register(1), station_id="CP2")])
    assert await sets(storage, number) == []


async def test_values_of_no_transaction_are_compared_by_place_and_number(storage: Storage) -> None:
    facts: list[MeterSampled] = [
        sampled(None, register(1)),
        sampled(None, register(1), connector=2),
        sampled(None, register(1), connector=0),
        sampled(None, register(1), station_id="CP2"),
        sampled(None, register(1), reported_transaction_id="-1"),
        sampled(None, register(1), seconds=61),
    ]
    assert await storage.record(facts) == [None] * 6
    assert await storage.record(facts) == [AlreadyStored()] * 6
    assert len(await sets(storage, station_id="CP1")) == 5
    station = [
        found for found in (await storage.transactions.meter_values(station_id="CP1")).items if found.evse_id is None
    ]
    assert [found.connector_id for found in station] == [None]


async def test_hostile_texts_are_stored_cleaned(storage: Storage, database_url: str) -> None:
    one = await begin(storage)
    raw = MeterSample(raw="1\x002\ud800", value=None, measurand="Mea\x1bsurand")
    await storage.record([sampled(one.id, raw, sampled_at_text="n\x00ow")])
    await storage.record([sampled(None, raw, reported_transaction_id="x\x00" * 400)])
    assert (await sets(storage, one.id))[0][1] == (MeterSample(raw="12\ufffd", value=None, measurand="Measurand"),)
    rows = await rows_of(database_url, "SELECT sampled_at_text, reported_transaction_id FROM meter_value ORDER BY id")
    assert rows == [("now", ""), (None, "x" * 255)]


async def test_a_huge_end_is_stored_as_one(storage: Storage) -> None:
    one = await begin(storage)
    orphan_id = await storage.draw_transaction_id()
    data = [sampled(orphan_id, register(i), seconds=i) for i in range(5000)]
    await storage.record([ended(one.ocpp_id, orphan_id), *data])
    page = await storage.transactions.meter_values(one.id, limit=1000)
    assert len(page.items) == 1000
    assert page.next_cursor is not None
    last = await storage.transactions.meter_values(one.id, since=at(4995))
    assert [found.samples[0].raw for found in last.items] == [str(i) for i in range(4995, 5000)]


async def test_pages_of_values(storage: Storage) -> None:
    one = await begin(storage)
    await storage.record([sampled(one.id, register(i), seconds=i) for i in range(5)])
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = await storage.transactions.meter_values(one.id, limit=2, cursor=cursor)
        seen += [round(found.samples[0].value or 0) for found in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [0, 1, 2, 3, 4]


async def test_a_place_is_what_the_station_said(storage: Storage) -> None:
    await storage.record([sampled(None, register(1), connector=0)])
    found = (await storage.transactions.meter_values(station_id="CP1")).items[0]
    assert (found.evse_id, found.connector_id) == (place("CP1", 0).evse_id, place("CP1", 0).connector_id)


async def test_what_goes_without_saying_takes_no_room_and_is_told_all_the_same(
    storage: Storage, database_url: str
) -> None:
    told: list[Committed] = []
    storage.on_committed(told.extend)
    # Texts as a decoder makes them: equal to the defaults, and not the same objects.
    context, measurand, kind = json.loads(json.dumps(["Sample.Periodic", REGISTER, "Raw"]))
    await storage.record([sampled(None, read_sample("7", measurand, "Wh", context=context, value_format=kind))])
    ((kept,),) = await rows_of(database_url, "SELECT samples FROM meter_value")
    assert json.loads(kept) == [{"raw": "7", "value": 7.0, "unit": "Wh"}]
    (event,) = [each.as_event() for each in told]
    assert event.data["samples"] == [{**json.loads(kept)[0], "measurand": REGISTER, "context": "Sample.Periodic"}]
    (found,) = (await storage.transactions.meter_values(station_id="CP1")).items
    assert (found.samples[0].measurand, found.samples[0].context, found.samples[0].format) == (
        REGISTER,
        "Sample.Periodic",
        "Raw",
    )
