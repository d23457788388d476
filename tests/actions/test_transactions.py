"""StartTransaction and StopTransaction as dialogues (handbook §1.9, §1.14, §3.2.8, §3.2.10)."""

import asyncio
from typing import Any

import pytest

from stationmaster.domain.tokens import TokenStatus
from stationmaster.domain.transactions import Transaction
from stationmaster.services.tokens import Tokens
from stationmaster.storage import Unavailable
from tests.actions.line import CallErrorHeard, Line, connect
from tests.services.node import ORGANISATION, SECOND, START, Node, until


async def start(line: Line, connector_id: int = 1, id_tag: str = "A1", meter_start: int = 100, **more: Any) -> Any:
    payload = {"timestamp": "2025-03-01T12:34:00Z", **more}
    return await line.says(
        "StartTransaction", connectorId=connector_id, idTag=id_tag, meterStart=meter_start, **payload
    )


async def stop(line: Line, transaction_id: int, meter_stop: int = 900, **more: Any) -> Any:
    payload = {"timestamp": "2025-03-01T12:34:50Z", **more}
    return await line.says("StopTransaction", transactionId=transaction_id, meterStop=meter_stop, **payload)


async def transactions(node: Node) -> list[Transaction]:
    page = await node.storage.transactions.find(ORGANISATION)
    return sorted(page.items, key=lambda each: each.id)


# Starts


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("Invalid", None),
        ("Blocked", {"status": TokenStatus.BLOCKED}),
        ("Expired", {"expires_at": START - SECOND}),
        ("Accepted", {}),
    ],
)
async def test_every_start_gets_an_id_whatever_the_token(node: Node, status: str, words: dict[str, Any] | None) -> None:
    if words is not None:
        await node.token("A1", **words)
    line = await connect(node)
    answer = await start(line)
    assert answer["idTagInfo"]["status"] == status
    assert answer["transactionId"] > 0
    (transaction,) = await transactions(node)
    assert (transaction.state, transaction.authorization_status, transaction.id_tag) == ("open", status, "A1")


async def test_a_resent_start_is_the_same_transaction_with_the_same_answer(node: Node) -> None:
    await node.token("A1", max_active_transactions=1)
    line = await connect(node)
    first = await start(line)
    line.hangs_up()
    again = await connect(node)
    assert await start(again) == first
    assert len(await transactions(node)) == 1


async def test_a_newer_start_on_the_connector_supersedes_the_older(node: Node) -> None:
    await node.token("A1", max_active_transactions=1)
    line = await connect(node)
    first = await start(line)
    second = await start(line, timestamp="2025-03-01T12:34:30Z", meter_start=200)
    assert second["idTagInfo"]["status"] == "Accepted"
    assert [each.state for each in await transactions(node)] == ["superseded", "open"]
    await stop(line, first["transactionId"], meter_stop=150)
    assert [(each.state, each.energy_wh) for each in await transactions(node)] == [("closed", 50), ("open", None)]


async def test_a_transaction_from_offline_hours_that_is_told_late_leaves_the_running_one_alone(node: Node) -> None:
    """It began, was measured and ended before the one that runs; all of it is told now."""
    await node.token("A1", max_active_transactions=1)
    line, elsewhere = await connect(node), await connect(node, "CP8")
    running = (await start(line, timestamp="2025-03-01T12:34:00Z"))["transactionId"]
    late = (await start(line, timestamp="2025-03-01T10:00:00Z", meter_start=20))["transactionId"]
    for at, value in (("10:30:00", "50"), ("12:34:00", "101"), ("12:34:30", "120")):
        samples = [{"timestamp": f"2025-03-01T{at}Z", "sampledValue": [{"value": value}]}]
        await line.says("MeterValues", connectorId=1, meterValue=samples)
    assert (await start(elsewhere))["idTagInfo"]["status"] == "ConcurrentTx", "the one that runs counts"
    await stop(line, late, meter_stop=90, timestamp="2025-03-01T11:00:00Z")
    samples = [{"timestamp": "2025-03-01T11:30:00Z", "sampledValue": [{"value": "95"}]}]
    await line.says("MeterValues", connectorId=1, meterValue=samples)

    async def values_of(ocpp_id: int) -> list[float | None]:
        found = await node.storage.transactions.by_ocpp_id("CP7", str(ocpp_id))
        assert found is not None
        return [each.samples[0].value for each in (await node.storage.transactions.meter_values(found.id)).items]

    assert await values_of(late) == [50]
    assert await values_of(running) == [101, 120]
    (only,) = await node.storage.transactions.open_of_station("CP7")
    assert int(only.ocpp_id) == running
    await stop(line, running, meter_stop=150)
    mine = [each for each in await transactions(node) if each.station_id == "CP7"]
    assert [(each.state, each.energy_wh) for each in mine] == [("closed", 50), ("closed", 70)]


