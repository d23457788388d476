"""Starts and ends as a station tells them, once or more often (handbook §1.14, §3.2.8, §3.2.10)."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.facts import TransactionEndStored, TransactionStored
from stationmaster.domain.tokens import Token
from stationmaster.storage import Storage
from stationmaster.storage.numbers import scramble
from tests.storage.conftest import opened
from tests.storage.facts import at, ended, register, sampled, started, unanswered


async def begin(storage: Storage, **more: Any) -> TransactionStored:
    """>> a start << what it became."""
    outcome = (await storage.record([started(await storage.draw_transaction_id(), **more)]))[0]
    assert isinstance(outcome, TransactionStored)
    return outcome


async def end(storage: Storage, ocpp_id: str, **more: Any) -> TransactionEndStored:
    """>> an end << what it became."""
    outcome = (await storage.record([ended(ocpp_id, await storage.draw_transaction_id(), **more)]))[0]
    assert isinstance(outcome, TransactionEndStored)
    return outcome


async def states(storage: Storage) -> dict[int, str]:
    return {found.id: found.state for found in (await storage.transactions.find()).items}


async def test_a_start_is_stored_open_and_known_by_a_scrambled_number(storage: Storage) -> None:
    outcome = await begin(storage, id_tag="TAG", meter_start_wh=1000, remote_start_job_id="job-1")
    assert outcome == TransactionStored(1, str(scramble(1)), False, "Accepted")
    found = await storage.transactions.by_ocpp_id("CP1", outcome.ocpp_id)
    assert found is not None
    assert (found.id, found.state, found.evse_id, found.connector_id) == (1, "open", 1, 1)
    assert (found.id_tag, found.meter_start_wh, found.started_at, found.start_received_at) == (
        "TAG",
        1000,
        at(0),
        at(5),
    )
    assert (found.energy_wh, found.stopped_at, found.flags, found.remote_start_job_id) == (None, None, (), "job-1")
    assert await storage.transactions.by_ocpp_id("CP2", outcome.ocpp_id) is None


async def test_a_resent_start_is_answered_as_before_and_adds_nothing(storage: Storage) -> None:
    first = await begin(storage, authorization_status="Blocked", parent_id_tag="GROUP", authorization_expires_at=at(99))
    again = await begin(storage, authorization_status="Accepted")
    assert again == TransactionStored(first.id, first.ocpp_id, True, "Blocked", at(99), "GROUP")
    assert await states(storage) == {first.id: "open"}


async def test_a_resend_of_a_transaction_that_is_over_is_recognised(storage: Storage) -> None:
    first = await begin(storage)
    await end(storage, first.ocpp_id)
    assert (await begin(storage)).id == first.id
    assert await states(storage) == {first.id: "closed"}


async def test_a_resend_may_write_the_tag_in_another_case(storage: Storage) -> None:
    first = await begin(storage, id_tag="Tag")
    assert (await begin(storage, id_tag="tAG")).id == first.id


async def test_whatever_differs_makes_another_transaction(storage: Storage) -> None:
    first = await begin(storage)
    others = [
        await begin(storage, seconds=0.001),
        await begin(storage, id_tag="OTHER"),
        await begin(storage, id_tag=None),
        await begin(storage, meter_start_wh=1001),
        await begin(storage, meter_start_wh=None),
        await begin(storage, connector=2),
        await begin(storage, station_id="CP2"),
    ]
    assert len({first.id, *(other.id for other in others)}) == 8


async def test_a_start_without_a_time_is_recognised_while_it_is_open(storage: Storage) -> None:
    first = await begin(storage, seconds=0, started_at_text=None)
    assert (await begin(storage, seconds=70, started_at_text=None)) == TransactionStored(
        first.id, first.ocpp_id, True, "Accepted"
    )
    await end(storage, first.ocpp_id, seconds=100)
    assert (await begin(storage, seconds=200, started_at_text=None)).id != first.id


async def test_a_newer_start_supersedes_the_open_one_on_its_connector_only(storage: Storage) -> None:
    old = await begin(storage, connector=1)
    beside = await begin(storage, connector=2)
    elsewhere = await begin(storage, station_id="CP2")
    new = await begin(storage, connector=1, seconds=100)
    assert new.superseded_ids == (old.id,)
    assert await states(storage) == {
        old.id: "superseded",
        beside.id: "open",
        elsewhere.id: "open",
        new.id: "open",
    }
    assert [found.id for found in await storage.transactions.open_of_station("CP1")] == [beside.id, new.id]


async def test_a_superseded_transaction_is_closed_by_its_late_end(storage: Storage) -> None:
    old = await begin(storage)
    await begin(storage, seconds=100)
    assert await end(storage, old.ocpp_id, seconds=90) == TransactionEndStored(old.id, "closed")
    assert (await states(storage))[old.id] == "closed"


async def test_starts_of_one_commit_supersede_each_other_in_order(storage: Storage) -> None:
    numbers = [await storage.draw_transaction_id() for _ in range(3)]
    facts = [started(number, seconds=i) for i, number in enumerate(numbers)]
    outcomes = await storage.record([*facts, started(99, seconds=0)])
    assert [outcome.superseded_ids for outcome in outcomes] == [(), (numbers[0],), (numbers[1],), ()]
    assert (outcomes[3].id, outcomes[3].resend) == (numbers[0], True)
    assert await states(storage) == dict(zip(numbers, ["superseded", "superseded", "open"], strict=True))


async def test_a_start_that_comes_late_leaves_the_newer_one_running(storage: Storage) -> None:
    running = await begin(storage, seconds=7200)
    late = await begin(storage, seconds=0, received_at=at(7300))
    assert (late.superseded_ids, late.superseded_at) == ((), at(7200))
    assert await states(storage) == {running.id: "open", late.id: "superseded"}
    assert (await begin(storage, seconds=0, received_at=at(7400))).id == late.id, "it is the same when it comes again"
    assert await end(storage, late.ocpp_id, seconds=3600) == TransactionEndStored(late.id, "closed")
    assert await states(storage) == {running.id: "open", late.id: "closed"}


async def test_the_starts_of_a_station_that_was_offline_are_put_in_their_order(storage: Storage) -> None:
    """One runs when the queue of the last hours arrives, in one commit with the next one."""
    running = await begin(storage, seconds=7200)
    numbers = [await storage.draw_transaction_id() for _ in range(3)]
    facts = [
        started(number, seconds=seconds, received_at=at(7300))
        for number, seconds in zip(numbers, (0, 3600, 7290), strict=True)
    ]
    outcomes = await storage.record(facts)
    assert [outcome.superseded_ids for outcome in outcomes] == [(), (), (running.id,)]
    assert [outcome.superseded_at for outcome in outcomes] == [at(7200), at(7200), None]
    assert await states(storage) == {
        running.id: "superseded",
        numbers[0]: "superseded",
        numbers[1]: "superseded",
        numbers[2]: "open",
    }


async def test_a_late_start_after_one_that_is_over_runs_until_its_end_comes(storage: Storage) -> None:
    over = await begin(storage, seconds=0)
    await end(storage, over.ocpp_id, seconds=600)
    late = await begin(storage, seconds=1200, received_at=at(7300))
    assert await states(storage) == {over.id: "closed", late.id: "open"}
    later = await begin(storage, seconds=2400, received_at=at(7301))
    assert later.superseded_ids == (late.id,)


@pytest.mark.parametrize("flag", ["clock_unset", "clock_ahead", "time_missing", "time_unreadable"])
@pytest.mark.parametrize("doubtful", ["first", "second"])
async def test_where_a_time_tells_nothing_what_is_heard_of_last_is_the_newer(
    storage: Storage, flag: str, doubtful: str
) -> None:
    first = await begin(storage, seconds=7200, flags=(flag,) if doubtful == "first" else ())
    second = await begin(
        storage, seconds=0, received_at=at(7300), flags=("other", flag) if doubtful == "second" else ()
    )
    assert second.superseded_ids == (first.id,)
    assert await states(storage) == {first.id: "superseded", second.id: "open"}


async def test_a_clock_that_was_set_right_makes_no_start_late(storage: Storage) -> None:
    """It was three minutes ahead; what began after we heard of the other one cannot be older."""
    fast = await begin(storage, seconds=180, received_at=at(0))
    right = await begin(storage, seconds=60, received_at=at(61))
    assert right.superseded_ids == (fast.id,)
    assert await states(storage) == {fast.id: "superseded", right.id: "open"}


async def test_an_end_closes(storage: Storage) -> None:
    first = await begin(storage, meter_start_wh=1000)
    outcome = await end(storage, first.ocpp_id, meter_stop_wh=8000, reason="Remote", id_tag="tag", flags=("late",))
    assert outcome == TransactionEndStored(first.id, "closed", ("late",))
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert (found.state, found.stopped_at, found.stop_received_at, found.stop_reason) == (
        "closed",
        at(3600),
        at(3605),
        "Remote",
    )
    assert (found.meter_stop_wh, found.energy_wh, found.energy_source) == (8000, 7000, "meter_stop")
    assert (found.stop_id_tag, found.flags) == ("tag", ("late",))
    assert await storage.transactions.open_of_station("CP1") == []


async def test_a_repeated_end_changes_nothing(storage: Storage) -> None:
    first = await begin(storage)
    await end(storage, first.ocpp_id)
    before = await storage.transactions.get(first.id)
    assert await end(storage, first.ocpp_id) == TransactionEndStored(first.id, "resend")
    assert await storage.transactions.get(first.id) == before


async def test_a_contradicting_end_is_flagged_and_the_first_stays(storage: Storage) -> None:
    first = await begin(storage)
    await end(storage, first.ocpp_id, meter_stop_wh=8000)
    assert await end(storage, first.ocpp_id, meter_stop_wh=9000) == TransactionEndStored(
        first.id, "conflict", ("conflicting_stop",)
    )
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert (found.meter_stop_wh, found.flags) == (8000, ("conflicting_stop",))


async def test_doubtful_ends_are_stored_as_they_are_and_flagged(storage: Storage) -> None:
    first = await begin(storage, seconds=100, meter_start_wh=1000)
    outcome = await end(storage, first.ocpp_id, seconds=50, meter_stop_wh=900)
    assert outcome.flags == ("negative_energy", "stopped_before_start")
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert (found.meter_stop_wh, found.energy_wh) == (900, None)


async def test_a_stopping_tag_of_another_group_is_flagged(storage: Storage) -> None:
    async def token(value: str, parent: str | None) -> int:
        new = Token(id=0, organisation_id="default", value=value, parent_id_tag=parent)
        return (await storage.tokens.create(new)).id

    mate, stranger = await token("MATE", "group"), await token("STRANGER", "OTHERS")
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"id_tag": "tag", "token_id": None}, ()),
        ({"id_tag": None}, ()),
        ({"id_tag": "MATE", "token_id": mate}, ()),
        ({"id_tag": "STRANGER", "token_id": stranger}, ("stopped_by_other_token",)),
        ({"id_tag": "UNKNOWN", "token_id": None}, ("stopped_by_other_token",)),
    ]
    for i, (stop, flags) in enumerate(cases):
        first = await begin(storage, seconds=i, parent_id_tag="GROUP")
        assert (await end(storage, first.ocpp_id, **stop)).flags == flags


async def test_an_end_of_nothing_becomes_an_orphan_of_its_own(storage: Storage) -> None:
    first = await end(storage, "-1", seconds=10, meter_stop_wh=5)
    assert (first.result, first.flags) == ("orphan", ("orphan",))
    assert await end(storage, "-1", seconds=10, meter_stop_wh=5) == TransactionEndStored(
        first.id, "resend", ("orphan",)
    )
    others = [
        await end(storage, "-1", seconds=11, meter_stop_wh=5),
        await end(storage, "-1", seconds=10, meter_stop_wh=6),
        await end(storage, "-1", seconds=10, meter_stop_wh=None),
        await end(storage, "0", seconds=10, meter_stop_wh=5),
        await end(storage, "-1", station_id="CP2", seconds=10, meter_stop_wh=5),
    ]
    assert [other.result for other in others] == ["orphan"] * 5
    assert len(await states(storage)) == 6
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert (found.ocpp_id, found.started_at, found.evse_id, found.energy_wh) == ("-1", None, None, None)
    assert (found.stopped_at, found.meter_stop_wh, found.stop_reason) == (at(10), 5, "Local")


async def test_an_end_without_an_id_ends_the_newest_start_that_was_never_confirmed(storage: Storage) -> None:
    first, second, confirmed = [await begin(storage, connector=i, seconds=i, meter_start_wh=10) for i in (1, 2, 3)]
    for lost in (first, second):
        storage.note(unanswered(lost.id))
    outcome = await end(storage, "-1", seconds=90, meter_stop_wh=60)
    flags = ("start_unconfirmed", "stop_inferred")
    assert outcome == TransactionEndStored(second.id, "closed", flags)
    assert await end(storage, "-1", seconds=90, meter_stop_wh=60) == TransactionEndStored(second.id, "resend", flags)
    assert await states(storage) == {first.id: "open", second.id: "closed", confirmed.id: "open"}
    found = await storage.transactions.get(second.id)
    assert found is not None
    assert (found.energy_wh, found.stopped_at) == (50, at(90))
    assert (await end(storage, "0", seconds=91)).result == "orphan"
    assert (await end(storage, "-1", station_id="CP2", seconds=91)).result == "orphan"
    assert (await end(storage, "-1", seconds=91, meter_stop_wh=60)).id == first.id
    assert (await end(storage, "-1", seconds=92)).result == "orphan", "nothing is left that it could be"


async def test_an_end_without_an_id_that_cannot_be_of_a_start_stays_an_orphan(storage: Storage) -> None:
    lost = await begin(storage, seconds=100, meter_start_wh=1000)
    storage.note(unanswered(lost.id))
    assert (await end(storage, "-1", seconds=50)).result == "orphan"
    assert (await end(storage, "-1", seconds=200, meter_stop_wh=999)).result == "orphan"
    facts = [ended("-1", 91, seconds=300, ended_at_text=None), ended("-1", 92, seconds=400, ended_at_text=None)]
    assert [(outcome.id, outcome.result) for outcome in await storage.record(facts)] == [
        (lost.id, "closed"),
        (lost.id, "resend"),
    ]


async def test_a_start_that_comes_again_is_confirmed(storage: Storage) -> None:
    first = await begin(storage, flags=("clock_unset",))
    for _ in range(2):
        await storage.record([unanswered(first.id)])
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert found.flags == ("clock_unset", "start_unconfirmed")
    assert (await begin(storage)).id == first.id
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert found.flags == ("clock_unset",)
    storage.note(unanswered(first.id))  # it rides along with what comes
    assert (await begin(storage)).id == first.id
    assert (await end(storage, "-1")).result == "orphan"


async def test_an_end_by_its_id_shows_that_the_start_was_confirmed(storage: Storage) -> None:
    first = await begin(storage)
    storage.note(unanswered(first.id))
    assert await end(storage, first.ocpp_id) == TransactionEndStored(first.id, "closed")


async def test_ends_of_one_commit_are_told_apart_as_others_are(storage: Storage) -> None:
    one = await begin(storage)
    facts = [
        ended("-1", 91),
        ended("-1", 92),
        ended(one.ocpp_id, 93),
        ended(one.ocpp_id, 94),
        ended(one.ocpp_id, 95, meter_stop_wh=1),
    ]
    outcomes = await storage.record(facts)
    assert [(outcome.id, outcome.result) for outcome in outcomes] == [
        (91, "orphan"),
        (91, "resend"),
        (one.id, "closed"),
        (one.id, "resend"),
        (one.id, "conflict"),
    ]


async def test_an_orphan_without_a_time_is_told_by_its_meter(storage: Storage) -> None:
    first = await end(storage, "-1", seconds=10, ended_at_text=None)
    assert (await end(storage, "-1", seconds=90, ended_at_text=None)).id == first.id


async def test_nobody_ends_another_stations_transaction(storage: Storage) -> None:
    first = await begin(storage, station_id="CP1")
    assert (await end(storage, first.ocpp_id, station_id="CP2")).result == "orphan"
    assert (await states(storage))[first.id] == "open"


async def test_a_transaction_closed_by_policy_gives_way_to_its_own_end(storage: Storage) -> None:
    first = await begin(storage)
    await storage.transactions.update(
        first.id, {"state": "closed", "stop_reason": "lost", "flags": ("closed_by_policy",)}
    )
    assert (await end(storage, first.ocpp_id)).result == "closed"
    found = await storage.transactions.get(first.id)
    assert found is not None
    assert (found.stop_reason, found.flags) == ("Local", ("closed_by_policy",))


async def test_the_energy_of_an_end_without_a_reading_is_that_of_the_last_sample(storage: Storage) -> None:
    first = await begin(storage, meter_start_wh=1000)
    await storage.record(
        [sampled(first.id, register(1500), seconds=60), sampled(first.id, register(2500), seconds=120)]
    )
    running = await storage.transactions.get(first.id)
    assert running is not None
    assert (running.last_meter_wh, running.last_sampled_at, running.energy_wh) == (2500, at(120), None)
    await end(storage, first.ocpp_id, meter_stop_wh=None)
    over = await storage.transactions.get(first.id)
    assert over is not None
    assert (over.energy_wh, over.energy_source, over.meter_stop_wh) == (1500, "last_sample", None)


async def test_numbers_are_not_given_again_after_a_restart(database_url: str) -> None:
    drawn: list[int] = []
    for node_id in ("node-1", "node-2", "node-1"):
        async with opened(database_url, node_id=node_id) as storage:
            drawn += await asyncio.gather(*(storage.draw_transaction_id() for _ in range(300)))
    assert len(set(drawn)) == 900
    assert min(drawn) == 1


async def test_the_transaction_at_a_moment_is_found(storage: Storage) -> None:
    first = await begin(storage, seconds=0)
    await end(storage, first.ocpp_id, seconds=100)
    second = await begin(storage, seconds=200)

    async def number_at(seconds: float, evse_id: int = 1) -> int | None:
        found = await storage.transactions.at("CP1", evse_id, at(seconds))
        return None if found is None else found.id

    assert [await number_at(s) for s in (-1, 0, 100, 101, 200, 9999)] == [
        None,
        first.id,
        first.id,
        None,
        second.id,
        second.id,
    ]
    assert await number_at(50, evse_id=2) is None


async def test_a_superseded_transaction_ran_until_the_next_one_began(storage: Storage) -> None:
    running = await begin(storage, seconds=7200)
    late = await begin(storage, seconds=0, received_at=at(7300))
    await end(storage, running.ocpp_id, seconds=7400)
    found = [await storage.transactions.at("CP1", 1, at(seconds)) for seconds in (3600, 7200, 7500)]
    assert [None if each is None else each.id for each in found] == [late.id, running.id, None]


async def test_our_number_of_a_stations_number(storage: Storage) -> None:
    first, second = await begin(storage), await begin(storage, connector=2)
    numbers = storage.transactions.number_of
    asked = [("CP1", first.ocpp_id), ("CP1", second.ocpp_id), ("CP2", first.ocpp_id), ("CP1", "-1")]
    answers = await asyncio.gather(*(numbers(station_id, ocpp_id) for station_id, ocpp_id in asked))
    assert list(answers) == [first.id, second.id, None, None]


async def test_lists_are_filtered_and_paged(storage: Storage) -> None:
    for i in range(5):
        outcome = await begin(storage, seconds=i, connector=i + 1, id_tag=f"Tag{i % 2}")
        if i < 2:
            await end(storage, outcome.ocpp_id, meter_stop_wh=0 if i else 5000)

    async def numbers(**filters: Any) -> list[int]:
        return [found.id for found in (await storage.transactions.find(**filters)).items]

    assert len(await numbers()) == 5
    assert await numbers() == sorted(await numbers(), reverse=True)
    assert len(await numbers(state="open")) == 3
    assert len(await numbers(state="closed")) == 2
    assert len(await numbers(id_tag="tag1")) == 2
    assert len(await numbers(since=at(1), until=at(3))) == 2
    assert len(await numbers(flagged=True)) == 1
    assert len(await numbers(evse_id=3)) == 1
    assert await numbers(station_id="CP9") == []
    assert await numbers(organisation_id="other") == []
    assert await numbers(site_ids=["s"]) == []
    first = await storage.transactions.find(limit=2)
    second = await storage.transactions.find(limit=2, cursor=first.next_cursor)
    third = await storage.transactions.find(limit=2, cursor=second.next_cursor)
    assert third.next_cursor is None
    assert [found.id for page in (first, second, third) for found in page.items] == await numbers()