async def test_a_late_one_whose_end_is_lost_gets_no_values_of_later(node: Node) -> None:
    line = await connect(node)
    running = (await start(line, timestamp="2025-03-01T12:34:00Z"))["transactionId"]
    await start(line, timestamp="2025-03-01T10:00:00Z")
    await stop(line, running, timestamp="2025-03-01T12:34:40Z")
    samples = [{"timestamp": "2025-03-01T12:34:50Z", "sampledValue": [{"value": "901"}]}]
    await line.says("MeterValues", connectorId=1, meterValue=samples)
    (unlinked,) = (await node.storage.transactions.meter_values(station_id="CP7")).items
    assert unlinked.transaction_id is None


async def test_a_token_at_its_limit_is_concurrent_and_still_gets_an_id(node: Node) -> None:
    await node.token("A1", max_active_transactions=1)
    here, there = await connect(node, "CP7"), await connect(node, "CP8")
    first = await start(here)
    second = await start(there)
    assert second["idTagInfo"]["status"] == "ConcurrentTx"
    await stop(there, second["transactionId"])
    await stop(here, first["transactionId"])
    assert (await start(there, timestamp="2025-03-01T12:34:55Z"))["idTagInfo"]["status"] == "Accepted"


async def test_two_starts_at_once_do_not_pass_a_limit_of_one(node: Node) -> None:
    await node.token("A1", max_active_transactions=1)
    lines = [await connect(node, f"CP{number}") for number in range(6)]
    answers = await asyncio.gather(*(start(line) for line in lines))
    assert sorted(answer["idTagInfo"]["status"] for answer in answers) == ["Accepted"] + ["ConcurrentTx"] * 5


async def test_a_token_without_a_limit_may_charge_everywhere(node: Node) -> None:
    await node.token("A1")
    for number in range(3):
        assert (await start(await connect(node, f"CP{number}")))["idTagInfo"]["status"] == "Accepted"


async def test_a_late_start_goes_by_the_token_as_it_is_now(node: Node) -> None:
    token_id = await node.token("A1")
    line = await connect(node)
    tokens: Tokens = node.services.tokens
    await tokens.update(ORGANISATION, token_id, {"status": "Blocked"})
    assert (await start(line, timestamp="2025-02-27T00:00:00Z"))["idTagInfo"]["status"] == "Blocked"


@pytest.mark.parametrize(
    ("payload", "flags", "meter_start"),
    [
        (
            '{"connectorId":1,"idTag":"A1","meterStart":12.6,"timestamp":"2025-03-01T12:00:00Z"}',
            {"meter_start_rounded"},
            13,
        ),
        ('{"connectorId":1,"idTag":"A1","meterStart":"12","timestamp":"2025-03-01T12:00:00Z"}', set(), 12),
        ('{"connectorId":1,"idTag":"A1","timestamp":"2025-03-01T12:00:00Z"}', {"meter_start_missing"}, None),
        (
            '{"connectorId":1,"idTag":"A1","meterStart":"x","timestamp":"2025-03-01T12:00:00Z"}',
            {"meter_start_unreadable"},
            None,
        ),
        (
            '{"connectorId":1,"idTag":"A1","meterStart":-5,"timestamp":"2025-03-01T12:00:00Z"}',
            {"meter_start_negative"},
            -5,
        ),
        ('{"connectorId":1,"idTag":"A1","meterStart":0}', {"time_missing"}, 0),
        ('{"connectorId":1,"idTag":"A1","meterStart":0,"timestamp":"yesterday"}', {"time_unreadable"}, 0),
        ('{"connectorId":1,"idTag":"A1","meterStart":0,"timestamp":"1970-01-01T00:00:07Z"}', {"clock_unset"}, 0),
        ('{"connectorId":1,"meterStart":0,"timestamp":"2025-03-01T12:00:00Z"}', {"id_tag_missing"}, 0),
        (
            '{"connectorId":1,"idTag":"123456789012345678901","meterStart":0,"timestamp":"2025-03-01T12:00:00Z"}',
            {"id_tag_too_long"},
            0,
        ),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
async def test_a_defective_start_is_stored_flagged_and_confirmed(
    node: Node, payload: str, flags: set[str], meter_start: int | None, strict: bool
) -> None:
    await node.token("A1")
    line = await connect(node, strict=strict)
    answer = await line.says_raw("StartTransaction", payload)
    (transaction,) = await transactions(node)
    assert set(transaction.flags) == flags
    assert transaction.meter_start_wh == meter_start
    assert answer["transactionId"] == int(transaction.ocpp_id)
    usable = not any(flag.startswith("id_tag") for flag in flags)
    assert answer["idTagInfo"]["status"] == ("Accepted" if usable else "Invalid")


async def test_a_start_without_a_time_is_the_same_when_it_comes_again(node: Node) -> None:
    line = await connect(node)
    first = await line.says("StartTransaction", connectorId=1, idTag="A1", meterStart=5)
    node.clock.pass_s(60)
    assert await line.says("StartTransaction", connectorId=1, idTag="A1", meterStart=5, timestamp="soon") == first
    assert len(await transactions(node)) == 1


async def test_a_start_on_an_unreadable_connector_is_an_error(node: Node) -> None:
    line = await connect(node)
    with pytest.raises(CallErrorHeard, match="TypeConstraintViolation"):
        await line.says("StartTransaction", connectorId="x", idTag="A1", meterStart=5, timestamp="2025-03-01T12:00:00Z")
    assert await transactions(node) == []


async def test_reservation_zero_is_none(node: Node) -> None:
    line = await connect(node)
    await start(line, reservationId=0)
    await start(line, connector_id=2, reservationId=17)
    assert [each.reservation_id for each in await transactions(node)] == [None, 17]


# Ends


async def test_a_stop_closes_its_transaction(node: Node) -> None:
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    assert await stop(line, transaction_id, reason="EVDisconnected") == {}
    (transaction,) = await transactions(node)
    assert (transaction.state, transaction.stop_reason, transaction.energy_wh) == ("closed", "EVDisconnected", 800)


async def test_what_we_think_of_the_stopping_token_is_told_only_if_there_was_one(node: Node) -> None:
    await node.token("A1", parent_id_tag="P")
    line = await connect(node)
    first, second = (await start(line))["transactionId"], (await start(line, connector_id=2))["transactionId"]
    assert await stop(line, first) == {}
    assert await stop(line, second, idTag="A1") == {"idTagInfo": {"status": "Accepted", "parentIdTag": "P"}}


async def test_a_repeated_stop_changes_nothing_and_a_different_one_is_flagged(node: Node) -> None:
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    await stop(line, transaction_id)
    assert await stop(line, transaction_id) == {}
    (transaction,) = await transactions(node)
    assert transaction.flags == ()
    assert await stop(line, transaction_id, meter_stop=901) == {}
    (transaction,) = await transactions(node)
    assert (transaction.meter_stop_wh, transaction.flags) == (900, ("conflicting_stop",))


async def test_a_stop_without_a_time_is_the_same_when_it_comes_again(node: Node) -> None:
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=900)
    node.clock.pass_s(60)
    await line.says("StopTransaction", transactionId=transaction_id, meterStop=900)
    (transaction,) = await transactions(node)
    assert (transaction.stopped_at, transaction.flags) == (START, ("time_missing",))


@pytest.mark.parametrize("transaction_id", [-1, 0, 4711])
async def test_a_stop_of_nothing_we_know_is_kept_as_an_orphan(node: Node, transaction_id: int) -> None:
    line = await connect(node)
    values = [{"timestamp": "2025-03-01T12:34:40Z", "sampledValue": [{"value": "7"}]}]
    assert await stop(line, transaction_id, transactionData=values) == {}
    assert await stop(line, transaction_id, transactionData=values) == {}
    assert await stop(line, transaction_id, meter_stop=901) == {}
    first, second = await transactions(node)
    assert (first.ocpp_id, first.meter_stop_wh, first.started_at) == (str(transaction_id), 900, None)
    assert (second.meter_stop_wh, "orphan" in second.flags) == (901, True)
    (only,) = (await node.storage.transactions.meter_values(first.id)).items
    assert only.samples[0].value == 7


async def start_that_is_lost(node: Node, line: Line, **more: Any) -> None:
    """>> a start; the connection is gone before it can be answered."""
    asked = asyncio.create_task(start(line, **more))
    await asyncio.sleep(0)  # it is being stored
    line.hangs_up()

    async def marked() -> bool:
        return any("start_unconfirmed" in each.flags for each in await transactions(node))

    await until(marked)
    asked.cancel()


async def test_a_stop_without_an_id_ends_the_start_that_was_never_answered(node: Node) -> None:
    await start_that_is_lost(node, await connect(node))
    (lost,) = await transactions(node)
    assert (lost.state, lost.flags) == ("open", ("start_unconfirmed",))
    line = await connect(node)
    values = [{"timestamp": "2025-03-01T12:34:40Z", "sampledValue": [{"value": "700"}]}]
    await line.says("MeterValues", connectorId=1, transactionId=-1, meterValue=values)
    assert await stop(line, -1) == {}
    assert await stop(line, -1) == {}
    late = [{"timestamp": "2025-03-01T12:34:55Z", "sampledValue": [{"value": "901"}]}]
    await line.says("MeterValues", connectorId=1, transactionId=-1, meterValue=late)
    (found,) = await transactions(node)
    assert (found.state, found.energy_wh, set(found.flags)) == ("closed", 800, {"start_unconfirmed", "stop_inferred"})
    linked = (await node.storage.transactions.meter_values(found.id)).items
    assert [each.samples[0].value for each in linked] == [700]


async def test_a_start_that_is_stored_but_answered_with_an_error_is_ended_by_a_stop_without_an_id(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await connect(node)

    async def fails(*_: object) -> None:
        raise Unavailable("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(node.services.guesses, "presented", fails)
        with pytest.raises(Unavailable):
            await start(line)
    await stop(line, -1)
    (found,) = await transactions(node)
    assert (found.state, set(found.flags)) == ("closed", {"start_unconfirmed", "stop_inferred"})


async def test_a_lost_start_that_comes_again_is_known_by_its_id(node: Node) -> None:
    await start_that_is_lost(node, await connect(node))
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    await stop(line, -1)
    (mine, orphan) = await transactions(node)
    assert (mine.state, mine.flags, int(mine.ocpp_id)) == ("open", (), transaction_id)
    assert "orphan" in orphan.flags


async def test_a_stop_of_another_stations_transaction_is_an_orphan_and_leaves_theirs_alone(node: Node) -> None:
    here, there = await connect(node, "CP7"), await connect(node, "CP8")
    transaction_id = (await start(here))["transactionId"]
    assert await stop(there, transaction_id) == {}
    mine, orphan = await transactions(node)
    assert (mine.state, mine.station_id) == ("open", "CP7")
    assert (orphan.station_id, "orphan" in orphan.flags) == ("CP8", True)


@pytest.mark.parametrize(
    ("more", "flag"),
    [
        ({"meter_stop": 50}, "negative_energy"),
        ({"timestamp": "2025-03-01T12:00:00Z"}, "stopped_before_start"),
        ({"idTag": "B2"}, "stopped_by_other_token"),
        ({"reason": "Boredom"}, "unknown_reason"),
        ({"timestamp": "2025-03-01T13:00:00Z"}, "clock_ahead"),
        ({"idTag": "x" * 21}, "id_tag_too_long"),
    ],
)
async def test_a_doubtful_stop_closes_and_is_flagged(node: Node, more: dict[str, Any], flag: str) -> None:
    await node.token("A1", parent_id_tag="P")
    await node.token("B2", parent_id_tag="Q")
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    await stop(line, transaction_id, **more)
    (transaction,) = await transactions(node)
    assert transaction.state == "closed"
    assert flag in transaction.flags


async def test_a_stop_by_the_same_group_is_nothing_special(node: Node) -> None:
    await node.token("A1", parent_id_tag="P")
    await node.token("B2", parent_id_tag="p")
    line = await connect(node)
    await stop(line, (await start(line))["transactionId"], idTag="B2")
    (transaction,) = await transactions(node)
    assert (transaction.flags, transaction.stop_id_tag) == ((), "B2")


async def test_a_stop_after_a_reconnect_finds_its_transaction(node: Node) -> None:
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    line.hangs_up()
    again = await connect(node)
    await again.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    await stop(again, transaction_id, reason="PowerLoss")
    (transaction,) = await transactions(node)
    assert (transaction.state, transaction.stop_reason) == ("closed", "PowerLoss")


async def test_a_pending_station_that_was_accepted_once_may_still_report_what_it_charged(node: Node) -> None:
    line = await connect(node)
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    await node.services.stations.update(ORGANISATION, "CP7", {"operator_state": "Pending"})
    await line.says("BootNotification", chargePointVendor="V", chargePointModel="M")
    transaction_id = (await start(line))["transactionId"]
    assert await stop(line, transaction_id) == {}


async def test_a_station_that_moves_charges_at_its_new_site(node: Node) -> None:
    line = await connect(node, site_id="north")
    await start(line)
    await node.services.stations.update(ORGANISATION, "CP7", {"site_id": "south"})

    async def moved() -> bool:
        return bool(line.memory.site_id == "south")

    await until(moved)
    await start(line, connector_id=2)
    assert [each.site_id for each in await transactions(node)] == ["north", "south"]


async def test_what_was_changed_elsewhere_is_read_anew(node: Node) -> None:
    """An operator closed the transaction; what the station says of it afterwards still finds it."""
    line = await connect(node)
    transaction_id = (await start(line))["transactionId"]
    (open_one,) = await transactions(node)
    await node.storage.transactions.update(open_one.id, {"state": "closed", "stopped_at": START - 30 * SECOND})
    node.services.presence.forget("CP7", node.clock())
    await line.says(
        "MeterValues",
        connectorId=1,
        meterValue=[{"timestamp": "2025-03-01T12:34:50Z", "sampledValue": [{"value": "1"}]}],
    )
    (unlinked,) = (await node.storage.transactions.meter_values(station_id="CP7")).items
    assert unlinked.transaction_id is None
    await stop(line, transaction_id)
    (closed,) = await transactions(node)
    assert (closed.state, closed.meter_stop_wh) == ("closed", 900)


async def test_a_tag_too_long_for_the_wire_is_invalid_even_if_somebody_registered_it(node: Node) -> None:
    await node.token("x" * 21)
    line = await connect(node)
    assert (await start(line, id_tag="x" * 21))["idTagInfo"] == {"status": "Invalid"}
